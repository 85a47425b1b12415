"""What slots yield beside the steady state: begun, finished and sent, counted over slots that are played in outline.

    steady   ───────────────────────      A slot begins with a short wait, not in the middle of a workflow, so that it
    a slot   ▁▂▆▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅│cut    takes a while to get there, and at its end is cut.

In long slots both ends are nothing; in a minute's time lapse they are most of what happens. Outline: a workflow is its
weight, its length and the moments of its requests (`Cost`), nothing is called. The draws are counted, so the same on
every machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from harness.clinic.clinician import Habits, Pace
from harness.clinic.shift import first_wait_s
from harness.plan.costs import POINTS, Cost, mean_run_s
from harness.population.stream import Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["OutlineSlots", "Ratios", "ratios_to_steady"]

CYCLES = 60_000
"""Cycles to play for each persona: counts of a workflow that is a tenth of them are then good to about one per cent."""
MOST_ROWS = 30_000
LONG_SLOT_CYCLES = 200
"""From so many cycles a slot on, its beginning and end change its counts by less than a hundredth: the steady state
will do."""
_FINE = 400
"""Quantiles that stand for a lognormal pause."""
_FIRST_WAITS = 4000
"""Draws that stand for the wait before the first workflow."""


@dataclass(frozen=True, slots=True)
class OutlineSlots:
    """Slots of one persona in seconds since their site's opening, so that phases fall on the same moments at all
    sites."""

    starts_s: Floats
    ends_s: Floats
    opening: NDArray[np.bool_]
    phase_ends_s: Sequence[float]
    weights: Sequence[Mapping[str, float]]
    """Workflow → weight in each phase, as many as `phase_ends_s`."""


@dataclass(frozen=True, slots=True)
class Ratios:
    """What the slots yield over what the steady state would in the same time; empty for long slots, where it is 1.

    By workflow, and for requests by (workflow, operation): what comes late in a workflow is cut more often.
    """

    begun: Mapping[str, float]
    finished: Mapping[str, float]
    requests: Mapping[tuple[str, str], float]


def ratios_to_steady(
    slots: OutlineSlots, habits: Habits, costs: Mapping[str, Cost], steady_runs: Mapping[str, float]
) -> Ratios:
    """Play the slots in outline: several times each when they are few, every n-th when they are many.

    `steady_runs`: workflow → runs that the steady state has in all these slots together.
    """
    names = [name for name in costs if steady_runs.get(name, 0.0) > 0]
    if not names:
        return Ratios({}, {}, {})
    on_duty_s = float((slots.ends_s - slots.starts_s).sum())
    cycles_a_slot = sum(steady_runs.values()) / len(slots.starts_s) + 1
    if cycles_a_slot > LONG_SLOT_CYCLES:
        return Ratios({}, {}, {})
    rows = int(min(MOST_ROWS, max(CYCLES / cycles_a_slot, 100)))
    chosen = (
        (np.arange(rows) * len(slots.starts_s)) // rows
        if rows < len(slots.starts_s)
        else np.arange(rows) % len(slots.starts_s)
    )
    played_s = float((slots.ends_s[chosen] - slots.starts_s[chosen]).sum())
    begun, left_s = _play(slots, chosen, habits, costs, names)
    steady = {name: steady_runs[name] * played_s / on_duty_s for name in names}
    finished: dict[str, float] = {}
    requests: dict[tuple[str, str], float] = {}
    for name in names:
        cost = costs[name]
        stretch = _stretch(cost)
        finished[name] = _reached(left_s[name], cost.durations_s, stretch) / steady[name]
        for operation, ages_s in cost.request_ages_s.items():
            requests[name, operation] = _reached(left_s[name], ages_s, stretch) / steady[name]
    return Ratios({name: runs / steady[name] for name, runs in begun.items()}, finished, requests)


def _reached(left_s: Floats, moments_s: Sequence[float], stretch: float) -> float:
    """How many of the runs with so much time left come as far as a moment, on the mean over `moments_s`."""
    later = len(left_s) - np.searchsorted(left_s, np.array(moments_s) * stretch, side="right")
    return float(later.mean())


def _play(
    slots: OutlineSlots, chosen: NDArray[np.int64], habits: Habits, costs: Mapping[str, Cost], names: Sequence[str]
) -> tuple[dict[str, float], dict[str, Floats]]:
    """Of each workflow of `names`: runs begun, and how much time each begun run had left in its slot, ascending; all
    slots go on together."""
    draws = _Draws()
    durations_s = np.array([np.array(costs[name].durations_s) * _stretch(costs[name]) for name in names])
    between_s = _lognormal(habits.between)
    shares = np.array([[weights.get(name, 0.0) for name in names] for weights in slots.weights])
    totals = shares.sum(axis=1, keepdims=True)
    shares = np.divide(shares, totals, out=np.zeros_like(shares), where=totals > 0)
    upto = shares.cumsum(axis=1)
    begun = np.zeros(len(names))
    which: list[NDArray[np.int64]] = []
    left_s: list[Floats] = []
    phase_ends_s = np.array([*slots.phase_ends_s[:-1], np.inf])
    ends_s = slots.ends_s[chosen]
    run_s = mean_run_s(costs, slots.weights[0])
    now_s = slots.starts_s[chosen] + _first_waits_s(draws, habits, slots.opening[chosen], run_s)
    while (on_duty := now_s < ends_s).any():
        now_s, ends_s = now_s[on_duty], ends_s[on_duty]
        phase = np.searchsorted(phase_ends_s, now_s, side="right")
        # Begun runs are counted by their chances, not by what is drawn: the same mean with less noise.
        begun += np.bincount(phase, minlength=len(shares)) @ shares
        drawn = (draws.uniform(len(now_s))[:, None] >= upto[phase]).sum(axis=1)
        idle = totals[phase, 0] == 0
        drawn = np.minimum(drawn, len(names) - 1)
        which.append(drawn[~idle])
        left_s.append((ends_s - now_s)[~idle])
        length_s = np.where(idle, 0.0, durations_s[drawn, draws.below(POINTS, len(now_s))])
        busy_until_s = now_s + length_s + between_s[draws.below(_FINE, len(now_s))]
        now_s = np.where(idle, phase_ends_s[phase], busy_until_s)
    all_which, all_left_s = np.concatenate([[], *which]), np.concatenate([[], *left_s])
    by_name = {name: np.sort(all_left_s[all_which == index]) for index, name in enumerate(names)}
    return dict(zip(names, begun.tolist(), strict=True)), by_name


def _first_waits_s(draws: _Draws, habits: Habits, opening: NDArray[np.bool_], run_s: float) -> Floats:
    """As the load waits; `run_s` is a run's mean length at the opening."""
    pool = {there: Stream("first waits", habits.persona, str(there)) for there in (False, True)}
    at_opening_s, later_s = (
        np.array([first_wait_s(pool[there], habits, opening=there, run_s=run_s) for _ in range(_FIRST_WAITS)])
        for there in (True, False)
    )
    drawn = draws.below(_FIRST_WAITS, len(opening))
    return np.where(opening, at_opening_s[drawn], later_s[drawn])


def _stretch(cost: Cost) -> float:
    """What brings the measured lengths to the steady state's mean length."""
    measured_s = sum(cost.durations_s) / len(cost.durations_s) if cost.durations_s else 0.0
    return cost.length_s / measured_s if measured_s else 1.0


def _lognormal(pace: Pace) -> Floats:
    """`_FINE` quantiles of the pause, their mean exactly `pace.mean_s`."""
    normal = NormalDist()
    raw = np.array([math.exp(pace.sigma * normal.inv_cdf((point + 0.5) / _FINE)) for point in range(_FINE)])
    return np.asarray(raw * (pace.mean_s / raw.mean()))


class _Draws:
    """SplitMix64 as in `harness.population.stream`, many at once: numpy's own generators may change between its
    versions."""

    def __init__(self) -> None:
        self._counter = 0

    def uniform(self, count: int) -> Floats:
        """In [0, 1)."""
        numbers = np.arange(self._counter + 1, self._counter + count + 1, dtype=np.uint64)
        self._counter += count
        z = numbers * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / float(1 << 53)

    def below(self, limit: int, count: int) -> NDArray[np.int64]:
        """Whole numbers from 0 to `limit` - 1."""
        return np.asarray(self.uniform(count) * limit, dtype=np.int64)
