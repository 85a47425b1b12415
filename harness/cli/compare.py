"""`emrload compare`: what changed between two runs, or two groups of runs, and which of it is more than chance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PathType, ShareType
from harness.errors import EXIT_FAIL, EXIT_INVALID, EXIT_PASS
from harness.units import count_text, duration_text

if TYPE_CHECKING:
    from harness.analysis.comparable import ComparedRun
    from harness.analysis.compare import ComparedRow
    from harness.analysis.run_rows import RowKey, RunRow

__all__ = ["command"]

EPILOG = """\b
Examples:
  emrload compare reports/2026-11-22T091500Z-morning-rush-3fa1 reports/2026-11-23T091500Z-morning-rush-77c0
      two single runs: stretches of time, drawn again and again, tell what is chance within a run
  emrload compare reports/before reports/after --max-regression 10% --png change.png
      two folders with several runs each: what differs more than runs differ from each other; 5 each are advised

\b
Exit codes: 0 nothing became worse, 1 some row became slower by more than --max-regression and by more than chance,
or has more errors, 2 the runs cannot be compared, 3 too few requests to tell.
"""


@click.command(epilog=EPILOG)
@click.argument("a", metavar="A", type=PathType("run's folder, or of a folder of runs"))
@click.argument("b", metavar="B", type=PathType("run's folder, or of a folder of runs"))
@click.option(
    "--max-regression",
    metavar="SHARE",
    type=ShareType(),
    default="0%",
    show_default=True,
    help="A p95 may become greater by so much before the exit code is 1.",
)
@click.option("--png", metavar="FILE", type=PathType("PNG file"), help="Draw the changes with their intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print every figure as JSON.")
def command(a: Path, b: Path, max_regression: float, png: Path | None, as_json: bool) -> int:
    """What changed from A to B, each a run's folder or a folder with several runs.

    p95 and errors of the network, each site and each workflow, and the waiting of each workflow, with 95% intervals. A
    row is called slower or faster only where that is no chance; of all rows so called, 5% at most are false on average.
    Runs that did not play the same are refused, and by what they differ is said; server, build and labels may differ.
    """
    from harness.analysis.comparable import open_sides, refuse_incomparable, told_differences
    from harness.analysis.compare import compare_rows, regressions

    in_a, in_b = open_sides(a, b)
    refuse_incomparable(in_a, in_b)
    length_s = in_a[0].length_s
    rows = compare_rows(_read(in_a, length_s), _read(in_b, length_s), length_s)
    worse = regressions(rows, max_regression)
    told_apart = any(row.key.kind == "network" and row.outcome != "too few samples" for row in rows)
    code = EXIT_FAIL if worse else EXIT_PASS if told_apart else EXIT_INVALID
    if png is not None:
        from harness.report.forest import draw_forest

        draw_forest(rows, png)
    told = told_differences(in_a, in_b)
    if as_json:
        found = _json(rows, (a, b), (in_a, in_b), told)
        verdict = {"max_regression": max_regression, "exit_code": code, "worse": [list(row.key) for row in worse]}
        print(json.dumps({**found, **verdict}, indent=2, ensure_ascii=False))
    else:
        from harness.report.compared import print_comparison

        print_comparison(
            rows, _heads((a, b), (in_a, in_b), told), [*_method(in_a, in_b), *_allowed(worse, max_regression)]
        )
    return code


def _read(runs: Sequence[ComparedRun], length_s: float) -> list[dict[RowKey, RunRow]]:
    """The rows of each run; of several their figures only, since all samples of ten runs are too many to hold."""
    from harness.analysis.run_rows import read_rows

    found = []
    for run in runs:
        rows = read_rows(run.run_dir, run.spec, length_s)
        found.append(rows if len(runs) == 1 else {key: row.without_samples() for key, row in rows.items()})
    return found


def _heads(
    paths: tuple[Path, Path], sides: tuple[list[ComparedRun], list[ComparedRun]], told: dict[str, tuple[str, str]]
) -> dict[str, str]:
    spec, length_s = sides[0][0].spec, sides[0][0].length_s
    heads = {
        name: str(path) if len(runs) == 1 else f"{path}, {count_text(len(runs), 'run')}"
        for name, path, runs in zip("AB", paths, sides, strict=True)
    }
    heads["both"] = f"{spec.scenario.name}, {count_text(len(spec.sites), 'site')}, {duration_text(length_s)}"
    if {run.run_dir.path.resolve() for run in sides[0]} & {run.run_dir.path.resolve() for run in sides[1]}:
        heads["note"] = "A and B have a run in common"
    return heads | {name: f"{in_a} → {in_b}" for name, (in_a, in_b) in told.items()}


def _method(a: Sequence[ComparedRun], b: Sequence[ComparedRun]) -> list[str]:
    if len(a) > 1:
        each = f"{len(a)} runs against {len(b)}: Welch's t on each run's p95"
        return [each + ("" if min(len(a), len(b)) >= 5 else "; 5 runs on either side are advised")]
    from harness.analysis.block_bootstrap import stretches_of

    stretches = stretches_of(a[0].length_s)
    each = duration_text(a[0].length_s / stretches)
    return [
        f"One run against one: {stretches} stretches of {each}, drawn again and again, say what is chance.",
        "Whether a third run would be like either is not in the intervals: give 5 runs on either side for that.",
    ]


def _allowed(worse: Sequence[ComparedRow], max_regression: float) -> list[str]:
    """What --max-regression comes to; nothing where none is allowed."""
    if not max_regression:
        return []
    from harness.report.compared import row_name

    allowed = f"A p95 may become greater by {max_regression * 100:.3g}%"
    return [f"{allowed}; worse than that, or with more errors: {', '.join(map(row_name, worse)) or 'nothing'}."]


def _json(
    rows: Sequence[ComparedRow],
    paths: tuple[Path, Path],
    sides: tuple[list[ComparedRun], list[ComparedRun]],
    told: dict[str, tuple[str, str]],
) -> dict[str, Any]:
    from harness.analysis.significance import CONFIDENCE, FALSE_DISCOVERIES
    from harness.report.compared import headline_of

    word, sentence = headline_of(rows)
    return {
        "headline": word.lower(),
        "sentence": sentence,
        **{
            name: {"path": str(path), "runs": [str(run.run_dir.path) for run in runs]}
            for name, path, runs in zip("ab", paths, sides, strict=True)
        },
        "differs": {name: {"a": in_a, "b": in_b} for name, (in_a, in_b) in told.items()},
        "method": "block bootstrap" if len(sides[0]) == 1 else "welch",
        "confidence": CONFIDENCE,
        "false_discoveries": FALSE_DISCOVERIES,
        "rows": [_row_json(row) for row in rows],
    }


def _row_json(row: ComparedRow) -> dict[str, Any]:
    from harness.cli.compared_json import figure_json

    return {
        "kind": row.key.kind,
        "name": row.key.name,
        "samples": {"a": row.samples[0], "b": row.samples[1]},
        "outcome": row.outcome,
        "p95_ms": figure_json(row.p95, "ratio"),
        "p50_ms": figure_json(row.p50, "ratio"),
        "error_rate": {**figure_json(row.errors, "difference"), "outcome": row.errors_outcome or "no difference seen"},
    }
