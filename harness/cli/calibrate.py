"""`emrload calibrate`: known truths against the calibrated sandbox, one row a figure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import DEFAULT_SEED, GREATEST_SEED, MOST_WORKERS, PathType, WholeNumber

if TYPE_CHECKING:
    from rich.console import Console

    from harness.cli.calibrating import Calibrated
    from harness.verdict.calibration import CalibrationRow

__all__ = ["command"]

_WORDS = {
    "throughput_per_s": "requests/s",
    "p50_ms": "p50, ms",
    "p95_ms": "p95, ms",
    "p99_ms": "p99, ms",
    "way_least_ms": "least way, ms",
    "way_p50_ms": "way p50, ms",
    "way_p99_ms": "way p99, ms",
}

EPILOG = """\b
Examples:
  emrload calibrate
      eight kinds of queue whose response times are known, twenty of each, asked for a minute on this machine
  emrload calibrate --self-test
      are defects of a load engine caught? Six are planted, one after the other

\b
Exit codes: 0 every row was accepted (every defect caught), 3 one was not: the instrument is not to be trusted.
"""


@click.command(epilog=EPILOG)
@click.option(
    "--workers",
    type=WholeNumber("number of workers", 1, MOST_WORKERS, 2),
    metavar="N",
    help="Load processes on this machine.  [default: 1]",
)
@click.option(
    "--seed",
    type=WholeNumber("seed", 0, GREATEST_SEED, 7),
    default=DEFAULT_SEED,
    show_default=True,
    metavar="S",
    help="For everything that is drawn.",
)
@click.option("--out", type=PathType("new folder"), metavar="DIR", help="A new folder.  [default: in reports/]")
@click.option("--self-test", is_flag=True, help="Plant defects in the load engine, and see that each is caught.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def command(workers: int | None, seed: int, out: Path | None, self_test: bool, as_json: bool) -> int:
    """Hold the instrument to what is known.

    Queues with known service times are asked through the whole path of a run: scenario, plan, Locust, samples, report.
    What comes out is compared with queueing theory, and each answer with what the server says of it. It takes about
    two minutes and needs nothing but this machine, which should do nothing else meanwhile.

    With --self-test, one kind of queue is asked six times by an engine that does something wrong: five minutes.
    """
    if self_test:
        if out is not None or workers is not None:
            raise click.UsageError("--self-test keeps no run and takes two workers: leave --out and --workers out")
        return _test_oneself(seed, as_json)
    from harness.cli.calibrating import calibrate

    done = calibrate(workers or 1, seed, out)
    if as_json:
        rows = [row.to_json() for row in done.rows]
        print(json.dumps({"exit_code": done.exit_code, "run": str(done.run_dir.path), "rows": rows}))
    else:
        _tell(done)
    return done.exit_code


def _tell(done: Calibrated) -> None:
    from harness.cli.sections import console

    out = console()
    if not done.rows:
        out.print("stopped: nothing can be said of the instrument")
    else:
        _print_rows(done.rows, out)
        refused = [row for row in done.rows if not row.accepted]
        if refused:
            out.print(f"\n[bold red]{len(refused)} of {len(done.rows)} rows are refused[/bold red]")
            out.print("what is measured here, on this machine and as busy as it was, is not to be trusted")
            for row in refused:
                out.print(f"  {row.case}, {_quantity(row)}: {row.detail}")
        else:
            out.print(f"\nall {len(done.rows)} rows are accepted: the instrument measures what is")
    out.print(f"\nreport   {done.run_dir.report}")


def _print_rows(rows: list[CalibrationRow], out: Console) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("case", "figure", "truth", "measured", "interval", ""):
        table.add_column(title, no_wrap=title != "case")
    previous = ""
    for row in rows:
        case, previous = row.case if row.case != previous else "", row.case
        word = "accepted" if row.accepted else "[bold red]REFUSED[/bold red]"
        measured = "–" if row.measured is None else f"{row.measured:.4g}"
        interval = "" if row.interval is None else f"{row.interval[0]:.4g} … {row.interval[1]:.4g}"
        table.add_row(case, _quantity(row), row.truth, measured, interval, word)
    out.print(table)


def _quantity(row: CalibrationRow) -> str:
    return _WORDS.get(row.quantity, row.quantity)


def _test_oneself(seed: int, as_json: bool) -> int:
    from rich.table import Table

    from harness.cli.calibrating import try_defects
    from harness.cli.sections import console
    from harness.errors import EXIT_INVALID, EXIT_PASS
    from harness.verdict.calibration import DEFECTS

    tried = list(try_defects(seed))
    caught = len(tried) == len(DEFECTS) and all(each.accepted for each in tried)
    if as_json:
        rows = [{**asdict(each.defect), "refused": each.caught, "accepted": each.accepted} for each in tried]
        print(json.dumps({"exit_code": EXIT_PASS if caught else EXIT_INVALID, "defects": rows}))
        return EXIT_PASS if caught else EXIT_INVALID
    out = console()
    table = Table("planted defect", "must be caught by", "also refused", "", box=None, pad_edge=False)
    for each in tried:
        more = [name for name in each.caught if name not in each.defect.caught_by]
        word = "caught" if each.accepted else "[bold red]MISSED[/bold red]"
        table.add_row(each.defect.sentence, _names(each.defect.caught_by), _names(more), word)
    out.print(table)
    out.print(f"\n{sum(each.accepted for each in tried)} of {len(DEFECTS)} planted defects were caught")
    return EXIT_PASS if caught else EXIT_INVALID


def _names(quantities: Iterable[str]) -> str:
    return ", ".join(_WORDS.get(name, name) for name in quantities)
