"""The run over time: who is on duty, what is asked, how long it takes, what goes wrong; for each site and for the
network (site "").

Points of a curve are rougher than printed figures: a percentile is drawn from 2/(1−p) requests in its stretch of time,
so that a short run has a curve at all. Nothing is judged from them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.occupancy import mean_open
from harness.analysis.tables import columns_of, positions_by_code

__all__ = ["bin_edges", "concurrency_frame", "moments_by_site", "timeline_frame"]

Floats = NDArray[np.float64]

MOST_BINS: Final = 240
FEWEST_BINS: Final = 12
WANTED_PER_BIN: Final = 40
"""Requests that a bin should hold, so that its p95 can be drawn."""

NICE_S: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
DRAWN: Final = {"p50_ms": 4, "p95_ms": 40, "p99_ms": 200}
"""Percentile → requests in a bin from which its point is drawn: 2/(1−p)."""

NETWORK: Final = ""

_BINNED: Final = """
    SELECT coalesce(site::VARCHAR, '') AS site, greatest(0, least(floor(start_s / $width), $last))::INTEGER AS bin,
           count(*) AS requests, count(*) FILTER (is_error) AS errors, count(*) FILTER (timed) AS timed,
           quantile_cont(headline_ms, [0.50, 0.95, 0.99]) FILTER (timed) AS ms
    FROM requests GROUP BY GROUPING SETS ((bin), (site, bin))
    HAVING grouping(site) = 1 OR site IS NOT NULL
"""


def bin_edges(load_s: float, requests: int) -> Floats:
    """Edges of equal stretches from 0 to `load_s` (the last may be shorter): at most 240, fewer where requests are few,
    of a round width."""
    span_s = max(load_s, 1.0)
    wanted_s = max(span_s / MOST_BINS, min(span_s / FEWEST_BINS, WANTED_PER_BIN * span_s / max(requests, 1)))
    width_s = float(next((nice for nice in NICE_S if nice >= wanted_s), math.ceil(wanted_s / 3600) * 3600))
    edges: Floats = np.arange(math.ceil(span_s / width_s - 1e-9) + 1, dtype=np.float64) * width_s
    edges[-1] = span_s
    return edges


def timeline_frame(
    tables: duckdb.DuckDBPyConnection,
    edges_s: Floats,
    spans: Mapping[str, NDArray[Any]],
    visits: Mapping[str, NDArray[Any]],
    moments: Mapping[str, tuple[Floats, Floats]],
) -> pd.DataFrame:
    """One row a bin and site, the network's rows (site "") first; `time_s` is where the bin begins.

    `spans` holds the columns site, planned_start_s, planned_end_s, start_s, end_s of every slot; the last two NaN where
    it was not worked; `visits` holds site, start_s, end_s of what came by itself; `moments` is what `moments_by_site`
    gives. Columns: time_s site on_duty_planned on_duty visitors (mean heads) requests_per_s p50_ms p95_ms p99_ms (NaN:
    too few) errors in_flight (mean).
    """
    counts = _binned(tables, edges_s)
    sites = sorted({*spans["site"].tolist(), *visits["site"].tolist(), *moments} - {NETWORK})
    nothing = (np.empty(0), np.empty(0))
    frames = [_site_frame(s, edges_s, spans, visits, moments.get(s, nothing), counts) for s in [NETWORK, *sites]]
    return pd.concat(frames, ignore_index=True)


def concurrency_frame(timeline: pd.DataFrame) -> pd.DataFrame:
    """The network's points for latency against concurrency: time_s on_duty in_flight requests_per_s p95_ms."""
    network = timeline[timeline["site"] == NETWORK]
    return network[["time_s", "on_duty", "in_flight", "requests_per_s", "p95_ms"]].reset_index(drop=True)


def _binned(tables: duckdb.DuckDBPyConnection, edges_s: Floats) -> dict[tuple[str, int], tuple[int, int, int, Any]]:
    width_s = float(edges_s[1] - edges_s[0])
    found = tables.execute(_BINNED, {"width": width_s, "last": len(edges_s) - 2}).fetchall()
    return {(site, at): tuple(figures) for site, at, *figures in found}


def moments_by_site(tables: duckdb.DuckDBPyConnection) -> dict[str, tuple[Floats, Floats]]:
    """Start and end of every request, by site and of all (site "")."""
    sites = dict(
        tables.execute("SELECT DISTINCT enum_code(site), site::VARCHAR FROM requests WHERE site <> ''").fetchall()
    )
    query = f"SELECT coalesce(enum_code(site), {len(sites)})::USMALLINT AS site, start_s, done_s FROM requests"  # noqa: S608 (ours)
    found = columns_of(tables, query)
    by_site = {NETWORK: (found["start_s"], found["done_s"])}
    for own in positions_by_code(found["site"]):
        site = sites.get(int(found["site"][own[0]]), NETWORK)
        if site != NETWORK:
            by_site[site] = (found["start_s"][own], found["done_s"][own])
    return by_site


def _site_frame(
    site: str,
    edges_s: Floats,
    spans: Mapping[str, NDArray[Any]],
    visits: Mapping[str, NDArray[Any]],
    moments: tuple[Floats, Floats],
    counts: Mapping[tuple[str, int], tuple[int, int, int, Any]],
) -> pd.DataFrame:
    bins = range(len(edges_s) - 1)
    width_s = np.diff(edges_s)
    slots = spans["site"] == site if site else np.ones(len(spans["site"]), bool)
    worked = slots & ~np.isnan(spans["start_s"])
    came = visits["site"] == site if site else np.ones(len(visits["site"]), bool)
    rows = [counts.get((site, at), (0, 0, 0, None)) for at in bins]
    columns: dict[str, Any] = {
        "time_s": edges_s[:-1],
        "site": site,
        "on_duty_planned": mean_open(spans["planned_start_s"][slots], spans["planned_end_s"][slots], edges_s),
        "on_duty": mean_open(spans["start_s"][worked], spans["end_s"][worked], edges_s),
        "visitors": mean_open(visits["start_s"][came], visits["end_s"][came], edges_s),
        "requests_per_s": np.array([requests for requests, *_ in rows]) / width_s,
    }
    for place, (name, least) in enumerate(DRAWN.items()):
        columns[name] = [ms[place] if timed >= least else math.nan for _, _, timed, ms in rows]
    columns["errors"] = [errors for _, errors, _, _ in rows]
    columns["in_flight"] = mean_open(*moments, edges_s)
    return pd.DataFrame(columns)
