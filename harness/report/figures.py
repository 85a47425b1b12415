"""The run in pictures: heads, requests, latency and errors over time; sites × workflows.

Each function takes a finished frame and gives a matplotlib Figure, wide (for a desk and for paper) or narrow (390 px).
No pyplot: nothing global is changed, and no figure is left open.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from harness.report.canvas import MARGIN_PT, Format, legend_above, title_above
from harness.report.heat import BY_WORDS, heat_tables
from harness.report.marks import NO_MARKS, TimeMarks, draw_marks
from harness.report.palette import BLUE, INK, LIGHT, PHASES, SKY, VERMILION
from harness.report.responses import draw_response_times
from harness.report.stolen import hatch_stolen
from harness.report.timescale import PhaseBand, TimeScale
from harness.report.wording import run_time_text

__all__ = ["heat_figure", "phase_letters", "stretch_s", "timeline_figure"]

Floats = NDArray[np.float64]

HEAT_SITES_SHOWN = 16
"""More rows than this are not legible in one picture; the table in the report has them all."""


def phase_letters(scale: TimeScale, form: Format) -> dict[str, str]:
    """Phase → what stands above its bands: the name where every name fits, else letters that the caption explains."""
    plot_width_pt = form.width_in * 72 * 0.85
    fits = all(
        len(band.name) * form.font_pt * 0.56 < (band.end_s - band.start_s) / scale.length_s * plot_width_pt
        for band in scale.bands
    )
    names = dict.fromkeys(band.name for band in scale.bands)
    return {name: name if fits else chr(ord("A") + index) for index, name in enumerate(names)}


def timeline_figure(
    network: pd.DataFrame,
    scale: TimeScale,
    form: Format,
    slow: pd.DataFrame | None = None,
    marks: TimeMarks = NO_MARKS,
) -> Figure:
    """Heads on duty (planned and worked), requests/s, p50/p95/p99 and errors of the network over one time axis.

    `network`, the rows of site "": time_s on_duty_planned on_duty visitors requests_per_s p50_ms p95_ms p99_ms errors.
    `time_s` is where a row's stretch of time begins. `slow`, the rows of one site, gives it a curve of its own.
    """
    edges_s = _edges(network, scale.length_s)
    length_s = max(scale.length_s, float(edges_s[-1]))
    any_errors = bool((network["errors"] > 0).any())
    figure = Figure(figsize=(form.width_in, 9.2))
    panels = figure.subplots(4, 1, sharex=True, height_ratios=(1.0, 1.0, 1.35, 0.75 if any_errors else 0.35))
    figure.subplots_adjust(left=MARGIN_PT / (form.width_in * 72), right=0.985, top=0.94, bottom=0.084, hspace=0.48)
    heads, rate, latency, errors = panels
    errors.set_xlim(0, length_s)
    for panel in panels:
        _shade(panel, scale.bands)
        hatch_stolen(panel, marks.stolen, length_s, named=panel is rate)
        panel.yaxis.set_major_locator(MaxNLocator(4, integer=panel in (heads, errors)))
    middles_s = (edges_s[:-1] + edges_s[1:]) / 2
    _draw_heads(heads, network, edges_s)
    _name_phases(heads, scale, form)
    rate.plot(middles_s, network["requests_per_s"], color=BLUE)
    rate.set_ylim(bottom=0)
    legend_above(rate)
    whose = draw_response_times(latency, network, middles_s, slow, form)
    _draw_errors(errors, network, edges_s)
    draw_marks(panels, marks)
    for panel, title in ((heads, "Clinicians on duty"), (rate, "Requests per second"), (latency, whose)):
        title_above(panel, title, form)
    title_above(errors, "Errors", form)
    _time_axis(errors, scale, form, length_s)
    return figure


def _draw_heads(panel: Axes, network: pd.DataFrame, edges_s: Floats) -> None:
    # Room above the curve for the names of the phases.
    panel.set_ylim(0, max(1.0, float(network[["on_duty", "on_duty_planned", "visitors"]].max().max())) * 1.35)
    if network.empty:
        return
    # The last value again at the last edge: a step begins where its stretch begins, and must go to its end.
    worked, planned, came = (
        np.append(network[name], network[name].iloc[-1]) for name in ("on_duty", "on_duty_planned", "visitors")
    )
    panel.fill_between(edges_s, worked, step="post", color=SKY, alpha=0.35, linewidth=0)
    panel.step(edges_s, worked, where="post", color=BLUE, label="worked")
    panel.step(edges_s, planned, where="post", color=INK, linestyle=(0, (4, 2)), linewidth=1.1, label="planned")
    if came.any():
        panel.step(edges_s, came, where="post", color=VERMILION, linestyle=(0, (1, 1.2)), label="arrivals")
    legend_above(panel)


def _draw_errors(panel: Axes, network: pd.DataFrame, edges_s: Floats) -> None:
    failing = (network["errors"] > 0).to_numpy()  # a bar of no height is not seen, and costs as much
    if not failing.any():
        panel.set_yticks([])
        if not network.empty:
            panel.text(0.5, 0.5, "No errors", transform=panel.transAxes, ha="center", va="center", color=INK)
        return
    counts = network["errors"].to_numpy(dtype=float)[failing]
    widths_s = np.diff(edges_s)[failing] * 0.9
    panel.bar(edges_s[:-1][failing], counts, align="edge", width=widths_s, color=VERMILION, linewidth=0)
    panel.set_ylim(0, max(1.0, float(counts.max()) * 1.15))


def _shade(panel: Axes, bands: tuple[PhaseBand, ...]) -> None:
    for index, band in enumerate(bands):
        panel.axvspan(band.start_s, band.end_s, color=PHASES[index % 2], linewidth=0, zorder=0)


def _name_phases(panel: Axes, scale: TimeScale, form: Format) -> None:
    """Names inside the top of the first panel, in a second row where bands overlap."""
    letters = phase_letters(scale, form)
    taken_until = -1.0
    for band in scale.bands:
        row = 1 if band.start_s < taken_until else 0
        taken_until = max(taken_until, band.end_s)
        panel.annotate(
            letters[band.name],
            ((band.start_s + band.end_s) / 2, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -4 - 13 * row),
            textcoords="offset points",
            ha="center",
            va="top",
            color=INK,
        )


def _time_axis(panel: Axes, scale: TimeScale, form: Format, length_s: float) -> None:
    """Run time under the last panel, with the local time in a second line."""
    step_s = _nice_step(length_s / form.ticks)
    ticks = np.arange(0, length_s + step_s * 0.01, step_s)
    # A tick at the very end would hang over the picture's edge on a phone.
    ticks = ticks[ticks <= length_s * 0.97]
    panel.set_xticks(ticks, [f"{run_time_text(tick)}\n{_local(scale, tick, step_s)}" for tick in ticks])
    panel.grid(True, axis="x", color=LIGHT, linewidth=0.4)
    panel.set_xlabel(
        f"time of the run ({'h:min:s' if length_s >= 3600 else 'min:s'}), and local time below it", labelpad=4
    )


def _local(scale: TimeScale, run_s: float, step_s: float) -> str:
    return scale.text(run_s, seconds=step_s * scale.time_lapse < 60)


def _nice_step(rough_s: float) -> float:
    """The next step that people count time in."""
    for step_s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400):
        if step_s >= rough_s:
            return float(step_s)
    return 86_400.0


def _edges(frame: pd.DataFrame, length_s: float) -> Floats:
    """Where each stretch begins, and where the last one ends: it may be shorter, since the run ends with it."""
    begins_s = frame["time_s"].to_numpy(dtype=float)
    if not begins_s.size:
        return np.zeros(1)
    end_s = begins_s[-1] + stretch_s(frame)
    return np.append(begins_s, min(end_s, length_s) if begins_s[-1] < length_s else end_s)


def stretch_s(frame: pd.DataFrame) -> float:
    """Seconds from one row to the next."""
    times = np.unique(frame["time_s"].to_numpy(dtype=float))
    return float(np.median(np.diff(times))) if times.size > 1 else 1.0


def heat_figure(crossed: pd.DataFrame, sites: list[str], columns: list[str], by: str) -> Figure:
    """p95 of each site × workflow (or lane: `by`) as numbered cells; at most `HEAT_SITES_SHOWN` sites, in the order
    given."""
    shown = sites[:HEAT_SITES_SHOWN]
    (table,) = heat_tables(crossed, shown, columns, by, most_columns=max(len(columns), 1))
    figure = Figure(figsize=(max(6.0, 2.6 + 0.95 * len(columns)), 2.2 + 0.36 * len(shown)))
    panel = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    panel.set_axis_off()
    colours = np.array([[to_rgb(cell.colour) for cell in row.cells] for row in table.rows])
    # a mesh of cells: an image would be resampled to thousands of pixels a cell, half a second a figure
    panel.pcolormesh(np.arange(len(columns) + 1) - 0.5, np.arange(len(shown) + 1) - 0.5, colours)
    for row, name in enumerate(shown):
        panel.text(-0.6, row, name, ha="right", va="center")
        for column, cell in enumerate(table.rows[row].cells):
            if cell.text:
                panel.text(column, row, cell.text, ha="center", va="center", color=cell.ink, fontsize=9)
    for column, name in enumerate(columns):
        panel.text(column, -0.7, name, ha="left", va="bottom", rotation=35, fontsize=9)
    more = "" if len(shown) == len(sites) else f", the {len(shown)} worst of {len(sites)} sites"
    panel.text(-0.6, -3.2, f"p95 response time by site and {BY_WORDS[by]}{more}", ha="left", fontweight="bold")
    panel.set_xlim(-3.0, len(columns) + 0.8)
    panel.set_ylim(len(shown) - 0.3, -3.8)
    return figure
