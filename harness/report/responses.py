"""The panel of response times over time: the percentiles of all sites, and one slow site beside them by its name.

1.50 s |            river p50      the site's curve is wide and lies below the others,
       |  ################         so that both are seen where they run together
50 ms  |  --------=======---   p95, p50
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from harness.report.canvas import Format, label_latencies, legend_above, shortened_name
from harness.report.palette import BLUE, GREY, ORANGE, SLOW, VERMILION

__all__ = ["draw_response_times", "slow_column"]

Floats = NDArray[np.float64]

LOG_ABOVE_RATIO = 30.0
"""Times go on a log scale where their top is this many times the middle of the lowest curve, which it would flatten."""


def slow_column(slow: pd.DataFrame) -> str | None:
    """Which percentile of one site is drawn: its p95 where half of the stretches with a p50 have one, else its p50."""
    p50s, p95s = slow["p50_ms"].notna().sum(), slow["p95_ms"].notna().sum()
    if p95s and 2 * p95s >= p50s:
        return "p95_ms"
    return "p50_ms" if p50s else None


def draw_response_times(
    panel: Axes, network: pd.DataFrame, middles_s: Floats, slow: pd.DataFrame | None, form: Format
) -> str:
    """p50, p95 and p99 of all sites at the middles of their stretches, and one of them of `slow`, the rows of one site.

    Returns the panel's title: whose response time it is, and on what scale.
    """
    shown = [network[name].to_numpy(dtype=float) for name in ("p50_ms", "p95_ms", "p99_ms")]
    for column, colour, dash, label in (
        ("p99_ms", VERMILION, (0, (1, 1.2)), "p99"),
        ("p95_ms", ORANGE, "solid", "p95"),
        ("p50_ms", BLUE, (0, (4, 1.5)), "p50"),
    ):
        _curve(panel, middles_s, network[column], color=colour, linestyle=dash, label=label)
    legend_above(panel)
    slow_percentile = None if slow is None else slow_column(slow)
    if slow is not None and slow_percentile is not None:
        shown.append(slow[slow_percentile].to_numpy(dtype=float))
        # Wide, and below the others: where both run together, both are seen.
        _curve(panel, middles_s, slow[slow_percentile], color=SLOW, linewidth=3.2, zorder=1.9)
    log_scale = _latency_axis(panel, shown)
    if slow is not None and slow_percentile is not None:
        _name_curve(panel, middles_s, slow, slow_percentile, form)
    if not panel.lines:
        panel.text(0.5, 0.5, "too few requests for a percentile", transform=panel.transAxes, ha="center", color=GREY)
    return f"Response time{', all sites' if slow_percentile else ''}{' (log scale)' if log_scale else ''}"


def _curve(panel: Axes, x: Floats, y: pd.Series, **style: Any) -> None:
    """A line over the known values, a dot where neither neighbour is known; nothing at all where none is."""
    known = np.isfinite(y.to_numpy(dtype=float))
    if not known.any():
        return
    beside = np.concatenate(([False], known, [False]))
    alone = np.flatnonzero(known & ~beside[:-2] & ~beside[2:]).tolist()
    if alone:
        style |= {"marker": "o", "markersize": 3.5, "markevery": alone}
    panel.plot(x, y, **style)


def _latency_axis(panel: Axes, curves: Sequence[Floats]) -> bool:
    """True where the scale is logarithmic."""
    positive = [curve[np.isfinite(curve) & (curve > 0)] for curve in curves]
    known = np.concatenate(positive)
    lowest_ms = min((float(np.median(curve)) for curve in positive if curve.size), default=0.0)
    log_scale = bool(known.size and known.max() > LOG_ABOVE_RATIO * lowest_ms)
    if log_scale:
        panel.set_yscale("log")
        panel.set_ylim(known.min() / 1.5, known.max() * 2.5)
        panel.yaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    else:
        panel.set_ylim(0, float(known.max()) * 1.08 if known.size else 1.0)
    label_latencies(panel)
    return log_scale


def _name_curve(panel: Axes, middles_s: Floats, slow: pd.DataFrame, column: str, form: Format) -> None:
    """The site's name above the end of its curve, with room for it, and legible where another curve runs."""
    known = np.flatnonzero(slow[column].notna())
    last = int(known[-1])
    # Above the highest of the stretches over which the name stands.
    height_ms = float(slow[column].iloc[max(last - len(slow) // 5, 0) : last + 1].max())
    at_s = float(middles_s[last])
    if panel.get_yscale() != "log":
        panel.set_ylim(0, panel.get_ylim()[1] * 1.2)
    name = shortened_name(str(slow["site"].iloc[0]), int(form.width_in * 3.8))
    panel.annotate(
        f"{name} {column.removesuffix('_ms')}",
        (at_s, height_ms),
        xytext=(0, 5),
        textcoords="offset points",
        # Where a run ended early, there is no room on the left.
        ha="right" if at_s > panel.get_xlim()[1] / 2 else "left",
        va="bottom",
        color=SLOW,
        fontweight="bold",
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.0},
    )
