"""Open load: who comes to a site at a rate, whoever is free to see to it. Rates are curves; arrivals are never rows.

rate ┤   ╭──╮        the n-th arrival is where the integral of the rate reaches the sum of n exponential draws
     ┼──╯    ╰──     (inversion; Çinlar, Introduction to Stochastic Processes, 1975, ch. 4.7), each from a counted
                     stream: the same on every machine, at no memory
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.plan.curve import on_run, unrolled, while_open
from harness.plan.model import ArrivalProcess
from harness.plan.timeline import SiteClock, Timeline
from harness.population.stream import Stream
from harness.scenario.model import ArrivalRate, RunSpec

__all__ = ["arrival_times", "expected_arrivals", "processes_of"]


def processes_of(spec: RunSpec, timeline: Timeline) -> tuple[ArrivalProcess, ...]:
    """Every process of every site, in the order of the sites; rates a second stay true in a time lapse, and are
    multiplied at a greedy site."""
    curves: dict[tuple[SiteClock, str, str], tuple[tuple[float, float], ...]] = {}
    found = []
    for site in spec.sites:
        clock = timeline.clocks[site.name]
        template = spec.scenario.templates[site.template]
        for persona, arrival in template.arrivals.items():
            kind = (clock, site.template, persona)
            if kind not in curves:
                curves[kind] = _rate_on_run(arrival, template.opening, clock)
            if any(rate for _, rate in curves[kind]):
                times = spec.greedy.get(site.name, 1.0)
                points = tuple((time_s, rate * times) for time_s, rate in curves[kind])
                found.append(ArrivalProcess(site.name, persona, points))
    return tuple(found)


def arrival_times(process: ArrivalProcess, seed: int) -> Iterator[float]:
    """Run seconds of the arrivals, one after the other, up to the run's end."""
    draws = Stream("arrivals", seed, process.site, process.persona)
    due = -math.log(draws.uniform())
    passed = 0.0
    for (left_s, left), (right_s, right) in pairwise(process.points):
        lasts_s = right_s - left_s
        more = (left + right) / 2 * lasts_s
        while due < passed + more:
            yield left_s + _reached(due - passed, left, (right - left) / lasts_s)
            due -= math.log(draws.uniform())
        passed += more


def expected_arrivals(process: ArrivalProcess, until_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean number of arrivals up to each of these run seconds."""
    times = np.array([time_s for time_s, _ in process.points])
    rates = np.array([rate for _, rate in process.points])
    upto = np.concatenate([[0.0], np.cumsum((rates[1:] + rates[:-1]) / 2 * np.diff(times))])
    inside = np.clip(until_s, times[0], times[-1])
    at = np.clip(np.searchsorted(times, inside, side="right") - 1, 0, len(times) - 2)
    width = np.maximum(times[at + 1] - times[at], 1e-12)
    into = inside - times[at]
    slope = (rates[at + 1] - rates[at]) / width
    return np.asarray(upto[at] + rates[at] * into + slope * into * into / 2)


def _rate_on_run(
    arrival: ArrivalRate, opening: tuple[float, float] | None, clock: SiteClock
) -> tuple[tuple[float, float], ...]:
    shown = [local_s for _, from_s, to_s in clock.pieces() for local_s in (from_s, to_s)]
    from_s, to_s = min(shown), max(shown)
    points = unrolled(arrival.points, from_s, to_s)
    if arrival.while_open and opening:
        points = while_open(points, opening, from_s, to_s)
    factors = on_run(clock, points)
    return tuple((time_s, factor * arrival.rate_per_s) for time_s, factor in factors)


def _reached(area: float, rate: float, slope: float) -> float:
    """The time after which a rate that begins at `rate` and rises by `slope` has brought `area`."""
    if abs(slope) < 1e-12:
        return area / rate
    root = math.sqrt(max(rate * rate + 2 * slope * area, 0.0))
    return (root - rate) / slope if slope > 0 or root < rate else area / rate
