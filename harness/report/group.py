"""Several runs of one scenario as figures: what each said, what they say together, and whether more are needed.

A run that is invalid is shown and left out: it says nothing about the server. `run 3` is the third of the command line,
wherever it is spoken of.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.analysis import Replications, replicate_rows
from harness.analysis.replications import FEWEST_RUNS, LEVEL_OVER_RUNS, MOST_RUNS, NARROW_ENOUGH
from harness.report.tables import inert
from harness.report.wording import latency_text, share_text, span_text
from harness.units import count_text

__all__ = ["Group", "GroupRun", "enough_text", "group_headline", "group_summary", "half_width_text", "write_runs_csv"]


@dataclass(frozen=True)
class GroupRun:
    """One of the runs, as its folder has it."""

    number: int
    """From 1, in the order given."""
    path: Path
    manifest: dict[str, Any]
    summary: dict[str, Any]
    verdict: dict[str, Any]

    @property
    def counts(self) -> bool:
        """Whether it can be trusted, and so takes part in the intervals."""
        return bool(self.verdict["verdict"] != "invalid")


@dataclass(frozen=True)
class Group:
    """Runs that differ by chance only."""

    runs: tuple[GroupRun, ...]

    @property
    def counted(self) -> tuple[GroupRun, ...]:
        return tuple(run for run in self.runs if run.counts)

    @property
    def left_out(self) -> tuple[GroupRun, ...]:
        return tuple(run for run in self.runs if not run.counts)

    def rows(self) -> dict[str, dict[str, dict[str, Replications]]]:
        """As `replicate_rows` gives them, of the runs that count."""
        return replicate_rows([run.summary for run in self.counted])

    def seeds_played_again(self) -> list[int]:
        """Seeds of more than one counted run: the same people at the same times."""
        seeds = [int(run.manifest["seed"]) for run in self.counted if "seed" in run.manifest]
        return sorted(seed for seed in set(seeds) if seeds.count(seed) > 1)


def group_summary(group: Group) -> dict[str, Any]:
    """What the group's summary.json holds: the runs, then `overall`, `by_site` and `by_workflow` with each percentile
    over runs. `figures_ms` has one a run that counts, in their order."""
    rows = {
        section: {
            name: {percentile: _plain(over) for percentile, over in row.items()} for name, row in of_section.items()
        }
        for section, of_section in group.rows().items()
    }
    return {
        "interval_level": LEVEL_OVER_RUNS,
        "narrow_enough_at": NARROW_ENOUGH,
        "fewest_runs": FEWEST_RUNS,
        "runs": [
            {
                "run": run.number,
                "path": str(run.path),
                "run_id": run.manifest.get("run_id"),
                "seed": run.manifest.get("seed"),
                "started_at": run.manifest.get("started_at"),
                "verdict": run.verdict["verdict"],
                "counts": run.counts,
                "requests": run.summary["overall"]["requests"],
            }
            for run in group.runs
        ],
        "runs_counted": len(group.counted),
        **rows,
        "overall": rows["overall"][""],
    }


def _plain(over: Replications) -> dict[str, Any]:
    return {
        "figures_ms": list(over.figures_ms),
        "mean_ms": over.mean_ms,
        "interval_ms": None if over.interval_ms is None else list(over.interval_ms),
        "relative_half_width": over.relative_half_width,
        "narrow_enough": over.narrow_enough,
        "more_runs": over.more_runs,
    }


def enough_text(over: Replications) -> str:
    """Whether the interval is narrow enough, and what makes it so: `yes`, `repeat 3 more`; or why repeating would not
    do."""
    lacking = over.figures_ms.count(None)
    if lacking:
        return f"lacking in {lacking} of {count_text(len(over.figures_ms), 'run')}"
    if over.narrow_enough:
        return "yes"
    return f"repeat {over.more_runs} more" if over.more_runs else f"{MOST_RUNS} runs would not do"


def half_width_text(over: Replications) -> str:
    """`4.3%`, `280%`; a dash without an interval."""
    share = over.relative_half_width
    return share_text(share) if share is None or share < 1 else f"{share:,.0%}"


def group_headline(over: Replications, runs: int) -> str:
    """What the runs say together of the p95 of all sites, as a sentence without its full stop."""
    if over.interval_ms is None or over.mean_ms is None:
        return f"The p95 of all sites is not known: {enough_text(over)}"
    figure = f"p95 of all sites is {latency_text(over.mean_ms)} over {count_text(runs, 'run')}"
    return f"{figure}; at 95% it lies within {span_text(over.interval_ms)}"


def write_runs_csv(group: Group, path: Path) -> None:
    """A row a scope and percentile: what the runs say together, then the figure of each that counts. UTF-8, commas; a
    figure that was not computed is an empty cell."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            (
                *("dimension", "name", "percentile", "mean_ms", "low_ms", "high_ms", "relative_half_width"),
                *("narrow_enough", "more_runs"),
                *(f"run_{run.number}_ms" for run in group.counted),
            )
        )
        for dimension, name, percentile, over in _scopes(group):
            low_ms, high_ms = over.interval_ms or (None, None)
            figures = (over.mean_ms, low_ms, high_ms, over.relative_half_width)
            writer.writerow(
                (
                    *(dimension, inert(name), percentile.removesuffix("_ms")),
                    *_rounded(figures),
                    *("yes" if over.narrow_enough else "no", over.more_runs),
                    *_rounded(over.figures_ms),
                )
            )


def _scopes(group: Group) -> Iterator[tuple[str, str, str, Replications]]:
    for section, rows in group.rows().items():
        for name, row in rows.items():
            for percentile, over in row.items():
                yield section.removeprefix("by_"), name, percentile, over


def _rounded(figures: Sequence[float | None]) -> list[float | None]:
    return [figure if figure is None else round(figure, 6) for figure in figures]
