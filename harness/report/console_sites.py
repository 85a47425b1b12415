"""The sites in the terminal: those that need a look, the others in one row, and all together with the p95's interval.

site           on duty at peak   requests                   p95   objective      errors
river-hospital             400     25,106                3.91 s   p95 ≤ 3.00 s    0.02%
8 others                           36,098              ≤ 0.41 s   p95 ≤ 3.00 s       0%
all sites                1,040     61,204   412 ms (400–425 ms)   p95 ≤ 1.00 s    0.01%
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from harness.report.columns import narrowed_table
from harness.report.sites import SiteRow
from harness.report.wording import MISSING, beyond_text, interval_of, latency_text, share_text, span_text
from harness.units import count_text

__all__ = ["sites_in_columns", "sites_shown"]

WORST_SITES_SHOWN = 5
_NUMBERS = (1, 2, 3, 5)
_DROPPED_FIRST = (1, 4, 5, 2)
"""Columns that a narrow terminal goes without, the first first."""


def sites_shown(rows: Sequence[SiteRow]) -> list[SiteRow]:
    """The sites that need a look, or else the one nearest to its bound; a single other one is named too."""
    trouble = [row for row in rows if row.outcome in ("fail", "insufficient")]
    shown = trouble[:WORST_SITES_SHOWN] or list(rows[:1])
    return list(rows) if len(rows) - len(shown) == 1 else shown


def sites_in_columns(
    shown: Sequence[SiteRow],
    others: Sequence[SiteRow],
    summary: Mapping[str, Any],
    verdict: Mapping[str, Any],
    width: int,
) -> Table:
    """Sites, the others in one row, and all together with the interval of their p95.

    Where not all of it stands in `width`, columns are left out, never a part of a site's name.
    """
    heads = ["  site", "on duty at peak", "requests", "p95", "objective", "errors"]
    lines = [_site_cells(row) for row in shown] + ([_others_cells(others)] if others else [])
    lines.append(_network_cells(summary, verdict))
    styles = ["red" if row.outcome == "fail" else "" for row in shown]
    return narrowed_table(heads, lines, width, _DROPPED_FIRST, _NUMBERS, styles)


def _site_cells(row: SiteRow) -> list[str]:
    return [
        f"  {row.site}",
        MISSING if row.on_duty is None else f"{row.on_duty:,}",
        f"{row.requests:,}",
        row.beyond or latency_text(row.p95_ms),
        row.objective,
        share_text(row.error_rate),
    ]


def _others_cells(others: Sequence[SiteRow]) -> list[str]:
    """The others in one row; without heads, since their peaks do not come at one time."""
    requests = sum(row.requests for row in others)
    errors = sum((row.error_rate or 0.0) * row.requests for row in others)
    failing = sum(row.outcome == "fail" for row in others)
    objectives = {row.objective for row in others}
    shared = objectives.pop() if len(objectives) == 1 else "each its own"
    return [
        f"  {count_text(len(others), 'other')}",
        "",
        f"{requests:,}",
        _others_p95(others),
        shared + (f", {failing} more fail" if failing else ""),
        share_text(errors / requests if requests else None),
    ]


def _others_p95(others: Sequence[SiteRow]) -> str:
    """`≤ 11 ms`, or `≤ 11 ms at 1, too few at 28` where some asked too little for a p95."""
    known = [row.p95_ms for row in others if row.p95_ms is not None]
    if not known:
        return "too few requests"
    lacking = len(others) - len(known)
    return f"≤ {latency_text(max(known))}" + (f" at {len(known)}, too few at {lacking}" if lacking else "")


def _network_cells(summary: Mapping[str, Any], verdict: Mapping[str, Any]) -> list[str]:
    figures = summary["overall"]
    judged = [each for each in verdict["objectives"] if not each["scope"] and each["metric"] == "p95_ms"]
    tightest = min(judged, key=lambda each: float(each["bound"]), default=None)
    counted = beyond_text(tightest) if tightest is not None and figures["p95_ms"] is None else ""
    span = span_text(interval_of(figures, "p95_ms"))
    return [
        "  all sites",
        f"{summary['concurrency']['peak_clinicians']:,}",
        f"{figures['requests']:,}",
        (counted or latency_text(figures["p95_ms"])) + (f" ({span})" if span else ""),
        "none" if tightest is None else f"p95 ≤ {latency_text(tightest['bound'])}",
        share_text(figures["error_rate"]),
    ]
