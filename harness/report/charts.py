"""The report's pictures: as SVG for the page, wide and narrow, with text alternatives; and the wide one as PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from harness.analysis.timeline import DRAWN
from harness.report.canvas import NARROW, WIDE, Format, drawing
from harness.report.figures import heat_figure, phase_letters, stretch_s, timeline_figure
from harness.report.marks import NO_MARKS, TimeMarks
from harness.report.responses import slow_column
from harness.report.scatter import FEWEST_FOR_MEDIANS, GROUPS, concurrency_figure
from harness.report.site_times import SITES_DRAWN, SiteTime, furthest_ms, site_times_figure
from harness.report.sites import SiteRow
from harness.report.svg import inline_svg
from harness.report.timescale import TimeScale
from harness.report.wording import latency_text, number_text, range_text, rate_text
from harness.units import count_text, duration_text

__all__ = ["Chart", "draw_concurrency", "draw_heat_map", "draw_site_times", "draw_sites", "draw_timeline"]

PNG_DPI = 110


@dataclass(frozen=True)
class Chart:
    """One picture on the page. `wide` and `narrow` are SVG elements; the page shows the one that fits.

    Without a picture (both empty) the caption says why.
    """

    wide: str
    narrow: str
    caption: str
    narrow_caption: str


def draw_sites(rows: Sequence[SiteRow], folder: Path) -> Chart:
    """p95 of each site with its interval and bound, in the order of `rows`; also `sites.png` in `folder`. No picture
    where fewer than two sites have a p95: there is nothing to compare."""
    times = [
        SiteTime(row.site, row.p95_ms, row.p95_interval_ms, row.p95_bound_ms, row.outcome == "fail")
        for row in rows
        if row.p95_ms is not None
    ]
    if len(times) < 2:
        return Chart("", "", "", "")
    end_ms = furthest_ms(times[:SITES_DRAWN])
    bounds_ms = [row.bound_ms for row in times[:SITES_DRAWN] if row.bound_ms is not None]
    told = [
        ("A bar is the range in which the true p95 lies, at 90%.", any(row.interval_ms for row in times)),
        ("A square is a site that fails.", any(row.fails for row in times[:SITES_DRAWN])),
        ("An upright stroke is what is allowed.", any(bound <= end_ms for bound in bounds_ms)),
        ("What is allowed lies further right than is drawn.", bool(bounds_ms) and min(bounds_ms) > end_ms),
        (f"{count_text(len(rows) - len(times), 'site')} had too few requests for one.", len(times) < len(rows)),
    ]
    return draw_site_times(times, "p95 by site", " ".join(text for text, holds in told if holds), folder)


def draw_site_times(times: Sequence[SiteTime], title: str, reading: str, folder: Path | None = None) -> Chart:
    """A row of the picture each, the first sixteen; `reading` says how to read it. Where there is a `folder`, it gets
    `sites.png`."""
    shown = times[:SITES_DRAWN]
    ends = (latency_text(end([row.p95_ms for row in times])) for end in (min, max))
    description = f"p95 of {count_text(len(times), 'site')}: {range_text(*ends)}."
    rest = f" Drawn are the first {len(shown)} of the table." if len(times) > len(shown) else ""
    caption = f"{description} {reading}{rest}"
    wide, narrow = _draw(lambda form: site_times_figure(shown, form, title), "sites", title, description, folder)
    return Chart(wide, narrow, caption, caption)


def draw_timeline(
    network: pd.DataFrame,
    scale: TimeScale,
    folder: Path,
    slow: pd.DataFrame | None = None,
    marks: TimeMarks = NO_MARKS,
) -> Chart:
    """The four panels over one time axis; also `timeline.png` in `folder`.

    `slow` has the rows of the site that gets a curve of its own; None, or no rows: none does.
    """
    slow = None if slow is None or slow.empty else slow
    description = _timeline_description(network, slow)

    def draw(form: Format) -> Figure:
        return timeline_figure(network, scale, form, slow, marks)

    wide, narrow = _draw(draw, "timeline", "The run over time", description, folder)
    notes = [_slow_note(slow), marks.caption(scale.length_s), _not_drawn(network)]
    captions = (" ".join(filter(None, (_phase_key(scale, form), *notes))) for form in (WIDE, NARROW))
    return Chart(wide, narrow, *captions)


def draw_concurrency(windows: pd.DataFrame, folder: Path, *, linked: bool = False) -> Chart:
    """Latency against concurrency; also `concurrency.png` in `folder`. No picture where no stretch has a p95.

    `linked`: sites have links, whose time is part of both axes.
    """
    known = windows.dropna(subset=["p95_ms"])
    if known.empty:
        lacking = f"No stretch of this run holds the {DRAWN['p95_ms']} requests that a p95 takes here."
        return Chart("", "", lacking, lacking)
    heads = range_text(*(number_text(round(end)) for end in (known["on_duty"].min(), known["on_duty"].max())))
    times = range_text(*(latency_text(end) for end in (known["p95_ms"].min(), known["p95_ms"].max())))
    stretches = count_text(len(known), "stretch", "stretches")
    description = f"{stretches} of the run: {heads} clinicians on duty, p95 {times}."
    caption = f"{description} {_reading(len(known), linked=linked)}"
    wide, narrow = _draw(
        lambda form: concurrency_figure(windows, form),
        "concurrency",
        "Latency against concurrency",
        description,
        folder,
    )
    return Chart(wide, narrow, caption, caption)


def _reading(points: int, *, linked: bool) -> str:
    """How to read the dots, and the line where there is one."""
    dots = "A dot is one stretch, pale at the run's start and dark at its end"
    if points < FEWEST_FOR_MEDIANS:
        line = f"from {FEWEST_FOR_MEDIANS} of them on, a line joins their medians."
    else:
        line = f"the line joins the medians of {GROUPS} equal groups."
        if not linked:
            line += " One that bends upward says that the server runs out of something."
    if linked:
        line += (
            " Response times and requests in flight hold the time on the sites’ links: a rise may come from whose "
            "sites are busy just then, and alone says nothing about the server."
        )
    return f"{dots}; {line} All points stand in concurrency.csv."


def draw_heat_map(crossed: pd.DataFrame, sites: Sequence[str], columns: Sequence[str], by: str, folder: Path) -> None:
    """`heat-map.png` in `folder`; on the page the heat map is a table, which can be read aloud too."""
    with drawing(WIDE):
        _save(heat_figure(crossed, list(sites), list(columns), by), folder / "heat-map.png")


def _draw(
    draw: Callable[[Format], Figure], name: str, title: str, description: str, folder: Path | None
) -> tuple[str, str]:
    texts = []
    for form in (WIDE, NARROW):
        with drawing(form):
            figure = draw(form)
            texts.append(inline_svg(figure, f"{name}-{form.name}", title, description))
            if form is WIDE and folder is not None:
                _save(figure, folder / f"{name}.png")
    return texts[0], texts[1]


def _save(figure: Figure, path: Path) -> None:
    # Fixed metadata: the same figures give the same bytes, and so the same digest.
    figure.savefig(path, dpi=PNG_DPI, metadata={"Software": None}, facecolor="white", pil_kwargs={"compress_level": 1})


def _phase_key(scale: TimeScale, form: Format) -> str:
    """`A results-read (07:00–08:00), …` and whose clock it is."""
    letters = phase_letters(scale, form)
    times = {band.name: band.local for band in scale.bands}
    phases = ", ".join(
        f"{'' if letters[name] == name else letters[name] + ' '}{name} ({local})" for name, local in times.items()
    )
    return f"Phases: {phases}. {scale.sentence}" if phases else f"No phase falls into this run. {scale.sentence}"


def _slow_note(slow: pd.DataFrame | None) -> str:
    """Whose curve stands beside those of all sites, and of what."""
    if slow is None:
        return ""
    site, column = slow["site"].iloc[0], slow_column(slow)
    if column is None:
        return f"{site} has too few requests in a stretch for a curve of its own."
    lacking = " (its requests do not suffice for a p95 curve)" if column == "p50_ms" else ""
    return (
        f"{site}, the worst of the sites that fail by their response time, has a curve of its own: "
        f"its {column.removesuffix('_ms')}{lacking}."
    )


def _not_drawn(network: pd.DataFrame) -> str:
    """Which percentiles of all sites have no curve, and what one takes."""
    lacking = [
        f"{column.removesuffix('_ms')} (takes {least} in a stretch of {_stretch_text(network)})"
        for column, least in DRAWN.items()
        if not network.empty and network[column].isna().all()
    ]
    return f"Not drawn for want of requests: {', '.join(lacking)}." if lacking else ""


def _stretch_text(network: pd.DataFrame) -> str:
    seconds = stretch_s(network)
    return f"{seconds:g} s" if seconds < 60 else duration_text(seconds)


def _timeline_description(network: pd.DataFrame, slow: pd.DataFrame | None) -> str:
    if network.empty:
        return "No second of this run was recorded."
    peak = network.iloc[int(network["on_duty"].to_numpy(dtype=float).argmax())]
    parts = [
        f"At most {number_text(round(peak['on_duty']))} clinicians on duty, at {duration_text(float(peak['time_s']))} "
        "of the run",
        f"at most {rate_text(network['requests_per_s'].max())} requests",
    ]
    if network["p95_ms"].notna().any():
        parts.append(f"highest p95 of a stretch {latency_text(network['p95_ms'].max())}")
    column = None if slow is None else slow_column(slow)
    if slow is not None and column is not None:
        name = f"{column.removesuffix('_ms')} of {slow['site'].iloc[0]}"
        parts.append(f"highest {name} {latency_text(slow[column].max())}")
    errors = int(network["errors"].sum())
    parts.append(count_text(errors, "error") if errors else "no errors")
    return "; ".join(parts) + "."
