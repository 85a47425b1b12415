"""Isolation in one picture: each site's interference ratio with its interval, a mark a load, beside the lines of no
change and of harm.

    all others   ──○──  ──△──          ──■──      one shape and one grey a load, so that it reads in print;
    lake         ──○──    ──△──       ──■──       filled: the site is hurt
                   │ ┊
                   1 1.1
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.analysis.compare import ComparedRow
from harness.analysis.isolation import HURT_FROM, Isolation
from harness.report.canvas import WIDE, drawing, shortened_name, title_above
from harness.report.isolation import isolation_headline, load_name, worst_sites_first
from harness.report.palette import BLUE, GREY, INK, LIGHT, ORANGE, SKY, VERMILION
from harness.report.ratio_axis import draw_ratio_axis, ratio_ticks, save_figure

__all__ = ["draw_isolation", "isolation_figure"]

MOST_SITES_DRAWN: Final = 24
MOST_LOADS: Final = 6
"""More marks in one row run into each other; the last ones are drawn, which are the greatest where doses rise."""
_ROW_IN: Final = 0.13
"""Height for each mark of a row."""
_PAD_IN: Final = 0.14
_ABOVE_IN: Final = 0.42
_LONGEST_NAME: Final = 26
_WIDEST_RATIO: Final = 50.0
_TICKS: Final = (0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
_TICK_APART: Final = 0.045
"""Of the axis' width."""
_MARKS: Final = (("o", SKY), ("^", VERMILION), ("s", BLUE), ("D", INK), ("v", ORANGE), ("P", GREY))
"""Shape and colour (Okabe–Ito) of each load; the first four have greys that are far apart, too."""


def draw_isolation(found: Sequence[Isolation], path: Path) -> None:
    """Write the picture as PNG. Raises OutputError where `path` cannot be written."""
    with drawing(WIDE):
        save_figure(isolation_figure(found), path)


def isolation_figure(found: Sequence[Isolation]) -> Figure:
    """A row for all others together and for each of at most `MOST_SITES_DRAWN` sites, the worst on top; a mark a load,
    of the last `MOST_LOADS`."""
    loads = list(found)[-MOST_LOADS:]
    names = worst_sites_first(loads)
    shown = names[:MOST_SITES_DRAWN]
    row_in = _ROW_IN * len(loads) + _PAD_IN
    plot_in, below_in = row_in * (len(shown) + 1), 0.75 + 0.22 * math.ceil(len(loads) / 3)
    height_in = _ABOVE_IN + plot_in + below_in
    figure = Figure(figsize=(WIDE.width_in, height_in))
    panel = figure.add_axes((0.2, below_in / height_in, 0.77, plot_in / height_in))
    labels = ["all others together" if not _all_sites(loads) else "all sites together", *shown]
    panel.set_yticks(range(len(labels)), [shortened_name(name, _LONGEST_NAME) for name in labels], color=INK)
    panel.get_yticklabels()[0].set_fontweight("bold")
    panel.tick_params(axis="y", length=0)
    panel.set_ylim(len(labels) - 0.5, -0.5)
    panel.grid(False)
    _lines(panel, len(labels))
    ends = [1.0 / 1.02, HURT_FROM * 1.05]
    for place, name in enumerate(["", *shown]):
        for at, one in enumerate(loads):
            row = one.together if not name else next((row for row in one.sites if row.key.name == name), None)
            offset = (at - (len(loads) - 1) / 2) * _ROW_IN / row_in
            hurt = name in one.hurt if name else bool(one.hurt)
            ends += _draw(panel, place + offset, row, _MARKS[at], hurt=hurt)
    _axis(panel, min(ends), max(ends))
    _legend(figure, loads, height_in)
    more = f", the {len(shown)} worst of {len(names)} sites" if len(shown) < len(names) else ""
    title_above(panel, f"{_title(found)}{more}", WIDE)
    return figure


def _title(found: Sequence[Isolation]) -> str:
    """`9 of 9 other sites hurt by river ×8`; without the names that the rows have."""
    word, sentence = isolation_headline(found)
    told, _, _ = sentence.partition(":")
    return told.replace(" by ", " hurt by ", 1) if word == "HURT" else f"{word.capitalize()} {told.partition(';')[0]}"


def _all_sites(loads: Sequence[Isolation]) -> bool:
    return all(one.growth.everywhere or not one.growth.more for one in loads)


def _lines(panel: Axes, rows: int) -> None:
    for place in range(1, rows, 2):
        panel.axhspan(place - 0.5, place + 0.5, color=LIGHT, alpha=0.35, linewidth=0, zorder=0)
    panel.axvline(1.0, color=INK, linewidth=1.2, zorder=1)
    panel.axvline(HURT_FROM, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)


def _draw(
    panel: Axes, place: float, row: ComparedRow | None, mark: tuple[str, str], *, hurt: bool
) -> tuple[float, ...]:
    """One mark with its interval; the ends that the axis must reach."""
    if row is None or row.p95.difference is None:
        return ()
    ratio, low, high = row.p95.difference.ratio
    shape, colour = mark
    panel.plot((max(low, 1e-6), min(high, 1e6)), (place, place), color=colour, linewidth=1.7, solid_capstyle="butt")
    panel.plot(
        (ratio,), (place,), shape, color=colour, markerfacecolor=colour if hurt else "white", markersize=6.5,
        markeredgewidth=1.5,
    )  # fmt: skip
    return low / 1.02, high * 1.02


def _axis(panel: Axes, low: float, high: float) -> None:
    low, high = max(low, 1 / _WIDEST_RATIO), min(high, _WIDEST_RATIO)
    always = (1.0, HURT_FROM) if math.log(HURT_FROM) >= _TICK_APART * math.log(high / low) else (1.0,)
    ticks = ratio_ticks(low, high, _TICKS, _TICK_APART, always)
    draw_ratio_axis(panel, low, high, ticks, lambda ratio: f"×{ratio:g}")
    panel.set_xlabel(
        "p95 with the load, over p95 without it; bars: 95% intervals; filled: hurt; dashes: where harm begins",
        labelpad=4,
    )


def _legend(figure: Figure, loads: Sequence[Isolation], height_in: float) -> None:
    handles = [
        Line2D(
            [], [], marker=shape, color=colour, markerfacecolor=colour if one.hurt else "white", linewidth=1.7,
            label=f"{shortened_name(load_name(one.growth), 40)}: {len(one.hurt)} of {one.others} hurt",
        )
        for one, (shape, colour) in zip(loads, _MARKS, strict=False)
    ]  # fmt: skip
    figure.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.06 / height_in), ncols=3, borderpad=0)
