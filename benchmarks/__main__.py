"""python -m benchmarks [NAME …] [--write]: measure, and print one table.

Names: help, plan, report, report-10m, requests, memory, arrivals, on-duty, workers, soak, stall; by default all.

Of commands CPU time (user + system, of the whole process tree), median of five runs after a warm-up; of report-10m the
time on the clock, median of three. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from benchmarks import commands
from benchmarks.peers.measure import Effort, Say
from benchmarks.process import Cost
from benchmarks.row import Row
from benchmarks.web_server import nginx_path

if TYPE_CHECKING:
    from benchmarks.stall.side_by_side import Line

SITES: Final = 100
REQUESTS: Final = 1_000_000
REPORT_SITES: Final = 50
MANY_REQUESTS: Final = 10_000_000
MANY_REPEATS: Final = 3
LONGEST_FAILURE: Final = 400


def main() -> int:
    """0 where every bound holds, else 1."""
    asked = _arguments()
    effort = Effort(asked.rounds, asked.seconds, 3 * asked.seconds)
    console = Console(highlight=False)
    rows: list[Row] = []
    folder = Path(tempfile.mkdtemp(prefix="emrload-bench-"))
    folder.chmod(0o755)
    try:
        for one in asked.names:
            began = time.monotonic()
            with console.status(f"measuring {one}") as status:
                rows += _rows_of(one, folder / one, effort, status.update, asked.write)
            console.print(f"{one}: {time.monotonic() - began:.0f} s", style="dim")
    except BaseException:  # interrupted, or a fault of ours: there will be no table to name it
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if asked.write:
        from benchmarks.peers.pages import write_pages

        write_pages()
    console.print(_table(rows))
    if any(folder.iterdir()):
        console.print(f"what the failed ones left is in {folder}", soft_wrap=True)
    else:
        folder.rmdir()
    return 0 if all(row.held for row in rows) else 1


def _arguments() -> argparse.Namespace:
    known = [*BENCHMARKS, *PEERS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed and memory of emrload.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones, of: {', '.join(known)} (all)")
    parser.add_argument("--write", action="store_true", help="keep the figures, and show them in README.md")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each tool (5)")
    parser.add_argument("--seconds", type=int, default=10, help="how long requests are counted (10); arrivals thrice")
    asked = parser.parse_args()
    asked.names = list(dict.fromkeys(asked.names or known))
    if unknown := [name for name in asked.names if name not in known]:
        parser.error(f"no benchmark is called {', '.join(unknown)}; known: {', '.join(known)}")
    if min(asked.rounds, asked.seconds) < 1:
        parser.error("--rounds and --seconds are whole numbers from 1")
    return asked


def _rows_of(name: str, folder: Path, effort: Effort, say: Say, keep: bool) -> list[Row]:
    """The figures of one benchmark; one that fails leaves its folder, and the others are measured nevertheless."""
    folder.mkdir()
    try:
        rows = BENCHMARKS[name](folder) if name in BENCHMARKS else _peers(name, folder, effort, say, keep)
    except RuntimeError as failure:  # the others still tell something, and the exit code tells this
        return [Row(name, f"failed: {str(failure)[:LONGEST_FAILURE]}", "measured", held=False)]
    shutil.rmtree(folder)
    return rows


def _help(_: Path) -> list[Row]:
    return [_cpu("emrload --help", commands.help_cost(), 0.3)]


def _plan(folder: Path) -> list[Row]:
    cost = commands.plan_cost(SITES, folder)
    return [
        _cpu(f"emrload plan morning-rush --sites {SITES}, nothing cached", cost, 2.0),
        Row("  its peak memory", f"{cost.peak_mb:.0f} MB"),
    ]


def _report(folder: Path) -> list[Row]:
    from benchmarks.fabricated_run import fabricate

    run = fabricate(folder / "run", REQUESTS, REPORT_SITES)
    judging, rendering = commands.judging_cost(run), commands.rendering_cost(run)
    return [
        _cpu("emrload report, 1,000,000 requests at 50 sites: analysed, judged, rendered", judging, 5.0),
        Row("  its peak memory", f"{judging.peak_mb:.0f} MB"),
        _cpu("  rendered again, the verdict stands", rendering, 5.0),
    ]


def _report_of_many(folder: Path) -> list[Row]:
    from benchmarks.fabricated_run import fabricate

    began = time.monotonic()
    run = fabricate(folder / "run", MANY_REQUESTS, SITES)
    fabricated_s = time.monotonic() - began
    before = os.getloadavg()[0]
    judging = commands.judging_cost(run, MANY_REPEATS)
    return [
        Row(f"a run of 10,000,000 requests at {SITES} sites, fabricated", f"{fabricated_s:.0f} s on the clock"),
        Row(
            "emrload report of it: analysed, judged, rendered, sealed",
            f"{judging.wall_s:.2f} s on the clock",
            "< 10 s",
            judging.wall_s < 10.0,
        ),
        Row("  its CPU time; the load of the machine before", f"{judging.cpu_s:.2f} s; {before:.1f}"),
        Row("  its peak memory", f"{judging.peak_mb:.0f} MB", "< 1000 MB", judging.peak_mb < 1000),
    ]


def _peers(name: str, folder: Path, effort: Effort, say: Say, keep: bool) -> list[Row]:
    from benchmarks.peers import results
    from benchmarks.peers.parts import measured
    from benchmarks.peers.rows import rows

    nginx = nginx_path()
    if nginx is None:
        return [Row(name, "skipped: nginx is not installed (apt install nginx-light, or your system's package)")]
    part = measured(name, nginx, folder, effort, say)
    if keep:
        results.keep(name, part)
    return list(rows(name, part))


def _stall(folder: Path) -> list[Row]:
    from benchmarks.stall.side_by_side import CASES, lines

    found = list(lines(folder))
    rows = [Row("a server that stands still for 6 s in 120 s, asked 100 times a second", "")]
    for case, title in CASES.items():
        rows.append(Row(f"  {title}", ""))
        rows += [_stall_row(line) for line in found if line.case == case]
    return rows


def _stall_row(line: Line) -> Row:
    from benchmarks.peers.k6 import INSTALL
    from benchmarks.stall.side_by_side import WITHIN

    what = f"    {line.who}"
    if line.told is None:
        return Row(what, f"skipped: k6 is not installed ({INSTALL})")
    if line.who != "emrload":
        return Row(what, line.told.text())
    return Row(what, line.told.text(), f"p99 {line.truth_p99_ms / 1000:.2f} s ± {WITHIN:.0%}", line.is_true)


BENCHMARKS: Final[dict[str, Callable[[Path], list[Row]]]] = {
    "help": _help,
    "plan": _plan,
    "report": _report,
    "report-10m": _report_of_many,
    "stall": _stall,
}
PEERS: Final = ("requests", "memory", "arrivals", "on-duty", "workers", "soak")
"""Beside other tools; a part of the results each."""


def _cpu(what: str, cost: Cost, bound_s: float) -> Row:
    return Row(what, f"{cost.cpu_s:.2f} s", f"< {bound_s:g} s", cost.cpu_s < bound_s)


def _table(rows: list[Row]) -> Table:
    table = Table("what", "figure", "bound", "", title=f"{os.cpu_count()} cores; medians", box=None)
    for row in rows:
        table.add_row(row.what, row.figure, row.bound, "" if not row.bound else "holds" if row.held else "MISSED")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
