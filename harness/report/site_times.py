"""How slow each site is, how sure that is, and what is allowed: a row a site, the worst on top.

river   ⊢──■──⊣      |       a square: it fails; the upright stroke: its bound
lake  ⊢●⊣            |
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from harness.report.canvas import Format, shortened_name, title_above
from harness.report.palette import BLUE, GREY, INK, LIGHT, VERMILION
from harness.report.sites import SiteRow
from harness.report.wording import latency_text

__all__ = ["SITES_DRAWN", "site_times_figure"]

SITES_DRAWN = 16
"""More rows than this are not compared at a glance; the table has them all."""

_ROW_IN = 0.27
_LONGEST_NAME_SHARE = 0.45
_LETTER_PT = 0.6
"""Width of a letter, as a share of the font's size."""


def site_times_figure(rows: Sequence[SiteRow], form: Format) -> Figure:
    """p95 of each of `rows` (each has one) with its interval and its bound; times from zero along the foot."""
    above_in, below_in = 0.4, 0.45
    height_in = above_in + below_in + _ROW_IN * len(rows)
    figure = Figure(figsize=(form.width_in, height_in))
    panel = figure.subplots()
    longest = int(form.width_in * 72 * _LONGEST_NAME_SHARE / (_LETTER_PT * form.font_pt))
    names = [shortened_name(row.site, longest) for row in rows]
    left = (max(map(len, names)) * _LETTER_PT * form.font_pt + 14) / (form.width_in * 72)
    figure.subplots_adjust(left=left, right=0.94, top=1 - above_in / height_in, bottom=below_in / height_in)
    panel.set_yticks(range(len(rows)), names)
    panel.tick_params(axis="y", length=0, labelcolor=INK)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.grid(False, axis="y")
    panel.grid(True, axis="x", color=LIGHT, linewidth=0.6)
    for place, row in enumerate(rows):
        _draw_site(panel, place, row)
    panel.set_xlim(0, _furthest_ms(rows) * 1.05)
    panel.xaxis.set_major_locator(MaxNLocator(form.ticks - 1))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: latency_text(value) if value else "0"))
    title_above(panel, "p95 by site", form)
    return figure


def _draw_site(panel: Axes, place: int, row: SiteRow) -> None:
    figure_ms, fails = row.p95_ms or 0.0, row.outcome == "fail"
    colour = VERMILION if fails else BLUE
    low_ms, high_ms = row.p95_interval_ms or (None, None)
    if low_ms is not None or high_ms is not None:
        # an end that the samples cannot tell has no stroke across it
        ends = [figure_ms if end is None else end for end in (low_ms, high_ms)]
        panel.plot(ends, [place, place], color=colour, linewidth=1.6)
        known = [end for end in (low_ms, high_ms) if end is not None]
        panel.plot(known, [place] * len(known), linestyle="none", marker="|", markersize=7, color=colour)
    panel.plot([figure_ms], [place], marker="s" if fails else "o", markersize=6, color=colour)
    if row.p95_bound_ms is not None:
        panel.plot([row.p95_bound_ms] * 2, [place - 0.4, place + 0.4], color=GREY, linewidth=1.8)


def _furthest_ms(rows: Sequence[SiteRow]) -> float:
    """Up to where the axis must reach. A bound far beyond every figure would press them together, and is left out."""
    figures = [max(row.p95_ms or 0.0, (row.p95_interval_ms or (0.0, 0.0))[1] or 0.0) for row in rows]
    bounds = [row.p95_bound_ms for row in rows if row.p95_bound_ms is not None]
    near = [bound for bound in bounds if bound <= 4 * max(figures)]
    return max([*figures, *near]) or 1.0
