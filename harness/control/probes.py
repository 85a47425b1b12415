"""Round trips of a few small calls, and how long a new resource takes to be found.

One tagged probe a round, deleted again:

    create ──▶ read by id ──▶ search by identifier, again until it is found (index lag) ──▶ delete
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from harness.control.client import ControlClient
from harness.fhir import requests
from harness.fhir.call import Call
from harness.fhir.capabilities import Capabilities
from harness.fhir.checks import split_search_result
from harness.fhir.systems import ID_SYSTEM

__all__ = ["Probes", "RoundTrip", "measure_round_trips"]

ROUNDS: Final = 5
LONGEST_LAG_S: Final = 5.0
"""Index lag beyond this is not waited for: a clinician who searches for what she just wrote has long given up."""
_KINDS: Final = ("Organization", "Patient", "Observation")
PROBE_TAG: Final = "run-probe"


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Shortest and middle time of a small call, in milliseconds, connection kept alive."""

    operation: str
    rounds: int
    min_ms: float
    median_ms: float

    @classmethod
    def of(cls, operation: str, times_ms: Sequence[float]) -> RoundTrip:
        return cls(operation, len(times_ms), min(times_ms), median(times_ms))


@dataclass(frozen=True, slots=True)
class Probes:
    """What the probes found. `index_lag_ms` is the longest seen, None where something was never found by searching."""

    round_trips: tuple[RoundTrip, ...] = ()
    index_lag_ms: float | None = None
    skipped: str = ""
    """Why there are none."""
    left_behind: tuple[str, ...] = ()
    """Probes that could not be deleted again, as `Kind/id`."""


def measure_round_trips(client: ControlClient, capabilities: Capabilities, rounds: int = ROUNDS) -> Probes:
    """Create, read, find and delete a probe, `rounds` times.

    Raises TargetError where an interaction that the target declares is refused.
    """
    kind = next((kind for kind in _KINDS if not capabilities.lacks(_needs(kind))), "")
    if not kind:
        return Probes(skipped=f"the target declares no create, read, delete and search of {', '.join(_KINDS)}")
    times_ms: dict[str, list[float]] = {}
    lags_ms: list[float | None] = []
    left: list[str] = []
    for _ in range(rounds):
        value = f"probe-{uuid.uuid4().hex}"
        created, took_ms = _timed(client.json, requests.create(_probe(kind, value)))
        where = str(created.get("id", ""))
        try:
            _note(times_ms, f"{kind}.create", took_ms)
            _note(times_ms, f"{kind}.read", _timed(client.json, requests.read(kind, where))[1])
            lag_ms, search_ms = _index_lag(client, kind, value)
            lags_ms.append(lag_ms)
            _note(times_ms, f"{kind}.search[identifier]", search_ms)
        finally:
            deleted, took_ms = _timed(client.send, requests.delete(kind, where))
            if deleted.outcome != "ok":
                left.append(f"{kind}/{where}")
        _note(times_ms, f"{kind}.delete", took_ms)
    lag_ms = max((lag for lag in lags_ms if lag is not None), default=None) if None not in lags_ms else None
    return Probes(tuple(RoundTrip.of(name, times) for name, times in times_ms.items()), lag_ms, left_behind=tuple(left))


def _needs(kind: str) -> tuple[str, ...]:
    return (f"{kind}.create", f"{kind}.read", f"{kind}.delete", f"{kind}?identifier")


def _probe(kind: str, value: str) -> dict[str, Any]:
    """The smallest valid resource of its kind, tagged, so that `emrload cleanup` finds it should it be left behind."""
    name = "Round-trip probe of emr-load-harness, may be deleted"
    contents: dict[str, dict[str, Any]] = {
        "Organization": {"name": name},
        "Patient": {"name": [{"text": name}]},
        "Observation": {"status": "final", "code": {"text": name}},
    }
    probe = {"resourceType": kind, "identifier": [{"system": ID_SYSTEM, "value": value}], **contents[kind]}
    return requests.tagged(probe, PROBE_TAG)


def _index_lag(client: ControlClient, kind: str, value: str) -> tuple[float | None, float]:
    """Milliseconds until a search finds what was created, and those of the last search itself.

    The former are 0 where the first search finds it, None where it was not found in LONGEST_LAG_S.
    """
    began = time.perf_counter()
    asked = 0
    while True:
        call = requests.search(kind, "", {"identifier": f"{ID_SYSTEM}|{value}"})
        bundle, took_ms = _timed(client.json, call)
        asked += 1
        waited_ms = (time.perf_counter() - began) * 1000
        if split_search_result(bundle)[0]:
            return (0.0 if asked == 1 else waited_ms), took_ms
        if waited_ms > LONGEST_LAG_S * 1000:
            return None, took_ms
        time.sleep(0.02)


def _timed(send: Callable[[Call], Any], call: Call) -> tuple[Any, float]:
    began = time.perf_counter()
    answer = send(call)
    return answer, (time.perf_counter() - began) * 1000


def _note(times_ms: dict[str, list[float]], operation: str, took_ms: float) -> None:
    times_ms.setdefault(operation, []).append(took_ms)
