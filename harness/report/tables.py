"""The figures as files for a spreadsheet: one row a scope, and the timeline."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from harness.report.wording import interval_of

__all__ = ["LATENCY_COLUMNS", "inert", "write_concurrency_csv", "write_latency_csv"]

_DIMENSIONS = ("site", "time_zone", "template", "workflow", "operation", "lane", "persona")
_BEFORE_INTERVAL = (
    "requests",
    "errors",
    "error_rate",
    "throughput_per_s",
    "p50_ms",
    "p90_ms",
    "p95_ms",
)
_AFTER_INTERVAL = ("p99_ms", "p999_ms", "max_ms", "link_share", "server_p95_ms")
LATENCY_COLUMNS = ("dimension", "name", *_BEFORE_INTERVAL, "p95_low_ms", "p95_high_ms", *_AFTER_INTERVAL)


def write_latency_csv(summary: Mapping[str, Any], path: Path) -> None:
    """`overall` and every scope of summary.json; a figure that was not computed is an empty cell. The
    p95 has the ends of its 90% interval beside it. UTF-8, commas."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(LATENCY_COLUMNS)
        writer.writerow(("overall", "", *_cells(summary["overall"])))
        for dimension in _DIMENSIONS:
            for name, figures in summary[f"by_{dimension}"].items():
                writer.writerow((dimension, inert(name), *_cells(figures)))


def _cells(figures: Mapping[str, Any]) -> list[object]:
    values = [
        *(figures[name] for name in _BEFORE_INTERVAL),
        *(interval_of(figures, "p95_ms") or (None, None)),
        *(figures[name] for name in _AFTER_INTERVAL),
    ]
    return [round(value, 6) if isinstance(value, float) else value for value in values]


def inert(name: str) -> str:
    """A name that a spreadsheet would take for a formula gets a quote before it (CSV injection)."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def write_concurrency_csv(timeline: pd.DataFrame, path: Path) -> None:
    """The timeline, one row a window and site; the network's rows have an empty site."""
    timeline.assign(site=timeline["site"].map(lambda name: inert(str(name)))).to_csv(
        path, index=False, float_format="%.6g", lineterminator="\r\n"
    )
