"""How often the report's interval of a p95 holds the truth, where the truth is known: queues played a thousand times.

open    Poisson arrivals, one server        p95 = S·ln 20/(1−ρ)
closed  N clinicians who think, one server  p95 of a mixture of Erlangs, by what an arriving clinician sees

`pytest -m prove -s tests/property/test_interval_coverage.py` prints the table of docs/decisions/0015-intervals.md.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import gamma

from harness.analysis.intervals import percentile, quantile, quantile_interval

Floats = NDArray[np.float64]

P = 0.95
SERVICE_MS = 50.0
SAMPLES = 20_000
RUNS = 1000
LEVELS = (0.90, 0.95)
ASKED = {0.90: 0.88, 0.95: 0.93}
"""Level → the share of runs whose interval must hold the truth; 1,000 runs know such a share to ± 2%."""

CLINICIANS = 20
THINK_MS = 1000.0
CLOSED_WARM_UP = 500
"""Requests left out at the beginning, 25 of each clinician."""


@dataclass(frozen=True)
class Coverage:
    """Of `RUNS` runs of one queue; shares, of all runs or of those whose p95 is printed."""

    printed: float
    effective_samples: float
    """Median."""
    held: dict[float, float]
    held_where_printed: dict[float, float]
    naive: dict[float, float]
    """Were requests independent of each other."""
    width: dict[float, float]
    """Median of interval / truth, of all runs whose interval has two ends."""


def open_queue_ms(draws: np.random.Generator, load: float) -> Floats:
    """Response times of M/M/1 at this load, in steady state from the first (Lindley's recursion)."""
    service_ms = draws.exponential(SERVICE_MS, SAMPLES)
    gap_ms = draws.exponential(SERVICE_MS / load, SAMPLES)
    waits_first = draws.random() < load
    first_wait_ms = draws.exponential(SERVICE_MS / (1 - load)) if waits_first else 0.0
    walk = np.concatenate(([first_wait_ms], first_wait_ms + np.cumsum(service_ms[:-1] - gap_ms[1:])))
    return walk - np.minimum(np.minimum.accumulate(walk), 0.0) + service_ms


def open_truth_ms(load: float) -> float:
    """M/M/1: the response time is exponential with mean S/(1−ρ)."""
    return -SERVICE_MS * math.log(1 - P) / (1 - load)


def closed_queue_ms(draws: np.random.Generator) -> Floats:
    """Response times, by their start, of clinicians who think, ask, and wait in one line."""
    count = SAMPLES + CLOSED_WARM_UP
    service_ms = draws.exponential(SERVICE_MS, count).tolist()
    think_ms = draws.exponential(THINK_MS, count).tolist()
    asks_at_ms = sorted(draws.exponential(THINK_MS, CLINICIANS).tolist())
    times_ms, free_ms = [], 0.0
    for service, think in zip(service_ms, think_ms, strict=True):
        asked_ms = asks_at_ms[0]
        free_ms = max(asked_ms, free_ms) + service
        times_ms.append(free_ms - asked_ms)
        heapq.heapreplace(asks_at_ms, free_ms + think)
    return np.array(times_ms[CLOSED_WARM_UP:])


def closed_truth_ms() -> float:
    """An arriving clinician finds n at the server as if she herself were not there (Sevcik and Mitrani, Journal of the
    ACM 28, 1981); her response is then n + 1 exponential services."""
    others = CLINICIANS - 1
    weights = [math.perm(others, n) * (SERVICE_MS / THINK_MS) ** n for n in range(others + 1)]
    seen = np.array(weights) / sum(weights)
    stages = np.arange(1, others + 2)
    return float(brentq(lambda t: seen @ gamma.sf(t / SERVICE_MS, stages) - (1 - P), 1.0, 10_000.0))


def measure(play: Callable[[np.random.Generator], Floats], truth_ms: float, seed: int) -> Coverage:
    draws = np.random.default_rng(seed)
    printed, effective = np.empty(RUNS, bool), np.empty(RUNS)
    held = {level: np.empty(RUNS, bool) for level in LEVELS}
    naive = {level: np.empty(RUNS, bool) for level in LEVELS}
    widths: dict[float, list[float]] = {level: [] for level in LEVELS}
    for run in range(RUNS):
        values = play(draws)
        ordered = np.sort(values)
        found = percentile(values, ordered, P)
        printed[run], effective[run] = found.figure is not None, found.effective_samples
        for level in LEVELS:
            low, high = quantile_interval(ordered, P, found.interval_samples, level)
            held[level][run] = (low or 0.0) <= truth_ms <= (math.inf if high is None else high)
            if low is not None and high is not None:
                widths[level].append((high - low) / truth_ms)
            low, high = quantile_interval(ordered, P, len(values), level)
            naive[level][run] = low is not None and high is not None and low <= truth_ms <= high
    return Coverage(
        float(printed.mean()),
        float(np.median(effective)),
        {level: float(held[level].mean()) for level in LEVELS},
        {level: float(held[level][printed].mean()) if printed.any() else math.nan for level in LEVELS},
        {level: float(naive[level].mean()) for level in LEVELS},
        {level: float(np.median(widths[level])) for level in LEVELS},
    )


def told(name: str, found: Coverage) -> str:
    def shares(by_level: dict[float, float]) -> str:
        return " / ".join(f"{by_level[level]:.1%}" for level in LEVELS)

    return (
        f"\n{name}: printed {found.printed:.1%}, n_eff {found.effective_samples:,.0f}; at 90% / 95% held "
        f"{shares(found.held)}, where printed {shares(found.held_where_printed)}, naive {shares(found.naive)}; "
        f"width {shares(found.width)}"
    )


@pytest.mark.prove
@pytest.mark.parametrize("load", [0.5, 0.7])
def test_below_saturation_the_interval_holds_the_truth_and_the_naive_one_does_not(load: float) -> None:
    found = measure(lambda draws: open_queue_ms(draws, load), open_truth_ms(load), seed=round(100 * load))
    print(told(f"open, load {load}", found))
    assert found.printed > 0.99
    assert all(found.held_where_printed[level] >= asked for level, asked in ASKED.items())
    assert found.naive[0.95] < 0.60


@pytest.mark.prove
def test_of_clinicians_who_think_the_interval_holds_the_truth_and_the_naive_one_does_not() -> None:
    found = measure(closed_queue_ms, closed_truth_ms(), seed=20)
    print(told("closed, 20 clinicians", found))
    assert found.printed > 0.99
    assert all(found.held_where_printed[level] >= asked for level, asked in ASKED.items())
    assert found.naive[0.95] < 0.60


@pytest.mark.prove
@pytest.mark.parametrize(("load", "most_printed"), [(0.9, 0.25), (0.95, 0.05)])
def test_near_saturation_most_runs_print_no_p95_and_those_that_do_were_calm(load: float, most_printed: float) -> None:
    """Those that print one are told apart by their calm: their interval must not be relied on, and is no proof."""
    found = measure(lambda draws: open_queue_ms(draws, load), open_truth_ms(load), seed=round(100 * load))
    print(told(f"open, load {load}", found))
    assert found.printed < most_printed
    assert found.held_where_printed[0.95] < 0.93


def test_the_queues_are_those_whose_truth_is_known() -> None:
    draws = np.random.default_rng(1)
    seen = [
        float(np.mean([quantile(np.sort(play(draws)), P) for _ in range(20)]))
        for play in (lambda draws: open_queue_ms(draws, 0.5), closed_queue_ms)
    ]
    assert seen == pytest.approx([open_truth_ms(0.5), closed_truth_ms()], rel=0.02)
    assert open_truth_ms(0.7) == pytest.approx(499.3, abs=0.05)
    assert closed_truth_ms() == pytest.approx(491.1, abs=0.05)
