"""What all pictures share: two widths, one style; matplotlib's own settings are left as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl

from harness.report.palette import GREY, INK, LIGHT

__all__ = ["NARROW", "WIDE", "Format", "drawing"]


@dataclass(frozen=True)
class Format:
    """A picture's width in inches (at 72 units an inch, as SVG has it) and how crowded its axes may be."""

    width_in: float
    font_pt: float
    ticks: int
    name: str


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


@contextmanager
def drawing(form: Format) -> Iterator[None]:
    """The style all pictures share; the caller's settings come back afterwards."""
    # Any: matplotlib's stubs list every key of rcParams as a literal, which a dict of ours cannot be typed as.
    settings: Any = {**_STYLE, "font.size": form.font_pt}
    with mpl.rc_context(settings):
        yield
