"""A comparison in one picture: each row's change with its interval beside the line of no change, the worst on top.

river            ──▶──      +55% (+48% to +63%)      a triangle points to slower or faster, a ring is no difference,
the network   ─○─           +2.1% (-1.4% to +5.8%)   so that nothing hangs on colour
              │
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.analysis.compare import ComparedRow
from harness.report.canvas import WIDE, drawing, title_above
from harness.report.compared import change_text, ratio_text, row_name, worst_first
from harness.report.palette import BLUE, GREY, INK, LIGHT, VERMILION
from harness.report.ratio_axis import draw_ratio_axis, ratio_ticks, save_figure

__all__ = ["draw_forest", "forest_figure"]

MOST_ROWS: Final = 40
"""More are not legible in one picture; the table has them all."""
_ROW_IN: Final = 0.27
_AROUND_IN: Final = 1.6
"""Title above, axis and legend below."""
_WIDEST_RATIO: Final = 20.0
"""An interval beyond so many times more or less goes out of the picture."""
_TICKS: Final = (
    0.05,
    0.1,
    0.2,
    0.5,
    0.7,
    0.8,
    0.9,
    0.95,
    0.98,
    1.0,
    1.02,
    1.05,
    1.1,
    1.2,
    1.5,
    2.0,
    3.0,
    5.0,
    10.0,
    20.0,
)
_MOST_TICKS: Final = 9
_MARKS: Final = {
    "slower": (">", VERMILION, VERMILION),
    "no difference seen": ("o", "white", GREY),
    "faster": ("<", BLUE, BLUE),
}
"""Outcome → marker, its filling, its line."""


def draw_forest(rows: Sequence[ComparedRow], path: Path) -> None:
    """Write the picture as PNG. Raises OutputError where `path` cannot be written."""
    with drawing(WIDE):
        save_figure(forest_figure(rows), path)


def forest_figure(rows: Sequence[ComparedRow]) -> Figure:
    """p95 of B over A of each row that has both, on a logarithmic axis; at most `MOST_ROWS`, the slowest changes
    first."""
    known = [row for row in worst_first(rows) if row.p95.difference]
    shown = known[:MOST_ROWS]
    height_in = _AROUND_IN + _ROW_IN * max(len(shown), 1)
    figure = Figure(figsize=(WIDE.width_in, height_in))
    panel = figure.add_axes((0.27, 0.95 / height_in, 0.47, _ROW_IN * max(len(shown), 1) / height_in))
    panel.set_ylim(len(shown) - 0.4, -0.6)
    panel.set_yticks(range(len(shown)), [row_name(row) for row in shown], color=INK)
    panel.tick_params(axis="y", length=0)
    panel.grid(False)
    panel.axvline(1.0, color=INK, linewidth=1.2)
    for place, row in enumerate(shown):
        _draw_row(panel, place, row)
    _axis(panel, shown)
    more = "" if len(shown) == len(known) else f", the {len(shown)} slowest changes of {len(known)}"
    title_above(panel, f"p95 in B against A, with 95% intervals{more}", WIDE)
    if not shown:
        panel.text(0.5, 0.5, "No row has samples enough", transform=panel.transAxes, ha="center", va="center")
    return figure


def _draw_row(panel: Axes, place: int, row: ComparedRow) -> None:
    assert row.p95.difference is not None  # noqa: S101 (only such rows are shown)
    ratio, low, high = row.p95.difference.ratio
    marker, filling, line = _MARKS[row.outcome]
    if place % 2:
        panel.axhspan(place - 0.5, place + 0.5, color=LIGHT, alpha=0.35, linewidth=0, zorder=0)
    panel.plot((max(low, 1e-6), min(high, 1e6)), (place, place), color=line, linewidth=1.8, solid_capstyle="butt")
    panel.plot((ratio,), (place,), marker, color=line, markerfacecolor=filling, markersize=7.5, markeredgewidth=1.5)
    panel.text(1.02, place, change_text(row), transform=panel.get_yaxis_transform(), va="center", color=INK)


def _axis(panel: Axes, shown: Sequence[ComparedRow]) -> None:
    ends = [end for row in shown if row.p95.difference for end in row.p95.difference.ratio]
    low = max(min([0.95, *ends]) / 1.02, 1 / _WIDEST_RATIO)
    high = min(max([1.05, *ends]) * 1.02, _WIDEST_RATIO)
    ticks = ratio_ticks(low, high, _TICKS, 1 / _MOST_TICKS, (1.0,))
    draw_ratio_axis(panel, low, high, ticks, lambda ratio: ratio_text(ratio).replace(".0", ""))
    panel.set_xlabel("← faster      change of p95 from A to B      slower →", labelpad=4)
    handles = [
        Line2D([], [], marker=marker, color=line, markerfacecolor=filling, linewidth=1.8, label=outcome)
        for outcome, (marker, filling, line) in _MARKS.items()
        if any(row.outcome == outcome for row in shown)
    ]
    if handles:
        # half an inch below the axis, whatever the picture's height
        below = -0.55 / (_ROW_IN * len(shown))
        panel.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, below), ncols=3, borderpad=0)
