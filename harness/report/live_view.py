"""What the terminal shows while a run goes.

    morning-rush  clinics-open  ━━━━━━━━━━━╸━━━━━━━━━━  1 min 02 s of 2 min 00 s, 58 s left
    on duty 612 of 640   214/s   p95 412 ms   3 errors   12 in flight   13,204 requests

Where there is no terminal it is one plain line every few seconds. NO_COLOR is respected (by rich).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.report.wording import MISSING, latency_text, rate_text, share_text
from harness.units import count_text, duration_text

__all__ = ["LiveFigures", "LiveView"]

PLAIN_LINE_EVERY_S = 5.0


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
