"""What all pictures share: two widths, one style, titles and legends. matplotlib's own settings stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from harness.report.palette import GREY, INK, LIGHT
from harness.report.wording import latency_text

__all__ = [
    "MARGIN_PT",
    "NARROW",
    "WIDE",
    "Format",
    "drawing",
    "label_latencies",
    "legend_above",
    "shortened_name",
    "title_above",
]


@dataclass(frozen=True)
class Format:
    """A picture's width in inches (at 72 units an inch, as SVG has it) and how crowded its axes may be."""

    width_in: float
    font_pt: float
    ticks: int
    name: str


MARGIN_PT = 62.0
"""Room on the left for the longest label of a value axis, `1 min 40 s`."""

WIDE = Format(10.0, 10.0, 9, "wide")
NARROW = Format(4.95, 11.0, 4, "narrow")

_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "axes.edgecolor": LIGHT,
    "axes.labelcolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "grid.color": LIGHT,
    "grid.linewidth": 0.6,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "text.color": INK,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "emr-load-harness",
    "path.simplify_threshold": 0.4,
}


def legend_above(panel: Axes) -> None:
    """A legend in one row above the panel, of what is drawn there; none where nothing is."""
    if panel.get_legend_handles_labels()[0]:
        panel.legend(
            loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderpad=0, handlelength=2.4, borderaxespad=0.3
        )


def title_above(panel: Axes, text: str, form: Format) -> None:
    """Above the panel, and above its legend where it has one."""
    pad = form.font_pt * 2.1 if panel.get_legend() else 6
    panel.set_title(text, fontsize=form.font_pt + 1, fontweight="bold", pad=pad)


def label_latencies(panel: Axes) -> None:
    """Times with their unit along the value axis; a bare 0 at its foot."""
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: latency_text(value) if value else "0"))


def shortened_name(name: str, most: int) -> str:
    """`saint-elisab…orth-12`: cut in the middle, since names of like sites differ at their end."""
    if len(name) <= most:
        return name
    tail = most // 3
    return f"{name[: most - tail - 1]}…{name[-tail:]}"


@contextmanager
def drawing(form: Format) -> Iterator[None]:
    """The style all pictures share; the caller's settings come back afterwards."""
    # Any: matplotlib's stubs list every key of rcParams as a literal, which a dict of ours cannot be typed as.
    settings: Any = {**_STYLE, "font.size": form.font_pt}
    with mpl.rc_context(settings):
        yield
