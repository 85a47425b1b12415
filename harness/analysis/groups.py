"""Requests, errors, throughput and percentiles of the whole run and of each site, workflow, operation, lane, persona
and phase."""

from __future__ import annotations

from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd

from harness.analysis.latencies import Latencies, percentile_row
from harness.analysis.tables import DIMENSIONS

__all__ = ["Row", "group_rows", "outcome_counts", "site_workflow_frame"]

Row = dict[str, Any]

_COUNTS: Final = """
    SELECT grouping_id({columns}) AS level, {columns},
           count(*) AS requests, count(*) FILTER (is_error) AS errors,
           count(*) FILTER (outcome = 'expected_refusal') AS expected_refusals,
           count(*) FILTER (outcome = 'cancelled') AS cancelled,
           count(*) FILTER (attempt > 1) AS retries,
           count(*) FILTER (timed) AS timed
    FROM requests GROUP BY GROUPING SETS ((), {sets}, (site, workflow)) ORDER BY ALL
"""
_FIGURES: Final = ("requests", "errors", "expected_refusals", "cancelled", "retries", "timed")
_NO_LATENCIES: Final = np.empty(0)


def group_rows(
    tables: duckdb.DuckDBPyConnection, latencies: Latencies, load_s: float
) -> dict[tuple[str, ...], dict[tuple[str, ...], Row]]:
    """Dimensions → names → row. `()` is the whole run, `("site",)` by site, `("site", "workflow")` their pairs.

    `errors` leaves out expected refusals and cancelled requests, which are counted beside it; `timed` is how many have
    a latency.
    """
    rows: dict[tuple[str, ...], dict[tuple[str, ...], Row]] = {
        key: {} for key in ((), *((name,) for name in DIMENSIONS), ("site", "workflow"))
    }
    for dimensions, names, counts in _counts(tables):
        rows[dimensions][names] = _row(counts, load_s)
    rows[()].setdefault((), _row(dict.fromkeys(_FIGURES, 0), load_s))
    for dimensions, found in rows.items():
        for names, headline_ms in latencies.split(*dimensions):
            found[names].update(percentile_row(headline_ms))
    return rows


def site_workflow_frame(rows: dict[tuple[str, ...], Row]) -> pd.DataFrame:
    """Columns site, workflow, requests, errors, p50_ms, p95_ms (NaN where too few samples)."""
    columns = ["requests", "errors", "p50_ms", "p95_ms"]
    frame = pd.DataFrame(
        [(*names, *(row[column] for column in columns)) for names, row in rows.items()],
        columns=pd.Index(["site", "workflow", *columns]),
    )
    return frame.astype({"p50_ms": float, "p95_ms": float})


def outcome_counts(tables: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Requests by outcome, most frequent first."""
    found = tables.execute("SELECT outcome, count(*) FROM requests GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
    return {str(outcome): int(count) for outcome, count in found}


def _counts(tables: duckdb.DuckDBPyConnection) -> list[tuple[tuple[str, ...], tuple[str, ...], dict[str, int]]]:
    columns = ", ".join(DIMENSIONS)
    sets = ", ".join(f"({name})" for name in DIMENSIONS)
    found = []
    for level, *values in tables.execute(_COUNTS.format(columns=columns, sets=sets)).fetchall():
        # A bit of the level is 1 where the column was summed over; the first column is the highest bit.
        kept = [at for at in range(len(DIMENSIONS)) if not level >> (len(DIMENSIONS) - 1 - at) & 1]
        names = tuple(values[at] or "" for at in kept)
        counts = dict(zip(_FIGURES, values[len(DIMENSIONS) :], strict=True))
        found.append((tuple(DIMENSIONS[at] for at in kept), names, counts))
    return found


def _row(counts: dict[str, int], load_s: float) -> Row:
    requests = counts["requests"]
    return {
        "requests": requests,
        "errors": counts["errors"],
        "error_rate": counts["errors"] / requests if requests else None,
        "throughput_per_s": requests / load_s if load_s > 0 else None,
        **percentile_row(_NO_LATENCIES),
        **{name: counts[name] for name in _FIGURES[2:]},
    }
