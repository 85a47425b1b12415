"""Response time against load: does it bend upward as more clinicians, or more requests, are there at once?

One dot a stretch of the run, early ones light, late ones dark; a line of medians where the dots suffice for one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.report.canvas import MARGIN_PT, NARROW, Format, label_latencies, legend_above, title_above
from harness.report.palette import INK, VERMILION, heat_colour

__all__ = ["FEWEST_FOR_MEDIANS", "GROUPS", "concurrency_figure"]

FEWEST_FOR_MEDIANS = 16
"""Below so many points a line through their medians would pass for a trend."""
GROUPS = 8
"""Equally filled groups of points, each with a median."""

_MOST_TICKS = 5
_END_PT = 18.0
"""Room on the right for half of a number that stands under the axis's end."""


def concurrency_figure(windows: pd.DataFrame, form: Format) -> Figure:
    """p95 of each stretch against clinicians on duty, and against requests in flight.

    `windows`: time_s on_duty in_flight requests_per_s p95_ms, at least one of them with a p95.
    """
    narrow = form is NARROW
    figure = Figure(figsize=(form.width_in, 8.2 if narrow else 3.9))
    left, right = figure.subplots(2, 1) if narrow else figure.subplots(1, 2)
    width_pt = form.width_in * 72
    figure.subplots_adjust(left=MARGIN_PT / width_pt, right=1 - _END_PT / width_pt, wspace=0.3, hspace=0.45)
    known = windows[np.isfinite(windows["p95_ms"].to_numpy(dtype=float))]
    for panel, column, title, label in (
        (left, "on_duty", "p95 and clinicians on duty", "clinicians on duty (mean of a stretch)"),
        (right, "in_flight", "p95 and requests in flight", "requests in flight (mean of a stretch)"),
    ):
        has_line = _scatter(panel, known, column)
        panel.set_xlabel(label)
        title_above(panel, title, form)
    above_in, below_in = (0.55 if has_line else 0.32), 0.62
    figure.subplots_adjust(top=1 - above_in / figure.get_figheight(), bottom=below_in / figure.get_figheight())
    return figure


def _scatter(panel: Axes, known: pd.DataFrame, column: str) -> bool:
    """True where it has a line, and so a legend."""
    times = known["time_s"].to_numpy(dtype=float)
    place = (times - times.min()) / max(float(np.ptp(times)), 1e-9)
    colours = [heat_colour(0.3 + 0.6 * share) for share in place]
    panel.scatter(known[column], known["p95_ms"], c=colours, s=26, linewidths=0.5, edgecolors=INK)
    bins = _binned_median(known[column].to_numpy(dtype=float), known["p95_ms"].to_numpy(dtype=float))
    if bins:
        panel.plot(*zip(*bins, strict=True), color=VERMILION, linewidth=2, label="median")
        legend_above(panel)
    # from zero, so that a slope is not made steeper than it is; a little beyond the last dot, so that it is whole
    panel.set_xlim(0, float(known[column].max()) * 1.06 or 1.0)
    panel.set_ylim(0, float(known["p95_ms"].max()) * 1.08 or 1.0)
    panel.xaxis.set_major_locator(MaxNLocator(_MOST_TICKS, integer=column == "on_duty"))
    panel.yaxis.set_major_locator(MaxNLocator(_MOST_TICKS))
    label_latencies(panel)
    return bool(bins)


def _binned_median(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    """Medians of y in groups of x; none where the points are too few."""
    if x.size < FEWEST_FOR_MEDIANS:
        return []
    order = np.argsort(x, kind="stable")
    groups = np.array_split(order, GROUPS)
    return [(float(np.median(x[group])), float(np.median(y[group]))) for group in groups]
