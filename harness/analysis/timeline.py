"""The run over time: who is on duty, what is asked, how long it takes, what goes wrong; for each site and for the
network (site "").

Points of a curve are rougher than printed figures: a percentile is drawn from 2/(1−p) requests in its stretch of time,
so that a short run has a curve at all. Nothing is judged from them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.at_once import two_at_once
from harness.analysis.intervals import quantile
from harness.analysis.latencies import PERCENTILES
from harness.analysis.occupancy import mean_open
from harness.analysis.requests import Requests

__all__ = ["bin_edges", "concurrency_frame", "timeline_frame"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

MOST_BINS: Final = 240
FEWEST_BINS: Final = 12
WANTED_PER_BIN: Final = 40
"""Requests that a bin should hold, so that its p95 can be drawn."""

NICE_S: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
DRAWN: Final = {"p50_ms": 4, "p95_ms": 40, "p99_ms": 200}
"""Percentile → requests in a bin from which its point is drawn: 2/(1−p)."""

NETWORK: Final = ""


@dataclass(frozen=True)
class _Moments:
    """Requests of one site, or of all, in the order of their start."""

    start_s: Floats
    latency_ms: Floats
    headline_ms: Floats
    timed: Bools
    is_error: Bools

    @property
    def ends_s(self) -> Floats:
        """When their answers came, ascending."""
        ends_s = self.latency_ms / 1000
        ends_s += self.start_s
        ends_s.sort()
        return ends_s

    def at(self, places: NDArray[np.intp]) -> _Moments:
        """Those at these places."""
        return _Moments(
            self.start_s[places],
            self.latency_ms[places],
            self.headline_ms[places],
            self.timed[places],
            self.is_error[places],
        )


_NOWHERE: Final = np.empty(0, np.intp)


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
    requests: Requests, edges_s: Floats, spans: Mapping[str, NDArray[Any]], visits: Mapping[str, NDArray[Any]]
) -> pd.DataFrame:
    """One row a bin and site, the network's rows (site "") first; `time_s` is where the bin begins.

    `spans` holds the columns site, planned_start_s, planned_end_s, start_s, end_s of every slot; the last two NaN where
    it was not worked; `visits` holds site, start_s, end_s of what came by itself. Columns: time_s site on_duty_planned
    on_duty visitors (mean heads) requests_per_s p50_ms p95_ms p99_ms (NaN: too few) errors in_flight (mean).
    """
    network = _Moments(requests.start_s, requests.latency_ms, requests.headline_ms, requests.timed, requests.is_error)
    places = _places_by_site(requests)
    sites = sorted({*spans["site"].tolist(), *visits["site"].tolist(), *places} - {NETWORK})

    def frame_of(site: str) -> pd.DataFrame:
        moments = network if site == NETWORK else network.at(places.get(site, _NOWHERE))
        return _site_frame(site, edges_s, spans, visits, moments)

    return pd.concat(two_at_once(frame_of, [NETWORK, *sites]), ignore_index=True)


def concurrency_frame(timeline: pd.DataFrame) -> pd.DataFrame:
    """The network's points for latency against concurrency: time_s on_duty in_flight requests_per_s p95_ms."""
    network = timeline[timeline["site"] == NETWORK]
    return network[["time_s", "on_duty", "in_flight", "requests_per_s", "p95_ms"]].reset_index(drop=True)


def _places_by_site(requests: Requests) -> dict[str, NDArray[np.intp]]:
    """Where the requests of each site stand; of those that have one."""
    code, names = requests.codes["site"], requests.names["site"]
    order = np.argsort(code, kind="stable")
    edges = np.searchsorted(code, np.arange(len(names) + 1, dtype=code.dtype), sorter=order)
    return {site: order[begin:end] for site, (begin, end) in zip(names, pairwise(edges.tolist()), strict=True)}


def _site_frame(
    site: str,
    edges_s: Floats,
    spans: Mapping[str, NDArray[Any]],
    visits: Mapping[str, NDArray[Any]],
    moments: _Moments,
) -> pd.DataFrame:
    slots = spans["site"] == site if site else np.ones(len(spans["site"]), bool)
    worked = slots & ~np.isnan(spans["start_s"])
    came = visits["site"] == site if site else np.ones(len(visits["site"]), bool)
    bins = _bins(moments.start_s, edges_s)
    return pd.DataFrame(
        {
            "time_s": edges_s[:-1],
            "site": site,
            "on_duty_planned": mean_open(spans["planned_start_s"][slots], spans["planned_end_s"][slots], edges_s),
            "on_duty": mean_open(spans["start_s"][worked], spans["end_s"][worked], edges_s),
            "visitors": mean_open(visits["start_s"][came], visits["end_s"][came], edges_s),
            "requests_per_s": np.diff(bins) / np.diff(edges_s),
            **_drawn(moments, bins),
            "errors": np.diff(np.searchsorted(np.flatnonzero(moments.is_error), bins)),
            "in_flight": mean_open(moments.start_s, moments.ends_s, edges_s),
        }
    )


def _bins(start_s: Floats, edges_s: Floats) -> NDArray[np.intp]:
    """Where each bin begins in these ascending moments, and where the last one ends; what lies outside belongs to the
    first or the last."""
    # floor and not the edges: a moment just below one may be rounded up by the division, as it always was
    bins = start_s / (edges_s[1] - edges_s[0])
    np.floor(bins, out=bins)
    inner = np.searchsorted(bins, np.arange(1, len(edges_s) - 1))
    return np.array([0, *inner.tolist(), len(start_s)], np.intp)


def _drawn(moments: _Moments, bins: NDArray[np.intp]) -> dict[str, Floats]:
    """The percentiles of each bin; NaN where too few requests carry one."""
    values_ms = moments.headline_ms[moments.timed]
    edges = bins - np.searchsorted(np.flatnonzero(~moments.timed), bins)
    for begin, end in pairwise(edges.tolist()):
        values_ms[begin:end].sort()
    return {name: _quantiles(values_ms, edges, PERCENTILES[name], least) for name, least in DRAWN.items()}


def _quantiles(values: Floats, edges: NDArray[np.intp], p: float, least: int) -> Floats:
    """The `p` quantile of each stretch of ascending values between `edges`, as `intervals.quantile`; NaN where there
    are fewer than `least`."""
    counts = np.diff(edges)
    drawn = np.full(len(counts), math.nan)
    for at in np.flatnonzero(counts >= least).tolist():
        drawn[at] = quantile(values[edges[at] : edges[at + 1]], p)
    return drawn
