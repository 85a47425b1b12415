"""A part of the comparison as lines of the printed table: each tool's figures, then the bounds on ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from benchmarks.peers.bounds import (
    GROWTH_MB,
    LATE_MS,
    LATER_MS,
    MORE_DESCRIPTORS,
    OURS,
    SLOPE_KB,
    SPREAD_TIMES,
    Judged,
    judged,
    slope_kb,
    spread_ratio,
)
from benchmarks.peers.measure import SPREAD
from benchmarks.peers.results import Part
from benchmarks.peers.tools import TOOLS
from benchmarks.row import Row
from harness.units import count_text

__all__ = ["FIGURES", "figure_text", "rows"]

ALONE: Final = frozenset({"on-duty", "workers", "soak"})
"""Parts of which emrload is all."""
_Text = Callable[[float], str]


def _micros(figure: float) -> str:
    return f"{figure:.1f} µs"


def _megabytes(figure: float) -> str:
    return f"{figure:,.0f} MB"


def _count(figure: float) -> str:
    return f"{figure:,.0f}"


def _millis(figure: float) -> str:
    return f"{figure:.2f} ms"


FIGURES: Final[Mapping[str, Mapping[str, tuple[str, _Text]]]] = {
    "requests": {
        "bundle": ("CPU time a request, one Bundle of 2,134 bytes", _micros),
        "review": ("CPU time a request, chart review", _micros),
    },
    "memory": {
        "memory of 500": ("memory, 500 connected", _megabytes),
        "memory of 5,000": ("memory, 5,000 connected", _megabytes),
    },
    "arrivals": {
        "p50": ("1,000 arrivals a second, late by (p50)", _millis),
        "p99": ("1,000 arrivals a second, late by (p99)", _millis),
        "max": ("1,000 arrivals a second, late by (at most)", _millis),
    },
    "on-duty": {
        "p50": ("10,000 on duty, requests start late by (p50)", _millis),
        "p99": ("10,000 on duty, requests start late by (p99)", _millis),
        "max": ("10,000 on duty, requests start late by (at most)", _millis),
        "loop p99": ("10,000 on duty, the loop comes late by (p99 of seconds)", _millis),
    },
    "soak": {
        "users": ("a soak: people", _count),
        "requests": ("a soak: requests", _count),
        "cpu": ("a soak: share of a core", lambda share: f"{share:.0%}"),
        "mb_per_100k": ("a soak: what memory grows by in 100,000 requests", lambda grown: f"{grown:.3f} MB"),
        "least_descriptors": ("a soak: open descriptors, at least", _count),
        "most_descriptors": ("a soak: open descriptors, at most", _count),
        "early_p99_ms": ("a soak: requests start late by (p99 of the first third)", _millis),
        "late_p99_ms": ("a soak: requests start late by (p99 of the last third)", _millis),
    },
    "workers": {
        str(workers): (
            f"CPU time a request, chart review, {count_text(workers, 'load process', 'load processes')}",
            _micros,
        )
        for workers in SPREAD
    },
}
"""Part → figure → what it is, and how it is written."""


def figure_text(name: str, figure: str, part: Part, tool: str) -> str:
    """The median; "" where the tool does nothing of the kind or is not installed."""
    value = part.median(figure, tool)
    return "" if value is None else FIGURES[name][figure][1](value)


def rows(name: str, part: Part) -> Iterator[Row]:
    for figure, (what, _) in FIGURES[name].items():
        yield Row(what, "")
        for tool in TOOLS:
            if text := figure_text(name, figure, part, tool.name):
                yield Row(f"    {tool.name} {part.versions.get(tool.name) or ''}", text)
    if name == "memory":
        yield from _slopes(part)
    if name == "on-duty":
        yield from _lags(part)
    if name == "soak":
        yield from _growth(part)
    if name == "workers":
        yield from _spreads(part)
    for one in judged(name, part):
        yield _bound_row(name, one)
    for tool in TOOLS:
        if part.versions.get(tool.name) is None and name not in ALONE:
            yield Row(f"{tool.name} is not installed", tool.install)


def _slopes(part: Part) -> Iterator[Row]:
    yield Row("one more connected weighs", "")
    for tool in TOOLS:
        slope = slope_kb(part, tool.name)
        if slope is not None and tool.name == OURS:
            yield Row(f"    {tool.name}", f"{slope:.1f} kB", f"≤ {SLOPE_KB:g} kB", slope <= SLOPE_KB)
        elif slope is not None:
            yield Row(f"    {tool.name}", f"{slope:.1f} kB")


def _growth(part: Part) -> Iterator[Row]:
    found = {figure: part.median(figure, OURS) or 0.0 for figure in FIGURES["soak"]}
    grown, opened = found["mb_per_100k"], found["most_descriptors"] - found["least_descriptors"]
    later_ms = found["late_p99_ms"] - found["early_p99_ms"]
    yield Row("memory over 100,000 requests", f"{grown:.3f} MB", f"< {GROWTH_MB:g} MB", grown < GROWTH_MB)
    yield Row("descriptors opened meanwhile", f"{opened:.0f}", f"≤ {MORE_DESCRIPTORS}", opened <= MORE_DESCRIPTORS)
    yield Row(
        "the last third starts later than the first by", _millis(later_ms), f"< {LATER_MS:g} ms", later_ms < LATER_MS
    )


def _lags(part: Part) -> Iterator[Row]:
    for figure in ("p99", "loop p99"):
        late_ms = part.median(figure, OURS)
        if late_ms is not None:
            yield Row(FIGURES["on-duty"][figure][0], _millis(late_ms), f"< {LATE_MS:g} ms", late_ms < LATE_MS)


def _spreads(part: Part) -> Iterator[Row]:
    for workers in SPREAD[1:]:
        ratio = spread_ratio(part, workers)
        if ratio is not None:
            what = f"{workers} load processes : one, CPU time a request"
            yield Row(what, f"{ratio:.3f}", f"≤ {SPREAD_TIMES:g}", ratio <= SPREAD_TIMES)


def _bound_row(name: str, one: Judged) -> Row:
    bound = one.bound
    what = f"{OURS} : {bound.tool}, {FIGURES[name][bound.figure][0]}"
    if one.ratio is None:
        return Row(what, "not measured")
    if bound.times is None:
        return Row(what, f"{one.ratio:.3f}")
    aim = f" (aim {bound.aim:.2f})" if bound.aim else ""
    return Row(what, f"{one.ratio:.3f}", f"≤ {bound.times:.3g}{aim}", one.held)
