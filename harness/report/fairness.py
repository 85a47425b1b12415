"""How evenly sites were served, in words: for the report always, for the terminal only where it says something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.report.wording import share_text
from harness.units import count_text

__all__ = ["fairness_sentence", "uneven_line"]

UNEVEN_BELOW: Final = 0.95
"""Jain's index below which the terminal speaks of it: shares differ from each other by about 23% of their mean.
source: assumption"""
FEWEST_DEMANDED: Final = 500
"""Requests of a site below which chance alone moves its share far: they come in workflows of ten or so, so that the
number of 500 varies by a seventh. source: assumption"""
SLOW_FROM: Final = 2.0
"""So many times the median site's p95 are told of in the terminal. source: assumption"""
FEWEST_SITES: Final = 3
"""The median of two sites is half-way between them, and no site is far from it."""


def fairness_sentence(summary: Mapping[str, Any]) -> str:
    """What `between_sites` says, for the report; empty with one site, or where an earlier version measured."""
    found = summary.get("between_sites")
    if found is None or found["jain"] is None or found["sites"] < 2:
        return ""
    least = found["by_site"][found["least_delivered"]]
    said = (
        f"Between sites: Jain’s index of what was delivered of what the plan demands is {_index(found['jain'])} (1: "
        f"every site got the same share; 1/{found['sites']}: one site got everything). The best-served site got "
        f"{_times(found['max_over_median_delivered'])} the median site’s share, the least, {found['least_delivered']}, "
        f"{share_text(min(1.0, least['share']))} of what it demands"
    )
    if found["sites_with_p95"] > 1:
        said += f"; the slowest p95, at {found['slowest']}, is {_times(found['max_over_median_p95'])} the median site’s"
    few = _with_few(found)
    if few:
        said += (
            f". At {count_text(few, 'site')} fewer than {FEWEST_DEMANDED} were to come: there chance moves the share"
        )
    if found["without_demand"]:
        said += f". Left out: {count_text(found['without_demand'], 'site')} that were to ask for nothing"
    return f"{said}."


def uneven_line(summary: Mapping[str, Any]) -> str:
    """One line for the terminal where sites were served unevenly, or one is far slower than the rest; else empty."""
    found = summary.get("between_sites")
    if found is None or found["sites"] < FEWEST_SITES:
        return ""
    said = []
    if found["jain"] is not None and found["jain"] < UNEVEN_BELOW and not _with_few(found):
        least = found["least_delivered"]
        got = share_text(min(1.0, found["by_site"][least]["share"]))
        said.append(f"{least} got {got} of what it demands (Jain's index {_index(found['jain'])})")
    slow = found["max_over_median_p95"]
    if slow is not None and slow >= SLOW_FROM and found["sites_with_p95"] >= FEWEST_SITES:
        said.append(f"p95 at {found['slowest']} is {_times(slow)} the median site's")
    return f"between sites: {'; '.join(said)}" if said else ""


def _with_few(found: Mapping[str, Any]) -> int:
    return sum(site["demanded"] < FEWEST_DEMANDED for site in found["by_site"].values())


def _index(jain: float) -> str:
    """Three decimals; what is below 1 never reads as 1."""
    return "1" if jain == 1 else f"{min(jain, 0.999):.3f}"


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2g} times" if ratio < 10 else f"{ratio:,.0f} times"
