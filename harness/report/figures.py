"""The run in pictures: heads, requests, latency and errors over time; latency against concurrency; sites × workflows.

Each function takes a finished frame and gives a matplotlib Figure, wide (for a desk and for paper) or narrow (390 px).
No pyplot: nothing global is changed, and no figure is left open.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from harness.report.canvas import NARROW, Format
from harness.report.heat import heat_tables
from harness.report.palette import BLUE, GREY, INK, LIGHT, ORANGE, PHASES, SKY, VERMILION, heat_colour
from harness.report.timescale import PhaseBand, TimeScale
from harness.report.wording import latency_text, run_time_text
from harness.units import clock_text

__all__ = ["concurrency_figure", "heat_figure", "phase_letters", "timeline_figure"]

LOG_ABOVE_RATIO = 30.0
"""Latency goes on a log scale where its top is this many times its middle: an outage would flatten all else."""
HEAT_SITES_SHOWN = 16
"""More rows than this are not legible in one picture; the table in the report has them all."""


def phase_letters(scale: TimeScale, form: Format) -> dict[str, str]:
    """Phase → what stands above its band: the name where every name fits, else letters that the caption explains."""
    plot_width_pt = form.width_in * 72 * 0.85
    fits = all(
        len(band.name) * form.font_pt * 0.56 < (band.end_s - band.start_s) / scale.length_s * plot_width_pt
        for band in scale.bands
    )
    return {band.name: band.name if fits else chr(ord("A") + index) for index, band in enumerate(scale.bands)}


def timeline_figure(network: pd.DataFrame, scale: TimeScale, form: Format) -> Figure:
    """Heads on duty (planned and worked), requests/s, p50/p95/p99 and errors of the network over one time axis.

    `network`, the rows of site "": time_s on_duty_planned on_duty requests_per_s p50_ms p95_ms p99_ms errors.
    `time_s` is where a row's stretch of time begins.
    """
    length_s = max(scale.length_s, _last(network))
    figure = Figure(figsize=(form.width_in, 9.2))
    panels = figure.subplots(4, 1, sharex=True, height_ratios=(1.0, 1.0, 1.35, 0.75))
    figure.subplots_adjust(left=_MARGIN_PT / (form.width_in * 72), right=0.985, top=0.94, bottom=0.078, hspace=0.42)
    heads, rate, latency, errors = panels
    for panel, title in zip(
        panels, ("Clinicians on duty", "Requests per second", "Response time", "Errors"), strict=True
    ):
        _shade(panel, scale.bands)
        _title(panel, title, form, above_legend=panel in (heads, latency))
        panel.yaxis.set_major_locator(MaxNLocator(4, integer=panel in (heads, errors)))
    _draw_heads(heads, network)
    _name_phases(heads, scale, form)
    rate.plot(network["time_s"] + _step(network) / 2, network["requests_per_s"], color=BLUE)
    rate.set_ylim(bottom=0)
    if _draw_latency(latency, network):
        _title(latency, "Response time (log scale)", form, above_legend=True)
    failing = network[network["errors"] > 0]  # a bar of no height is not seen, and costs as much
    errors.bar(
        failing["time_s"], failing["errors"], align="edge", width=_step(network) * 0.9, color=VERMILION, linewidth=0
    )
    errors.set_ylim(0, max(1.0, float(network["errors"].max(skipna=True) or 0) * 1.15))
    for panel in (heads, latency):
        panel.legend(
            loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderpad=0, handlelength=2.4, borderaxespad=0.3
        )
    _time_axis(errors, scale, form, length_s)
    return figure


_MARGIN_PT = 62.0
"""Room for the longest label of the value axis, `1 min 40 s`."""


def _title(panel: Axes, text: str, form: Format, *, above_legend: bool = False) -> None:
    panel.set_title(text, fontsize=form.font_pt + 1, fontweight="bold", pad=form.font_pt * 2.1 if above_legend else 6)


def _draw_heads(panel: Axes, network: pd.DataFrame) -> None:
    panel.fill_between(network["time_s"], network["on_duty"], step="post", color=SKY, alpha=0.35, linewidth=0)
    panel.step(network["time_s"], network["on_duty"], where="post", color=BLUE, label="worked")
    panel.step(
        network["time_s"],
        network["on_duty_planned"],
        where="post",
        color=INK,
        linestyle=(0, (4, 2)),
        linewidth=1.1,
        label="planned",
    )
    # Room above the curve for the names of the phases.
    panel.set_ylim(0, max(1.0, float(network[["on_duty", "on_duty_planned"]].max().max())) * 1.35)


def _draw_latency(panel: Axes, network: pd.DataFrame) -> bool:
    """True where the scale is logarithmic."""
    for column, colour, dash, label in (
        ("p99_ms", VERMILION, (0, (1, 1.2)), "p99"),
        ("p95_ms", ORANGE, "solid", "p95"),
        ("p50_ms", BLUE, (0, (4, 1.5)), "p50"),
    ):
        panel.plot(network["time_s"] + _step(network) / 2, network[column], color=colour, linestyle=dash, label=label)
    shown = network[["p50_ms", "p95_ms", "p99_ms"]].to_numpy(dtype=float)
    known = shown[np.isfinite(shown) & (shown > 0)]
    if known.size and known.max() > LOG_ABOVE_RATIO * np.median(known):
        panel.set_yscale("log")
        panel.yaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    else:
        panel.set_ylim(0, float(known.max()) * 1.08 if known.size else 1.0)
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: latency_text(value) if value else "0"))
    return panel.get_yscale() == "log"


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
    panel.set_xlim(0, length_s)
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
    local_s = scale.local_s(run_s)
    if step_s * scale.time_lapse >= 60:
        return clock_text(local_s)
    whole = round(local_s) % 86_400
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def _nice_step(rough_s: float) -> float:
    """The next step that people count time in."""
    for step_s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400):
        if step_s >= rough_s:
            return float(step_s)
    return 86_400.0


def _last(frame: pd.DataFrame) -> float:
    """The end of the last window: a run's last clinicians finish a little after its planned end."""
    return 0.0 if frame.empty else float(frame["time_s"].max()) + _step(frame)


def _step(frame: pd.DataFrame) -> float:
    """Seconds from one row to the next."""
    times = np.unique(frame["time_s"].to_numpy(dtype=float))
    return float(np.median(np.diff(times))) if times.size > 1 else 1.0


def concurrency_figure(windows: pd.DataFrame, form: Format) -> Figure:
    """p95 of each stretch against clinicians on duty, and against requests in flight: early ones light, late ones dark.

    `windows`: time_s on_duty in_flight requests_per_s p95_ms.
    """
    narrow = form is NARROW
    figure = Figure(figsize=(form.width_in, 8.2 if narrow else 3.9))
    left, right = figure.subplots(2, 1) if narrow else figure.subplots(1, 2)
    figure.subplots_adjust(left=_MARGIN_PT / (form.width_in * 72), right=0.985, wspace=0.2, hspace=0.38)
    figure.subplots_adjust(top=0.93 if narrow else 0.86, bottom=0.065 if narrow else 0.13)
    known = windows[np.isfinite(windows["p95_ms"].to_numpy(dtype=float))]
    for panel, column, label in (
        (left, "on_duty", "clinicians on duty"),
        (right, "in_flight", "requests in flight (mean)"),
    ):
        _scatter(panel, known, column, form)
        panel.set_xlabel(label)
        _title(panel, "p95 response time", form, above_legend=True)
    return figure


def _scatter(panel: Axes, known: pd.DataFrame, column: str, form: Format) -> None:
    if known.empty:
        panel.set_xticks([])
        panel.set_yticks([])
        panel.text(0.5, 0.5, "too few requests for a p95", transform=panel.transAxes, ha="center", color=GREY)
        return
    times = known["time_s"].to_numpy(dtype=float)
    place = (times - times.min()) / max(float(np.ptp(times)), 1e-9)
    colours = [heat_colour(0.3 + 0.6 * share) for share in place]
    panel.scatter(known[column], known["p95_ms"], c=colours, s=26, linewidths=0.5, edgecolors=INK)
    bins = _binned_median(known[column].to_numpy(dtype=float), known["p95_ms"].to_numpy(dtype=float))
    if bins:
        panel.plot(*zip(*bins, strict=True), color=VERMILION, linewidth=2, label="median")
        panel.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), borderpad=0, borderaxespad=0.3)
    panel.set_xlim(left=0)
    panel.set_ylim(bottom=0)
    panel.xaxis.set_major_locator(MaxNLocator(form.ticks, integer=column == "on_duty"))
    panel.yaxis.set_major_locator(MaxNLocator(5))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: latency_text(value) if value else "0"))


def _binned_median(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    """Medians of y in eight equally filled groups of x; none below 16 points, where a line would pass for a trend."""
    if x.size < 16:
        return []
    order = np.argsort(x, kind="stable")
    groups = np.array_split(order, 8)
    return [(float(np.median(x[group])), float(np.median(y[group]))) for group in groups]


def heat_figure(site_workflow: pd.DataFrame, sites: list[str], workflows: list[str]) -> Figure:
    """p95 of each site × workflow as numbered cells; at most `HEAT_SITES_SHOWN` sites, in the order given."""
    shown = sites[:HEAT_SITES_SHOWN]
    (table,) = heat_tables(site_workflow, shown, workflows, most_columns=max(len(workflows), 1))
    figure = Figure(figsize=(max(6.0, 2.6 + 0.95 * len(workflows)), 2.2 + 0.36 * len(shown)))
    panel = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    panel.set_axis_off()
    colours = np.array([[to_rgb(cell.colour) for cell in row.cells] for row in table.rows])
    # a mesh of cells: an image would be resampled to thousands of pixels a cell, half a second a figure
    panel.pcolormesh(np.arange(len(workflows) + 1) - 0.5, np.arange(len(shown) + 1) - 0.5, colours)
    for row, name in enumerate(shown):
        panel.text(-0.6, row, name, ha="right", va="center")
        for column, cell in enumerate(table.rows[row].cells):
            if cell.text:
                panel.text(column, row, cell.text, ha="center", va="center", color=cell.ink, fontsize=9)
    for column, workflow in enumerate(workflows):
        panel.text(column, -0.7, workflow, ha="left", va="bottom", rotation=35, fontsize=9)
    more = "" if len(shown) == len(sites) else f", the {len(shown)} worst of {len(sites)} sites"
    panel.text(-0.6, -3.2, f"p95 response time by site and workflow{more}", ha="left", fontweight="bold")
    panel.set_xlim(-3.0, len(workflows) + 0.8)
    panel.set_ylim(len(shown) - 0.3, -3.8)
    return figure
