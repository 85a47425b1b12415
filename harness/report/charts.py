"""The report's pictures: as SVG for the page, wide and narrow, with text alternatives; and the wide one as PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from harness.report.canvas import NARROW, WIDE, Format, drawing
from harness.report.figures import concurrency_figure, heat_figure, phase_letters, timeline_figure
from harness.report.svg import inline_svg
from harness.report.timescale import TimeScale
from harness.report.wording import latency_text, number_text, rate_text
from harness.units import duration_text

__all__ = ["Chart", "draw_concurrency", "draw_heat_map", "draw_timeline"]

PNG_DPI = 110


@dataclass(frozen=True)
class Chart:
    """One picture on the page. `wide` and `narrow` are SVG elements; the page shows the one that fits."""

    wide: str
    narrow: str
    caption: str
    narrow_caption: str


def draw_timeline(network: pd.DataFrame, scale: TimeScale, folder: Path) -> Chart:
    """The four panels over one time axis; also `timeline.png` in `folder`."""
    description = _timeline_description(network)

    def draw(form: Format) -> Figure:
        return timeline_figure(network, scale, form)

    wide, narrow = _draw(draw, "timeline", "The run over time", description, folder)
    return Chart(wide, narrow, _phase_key(scale, WIDE), _phase_key(scale, NARROW))


def draw_concurrency(windows: pd.DataFrame, folder: Path) -> Chart:
    """Latency against concurrency; also `concurrency.png` in `folder`."""
    known = windows.dropna(subset=["p95_ms"])
    description = "No window holds enough samples for a p95."
    if not known.empty:
        description = (
            f"{len(known)} stretches of the run: {number_text(round(known['on_duty'].min()))} to "
            f"{number_text(round(known['on_duty'].max()))} clinicians on duty, "
            f"p95 between {latency_text(known['p95_ms'].min())} and {latency_text(known['p95_ms'].max())}."
        )
    wide, narrow = _draw(
        lambda form: concurrency_figure(windows, form),
        "concurrency",
        "Latency against concurrency",
        description,
        folder,
    )
    return Chart(wide, narrow, description, description)


def draw_heat_map(site_workflow: pd.DataFrame, sites: Sequence[str], workflows: Sequence[str], folder: Path) -> None:
    """`heat-map.png` in `folder`; on the page the heat map is a table, which can be read aloud too."""
    with drawing(WIDE):
        _save(heat_figure(site_workflow, list(sites), list(workflows)), folder / "heat-map.png")


def _draw(draw: Callable[[Format], Figure], name: str, title: str, description: str, folder: Path) -> tuple[str, str]:
    texts = []
    for form in (WIDE, NARROW):
        with drawing(form):
            figure = draw(form)
            texts.append(inline_svg(figure, f"{name}-{form.name}", title, description))
            if form is WIDE:
                _save(figure, folder / f"{name}.png")
    return texts[0], texts[1]


def _save(figure: Figure, path: Path) -> None:
    # Fixed metadata: the same figures give the same bytes, and so the same digest.
    figure.savefig(path, dpi=PNG_DPI, metadata={"Software": None}, facecolor="white", pil_kwargs={"compress_level": 1})


def _phase_key(scale: TimeScale, form: Format) -> str:
    """`A results-read (07:00–08:00), …` and whose clock it is."""
    letters = phase_letters(scale, form)
    phases = ", ".join(
        f"{'' if letters[band.name] == band.name else letters[band.name] + ' '}{band.name} ({band.local})"
        for band in scale.bands
    )
    return f"Phases: {phases}. {scale.sentence}" if phases else f"No phase falls into this run. {scale.sentence}"


def _timeline_description(network: pd.DataFrame) -> str:
    if network.empty:
        return "No second of this run was recorded."
    peak = network.iloc[int(network["on_duty"].to_numpy(dtype=float).argmax())]
    worst_ms = network["p95_ms"].max(skipna=True)
    return (
        f"At most {number_text(round(peak['on_duty']))} clinicians on duty, at {duration_text(float(peak['time_s']))} "
        f"of the run; at most {rate_text(network['requests_per_s'].max())} requests; "
        f"highest p95 of a stretch {latency_text(worst_ms)}; "
        f"{number_text(network['errors'].sum())} errors."
    )
