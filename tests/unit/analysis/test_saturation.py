"""A server that fills up as people come, of which theory knows when: the alarm comes before the bound is broken, and no
alarm where nothing fills up."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from harness.analysis.requests import Requests
from harness.analysis.saturation import Broken, Saturation, first_broken, saturation_of, slowdowns

Floats = NDArray[np.float64]

LENGTH_S = 2400.0
STRETCHES = 100
THINK_S, SERVICE_S, SERVERS = 4.0, 0.1, 2
"""Two servers are full at c(Z + S)/S = 82 people."""


@dataclass
class Day:
    """People come one by one in four fifths of the run, and stay."""

    edges_s: Floats
    heads: Floats
    requests: pd.DataFrame
    timeline: pd.DataFrame


def day(first: int, most: int, seed: int, heavier_from_s: float = np.inf) -> Day:
    draws = np.random.default_rng(seed)
    comes_s = np.interp(np.arange(most), [first - 1, max(most - 1, first)], [0.0, 0.8 * LENGTH_S])
    events = [(float(at_s + draws.exponential(THINK_S)), who) for who, at_s in enumerate(comes_s)]
    heapq.heapify(events)
    free_s, rows = [0.0] * SERVERS, []
    while events:
        start_s, who = heapq.heappop(events)
        if start_s > LENGTH_S:
            continue
        server = int(np.argmin(free_s))
        heavy = start_s > heavier_from_s
        done_s = max(start_s, free_s[server]) + draws.exponential(SERVICE_S * (3 if heavy else 1))
        free_s[server] = done_s
        rows.append((start_s, (done_s - start_s) * 1000, "transaction" if heavy else "Patient.read"))
        heapq.heappush(events, (done_s + draws.exponential(THINK_S), who))
    requests = pd.DataFrame(rows, columns=pd.Index(["start_s", "latency_ms", "operation"]))
    edges_s = np.linspace(0.0, LENGTH_S, STRETCHES + 1)
    at = np.clip(np.digitize(requests["start_s"], edges_s) - 1, 0, STRETCHES - 1)
    p95 = requests.groupby(at)["latency_ms"].quantile(0.95).reindex(range(STRETCHES))
    heads = np.searchsorted(comes_s, (edges_s[1:] + edges_s[:-1]) / 2, side="right").astype(float)
    timeline = pd.DataFrame({"site": "", "time_s": edges_s[:-1], "p95_ms": p95.to_numpy()})
    return Day(edges_s, heads, requests, timeline)


def slowdown_of(it: Day) -> Floats:
    frame = it.requests
    names = {"operation": tuple(sorted(set(frame["operation"]))), "outcome": ("ok",)}
    latency_ms = frame["latency_ms"].to_numpy()
    asked = Requests(
        start_s=frame["start_s"].to_numpy(),
        latency_ms=latency_ms,
        headline_ms=latency_ms,
        server_ms=None,
        open=np.zeros(len(frame), np.bool_),
        status=np.full(len(frame), 200, np.int16),
        start_lag_p99_ms=None,
        codes={
            "operation": np.searchsorted(names["operation"], frame["operation"]).astype(np.uint8),
            "outcome": np.zeros(len(frame), np.uint8),
        },
        names=names,
    )
    return slowdowns(asked, it.edges_s, it.heads)


def told(it: Day, bound_ms: float) -> Saturation:
    broken = first_broken(it.timeline, [("network-p95", "", "p95_ms", bound_ms)])
    return saturation_of(it.edges_s, slowdown_of(it), it.timeline["p95_ms"].to_numpy(), bound_ms, broken)


@pytest.mark.parametrize("seed", range(3))
def test_the_alarm_comes_minutes_before_the_bound_is_broken(seed: int) -> None:
    found = told(day(10, 120, seed), bound_ms=1000.0)
    assert found.broken is not None
    assert found.broken.objective == "network-p95"
    full_s = 0.8 * LENGTH_S * (82 - 10) / (120 - 10)
    assert 0.7 * full_s < found.broken.from_s < 1.2 * full_s
    assert found.lead_s is not None
    assert found.lead_s > 120
    assert found.alarm_s == pytest.approx(found.broken.from_s + LENGTH_S / STRETCHES - found.lead_s)
    assert found.onset_s is not None
    assert found.onset_s < found.broken.from_s + 240


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_said_where_half_as_many_come_as_it_holds(seed: int) -> None:
    found = told(day(10, 40, seed), bound_ms=1000.0)
    assert (found.onset_s, found.alarm_s, found.broken, found.lead_s) == (None, None, None, None)
    assert found.slowdown_max is not None
    assert found.slowdown_max < 2


def test_where_as_many_are_there_throughout_nothing_is_calm_and_nothing_is_said() -> None:
    found = told(day(60, 60, 1), bound_ms=1000.0)
    assert (found.slowdown_max, found.onset_s, found.alarm_s) == (None, None, None)


def test_heavier_work_at_another_hour_is_no_queue() -> None:
    found = told(day(4, 16, 1, heavier_from_s=1200.0), bound_ms=5000.0)
    assert found.slowdown_max is not None
    assert found.slowdown_max < 2
    assert found.onset_s is None


def test_one_slow_stretch_breaks_nothing_and_the_earliest_of_all_bounds_counts() -> None:
    def of(site: str, *p95_ms: float) -> Any:
        return pd.DataFrame({"site": site, "time_s": np.arange(len(p95_ms)) * 10.0, "p95_ms": p95_ms})

    timeline = pd.concat([of("", 1, 1, 1, 9, 9), of("river", 1, 9, 1, 1, 9), of("hill", 1, 9, 9, 9, 9)])
    bounds = [("network-p95", "", "p95_ms", 5.0), *(("site-p95", site, "p95_ms", 5.0) for site in ("river", "hill"))]
    assert first_broken(timeline, bounds) == Broken("site-p95", "hill", 10.0)
    assert first_broken(timeline, bounds[:2]) == Broken("network-p95", "", 30.0)
    assert first_broken(timeline, [("no-such", "", "p90_ms", 0.0)]) is None


def test_a_slope_that_leads_to_the_bound_is_an_alarm() -> None:
    edges_s = np.arange(0.0, 210.0, 10.0)
    p95_ms = np.concatenate([np.full(8, 100.0), 100.0 + 30.0 * np.arange(1, 13)]) + np.tile([1.0, -1.0], 10)
    found = saturation_of(edges_s, np.ones(20), p95_ms, 420.0, Broken("network-p95", "", 180.0))
    assert found.alarm == "slope"
    assert found.alarm_s is not None
    assert 90 < found.alarm_s < 180
    assert saturation_of(edges_s, np.ones(20), np.full(20, 100.0), 420.0, None).alarm == ""


def test_too_few_requests_say_nothing() -> None:
    assert saturation_of(np.arange(4.0), np.full(3, np.nan), np.full(3, np.nan), 500.0, None) == Saturation(
        None, None, None, None, "", None, None
    )
