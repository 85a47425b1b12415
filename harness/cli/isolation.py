"""`emrload isolation`: whether the load of one site, or of one kind of work, hurts the others, and how far."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import PathType
from harness.units import count_text, duration_text

if TYPE_CHECKING:
    from harness.analysis.comparable import ComparedRun


__all__ = ["command"]

EPILOG = """\b
Examples:
  emrload isolation reports/river-1 reports/river-2 reports/river-4 reports/river-8 --png river.png
      one site at once, twice, four and eight times its load, each an `emrload run … --greedy river=K`
  emrload isolation reports/usual reports/greedy --json
      two folders with several runs each: what differs more than runs differ from each other; 5 each are advised

\b
Exit codes: 0 nobody else is hurt, 1 some other site is, 2 the runs cannot be compared, 3 too few requests to tell.
"""


@click.command(epilog=EPILOG)
@click.argument("baseline", metavar="BASELINE", type=PathType("run's folder, or of a folder of runs"))
@click.argument(
    "runs", metavar="RUN...", nargs=-1, required=True, type=PathType("run's folder, or of a folder of runs")
)
@click.option("--png", metavar="FILE", type=PathType("PNG file"), help="Draw the ratios with their intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print every figure as JSON.")
def command(baseline: Path, runs: tuple[Path, ...], png: Path | None, as_json: bool) -> int:
    """Who is hurt where some sites ask more than in BASELINE; each of BASELINE and RUN a run's folder, or a folder with
    several runs.

    The interference ratio of a site is its p95 with the load over its p95 without, with a 95% interval. A site is hurt
    where all of the interval lies above 1.1 and that is no chance, where it has more errors, or where it newly misses a
    required objective. Runs that differ by more than how many people and arrivals there are at their sites are refused.
    """
    from harness.analysis.comparable import open_named_sides, refuse_more_than_load
    from harness.cli.isolating import exit_code_of, fairness_of, growths_of, measure

    named = _named(baseline, runs)
    sides = open_named_sides(named)
    refuse_more_than_load([(name, opened) for (name, _), opened in zip(named, sides, strict=True)])
    growths = growths_of(named, sides)
    found = measure(named, sides, growths)
    fairness = [(fairness_of(sides[0]), fairness_of(side)) for side in sides[1:]]
    code = exit_code_of(found)
    if png is not None:
        from harness.report.isolation_figure import draw_isolation

        draw_isolation(found, png)
    if as_json:
        from harness.cli.isolation_json import isolation_json

        told = isolation_json(
            found, fairness, [(str(path), side) for (_, path), side in zip(named, sides, strict=True)]
        )
        print(json.dumps({**told, "exit_code": code}, indent=2, ensure_ascii=False))
    else:
        from harness.report.isolation import print_isolation

        print_isolation(found, fairness, _heads(named, sides), _method(sides))
    return code


def _named(baseline: Path, runs: Sequence[Path]) -> list[tuple[str, Path]]:
    """What an error calls each side, and its path; one RUN needs no number."""
    names = ["RUN"] if len(runs) == 1 else [f"RUN {number}" for number in range(1, len(runs) + 1)]
    return [("BASELINE", baseline), *zip(names, runs, strict=True)]


def _heads(named: Sequence[tuple[str, Path]], sides: Sequence[Sequence[ComparedRun]]) -> dict[str, str]:
    from harness.analysis.comparable import told_differences

    first = sides[0][0]
    heads = {
        name.lower(): str(path) if len(runs) == 1 else f"{path}, {count_text(len(runs), 'run')}"
        for (name, path), runs in zip(named, sides, strict=True)
    }
    spec = first.spec
    heads["all"] = f"{spec.scenario.name}, {count_text(len(spec.sites), 'site')}, {duration_text(first.length_s)}"
    of_base = {run.run_dir.path.resolve() for run in sides[0]}
    for (name, _), runs in list(zip(named, sides, strict=True))[1:]:
        if of_base & {run.run_dir.path.resolve() for run in runs}:
            heads[f"{name.lower()} note"] = "it has a run in common with the baseline"
        for what, (before, after) in told_differences(sides[0], runs).items():
            if what != "seed":
                heads[f"{name.lower()} {what}"] = f"{before} → {after}"
    return heads


def _method(sides: Sequence[Sequence[ComparedRun]]) -> list[str]:
    of_all = "The intervals are 95% each; hurt, slower and faster hold for the whole table."
    if len(sides[0]) > 1:
        fewest = min(map(len, sides))
        return [
            "Groups of runs: Welch's t on each run's log p95" + ("." if fewest >= 5 else "; 5 are advised."),
            of_all,
        ]
    from harness.analysis.block_bootstrap import stretches_of

    length_s = sides[0][0].length_s
    stretches = stretches_of(length_s)
    each = f"{stretches} stretches of {duration_text(length_s / stretches)}"
    return [f"Single runs: {each}, drawn again and again from both, say what is chance within them.", of_all]
