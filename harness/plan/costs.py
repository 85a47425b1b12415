"""What a run of each workflow costs a server and a clinician, measured on the virtual clock, cached on disk.

The measurement depends on the persona's pace and our own code only: the digest of both is its key in the cache.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness import __version__
from harness.clinic.clinician import Habits

__all__ = ["Cost", "cache_dir", "costs_of"]

RUNS_PER_WORKFLOW = 60
"""Plays of each workflow: enough for a mean that is good to a few per cent, as a preview needs."""
SEED = 20_260_101
"""The measurement's own, so that it is one fact about the code, whatever the run's seed."""
_MEASURED_PACKAGES = ("clinic", "fhir", "population")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cost:
    """Means over the runs of one workflow: requests by operation, and seconds spent thinking."""

    requests: Mapping[str, float]
    think_s: float

    @property
    def calls(self) -> float:
        return sum(self.requests.values())


def costs_of(habits: Habits) -> dict[str, Cost]:
    """Workflow → its cost for a clinician of these habits; from the cache, or measured and put there."""
    path = cache_dir() / f"costs-{_digest(habits)}.json"
    found = _read(path)
    if found is None:
        found = _measure(habits)
        _write(path, found)
    return found


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/emr-load-harness`, or `~/.cache/emr-load-harness`; safe to delete."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG base directory specification says that a relative path is to be ignored.
    return (Path(root) if Path(root).is_absolute() else Path.home() / ".cache") / "emr-load-harness"


def _measure(habits: Habits) -> dict[str, Cost]:
    from harness.clinic.virtual import measure

    measured = measure(habits, RUNS_PER_WORKFLOW, SEED)
    return {name: Cost(dict(cost.requests), cost.think_s) for name, cost in measured.items()}


def _digest(habits: Habits) -> str:
    paces = [habits.think.mean_s, habits.think.sigma, habits.between.mean_s, habits.between.sigma]
    key = [__version__, _source_digest(), RUNS_PER_WORKFLOW, SEED, habits.persona, paces, sorted(habits.weights)]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]


@cache
def _source_digest() -> str:
    """Of the code that the measurement plays, so that a checkout that changes never reads stale figures."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for package in _MEASURED_PACKAGES:
        for source in sorted((root / package).rglob("*.py")):
            digest.update(source.relative_to(root).as_posix().encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> dict[str, Cost] | None:
    try:
        entries = json.loads(path.read_bytes())
        return {name: Cost({**entry["requests"]}, float(entry["think_s"])) for name, entry in entries.items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning(
            "cached workflow costs in %s cannot be read (%s); they are measured again", path, type(error).__name__
        )
        return None


def _write(path: Path, costs: Mapping[str, Cost]) -> None:
    entries = {name: {"requests": dict(cost.requests), "think_s": cost.think_s} for name, cost in costs.items()}
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(entries), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        _log.info("workflow costs are not cached in %s (%s); every plan measures them", path.parent, error.strerror)
