"""What is marked in the pictures over time beside the curves: the part that was not yet steady, alarms, what broke, and
when others took the machine's CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.axes import Axes

from harness.report.generator import stolen_spans
from harness.report.palette import GREY, INK
from harness.report.stolen import Spans, stolen_note
from harness.report.wording import run_time_text

__all__ = ["NO_MARKS", "TimeMarks", "draw_marks", "marks_of"]


@dataclass(frozen=True)
class TimeMarks:
    """Seconds of the run; None where there is nothing to mark."""

    steady_from_s: float | None = None
    alarm_s: float | None = None
    broken_s: float | None = None
    stolen: Spans = ()
    """When others took the machine's CPU."""

    def caption(self, length_s: float) -> str:
        """What the marks mean in a picture of so many seconds; "" without any."""
        said = []
        if self.steady_from_s:
            said.append(f"Hatched: up to {run_time_text(self.steady_from_s)} the run was not yet steady.")
        if self.alarm_s is not None:
            said.append("Dotted line: the first alarm.")
        if self.broken_s is not None:
            said.append("Dashed line: a required response time was first over its bound.")
        return " ".join(filter(None, (*said, stolen_note(self.stolen, length_s))))


NO_MARKS: Final = TimeMarks()


def marks_of(summary: Mapping[str, Any]) -> TimeMarks:
    """Of a summary of whichever version."""
    steady, saturation = summary.get("steady") or {}, summary.get("saturation") or {}
    broken = saturation.get("broken")
    return TimeMarks(
        steady_from_s=steady.get("from_s") or None,
        alarm_s=saturation.get("alarm_s"),
        broken_s=broken["from_s"] if broken else None,
        stolen=stolen_spans(summary["generator"]),
    )


def draw_marks(panels: Sequence[Axes], marks: TimeMarks) -> None:
    """On every panel: hatching and lines of different dashes, so that they read without colour. What was stolen lies
    behind the curves, and is drawn before them (`stolen.hatch_stolen`)."""
    for panel in panels:
        if marks.steady_from_s:
            panel.axvspan(
                0.0, marks.steady_from_s, facecolor="none", edgecolor=GREY, hatch="////", linewidth=0, zorder=1
            )
        if marks.alarm_s is not None:
            panel.axvline(marks.alarm_s, color=INK, linewidth=1.1, linestyle=(0, (1, 1.6)))
        if marks.broken_s is not None:
            panel.axvline(marks.broken_s, color=INK, linewidth=1.3, linestyle=(0, (5, 2)))
