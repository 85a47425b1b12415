"""Heads on duty over the time that a scenario plays: all together, then a panel a persona, each on a scale of its own.

One colour does: what a panel shows stands above it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.plan import Plan, SiteClock, on_duty, timeline_of
from harness.report.canvas import WIDE, drawing
from harness.report.palette import BLUE, GREY, INK, PHASES
from harness.units import clock_text

__all__ = ["duty_svg"]

COLUMNS = 3
POINTS_WHOLE = 300
POINTS_PERSONA = 140
"""As many as a panel is wide in pixels, about: the file stays small."""
_STEPS_MIN = (5, 10, 15, 30, 60, 120, 240, 480)


def duty_svg(plan: Plan) -> str:
    """The picture as SVG, the same bytes for the same plan."""
    personas = list(dict.fromkeys(persona for site in plan.spec.sites for persona in site.heads))
    rows = math.ceil(len(personas) / COLUMNS)
    with drawing(WIDE):
        figure = Figure(figsize=(10, 3 + 1.45 * rows), layout="constrained", facecolor="white")
        FigureCanvasSVG(figure)
        grid = figure.add_gridspec(rows + 1, COLUMNS, height_ratios=[2.1, *[1] * rows])
        whole = figure.add_subplot(grid[0, :])
        _draw(whole, plan, None, f"all clinicians on duty at {len(plan.spec.sites)} sites", 10)
        _name_phases(whole, plan)
        for index, persona in enumerate(personas):
            panel = figure.add_subplot(grid[1 + index // COLUMNS, index % COLUMNS])
            _draw(panel, plan, persona, persona, 4)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in drawn.getvalue().splitlines()) + "\n"


def _draw(panel: Axes, plan: Plan, persona: str | None, title: str, ticks: int) -> None:
    times_s = np.linspace(0.0, plan.length_s, POINTS_PERSONA if persona else POINTS_WHOLE, endpoint=False)
    heads = on_duty(plan, times_s, persona=persona)
    # straight from point to point, a point each few minutes: steps would double the file, and look the same
    panel.plot(times_s, heads, color=BLUE if persona else INK, linewidth=1.6)
    for index, span in enumerate(_phases(plan)):
        panel.axvspan(span.start_s, span.end_s, color=PHASES[index % len(PHASES)], zorder=0, linewidth=0)
    panel.set_title(title, fontsize=9 if persona else 11, color=INK, fontweight="normal" if persona else "bold")
    panel.set_xlim(0, plan.length_s)
    panel.set_ylim(0, max(1.0, float(heads.max())) * (1.12 if persona else 1.22))
    panel.yaxis.set_major_locator(MaxNLocator(3 if persona else 5, integer=True))
    marks = _clock_ticks(timeline_of(plan.spec).clocks[_reference(plan)], plan.length_s, ticks)
    panel.set_xticks([run_s for run_s, _ in marks], [label for _, label in marks], fontsize=8 if persona else 9)
    panel.tick_params(axis="y", labelsize=8 if persona else 9)


def _name_phases(panel: Axes, plan: Plan) -> None:
    for span in _phases(plan):
        middle_s = (max(0.0, span.start_s) + min(plan.length_s, span.end_s)) / 2
        panel.annotate(
            span.phase,
            (middle_s, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -4),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            color=GREY,
        )


def _phases(plan: Plan) -> Sequence[object]:
    return [span for span in plan.phases if span.site == _reference(plan)]


def _reference(plan: Plan) -> str:
    """A site of the zone whose clock the axes show."""
    return next(site.name for site in plan.spec.sites if site.time_zone == plan.spec.clock_zone)


def _clock_ticks(clock: SiteClock, length_s: float, most: int) -> list[tuple[float, str]]:
    """(run seconds, HH:MM) at round local times, `most` at most."""
    first_min, last_min = clock.local_s(0.0) / 60, clock.local_s(length_s) / 60
    step_min = next(step for step in _STEPS_MIN if (last_min - first_min) / step <= most)
    minutes = range(math.ceil(first_min / step_min) * step_min, math.floor(last_min) + 1, step_min)
    return sorted((run_s, clock_text(minute * 60.0)) for minute in minutes for run_s in clock.times_of(minute * 60.0))
