"""Two pictures of the comparison: bars of one figure a tool, ours in another colour and hatched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from benchmarks.peers.bounds import OURS
from benchmarks.peers.results import Part
from benchmarks.peers.rows import FIGURES
from benchmarks.peers.tools import TOOLS
from harness.report.canvas import WIDE, drawing
from harness.report.palette import BLUE, INK, LIGHT, ORANGE

__all__ = ["draw_cpu", "draw_memory_and_lateness"]

BAR_IN: Final = 0.36
_ROOM_IN: Final = 0.9
_LABELS: Final = 1.28
"""So much further than the longest bar the axis goes, for the figure that stands behind it."""


def draw_cpu(requests: Part, path: Path) -> None:
    """CPU time a request of both loads, as SVG."""
    _draw([("requests", "bundle", requests), ("requests", "review", requests)], path)


def draw_memory_and_lateness(memory: Part, arrivals: Part, path: Path) -> None:
    """Memory with 5,000 connected, and how late arrivals start, as SVG."""
    _draw([("memory", "memory of 5,000", memory), ("arrivals", "p99", arrivals)], path)


def _draw(panels: Sequence[tuple[str, str, Part]], path: Path) -> None:
    shown = [[tool.name for tool in TOOLS if part.median(figure, tool.name) is not None] for _, figure, part in panels]
    height = BAR_IN * max(map(len, shown)) + _ROOM_IN
    with drawing(WIDE):
        figure = Figure(figsize=(WIDE.width_in, height), layout="constrained")
        FigureCanvasSVG(figure)
        for panel, (name, what, part), tools in zip(figure.subplots(1, len(panels)), panels, shown, strict=True):
            _bars(panel, name, what, part, tools)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _bars(panel: Axes, name: str, what: str, part: Part, tools: Sequence[str]) -> None:
    title, written = FIGURES[name][what]
    values = [part.median(what, tool) or 0.0 for tool in tools]
    ours = [tool == OURS for tool in tools]
    bars = panel.barh(
        range(len(tools)),
        values,
        color=[ORANGE if mine else BLUE for mine in ours],
        hatch=["//" if mine else "" for mine in ours],
        edgecolor=LIGHT,
        height=0.7,
    )
    panel.bar_label(bars, [written(value) for value in values], padding=4, color=INK)
    panel.set_yticks(range(len(tools)), tools)
    panel.invert_yaxis()
    panel.set_xlim(0, _LABELS * max(values, default=1.0))
    panel.set_title(title, fontsize=WIDE.font_pt, fontweight="bold")
    panel.grid(visible=False)
    panel.xaxis.set_visible(False)
    panel.spines["bottom"].set_visible(False)
