"""Requests, errors, throughput, percentiles and the link's share: of the whole run and of each site, workflow,
operation, lane, persona, phase, time zone and kind of site."""

from __future__ import annotations

from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.at_once import two_at_once
from harness.analysis.latencies import Latencies, named_percentiles, percentile_row
from harness.analysis.tables import DIMENSIONS

__all__ = ["PAIRS", "Row", "empty_row", "group_rows", "outcome_counts", "pair_frame"]

Floats = NDArray[np.float64]
Row = dict[str, Any]

_COUNTS: Final = """
    SELECT grouping_id({columns}) AS level, {columns},
           {counted},
           CASE WHEN bool_or(linked) THEN
               greatest(0, sum(way_ms) FILTER (timed)) / nullif(sum(latency_ms) FILTER (timed), 0)
           END AS link_share
    FROM counted GROUP BY GROUPING SETS ((), {sets}, {pairs}) ORDER BY ALL
"""
_LANES: Final = "SELECT workflow, min(lane) FROM counted GROUP BY 1"
_COUNTED: Final = {
    "requests": "true",
    "errors": "is_error",
    "expected_refusals": "outcome = 'expected_refusal'",
    "cancelled": "outcome = 'cancelled'",
    "retries": "attempt > 1",
    "timed": "timed",
}
"""What a row counts, and which requests."""
_NO_LATENCIES: Final = np.empty(0)
PAIRS: Final = (("site", "workflow"), ("site", "lane"))
"""What is crossed for the heat maps."""
_OF_PAIR: Final = {"p50_ms": 0.50, "p95_ms": 0.95}
_OF_SERVER: Final = {"server_p50_ms": 0.50, "server_p95_ms": 0.95}


def group_rows(
    tables: duckdb.DuckDBPyConnection, latencies: Latencies, server_ms: Floats | None, load_s: float
) -> dict[tuple[str, ...], dict[tuple[str, ...], Row]]:
    """Dimensions → names → row. `()` is the whole run, `("site",)` by site, `("site", "workflow")` their pairs.

    `errors` leaves out expected refusals and cancelled requests, which are counted beside it; `timed` is how many have
    a latency. `link_share` is Σ (latency − server's part) / Σ latency of these; it and the percentiles of the server's
    part alone are None where no site of the row has a link. `intervals` and `effective_samples` say how sure each
    percentile is. A workflow's row names its `lane`. `server_ms` goes with the latencies, where a site has a link.
    Pairs have `p50_ms` and `p95_ms` alone.
    """
    rows: dict[tuple[str, ...], dict[tuple[str, ...], Row]] = {
        key: {} for key in ((), *((name,) for name in DIMENSIONS), *PAIRS)
    }
    for dimensions, names, figures in _counts(tables):
        rows[dimensions][names] = _row(figures, load_s)
    rows[()].setdefault((), empty_row(load_s))
    for workflow, lane in tables.execute(_LANES).fetchall():
        rows[("workflow",)][(workflow or "",)]["lane"] = lane or ""
    servers = None if server_ms is None else latencies.beside(server_ms)

    def add_percentiles(dimensions: tuple[str, ...]) -> None:
        found = rows[dimensions]
        if dimensions in PAIRS:
            for names, headline_ms in latencies.split(*dimensions):
                found[names].update(named_percentiles(headline_ms, _OF_PAIR))
            return
        for names, headline_ms in latencies.split(*dimensions):
            found[names].update(percentile_row(headline_ms))
        if servers is not None:
            for names, own_ms in servers.split(*dimensions):
                _add_servers_part(found[names], own_ms)

    two_at_once(add_percentiles, rows)
    return rows


def empty_row(load_s: float) -> Row:
    """The row of whatever asked nothing."""
    return _row(dict.fromkeys(_COUNTED, 0), load_s)


def pair_frame(rows: dict[tuple[str, ...], Row], dimensions: tuple[str, ...]) -> pd.DataFrame:
    """Both dimensions as columns, then requests, errors, p50_ms, p95_ms (NaN where too few samples)."""
    columns = ["requests", "errors", "p50_ms", "p95_ms"]
    frame = pd.DataFrame(
        [(*names, *(row[column] for column in columns)) for names, row in rows.items()],
        columns=pd.Index([*dimensions, *columns]),
    )
    return frame.astype({"p50_ms": float, "p95_ms": float})


def outcome_counts(tables: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Requests by outcome, most frequent first."""
    query = "SELECT outcome, sum(requests) FROM counted GROUP BY 1 ORDER BY 2 DESC, 1"
    found = tables.execute(query).fetchall()
    return {str(outcome): int(count) for outcome, count in found}


def _counts(tables: duckdb.DuckDBPyConnection) -> list[tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]]:
    columns = ", ".join(DIMENSIONS)
    sets = ", ".join(f"({name})" for name in DIMENSIONS)
    pairs = ", ".join(f"({', '.join(pair)})" for pair in PAIRS)
    found = []
    counted = ", ".join(
        f"coalesce(sum(requests) FILTER ({which}), 0)::BIGINT AS {what}" for what, which in _COUNTED.items()
    )
    query = _COUNTS.format(columns=columns, sets=sets, pairs=pairs, counted=counted)
    for level, *values in tables.execute(query).fetchall():
        # A bit of the level is 1 where the column was summed over; the first column is the highest bit.
        kept = [at for at in range(len(DIMENSIONS)) if not level >> (len(DIMENSIONS) - 1 - at) & 1]
        names = tuple(values[at] or "" for at in kept)
        figures = dict(zip((*_COUNTED, "link_share"), values[len(DIMENSIONS) :], strict=True))
        found.append((tuple(DIMENSIONS[at] for at in kept), names, figures))
    return found


def _row(figures: dict[str, Any], load_s: float) -> Row:
    requests = figures["requests"]
    return {
        "requests": requests,
        "errors": figures["errors"],
        "error_rate": figures["errors"] / requests if requests else None,
        "throughput_per_s": requests / load_s if load_s > 0 else None,
        **percentile_row(_NO_LATENCIES),
        **{name: figures[name] for name in list(_COUNTED)[2:]},
        "link_share": figures.get("link_share"),
        **dict.fromkeys(_OF_SERVER),
    }


def _add_servers_part(row: Row, server_ms: Floats) -> None:
    if row["link_share"] is None:
        return
    added = named_percentiles(server_ms, _OF_SERVER)
    for kept in ("intervals", "effective_samples"):
        added[kept] = {**row[kept], **added[kept]}
    row.update(added)
