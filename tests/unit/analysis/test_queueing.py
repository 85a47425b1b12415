"""Response times against published and simulated answers."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.analysis.queueing import (
    ResponseTimes,
    asking_within,
    closed_queue,
    fixed_service,
    open_queue,
    stalled_closed,
    stalled_open,
)


def in_ms(times: ResponseTimes) -> list[float]:
    return [1000 * times.quantile_s(p) for p in (0.50, 0.95, 0.99)]


@pytest.mark.parametrize(
    ("times", "per_s", "quantiles_ms"),
    [
        (closed_queue(1, 0.0, 0.05), 20.0, (34.7, 149.8, 230.3)),
        (open_queue(14.0, 0.05), 14.0, (115.5, 499.3, 767.5)),
        (closed_queue(20, 1.0, 0.05), 16.822, (152.1, 491.1, 675.8)),
        (closed_queue(80, 4.0, 0.2, 4), 18.049, (364.9, 1055.9, 1432.3)),
    ],
    ids=["alone", "M/M/1", "M/M/1//20", "M/M/4//80"],
)
def test_known_answers(times, per_s, quantiles_ms):
    assert times.throughput_per_s == pytest.approx(per_s, rel=1e-4)
    assert in_ms(times) == pytest.approx(quantiles_ms, abs=0.06)


def test_a_fixed_service_takes_what_it_takes():
    times = fixed_service(0.1)
    assert times.throughput_per_s == pytest.approx(10)
    assert in_ms(times) == pytest.approx([100, 100, 100], abs=1e-3)


def test_an_open_queue_of_several_servers_is_that_of_a_simulation():
    """First come, first served; a server a heap entry."""
    rng = np.random.default_rng(7)
    arrivals_s = np.cumsum(rng.exponential(1 / 60, 400_000))
    services_s = rng.exponential(0.05, len(arrivals_s))
    free = [0.0] * 4
    found = np.empty(len(arrivals_s))
    for at, (arrival_s, service_s) in enumerate(zip(arrivals_s, services_s, strict=True)):
        done_s = max(arrival_s, heapq.heappop(free)) + service_s
        heapq.heappush(free, done_s)
        found[at] = done_s - arrival_s
    expected = [open_queue(60.0, 0.05, 4).quantile_s(p) for p in (0.5, 0.95)]
    assert np.quantile(found, [0.5, 0.95]) == pytest.approx(expected, rel=0.03)


def test_more_than_can_be_served_is_refused():
    with pytest.raises(ValueError, match="more than 2 servers"):
        open_queue(41.0, 0.05, 2)


@given(st.floats(0.01, 0.95), st.integers(1, 12))
def test_one_server_more_never_makes_anybody_wait_longer(rho, servers):
    rate = rho * servers / 0.05
    fewer, more = open_queue(rate, 0.05, servers), open_queue(rate, 0.05, servers + 1)
    assert more.quantile_s(0.95) <= fewer.quantile_s(0.95) + 1e-9


@pytest.mark.usefixtures("uncounted")
@given(st.integers(1, 60), st.floats(0.0, 20.0), st.integers(1, 8))
def test_the_law_of_response_times_holds_in_every_closed_queue(people, think_s, servers):
    """N = X(Z + R), R being the area below the share that takes longer."""
    times = closed_queue(people, think_s, 0.1, servers)
    grid_s = np.linspace(0.0, times.longest_s, 20_001)
    mean_s = np.trapezoid([times.beyond(t) for t in grid_s[::20]], grid_s[::20])
    assert people == pytest.approx(times.throughput_per_s * (think_s + mean_s), rel=0.02)


def test_what_a_stall_does_to_a_p99():
    """30 s in ten minutes, 5 ms of service: the answers that a harness must give, and 0.005 s is none of them."""
    assert stalled_open(30, 600, 0.005).quantile_s(0.99) == pytest.approx(24.005, abs=1e-3)
    assert stalled_open(30, 600, 0.005, rho=0.5).quantile_s(0.99) == pytest.approx(27.005, abs=1e-3)
    assert stalled_closed(30, 600, 0.005, 20).quantile_s(0.99) == pytest.approx(23.07, abs=0.02)
    assert not math.isfinite(stalled_open(30, 600, 0.005).throughput_per_s)


def test_who_asks_within_some_seconds_of_any_moment():
    """People who are looked at amid their pauses; many pauses of many people, each at a moment of its own."""
    rng = np.random.default_rng(7)
    pauses_s = rng.lognormal(math.log(2.0) - 0.18, 0.6, 400_000)
    ends_s = np.cumsum(pauses_s)
    moments_s = rng.uniform(0, ends_s[-1], 200_000)
    left_s = ends_s[np.searchsorted(ends_s, moments_s)] - moments_s
    share = asking_within(2.0, 0.6)
    for within_s in (0.1, 1.0, 3.0):
        assert share(within_s) == pytest.approx((left_s <= within_s).mean(), abs=0.005)
    assert share(0.0) == 0.0
    assert share(1e6) == pytest.approx(1.0)


@given(st.floats(0.1, 20.0), st.floats(0.01, 2.0))
@example(1.0, 0.179)  # once out of order in the last digit
def test_the_longer_one_looks_the_more_have_asked(think_s, sigma):
    share = asking_within(think_s, sigma)
    shares = [share(y) for y in np.linspace(0, 5 * think_s, 30)]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1 + 1e-9
