"""What a run of each workflow costs a server and a clinician, measured on the virtual clock, cached on disk.

The measurement depends on the persona's pace and our own code only: the digest of both is its key in the cache.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness import __version__
from harness.clinic.clinician import Habits
from harness.fhir.call import Answer, Call

__all__ = ["POINTS", "RESPONSE_S", "Cost", "cache_dir", "costs_of", "mean_run_s"]

RUNS_PER_WORKFLOW = 100
"""Plays of each workflow: enough for a mean that is good to a few per cent, as a preview needs."""
POINTS = 20
"""Quantiles that stand for a distribution."""
RESPONSE_S = 0.2
"""What a request is taken to need at the target, in seconds. source: assumption (thinking takes many times as long)."""
SEED = 20_260_101
"""The measurement's own, so that it is one fact about the code, whatever the run's seed."""
_MEASURED_PACKAGES = ("clinic", "fhir", "population", "plan")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cost:
    """Means over the runs of one workflow, and how they spread in time. Pauses between workflows are not part of it."""

    requests: Mapping[str, float]
    """Operation → requests a run."""
    think_s: float
    durations_s: tuple[float, ...]
    """`POINTS` equally likely lengths of a run."""
    request_ages_s: Mapping[str, tuple[float, ...]]
    """Operation → `POINTS` equally likely moments of such a request, since its run began."""

    @property
    def calls(self) -> float:
        """Requests a run."""
        return sum(self.requests.values())

    @property
    def length_s(self) -> float:
        """Mean seconds a run, waiting for answers included."""
        return self.think_s + self.calls * RESPONSE_S


def costs_of(habits: Habits) -> dict[str, Cost]:
    """Workflow → its cost for a clinician of these habits; from the cache, or measured and put there."""
    path = cache_dir() / f"costs-{_digest(habits)}.json"
    found = _read(path)
    if found is None:
        found = _measure(habits)
        _write(path, found)
    return found


def mean_run_s(costs: Mapping[str, Cost], weights: Mapping[str, float]) -> float:
    """Seconds that a run takes on the mean over workflows chosen by weight; 0 where none has any."""
    total = sum(weights.get(name, 0.0) for name in costs)
    return sum(weights.get(name, 0.0) * cost.length_s for name, cost in costs.items()) / total if total else 0.0


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/emr-load-harness`, or `~/.cache/emr-load-harness`; safe to delete."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG base directory specification says that a relative path is to be ignored.
    return (Path(root) if Path(root).is_absolute() else Path.home() / ".cache") / "emr-load-harness"


def _measure(habits: Habits) -> dict[str, Cost]:
    from harness.clinic.virtual import measure

    means = measure(habits, RUNS_PER_WORKFLOW, SEED)
    return {name: Cost(dict(mean.requests), mean.think_s, *_spread(habits, name)) for name, mean in means.items()}


def _spread(habits: Habits, name: str) -> tuple[tuple[float, ...], dict[str, tuple[float, ...]]]:
    """Lengths of runs, and moments of their requests, with pauses drawn as they are in life."""
    from harness.clinic.canned import CannedAnswers, CannedClinician
    from harness.clinic.registry import WORKFLOWS
    from harness.clinic.virtual import VirtualWorld, virtual_post

    canned = CannedAnswers(SEED)
    ages_s: dict[str, list[float]] = defaultdict(list)
    durations_s: list[float] = []

    def answer(call: Call) -> Answer:
        ages_s[call.operation].append(world.now_s - begun_s)
        return canned(call)

    world = VirtualWorld(answer, response_s=RESPONSE_S)
    clinician = CannedClinician(virtual_post(habits.persona, SEED), habits, 0, world)
    for _ in range(RUNS_PER_WORKFLOW):
        begun_s = world.now_s
        world.workflow_begins(name, WORKFLOWS[name].lane)
        WORKFLOWS[name].play(clinician)
        world.workflow_ends("ok", "")
        durations_s.append(world.now_s - begun_s)
    return _points(durations_s), {operation: _points(moments_s) for operation, moments_s in ages_s.items()}


def _points(values: list[float]) -> tuple[float, ...]:
    """`POINTS` quantiles in the middle of equal shares of `values`; none where there are no values."""
    ordered = sorted(values)
    return tuple(ordered[int((point + 0.5) / POINTS * len(ordered))] for point in range(POINTS)) if ordered else ()


def _digest(habits: Habits) -> str:
    paces = [habits.think.mean_s, habits.think.sigma, habits.between.mean_s, habits.between.sigma]
    key = [
        __version__,
        _source_digest(),
        RUNS_PER_WORKFLOW,
        POINTS,
        SEED,
        habits.persona,
        paces,
        sorted(habits.weights),
    ]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]


@cache
def _source_digest() -> str:
    """Of the code that measures and is measured, so that a checkout that changes never reads stale figures."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for package in _MEASURED_PACKAGES:
        for source in sorted((root / package).rglob("*.py")):
            digest.update(source.relative_to(root).as_posix().encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> dict[str, Cost] | None:
    try:
        entries = json.loads(path.read_bytes())
        return {name: _cost(entry) for name, entry in entries.items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning(
            "cached workflow costs in %s cannot be read (%s); they are measured again", path, type(error).__name__
        )
        return None


def _cost(entry: Mapping[str, Any]) -> Cost:
    ages_s = {operation: tuple(map(float, moments_s)) for operation, moments_s in entry["request_ages_s"].items()}
    return Cost({**entry["requests"]}, float(entry["think_s"]), tuple(map(float, entry["durations_s"])), ages_s)


def _write(path: Path, costs: Mapping[str, Cost]) -> None:
    entries = {name: asdict(cost) for name, cost in costs.items()}
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(entries), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        _log.info("workflow costs are not cached in %s (%s); every plan measures them", path.parent, error.strerror)
