"""What a run of each workflow costs a server and a clinician: played on the virtual clock in units of pauses, cached.

    a trace     pause pause Encounter.search pause Observation.search … pause        whatever the pace
    a cost      with a persona's spread of pauses: mean requests, mean pauses, and how both spread over time

A trace depends on our own code only: the digest of that is its key in the cache.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from harness import __version__
from harness.clinic.post import Habits
from harness.plan.draws import Draws, lognormal_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.clinic.virtual import Trace

    Floats = NDArray[np.float64]

__all__ = ["POINTS", "RESPONSE_S", "Cost", "cache_dir", "costs_of", "mean_run_s", "traces_for"]

FEW_RUNS: Final = 6
"""A workflow that goes the same way in so many plays goes no other way worth counting."""
RUNS_PER_WORKFLOW: Final = 40
"""Plays of each other workflow: enough for a mean that is good to a few per cent, as a preview needs."""
POINTS: Final = 20
"""Quantiles that stand for a distribution."""
_DRAWN: Final = 200
"""Runs that are drawn for a spread."""
RESPONSE_S: Final = 0.2
"""What a request is taken to need at the target, in seconds. source: assumption (thinking takes many times as long)."""
SEED: Final = 20_260_101
"""The measurement's own, so that it is one fact about the code, whatever the run's seed."""
_MEASURED_PACKAGES: Final = ("clinic", "fhir", "population", "plan")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Moments:
    """`POINTS` equally likely moments in a run: pauses passed by then, in multiples of the mean one, and requests."""

    pauses: Floats
    requests: Floats

    def seconds(self, pause_s: float | Floats) -> Floats:
        """Since the run's beginning, for one whose mean pause is `pause_s`; with several, a row for each."""
        return np.asarray(np.multiply.outer(pause_s, self.pauses) + self.requests * RESPONSE_S)


@dataclass(frozen=True, slots=True)
class Cost:
    """Means over the runs of one workflow, and how they spread in time. Pauses between workflows are not part of it."""

    requests: Mapping[str, float]
    """Operation → requests a run."""
    pauses: float
    """Pauses for thinking a run."""
    ends: Moments
    moments: Mapping[str, Moments]
    """Operation → when such a request is sent."""

    @property
    def calls(self) -> float:
        """Requests a run."""
        return sum(self.requests.values())

    def length_s(self, pause_s: float) -> float:
        """Mean seconds a run of somebody whose mean pause is `pause_s`, waiting for answers included."""
        return self.pauses * pause_s + self.calls * RESPONSE_S


def costs_of(habits: Habits) -> dict[str, Cost]:
    """Workflow → its cost for somebody of these habits, on arrival and later.

    Traces come from the cache, or are measured and put there.
    """
    names = list(dict.fromkeys((*habits.on_arrival, *habits.weights)))
    traces = traces_for(habits.persona, names)
    return {name: _cost(traces[name], habits.think.sigma) for name in names}


def mean_run_s(costs: Mapping[str, Cost], weights: Mapping[str, float], pause_s: float) -> float:
    """Seconds that a run takes on the mean over workflows chosen by weight; 0 where none has any."""
    total = sum(weights.get(name, 0.0) for name in costs)
    if not total:
        return 0.0
    return sum(weights.get(name, 0.0) * cost.length_s(pause_s) for name, cost in costs.items()) / total


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/emr-load-harness`, or `~/.cache/emr-load-harness`; safe to delete."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG base directory specification says that a relative path is to be ignored.
    return (Path(root) if Path(root).is_absolute() else Path.home() / ".cache") / "emr-load-harness"


def _cost(traces: Mapping[Trace, int], sigma: float) -> Cost:
    """Runs of these traces, each so often as it was seen, with pauses drawn as they are in life."""
    plays = sum(traces.values())
    requests: Counter[str] = Counter()
    for trace, times in traces.items():
        for _, operation in trace.calls:
            requests[operation] += times
    pauses = sum(trace.pauses * times for trace, times in traces.items()) / plays
    ends: list[tuple[Floats, float]] = []
    moments: dict[str, list[tuple[Floats, float]]] = {operation: [] for operation in requests}
    draws = Draws()
    for trace, times in traces.items():
        rows = max(1, round(_DRAWN * times / plays))
        passed = np.zeros((rows, trace.pauses + 1))
        if trace.pauses:
            passed[:, 1:] = lognormal_units(draws, sigma, rows * trace.pauses).reshape(rows, -1).cumsum(axis=1)
            passed *= trace.pauses / max(float(passed[:, -1].mean()), 1e-12)
        for number, (before, operation) in enumerate(trace.calls):
            moments[operation].append((passed[:, before], float(number)))
        ends.append((passed[:, -1], float(len(trace.calls))))
    return Cost(
        {operation: count / plays for operation, count in requests.items()},
        pauses,
        _points(ends),
        {operation: _points(found) for operation, found in moments.items()},
    )


def _points(found: Sequence[tuple[Floats, float]]) -> Moments:
    """The middles of `POINTS` equal shares, in the order of the pauses passed."""
    pauses = np.concatenate([rows for rows, _ in found])
    requests = np.concatenate([np.full(len(rows), number) for rows, number in found])
    order = np.argsort(pauses + requests * 1e-9, kind="stable")
    chosen = order[((np.arange(POINTS) + 0.5) / POINTS * len(order)).astype(np.int64)]
    return Moments(pauses[chosen], requests[chosen])


def traces_for(persona: str, names: Sequence[str]) -> dict[str, dict[Trace, int]]:
    """Workflow → how its runs go, each way with how often it was seen; from the cache, or measured and put there."""
    path = cache_dir() / f"traces-{_source_digest()}.json"
    known = _read(path)
    keys = {name: _key(name) for name in names}
    missing = [name for name, key in keys.items() if key not in known]
    if missing:
        from harness.clinic.virtual import traces_of

        for name in missing:
            known[keys[name]] = traces_of(name, persona, few=FEW_RUNS, most=RUNS_PER_WORKFLOW, seed=SEED)
        _write(path, known)
    return {name: known[key] for name, key in keys.items()}


def _key(name: str) -> str:
    """A workflow of one's own is known by its file's text, too."""
    from harness.clinic.registry import WORKFLOWS

    text = WORKFLOWS[name].text
    return f"{name} {hashlib.sha256(text.encode()).hexdigest()[:16]}" if text else name


@cache
def _source_digest() -> str:
    """Of the code that measures and is measured, so that a checkout that changes never reads stale figures."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256(json.dumps([__version__, FEW_RUNS, RUNS_PER_WORKFLOW, SEED]).encode())
    for package in _MEASURED_PACKAGES:
        for source in sorted((root / package).rglob("*.py")):
            digest.update(source.relative_to(root).as_posix().encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:24]


@cache
def _remembered(path: Path, written_ns: int) -> dict[str, dict[Trace, int]]:  # noqa: ARG001 (a file that changed is read anew)
    from harness.clinic.virtual import Trace

    def traces(entry: Any) -> dict[Trace, int]:
        return {
            Trace(tuple((int(before), str(what)) for before, what in calls), int(pauses), int(written)): int(times)
            for calls, pauses, written, times in entry
        }

    return {str(key): traces(entry) for key, entry in json.loads(path.read_bytes()).items()}


def _read(path: Path) -> dict[str, dict[Trace, int]]:
    try:
        return dict(_remembered(path, path.stat().st_mtime_ns))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning(
            "cached workflow costs in %s cannot be read (%s); they are measured again", path, type(error).__name__
        )
        return {}


def _write(path: Path, known: Mapping[str, Mapping[Trace, int]]) -> None:
    entries = {
        key: [[trace.calls, trace.pauses, trace.written, times] for trace, times in traces.items()]
        for key, traces in known.items()
    }
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(entries), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        _log.info("workflow costs are not cached in %s (%s); every plan measures them", path.parent, error.strerror)
