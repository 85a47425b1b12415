"""Heads on duty over time, in the terminal (plotext) and as PNG (matplotlib), local clock times on the axis."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import OutputError, Problem
from harness.plan import Plan, SiteClock, duty_steps, on_duty, timeline_of
from harness.units import clock_text, count_text, duration_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_png", "draw_terminal", "legend_columns", "reference_site"]

TERMINAL_COLUMNS = 80
TERMINAL_ROWS = 15
TERMINAL_TICKS = 8
PNG_TICKS = 12
MOST_LEVELS = 5
LEGEND_CHARACTERS = 125
"""How many stand in the width of the axes."""
LEGEND_LINE = 7
"""What an entry's line and the gap to the next one are wide, in characters."""
_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440)
_DASHES = ("-", "--", "-.", ":")


def reference_site(plan: Plan) -> str:
    """The site whose clock the axes show: the first in the zone that most people are in, of those least put off."""
    there = [site for site in plan.spec.sites if site.time_zone == plan.spec.clock_zone]
    return min(there, key=lambda site: site.start_offset_s).name


def draw_terminal(plan: Plan) -> str:
    """The picture as lines of text without colour codes, 80 columns wide or as wide as a narrower terminal."""
    import plotext  # type: ignore[import-untyped]  # it ships no types

    clock = timeline_of(plan.spec).clocks[reference_site(plan)]
    times_s = np.linspace(0.0, plan.length_s, 2 * TERMINAL_COLUMNS, endpoint=False)
    heads = on_duty(plan, times_s)
    levels = _levels(max(duty_steps(plan)[1]))
    figure = plotext.figure
    figure.clear()
    figure.plot_size(TERMINAL_COLUMNS, TERMINAL_ROWS)
    figure.theme("colorless")
    signal = figure.signal(times_s.tolist(), heads.tolist(), marker="hd")
    signal.lines()
    signal.fillx()
    figure.draw(signal)
    figure.title(_title(plan))
    ticks = _clock_ticks(clock, plan.length_s, TERMINAL_TICKS)
    figure.ruler("x").lim(0, plan.length_s).ticks([run_s for run_s, _ in ticks], [label for _, label in ticks])
    figure.ruler("y").lim(0, levels[-1]).ticks(levels, [f"{level:,.0f}" for level in levels])
    drawn: str = figure.build().string(colorless=True)
    return "\n".join(line.rstrip() for line in drawn.rstrip("\n").split("\n"))


def draw_png(plan: Plan, path: Path) -> None:
    """Heads by persona over time, phases shaded and named. Raises OutputError where `path` cannot be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from harness.report.palette import INK

    figure = Figure(figsize=(10, 5), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    site = reference_site(plan)
    clock = timeline_of(plan.spec).clocks[site]
    _draw_personas(axes, plan)
    _shade_phases(axes, plan, site)
    ticks = _clock_ticks(clock, plan.length_s, PNG_TICKS)
    axes.set_xticks([run_s for run_s, _ in ticks], [label for _, label in ticks])
    axes.set_xlim(0, plan.length_s)
    axes.set_ylim(0, _levels(max(duty_steps(plan)[1]))[-1] * 1.12)
    axes.set_xlabel(_axis_label(plan, site))
    axes.set_ylabel("clinicians on duty")
    axes.set_title(f"{plan.spec.scenario.title}: {_title(plan)}", loc="left", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", linewidth=0.5, alpha=0.5)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=legend_columns(axes), frameon=False)
    try:
        figure.savefig(path, format="png")
    except OSError as error:
        raise OutputError(
            Problem(f"cannot write {path}: {error.strerror}", "--png", "give a file in a folder that exists")
        ) from error


def _draw_personas(axes: Axes, plan: Plan) -> None:
    from harness.report.palette import BLUE, INK, ORANGE, SKY, VERMILION

    colours = (BLUE, VERMILION, SKY, ORANGE)
    personas = list(dict.fromkeys(persona for site in plan.spec.sites for persona in site.heads))
    _draw_steps(axes, plan, None, "all", INK, "-", 2.2)
    for index, persona in enumerate(personas):
        dash = _DASHES[(index // len(colours) + index) % len(_DASHES)]
        _draw_steps(axes, plan, persona, persona, colours[index % len(colours)], dash, 1.6)


def _draw_steps(axes: Axes, plan: Plan, persona: str | None, label: str, colour: str, dash: str, width: float) -> None:
    times_s, heads = duty_steps(plan, persona=persona)
    # Everybody leaves at the very end; the drop would only be a line on the picture's edge.
    shown = [(time_s, count) for time_s, count in zip(times_s, heads, strict=True) if time_s < plan.length_s]
    xs = [time_s for time_s, _ in shown] + [plan.length_s]
    ys = [count for _, count in shown] + [shown[-1][1]]
    axes.step(xs, ys, where="post", label=label, color=colour, linestyle=dash, linewidth=width)


def legend_columns(axes: Axes) -> int:
    """So many as stand side by side below the axes."""
    longest = max(len(label) for label in axes.get_legend_handles_labels()[1])
    return max(1, min(5, LEGEND_CHARACTERS // (longest + LEGEND_LINE)))


def _shade_phases(axes: Axes, plan: Plan, site: str) -> None:
    from harness.report.palette import INK, PHASES

    for index, span in enumerate(span for span in plan.phases if span.site == site):
        axes.axvspan(span.start_s, span.end_s, color=PHASES[index % len(PHASES)], zorder=0, linewidth=0)
        axes.annotate(
            span.phase,
            ((span.start_s + span.end_s) / 2, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -4),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            color=INK,
        )


def _title(plan: Plan) -> str:
    sites = count_text(len(plan.spec.sites), "site")
    return f"heads on duty at {sites}, local time at {reference_site(plan)}"


def _axis_label(plan: Plan, site: str) -> str:
    played = f"local time at {site}; the run takes {duration_text(plan.length_s)}"
    return played if plan.time_lapse == 1 else f"{played}, {plan.time_lapse:.3g} times faster than in life"


def _clock_ticks(clock: SiteClock, length_s: float, most: int) -> list[tuple[float, str]]:
    """(run seconds, HH:MM) at round local times, `most` at most."""
    first_min, last_min = clock.local_s(0.0) / 60, clock.local_s(length_s) / 60
    fitting = (step for step in _STEPS_MIN if (last_min - first_min) / step <= most - 1)
    step_min = next(fitting, math.ceil((last_min - first_min) / (most - 1)))
    minutes = range(math.ceil(round(first_min, 6) / step_min) * step_min, math.floor(round(last_min, 6)) + 1, step_min)
    return sorted((run_s, clock_text(minute * 60.0)) for minute in minutes for run_s in clock.times_of(minute * 60.0))


def _levels(heads: int) -> list[int]:
    """Levels of the axis, from 0 up to the first that `heads` does not pass: steps of 1, 2 or 5 · 10ⁿ."""
    steps = (factor * 10**power for power in range(9) for factor in (1, 2, 5))
    step = next(step for step in steps if step * MOST_LEVELS >= heads)
    return list(range(0, heads + step, step))
