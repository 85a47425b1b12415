"""What became of each row, as a line to read while it is played, and as the page of a whole run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.rows import Row

__all__ = ["Played", "as_line", "page_of"]


@dataclass(frozen=True)
class Played:
    """One row, played. `lost` answers are not in the samples, the first of them left `before_s` before the fault."""

    row: Row
    code: int
    verdict: str
    at_once: bool
    """`emrload run` came to the verdict itself; else `emrload report` did."""
    checks: Sequence[str]
    lost: int
    before_s: float
    went_on_s: float | None
    processes: Sequence[str]
    sockets: Sequence[str]
    files: Sequence[str]


def as_line(played: Played) -> str:
    return f"| {' | '.join(_cells(played))} |"


def _cells(played: Played) -> list[str]:
    verdict = played.verdict
    if verdict == "none":
        verdict = "none: nothing to judge"
    elif not played.at_once:
        verdict += ", by `emrload report`"
    lost = f"{played.lost} ({played.before_s:.1f} s)" if played.lost else "0"
    stopped = (
        "" if played.went_on_s is None else f"; the load ended {max(0.0, played.went_on_s):.2f} s after it noticed"
    )
    workers = f"{played.row.workers} worker{'s' * (played.row.workers > 1)}"
    left = " · ".join(str(len(things)) for things in (played.processes, played.sockets, played.files))
    named = ", ".join(played.checks) or "a message"
    return [played.row.name, played.row.when, workers, verdict, str(played.code), named + stopped, lost, left]


COLUMNS = (
    *("fault", "when", "load", "verdict", "exit code", "named by"),
    *("samples lost (how long before the fault)", "processes · sockets · files left"),
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"

PAGE = """# What was killed

Whatever dies, hangs or runs out while a run goes on, the run must not look better for it. Each row of this table was
played on a run of 14 s against a server of its own, and looked at afterwards: the verdict and the exit code, the
server's own journal of answers against the samples, and whatever was left in /proc, on the ports and on the disk. No
row ends in *pass*; none loses more than a second of samples; none leaves a process, a socket or a file behind.

{table}
Played {played} by `make prove` (`pytest -m prove tests/faults`; EMRLOAD_RENEW_FAULTS=FILE keeps the results in FILE,
and writes this page once every row has one). An exit code below zero is the signal that killed `emrload run` itself.
*None: nothing to judge* means that the load had not begun, or that its folder was taken away: there is a message, and
no verdict. Samples are flushed every 0.8 s, so that a killed process loses no more than what came since.

## What does no harm

Two things are done to a run that change nothing about it, so its verdict is that of any other run on that machine:

{harmless}
"""


def page_of(lines: Sequence[str], harmless: Sequence[str], dates: Collection[str]) -> str:
    """The page, in Markdown, from the rows as lines and the days (ISO) on which they were played."""
    tables = ["\n".join([HEAD, *rows, ""]) for rows in (lines, harmless)]
    played = " to ".join(sorted({min(dates), max(dates)}))
    return PAGE.format(table=tables[0], harmless=tables[1], played=played).rstrip() + "\n"
