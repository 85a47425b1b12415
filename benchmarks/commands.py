"""What the commands cost that somebody waits for: help, a plan with nothing cached, a report of many requests."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from benchmarks.process import REPEATS, Cost, cost_of, median_cost
from harness.rundir import RunDir

__all__ = ["help_cost", "judging_cost", "plan_cost", "rendering_cost"]

_EMRLOAD = (sys.executable, "-m", "harness.cli")


def help_cost() -> Cost:
    """`emrload --help`."""
    return median_cost(lambda: cost_of([*_EMRLOAD, "--help"], {}))


def plan_cost(sites: int, folder: Path) -> Cost:
    """`emrload plan morning-rush`, each time with an empty cache."""
    fresh = (folder / f"cache-{number}" for number in count())
    return median_cost(
        lambda: cost_of(
            [*_EMRLOAD, "plan", "morning-rush", "--sites", str(sites)], {"XDG_CACHE_HOME": str(next(fresh))}
        )
    )


def judging_cost(run: RunDir, repeats: int = REPEATS) -> Cost:
    """`emrload report` of a run that nobody has analysed yet, and that is not sealed."""

    def report() -> Cost:
        run.summary.unlink(missing_ok=True)
        run.verdict.unlink(missing_ok=True)
        run.update_manifest(sha256={})
        return cost_of([*_EMRLOAD, "report", str(run.path)], {})

    return median_cost(report, repeats)


def rendering_cost(run: RunDir) -> Cost:
    """`emrload report` of a run whose summary and verdict stand."""
    return median_cost(lambda: cost_of([*_EMRLOAD, "report", str(run.path)], {}))
