"""How slow each site is, how sure that is, and what is allowed: a row a site, the worst on top.

river       |  ⊢──■──⊣   1.26 s     a square: it fails; the upright stroke: its bound
lake  ⊢●⊣   |            138 ms
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from harness.report.canvas import Format, shortened_name, title_above
from harness.report.palette import BLUE, GREY, INK, LIGHT, VERMILION
from harness.report.wording import latency_text

__all__ = ["SITES_DRAWN", "SiteTime", "furthest_ms", "site_times_figure"]

SITES_DRAWN = 16
"""More rows than this are not compared at a glance; the table has them all."""

_ROW_IN = 0.27
_LONGEST_NAME_SHARE = 0.45
_GAP_PT = 14.0
"""Between a name, or a figure, and the axis and the edge."""
_LETTER_EM = 0.6
"""Width of a letter, as a share of the font's size."""


@dataclass(frozen=True)
class SiteTime:
    """One row of the picture."""

    name: str
    p95_ms: float
    interval_ms: tuple[float | None, float | None] | None
    bound_ms: float | None = None
    fails: bool = False
    runs_ms: tuple[float, ...] = ()
    """The p95 of each run, where it is one of several; small and hollow."""


def site_times_figure(rows: Sequence[SiteTime], form: Format, title: str) -> Figure:
    """p95 of each of `rows`, at least one, with its interval and its bound; times from zero along the foot."""
    above_in, below_in = 0.4, 0.45
    height_in = above_in + below_in + _ROW_IN * len(rows)
    figure = Figure(figsize=(form.width_in, height_in))
    panel = figure.subplots()
    longest = int(form.width_in * 72 * _LONGEST_NAME_SHARE / (_LETTER_EM * form.font_pt))
    names = [shortened_name(row.name, longest) for row in rows]
    figures = [latency_text(row.p95_ms) for row in rows]
    left, right = (_room(texts, form) for texts in (names, figures))
    figure.subplots_adjust(left=left, right=1 - right, top=1 - above_in / height_in, bottom=below_in / height_in)
    panel.set_yticks(range(len(rows)), names)
    panel.tick_params(axis="y", length=0, labelcolor=INK)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.grid(False, axis="y")
    panel.grid(True, axis="x", color=LIGHT, linewidth=0.6)
    end_ms = furthest_ms(rows)
    for place, row in enumerate(rows):
        _draw_site(panel, place, row, end_ms)
        panel.text(1.01, place, figures[place], transform=panel.get_yaxis_transform(), va="center")
    panel.set_xlim(0, end_ms * 1.05)
    panel.xaxis.set_major_locator(MaxNLocator(form.ticks - 1))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: latency_text(value) if value else "0"))
    title_above(panel, title, form)
    return figure


def _room(texts: Sequence[str], form: Format) -> float:
    """The share of the picture's width that the longest of them takes."""
    return (max(map(len, texts)) * _LETTER_EM * form.font_pt + _GAP_PT) / (form.width_in * 72)


def _draw_site(panel: Axes, place: int, row: SiteTime, end_ms: float) -> None:
    colour = VERMILION if row.fails else BLUE
    low_ms, high_ms = row.interval_ms or (None, None)
    known_ms = [end for end in (low_ms, high_ms) if end is not None]
    if known_ms:
        # an end that the samples cannot tell has no stroke across it
        panel.plot([*known_ms, row.p95_ms], [place] * (len(known_ms) + 1), color=colour, linewidth=1.6)
        panel.plot(known_ms, [place] * len(known_ms), linestyle="none", marker="|", markersize=7, color=colour)
    for run_ms in row.runs_ms:
        panel.plot([run_ms], [place], marker="o", markersize=4, color=GREY, markerfacecolor="none", linewidth=0)
    # near zero a dot reaches beyond the axis, and must be whole
    panel.plot([row.p95_ms], [place], marker="s" if row.fails else "o", markersize=6, color=colour, clip_on=False)
    if row.bound_ms is not None and row.bound_ms <= end_ms:
        panel.plot([row.bound_ms] * 2, [place - 0.4, place + 0.4], color=GREY, linewidth=1.8)


def furthest_ms(rows: Sequence[SiteTime]) -> float:
    """Up to where the axis must reach. A bound far beyond every figure would press them together, and is left out."""
    figures_ms = [max(row.p95_ms, *row.runs_ms, (row.interval_ms or (0.0, 0.0))[1] or 0.0) for row in rows]
    near_ms = [row.bound_ms for row in rows if row.bound_ms is not None and row.bound_ms <= 4 * max(figures_ms)]
    return max([*figures_ms, *near_ms]) or 1.0
