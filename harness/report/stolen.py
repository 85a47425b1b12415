"""Stretches in which others took the machine's CPU, as a hatching behind the curves over time.

Strokes and not a colour: they stay in a black-and-white print, and nobody takes them for a phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes

from harness.analysis.steal import merged
from harness.report.palette import STOLEN
from harness.verdict.bounds import STEAL_MARK_SHARE

__all__ = ["Spans", "drawn_spans", "hatch_stolen", "stolen_note"]

Spans = Sequence[Sequence[float]]
"""[from_s, to_s] in run seconds, in order and apart."""

NARROWEST_SHARE: Final = 1 / 150
"""Of the axis: narrower, a band has no room for a stroke. source: assumption (5 px of the picture for a desk)"""
_HATCH: Final = "xxxx"
"""Crossed, as the plain one is the part of a run that was not yet steady (harness.report.marks)."""


def drawn_spans(spans: Spans, length_s: float) -> list[tuple[float, float]]:
    """Each span with a width that can be seen, and one band where two run into each other then; so there are never
    more than fit."""
    least_s = length_s * NARROWEST_SHARE
    wide = []
    for begin_s, end_s in spans:
        more_s = max(0.0, least_s - (end_s - begin_s)) / 2
        left_s = min(max(0.0, begin_s - more_s), max(0.0, length_s - least_s))
        wide.append((left_s, min(length_s, max(end_s + more_s, left_s + least_s))))
    return list(merged(wide, least_s / 2))


def hatch_stolen(panel: Axes, spans: Spans, length_s: float, *, named: bool = False) -> None:
    """Bands over the panel's whole height, behind its curves and before the tints of the phases; `named` ones stand in
    its legend."""
    label = f"others took over {STEAL_MARK_SHARE:.0%} of the CPU" if named else None
    for begin_s, end_s in drawn_spans(spans, length_s):
        panel.axvspan(
            begin_s, end_s, facecolor="none", edgecolor=STOLEN, hatch=_HATCH, linewidth=0, zorder=0.5, label=label
        )
        label = None  # one entry is enough


def stolen_note(spans: Spans, length_s: float) -> str:
    """What the hatching is, for the caption, and that short stretches look longer than they were."""
    if not spans:
        return ""
    least_s = length_s * NARROWEST_SHARE
    widened = any(end_s - begin_s < least_s for begin_s, end_s in spans)
    said = f"Cross-hatched: others took more than {STEAL_MARK_SHARE:.0%} of the load’s machine (steal)"
    return f"{said}; short stretches are drawn wider than they were." if widened else f"{said}."
