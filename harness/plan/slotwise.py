"""What slots yield beside the steady state: begun, finished and sent, counted over slots that are played in outline.

    steady   ───────────────────────      A slot begins with a short wait (and what is done on arrival), not in the
    a slot   ▁▂▆▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅│cut    middle of a workflow: it takes a while to get there, and at its end is cut.

In long slots both ends are nothing; in a minute's time lapse they are most of what happens. Outline: a workflow is its
weight, its length and the moments of its requests (`Cost`), nothing is called. The draws are counted, so the same on
every machine.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from harness.clinic.post import Habits
from harness.plan.costs import POINTS, Cost, Moments
from harness.plan.draws import Draws, lognormal_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["OutlineSlots", "Ratios", "ratios_to_steady"]

CYCLES: Final = 20_000
"""Cycles to play for each persona: counts of a workflow that is a tenth of them are then good to two per cent."""
MOST_ROWS: Final = 10_000
LONG_SLOT_CYCLES: Final = 200
"""From so many cycles a slot on, its beginning and end change its counts by less than a hundredth: the steady state
will do."""


@dataclass(frozen=True, slots=True)
class OutlineSlots:
    """Slots of one persona, in run seconds; `clock` says which row of `ends_s` and `shares` tells its stretches."""

    starts_s: Floats
    ends_s: Floats
    opening: NDArray[np.bool_]
    factors: Floats
    """What multiplies each one's pauses."""
    clock: Ints
    stretch_ends_s: Sequence[Floats]
    """Clock → ends of its stretches."""
    weights: Sequence[Sequence[Mapping[str, float]]]
    """Clock → stretch → workflow → weight."""
    without: Sequence[Collection[str]]
    """Clock → workflows that cannot be done there: on arrival they are passed over."""


@dataclass(frozen=True, slots=True)
class Ratios:
    """What the slots yield over what the steady state would in the same time; empty for long slots, where it is 1.

    By workflow, and for requests by (workflow, operation): what comes late in a workflow is cut more often. For what is
    done on arrival: the share of those who arrive that get so far.
    """

    begun: Mapping[str, float] = field(default_factory=dict)
    finished: Mapping[str, float] = field(default_factory=dict)
    requests: Mapping[tuple[str, str], float] = field(default_factory=dict)
    arrival_begun: Mapping[str, float] = field(default_factory=dict)
    arrival_finished: Mapping[str, float] = field(default_factory=dict)
    arrival_requests: Mapping[tuple[str, str], float] = field(default_factory=dict)


def ratios_to_steady(
    slots: OutlineSlots, habits: Habits, costs: Mapping[str, Cost], steady_runs: Mapping[str, float]
) -> Ratios:
    """Play the slots in outline: several times each when they are few, every n-th when they are many.

    `steady_runs`: workflow → runs that the steady state has in all these slots together.
    """
    names = [name for name in costs if steady_runs.get(name, 0.0) > 0]
    if not names and not habits.on_arrival:
        return Ratios()
    cycles_a_slot = sum(steady_runs.values()) / len(slots.starts_s) + 1 + len(habits.on_arrival)
    if cycles_a_slot > LONG_SLOT_CYCLES:
        return Ratios()
    rows = int(min(MOST_ROWS, max(CYCLES / cycles_a_slot, 100)))
    all_slots = len(slots.starts_s)
    chosen = (np.arange(rows) * all_slots) // rows if rows < all_slots else np.arange(rows) % all_slots
    on_duty_s = float((slots.ends_s - slots.starts_s).sum())
    share = float((slots.ends_s[chosen] - slots.starts_s[chosen]).sum()) / on_duty_s
    outline = _Outline(slots, chosen, habits, costs, names)
    outline.play()
    steady = {name: steady_runs[name] * share for name in names}
    arrived = {name: count for name, count in outline.arrived.items() if count}
    finished, requests = _reached_by(outline.left_s, outline.factors, steady, habits, costs)
    arrival_finished, arrival_requests = _reached_by(
        outline.arrival_left_s, outline.arrival_factors, arrived, habits, costs
    )
    return Ratios(
        {name: outline.begun[name] / steady[name] for name in names},
        finished,
        requests,
        {name: len(outline.arrival_left_s[name]) / count for name, count in arrived.items()},
        arrival_finished,
        arrival_requests,
    )


def _reached_by(
    left_s: Mapping[str, Floats],
    factors: Mapping[str, Floats],
    of: Mapping[str, float],
    habits: Habits,
    costs: Mapping[str, Cost],
) -> tuple[dict[str, float], dict[tuple[str, str], float]]:
    """Runs that end, and requests that are sent, before the slot is over; each over `of` so many runs."""
    pace_s = habits.think.mean_s
    finished: dict[str, float] = {}
    requests: dict[tuple[str, str], float] = {}
    for name, whole in of.items():
        finished[name] = _reached(left_s[name], factors[name], costs[name].ends, pace_s) / whole
        for operation, moments in costs[name].moments.items():
            requests[name, operation] = _reached(left_s[name], factors[name], moments, pace_s) / whole
    return finished, requests


def _reached(left_s: Floats, factors: Floats, moments: Moments, pace_s: float) -> float:
    """How many of the runs with so much time left come as far as a moment, on the mean over `moments`."""
    reached = 0.0
    for factor in np.unique(factors):
        own = np.sort(left_s[factors == factor])
        later = len(own) - np.searchsorted(own, moments.seconds(float(factor) * pace_s), side="right")
        reached += float(later.mean())
    return reached


class _Outline:
    """All chosen slots going on together. Of each workflow: runs begun, and how much time each had left in its slot."""

    def __init__(
        self, slots: OutlineSlots, chosen: Ints, habits: Habits, costs: Mapping[str, Cost], names: Sequence[str]
    ) -> None:
        self._slots, self._habits, self._costs, self._names = slots, habits, costs, list(names)
        self._draws = Draws()
        self._clock = slots.clock[chosen]
        self._factor = slots.factors[chosen]
        self._ends_s = slots.ends_s[chosen]
        self._now_s = slots.starts_s[chosen]
        self._opening = slots.opening[chosen]
        self._stretch_ends_s, self._upto, self._shares = _tables(slots, self._names)
        self.begun: dict[str, float] = dict.fromkeys(names, 0.0)
        self.left_s: dict[str, Floats] = {}
        self.factors: dict[str, Floats] = {}
        self.arrived: dict[str, int] = {}
        self.arrival_left_s: dict[str, Floats] = {}
        self.arrival_factors: dict[str, Floats] = {}

    def play(self) -> None:
        self._now_s = self._now_s + self._first_waits_s()
        for name in self._habits.on_arrival:
            self._do_on_arrival(name)
        which: list[Ints] = []
        left_s: list[Floats] = []
        factors: list[Floats] = []
        begun = np.zeros(len(self._names))
        ends = [self._costs[name].ends for name in self._names]
        pauses = np.array([each.pauses for each in ends]).reshape(len(ends), POINTS)
        waits_s = np.array([each.seconds(0.0) for each in ends]).reshape(len(ends), POINTS)
        pace_s = self._habits.think.mean_s
        while self._names and self._keep_those_on_duty():
            count = len(self._now_s)
            at = (self._now_s[:, None] >= self._stretch_ends_s[self._clock]).sum(axis=1)
            # Begun runs are counted by their chances, not by what is drawn: the same mean with less noise.
            begun += self._shares[self._clock, at].sum(axis=0)
            upto = self._upto[self._clock, at]
            drawn = (self._draws.uniform(count)[:, None] >= upto).sum(axis=1)
            idle = upto[:, -1] == 0
            drawn = np.minimum(drawn, len(self._names) - 1)
            which.append(drawn[~idle])
            left_s.append((self._ends_s - self._now_s)[~idle])
            factors.append(self._factor[~idle])
            point = self._draws.below(POINTS, count)
            length_s = pauses[drawn, point] * self._factor * pace_s + waits_s[drawn, point]
            busy_until_s = self._now_s + length_s + self._between_s(count)
            self._now_s = np.where(idle, self._stretch_ends_s[self._clock, at], busy_until_s)
        all_which = np.concatenate([np.empty(0, np.int64), *which])
        all_left_s, all_factors = np.concatenate([[], *left_s]), np.concatenate([[], *factors])
        for index, name in enumerate(self._names):
            own = all_which == index
            self.begun[name] = float(begun[index])
            self.left_s[name], self.factors[name] = all_left_s[own], all_factors[own]

    def _do_on_arrival(self, name: str) -> None:
        """Those who arrive where `name` can be done do it, one after the other of what they do on arrival; the others
        wait for nobody."""
        ends = self._costs[name].ends
        doing = ~self._opening & np.array([name not in without for without in self._slots.without])[self._clock]
        arriving = doing & (self._now_s < self._ends_s)
        self.arrived[name] = int(doing.sum())
        self.arrival_left_s[name] = (self._ends_s - self._now_s)[arriving]
        self.arrival_factors[name] = self._factor[arriving]
        point = self._draws.below(POINTS, len(self._now_s))
        length_s = ends.pauses[point] * self._factor * self._habits.think.mean_s + ends.seconds(0.0)[point]
        self._now_s = np.where(arriving, self._now_s + length_s, self._now_s)

    def _keep_those_on_duty(self) -> bool:
        there = self._now_s < self._ends_s
        if not there.all():
            self._now_s, self._ends_s = self._now_s[there], self._ends_s[there]
            self._clock, self._factor = self._clock[there], self._factor[there]
        return bool(len(self._now_s))

    def _between_s(self, count: int) -> Floats:
        between = self._habits.between
        return lognormal_units(self._draws, between.sigma, count) * between.mean_s * self._factor

    def _first_waits_s(self) -> Floats:
        """As `harness.clinic.shift.first_wait_s` draws them, all at once."""
        count = len(self._now_s)
        think, between = self._habits.think, self._habits.between
        think_s, between_s = think.mean_s * self._factor, between.mean_s * self._factor
        run_s = self._mean_run_s()
        later_s = lognormal_units(self._draws, think.sigma, count) * think_s
        pausing = self._draws.uniform(count) * (between_s + run_s) < between_s
        left = self._draws.uniform(count)
        rest_of_pause_s = left * self._met(between.sigma, count) * between_s
        rest_of_thought_s = self._draws.uniform(count) * self._met(think.sigma, count) * think_s
        next_pause_s = lognormal_units(self._draws, between.sigma, count) * between_s
        rest_of_run_s = left * self._met(think.sigma, count) * run_s + next_pause_s
        working_s = np.where(left > 0.5, rest_of_thought_s, rest_of_run_s)
        at_opening_s = np.where(pausing, rest_of_pause_s, working_s)
        return np.where(self._opening, at_opening_s, later_s)

    def _mean_run_s(self) -> Floats:
        """Of each slot, by the weights of its clock's first stretch."""
        shares = self._shares[self._clock, 0]
        pauses = np.array([self._costs[name].pauses for name in self._names])
        waits_s = np.array([self._costs[name].length_s(0.0) for name in self._names])
        if not self._names:
            return np.zeros(len(self._clock))
        return np.asarray((shares @ pauses) * self._factor * self._habits.think.mean_s + shares @ waits_s)

    def _met(self, sigma: float, count: int) -> Floats:
        """Of what somebody meets who looks at a random moment: drawn length-biased."""
        return lognormal_units(self._draws, sigma, count) * math.exp(sigma * sigma)


def _tables(slots: OutlineSlots, names: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """Clock × stretch: when it ends (the last one never), shares of the workflows up to each, and the shares."""
    clocks, most = len(slots.weights), max(len(parts) for parts in slots.weights)
    ends_s = np.full((clocks, most), np.inf)
    shares = np.zeros((clocks, most, max(len(names), 1)))
    for clock, parts in enumerate(slots.weights):
        ends_s[clock, : len(parts) - 1] = slots.stretch_ends_s[clock][:-1]
        for at, weights in enumerate(parts):
            total = sum(weights.get(name, 0.0) for name in names)
            if total:
                shares[clock, at, : len(names)] = [weights.get(name, 0.0) / total for name in names]
    return ends_s, shares.cumsum(axis=2), shares
