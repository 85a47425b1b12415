"""What the terminal shows: a live view while a run goes; at its end the answer, the worst sites, the next step.

    morning-rush  clinics-open  ━━━━━━━━━━━╸━━━━━━━━━━  1 min 02 s of 2 min 00 s, 58 s left
    on duty 612 of 640   214/s   p95 412 ms   3 errors   12 in flight   13,204 requests

Where there is no terminal it is one plain line every few seconds. NO_COLOR is respected (by rich).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.report.console_sites import sites_in_columns, sites_shown
from harness.report.fairness import uneven_line
from harness.report.sites import site_rows
from harness.report.wording import MISSING, latency_text, rate_text, sentence, share_text
from harness.units import count_text, duration_text

__all__ = ["LiveFigures", "LiveView", "end_of_run"]

PLAIN_LINE_EVERY_S = 5.0
FAILED_WORKFLOWS_SHOWN = 3
_VERDICT_STYLE = {"pass": "bold green", "fail": "bold red", "invalid": "bold yellow"}


@dataclass(frozen=True)
class LiveFigures:
    """A run at one moment. Times in seconds of the run; rates and latency over the last few seconds."""

    elapsed_s: float
    length_s: float
    phase: str
    on_duty: int
    planned: int
    requests_per_s: float
    p95_ms: float | None
    requests: int
    errors: int
    in_flight: int


class LiveView:
    """Shows `LiveFigures` on stderr: two lines redrawn in a terminal, else a plain line every few seconds."""

    def __init__(
        self,
        title: str = "",
        console: Console | None = None,
        *,
        plain_every_s: float = PLAIN_LINE_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = title
        self._console = console or Console(stderr=True)
        self._plain_every_s = plain_every_s
        self._clock = clock
        self._next_line_at: float | None = None
        self._last: LiveFigures | None = None
        self._last_is_printed = True
        self._live: Live | None = None

    def start(self) -> None:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            # No refresh thread: a run redraws when it has news, about once a second.
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def update(self, figures: LiveFigures) -> None:
        self._last, self._last_is_printed = figures, False
        if self._live is not None:
            self._live.update(_live_lines(self._title, figures), refresh=True)
            return
        now = self._clock()
        if self._next_line_at is None or now >= self._next_line_at:
            self._next_line_at = now + self._plain_every_s
            self._print_plain(figures)

    def stop(self) -> None:
        """End the view and leave the last figures standing; may be called twice, or without `start`."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._last is not None and not self._last_is_printed:
            self._print_plain(self._last)

    def _print_plain(self, figures: LiveFigures) -> None:
        self._last_is_printed = True
        self._console.print(_plain_line(figures), highlight=False, soft_wrap=True, markup=False)


def _facts(figures: LiveFigures) -> list[str]:
    share = f" ({share_text(figures.errors / figures.requests)})" if figures.errors and figures.requests else ""
    return [
        f"on duty {figures.on_duty:,} of {figures.planned:,}",
        rate_text(figures.requests_per_s),
        f"p95 {latency_text(figures.p95_ms)}",
        count_text(figures.errors, "error") + share,
        f"{figures.in_flight:,} in flight",
        count_text(figures.requests, "request"),
    ]


def _times(figures: LiveFigures) -> str:
    left_s = figures.length_s - figures.elapsed_s
    rest = f"{_whole(left_s)} left" if left_s > 0 else "the last clinicians finish"
    return f"{_whole(figures.elapsed_s)} of {_whole(figures.length_s)}, {rest}"


def _whole(seconds: float) -> str:
    return duration_text(float(round(seconds))) if seconds >= 10 else f"{round(seconds)} s"


def _plain_line(figures: LiveFigures) -> str:
    return "  ".join([_times(figures), figures.phase or MISSING, *_facts(figures)])


def _live_lines(title: str, figures: LiveFigures) -> Group:
    head = Table.grid(padding=(0, 2), expand=True)
    head.add_column(no_wrap=True)
    head.add_column(no_wrap=True)
    head.add_column(ratio=1)
    head.add_column(no_wrap=True, justify="right")
    bar = ProgressBar(total=max(figures.length_s, 1e-9), completed=min(figures.elapsed_s, figures.length_s))
    head.add_row(Text(title, style="bold"), Text(figures.phase or MISSING), bar, Text(_times(figures)))
    facts = Text("   ").join(
        Text(fact, style="bold red" if figures.errors and "error" in fact else "") for fact in _facts(figures)
    )
    return Group(head, facts)


def end_of_run(
    summary: Mapping[str, Any],
    verdict: Mapping[str, Any],
    manifest: Mapping[str, Any],
    report_path: Path,
    next_commands: Sequence[str],
    console: Console | None = None,
) -> None:
    """Print the verdict as a sentence, the worst sites, the others in one row, the report's path, what to try next."""
    # Here and not above: the verdict brings pandas and scipy along, and a live view must start at once.
    from harness.verdict.headline import headline

    out = console or Console(highlight=False)
    outcome = str(verdict["verdict"])
    word = Text(f"{outcome.upper():<7}", style=_VERDICT_STYLE.get(outcome, "bold"))
    facts = [
        duration_text(float(manifest["duration_s"])) if manifest.get("duration_s") else "",
        count_text(int(summary["overall"]["requests"]), "request"),
        f"seed {manifest['seed']}" if "seed" in manifest else "",
        "rehearsal" if verdict.get("rehearsal") else "",
    ]
    out.print()
    out.print(
        Text.assemble(
            word,
            " ",
            sentence(headline(verdict, summary), summary["by_site"]),
            "   (",
            ", ".join(fact for fact in facts if fact),
            ")",
        ),
        soft_wrap=True,
    )
    out.print()
    rows = site_rows(summary, verdict)
    if rows:
        shown = sites_shown(rows)
        table = sites_in_columns(shown, rows[len(shown) :], summary, verdict, out.width)
        out.print(table, crop=False, no_wrap=True)
        for line in _failed_workflows(verdict):
            out.print(Text(f"  {line}"), soft_wrap=True)
        for row in shown:
            if row.why and row.outcome != "pass":
                out.print(Text(f"  ← {row.why if row.site in row.why else f'{row.site}: {row.why}'}"), soft_wrap=True)
        for line in filter(None, (uneven_line(summary), *_given_up(summary))):
            out.print(Text(f"  {line}"), soft_wrap=True)
        out.print()
    _print_aligned(out, "report", [str(report_path)])
    _print_aligned(out, "next", [step.replace("`", "") for step in next_commands])


def _failed_workflows(verdict: Mapping[str, Any]) -> list[str]:
    """Which workflows did not come out, the first few."""
    found = [each["sentence"].rstrip(".") for each in verdict["findings"] if each["kind"] == "failed-workflows"]
    more = len(found) - FAILED_WORKFLOWS_SHOWN
    return [*found[:FAILED_WORKFLOWS_SHOWN], *([f"{count_text(more, 'more workflow')} failed"] if more > 0 else [])]


def _given_up(summary: Mapping[str, Any]) -> list[str]:
    """What people gave up, and what was done again; nothing where nobody did."""
    runs = summary["workflows"]["overall"]
    again = f", {runs['back_entries']:,} done again later" if runs["back_entries"] else ""
    return [f"{count_text(runs['abandoned'], 'workflow')} abandoned{again}"] if runs["abandoned"] or again else []


def _print_aligned(out: Console, label: str, lines: Sequence[str]) -> None:
    for index, line in enumerate(lines):
        out.print(Text(f"{label if index == 0 else '':<9}{line}"), soft_wrap=True)
