"""How figures, scopes and outcomes read in the report and on the console: each unit and word is chosen here only.

A figure that was not computed (too few samples) is a dash, never a zero; where a count decided instead, the count.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from harness.units import duration_text

__all__ = [
    "MISSING",
    "OUTCOME_WORDS",
    "allowed_beyond",
    "beyond_text",
    "figure_text",
    "interval_of",
    "interval_text",
    "latency_text",
    "metric_text",
    "number_text",
    "range_text",
    "rate_text",
    "run_time_text",
    "scope_text",
    "sentence",
    "share_text",
    "span_text",
    "waited_text",
]

MISSING = "–"

OUTCOME_WORDS: Mapping[str, str] = {
    "pass": "pass",
    "fail": "fail",
    "invalid": "invalid",
    "insufficient": "insufficient",
    "advisory": "advisory",
}
"""Outcome → its word; the report puts a shape of its own before each, so that nothing hangs on colour."""

_METRICS: Mapping[str, str] = {
    "p50_ms": "p50",
    "p90_ms": "p90",
    "p95_ms": "p95",
    "p99_ms": "p99",
    "error_rate": "errors",
    "waited_p95_ms": "p95 waited",
    "failed_workflow_rate": "failed workflows",
}


def latency_text(milliseconds: float | None) -> str:
    """`<0.1 ms`, `7.4 ms`, `412 ms`, `3.91 s`, `1 min 05 s`; a dash for None or NaN."""
    if milliseconds is None or not math.isfinite(milliseconds):
        return MISSING
    if 0 < milliseconds < 0.05:
        return "<0.1 ms"
    if 0 < abs(milliseconds) < 10:
        return f"{milliseconds:.1f} ms"
    return duration_text(milliseconds / 1000)


def run_time_text(seconds: float) -> str:
    """A moment of the run as its figures have it: `1:30` (min:s), from an hour on `1:05:00`."""
    whole = round(seconds)
    minutes = f"{whole // 60 % 60:02d}" if whole >= 3600 else f"{whole // 60}"
    return f"{whole // 3600}:{minutes}:{whole % 60:02d}" if whole >= 3600 else f"{minutes}:{whole % 60:02d}"


def share_text(share: float | None) -> str:
    """`0%`, `0.02%`, `4.0%`, `100%`; what is above zero never reads as zero, what is below one never as all."""
    if share is None or not math.isfinite(share):
        return MISSING
    if share in (0, 1):
        return f"{share:.0%}"
    if share < 0.00005:
        return "<0.01%"
    if share > 0.9995:
        return ">99.9%"
    return f"{share:.2%}" if share < 0.01 else f"{share:.1%}"


def rate_text(per_s: float | None) -> str:
    """`214/s`, `3.2/s`."""
    if per_s is None or not math.isfinite(per_s):
        return MISSING
    return f"{per_s:,.0f}/s" if per_s >= 100 else f"{per_s:.1f}/s"


def number_text(value: float | None) -> str:
    """`61,204`, `12.3`, `0.042`; whole numbers without a point."""
    if value is None or not math.isfinite(value):
        return MISSING
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"


def figure_text(metric: str, value: float | None) -> str:
    """A figure or a bound of `metric` with its unit."""
    if metric.endswith("_ms"):
        return latency_text(value)
    return share_text(value) if metric.endswith("_rate") else number_text(value)


def interval_text(metric: str, interval: object) -> str:
    """`380 ms to 470 ms`; an end that is not known is a dash; a dash alone where there is no interval."""
    if not isinstance(interval, list | tuple) or len(interval) != 2 or interval == [None, None]:
        return MISSING
    return range_text(*(figure_text(metric, end) for end in interval))


def range_text(first: str, last: str) -> str:
    """`2.8 ms to 5.5 ms`; one of them where both read the same."""
    return first if first == last else f"{first} to {last}"


def interval_of(row: Mapping[str, Any], name: str) -> tuple[float | None, float | None] | None:
    """The interval of a percentile in a row of summary.json; None without the figure (too few samples), or where a
    version measured that knew no intervals yet."""
    interval = row["intervals"].get(name) if row.get(name) is not None and "intervals" in row else None
    return None if interval is None else (interval[0], interval[1])


def span_text(interval: tuple[float | None, float | None] | None) -> str:
    """`410–455 ms`, `980 ms–1.21 s`, `410 ms or more` where the samples cannot tell the upper end; empty where they
    tell neither, or nothing was measured."""
    low, high = interval or (None, None)
    if low is None or high is None:
        open_side = "or less" if low is None else "or more"
        known = high if low is None else low
        return "" if known is None else f"{latency_text(known)} {open_side}"
    first, last = latency_text(low), latency_text(high)
    number, *unit = first.split(" ")
    # only a plain number goes without its unit: "1–2 min 05 s" would be misread
    shared = len(unit) == 1 and unit == last.split(" ")[1:]
    return f"{number if shared else first}–{last}"


def allowed_beyond(metric: str) -> float | None:
    """The share of samples that may lie above the bound: 0.05 for `p95_ms`; None where the metric is no percentile."""
    from harness.scenario.model import PERCENTILE_OF  # here: a live view does without the memory that pydantic takes

    p = PERCENTILE_OF.get(metric)
    return None if p is None else 1 - p


def beyond_text(objective: Mapping[str, Any]) -> str:
    """`0 of 142 over 1.00 s`: what decided a percentile that too few samples carry; empty where it has a figure."""
    metric, above = objective["metric"], objective.get("above")
    if objective.get("figure") is not None or above is None or not objective["samples"] or not allowed_beyond(metric):
        return ""
    return f"{above:,} of {objective['samples']:,} over {figure_text(metric, objective['bound'])}"


def sentence(text: str, names: Collection[str]) -> str:
    """`text` with a capital to begin with, unless it begins with one of `names`, which stay as they are."""
    begins_with_name = any(text.startswith(f"{name} ") for name in names)
    return text if begins_with_name else text[:1].upper() + text[1:]


def metric_text(metric: str) -> str:
    """A metric's name in words; an unknown one as it is."""
    return _METRICS.get(metric, metric)


def scope_text(scope: Mapping[str, Any]) -> str:
    """`the network`, `river`, `river, find-history`."""
    names = [str(value) for value in scope.values() if value not in (None, "")]
    return ", ".join(names) if names else "the network"


def waited_text(runs: Mapping[str, Any], p: float) -> str:
    """Percentile `p` of waiting; where it falls among the runs that failed or were given up, how many these are."""
    figure, lost, ended = runs.get(f"waited_p{p * 100:.0f}_ms"), runs.get("lost", 0), runs.get("lost", 0) + runs["ok"]
    if figure is None and lost > (1 - p) * ended:
        return f"{lost:,} of {ended:,} lost"
    return latency_text(figure)
