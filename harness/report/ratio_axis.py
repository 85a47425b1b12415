"""What pictures of ratios share: a logarithmic axis with few ticks around no change, and how they become a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from harness.errors import OutputError, Problem
from harness.report.palette import LIGHT

__all__ = ["draw_ratio_axis", "ratio_ticks", "save_figure"]


def draw_ratio_axis(
    panel: Axes, low: float, high: float, ticks: Iterable[float], name_of: Callable[[float], str]
) -> None:
    """From `low` to `high`, both above 0; `name_of` tells a tick."""
    panel.set_xscale("log")
    panel.set_xlim(low, high)
    panel.xaxis.set_major_locator(FixedLocator(sorted(ticks)))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: name_of(ratio)))
    panel.grid(True, axis="x", color=LIGHT, linewidth=0.6)


def ratio_ticks(low: float, high: float, ticks: Sequence[float], apart: float, always: Sequence[float]) -> list[float]:
    """Those of `ticks` that lie between and are no closer to each other than `apart`, a share of the axis' width; those
    around no change go first, and `always` are kept."""
    least = apart * float(np.log(high / low))
    kept = list(always)
    for tick in sorted(ticks, key=lambda tick: abs(np.log(tick))):
        if low <= tick <= high and all(abs(np.log(tick / other)) >= least for other in kept):
            kept.append(tick)
    return sorted(kept)


def save_figure(figure: Figure, path: Path) -> None:
    """As PNG. Raises OutputError where `path` cannot be written."""
    FigureCanvasAgg(figure)
    try:
        figure.savefig(path, format="png", dpi=150)
    except OSError as error:
        what = f"cannot write {path}: {error.strerror}"
        raise OutputError(Problem(what, "--png", "give a file in a folder that exists")) from error
