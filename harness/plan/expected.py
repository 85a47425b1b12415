"""The load that a plan expects: a rate for each persona and stretch of time, times the time on duty, corrected for
slots' beginnings and ends; and what comes at a rate of its own.

By renewal-reward, a persona's cycle is one pause between workflows and one workflow, drawn by weight:
    cycle = Σ p(w) · (between + thinking(w) + calls(w) · response time)        runs a second of w = p(w) / cycle
Weights change with phase and hour, so the rate is steady over a stretch of the site's time and is multiplied with the
head-seconds on duty in it; who thinks longer has longer cycles. `slotwise` then tells how slots differ from that.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import InputError, Problem
from harness.plan.arrivals import expected_arrivals
from harness.plan.books import Books
from harness.plan.costs import Cost, costs_of
from harness.plan.emphasis import SiteWeights
from harness.plan.model import ArrivalProcess, ExpectedLoad, Plan, Slot, Stretch
from harness.plan.slotwise import OutlineSlots, ratios_to_steady
from harness.scenario.staff import think_factor_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.clinic.post import Habits

    Floats = NDArray[np.float64]
    Unsupported = Mapping[str, Collection[str]]

__all__ = ["Work", "expected_load", "integrate", "most_visitors", "work_of"]


@dataclass(frozen=True, slots=True)
class Work:
    """How a persona works at the scenario's own pace, and what a run of each of its workflows costs."""

    habits: Habits
    costs: Mapping[str, Cost]

    def cycle_s(self, weights: Mapping[str, float], factor: float) -> float:
        """Mean length of a cycle of somebody whose pauses are multiplied by `factor`."""
        pace_s, between_s = self.habits.think.mean_s * factor, self.habits.between.mean_s * factor
        whole = sum(weights.values())
        return sum(weight * (between_s + self.costs[name].length_s(pace_s)) for name, weight in weights.items()) / whole


def expected_load(plan: Plan, unsupported: Unsupported = MappingProxyType({})) -> ExpectedLoad:
    """Requests by site and lane, operation, workflow; a workflow's costs come from the virtual clock (cached).

    `unsupported`: site → workflows that cannot be done there; others are done in their place.
    """
    from harness.clinic.registry import WORKFLOWS

    lane_of = {name: workflow.lane for name, workflow in WORKFLOWS.items()}
    return integrate(plan, work_of(plan), lane_of, unsupported)


def most_visitors(plan: Plan) -> int:
    """How many arrivals are there at once at most, on the mean: their rate times how long one stays (Little's law)."""
    work = work_of(plan)
    there = 0.0
    for process in plan.arrivals:
        costs = work[process.persona].costs.values()
        stays_s = max(cost.length_s(work[process.persona].habits.think.mean_s) for cost in costs)
        there += max(rate for _, rate in process.points) * stays_s
    return math.ceil(there)


def work_of(plan: Plan) -> dict[str, Work]:
    """Persona → its work, of all who have heads somewhere or come by themselves."""
    from harness.scenario.habits import habits_of

    scenario = plan.spec.scenario
    personas = {persona for site in plan.spec.sites for persona in site.heads}
    personas |= {process.persona for process in plan.arrivals}
    habits = {persona: habits_of(scenario.personas[persona]) for persona in sorted(personas)}
    return {persona: Work(each, costs_of(each)) for persona, each in habits.items()}


def integrate(
    plan: Plan,
    work: Mapping[str, Work],
    lane_of: Mapping[str, str],
    unsupported: Unsupported = MappingProxyType({}),
) -> ExpectedLoad:
    """The work of each persona over the time that the plan has it on duty, and of each arrival; `lane_of`: workflow →
    lane."""
    books = Books(plan, lane_of)
    weights = SiteWeights(plan, unsupported)
    groups = _grouped(plan)
    by_persona: dict[str, list[_Group]] = defaultdict(list)
    for group in groups:
        by_persona[group.persona].append(group)
    for persona, held in by_persona.items():
        _staffed(plan, work[persona], held, books, weights)
    for process in plan.arrivals:
        _arriving(plan, process, work[process.persona], books, weights)
    return books.closed()


@dataclass(frozen=True, slots=True)
class _Group:
    """One persona's slots at one site, with what multiplies each one's pauses."""

    site: str
    persona: str
    starts_s: Floats
    ends_s: Floats
    opening: NDArray[np.bool_]
    factors: Floats


def _grouped(plan: Plan) -> list[_Group]:
    spec = plan.spec
    slots: dict[tuple[str, str], list[Slot]] = defaultdict(list)
    for slot in plan.slots:
        slots[slot.site, slot.persona].append(slot)
    groups = []
    for site in spec.sites:
        for persona in site.heads:
            held = slots.get((site.name, persona))
            if not held:
                continue
            factor_of = {
                ordinal: think_factor_of(spec.scenario, spec.seed, site, persona, ordinal)
                for ordinal in {slot.clinician for slot in held}
            }
            groups.append(
                _Group(
                    site.name,
                    persona,
                    np.array([slot.start_s for slot in held]),
                    np.array([slot.end_s for slot in held]),
                    np.array([slot.opening for slot in held]),
                    np.array([factor_of[slot.clinician] for slot in held]),
                )
            )
    return groups


def _staffed(plan: Plan, work: Work, groups: Sequence[_Group], books: Books, weights: SiteWeights) -> None:
    """One persona at all sites."""
    steady = {
        group.site: _steady_runs(plan, work, group, books.grid_s, weights.of(group.site, group.persona))
        for group in groups
    }
    totals: dict[str, float] = defaultdict(float)
    for by_workflow in steady.values():
        for name, upto in by_workflow.items():
            totals[name] += float(upto[-1])
    ratios = ratios_to_steady(_outline(plan, groups, weights), work.habits, work.costs, totals)
    cut_calls = {name: _calls(work.costs[name], name, ratios.requests) for name in totals}
    arrival_calls = {name: _calls(work.costs[name], name, ratios.arrival_requests) for name in work.habits.on_arrival}
    for group in groups:
        for name, upto in steady[group.site].items():
            runs = float(upto[-1])
            begun, finished = runs * ratios.begun.get(name, 1.0), runs * ratios.finished.get(name, 1.0)
            books.add(group.site, group.persona, name, upto, cut_calls[name], begun, finished)
        logins_s = np.sort(group.starts_s[~group.opening])
        for name, calls in arrival_calls.items() if len(logins_s) else ():
            if not weights.can(group.site, name):
                continue
            upto = np.searchsorted(logins_s, books.grid_s, side="right").astype(np.float64)
            begun = len(logins_s) * ratios.arrival_begun.get(name, 1.0)
            finished = len(logins_s) * ratios.arrival_finished.get(name, 1.0)
            books.add(group.site, group.persona, name, upto, calls, begun, finished)


def _calls(cost: Cost, name: str, cut: Mapping[tuple[str, str], float]) -> dict[str, float]:
    return {operation: calls * cut.get((name, operation), 1.0) for operation, calls in cost.requests.items()}


def _steady_runs(
    plan: Plan, work: Work, group: _Group, grid_s: Floats, weights: Sequence[Mapping[str, float]]
) -> dict[str, Floats]:
    """Workflow → runs up to each edge of the grid, all in the steady state."""
    parts = plan.stretches[group.site]
    edges_s = np.union1d(grid_s, [part.start_s for part in parts])
    at = np.minimum(np.searchsorted([part.end_s for part in parts], (edges_s[1:] + edges_s[:-1]) / 2), len(parts) - 1)
    cycles = np.zeros(len(edges_s) - 1)
    for factor in np.unique(group.factors):
        own = group.factors == factor
        head_s = np.diff(_head_seconds(group.starts_s[own], group.ends_s[own], edges_s))
        cycles_s = [work.cycle_s(chosen, float(factor)) if chosen else math.inf for chosen in weights]
        if not all(cycles_s):
            raise _without_end(group.persona)
        per_s = 1 / np.array(cycles_s)
        cycles += head_s * per_s[at]
    runs = {}
    for name in dict.fromkeys(name for chosen in weights for name in chosen):
        shares = np.array([chosen.get(name, 0.0) / sum(chosen.values()) if chosen else 0.0 for chosen in weights])
        upto = np.concatenate([[0.0], np.cumsum(cycles * shares[at])])
        runs[name] = np.interp(grid_s, edges_s, upto)
    return runs


def _without_end(persona: str) -> InputError:
    """One whose workflows neither pause nor ask, with no pause between them, would do them without end in no time."""
    what = f"one workflow after the other takes '{persona}' no time at all, so that a run would never go on"
    help_ = "write a time above 0s, and a think_factor above 0"
    return InputError(Problem(what, f"personas.{persona}.between.mean", help_))


def _head_seconds(starts_s: Floats, ends_s: Floats, edges_s: Floats) -> Floats:
    """Seconds that these slots' clinicians have been on duty, summed, up to each edge."""
    starts, ends = starts_s[:, None], ends_s[:, None]
    return np.asarray((np.clip(edges_s, starts, ends) - starts).sum(axis=0))


def _outline(plan: Plan, groups: Sequence[_Group], weights: SiteWeights) -> OutlineSlots:
    """The slots of all groups together, each with the number of its kind of site."""
    kinds: dict[tuple[tuple[Stretch, ...], frozenset[str]], int] = {}
    number = [kinds.setdefault(weights.kind_of(group.site), len(kinds)) for group in groups]
    first = dict(reversed(list(zip(number, groups, strict=True))))
    one_of_each = [first[at] for at in range(len(kinds))]
    return OutlineSlots(
        starts_s=np.concatenate([group.starts_s for group in groups]),
        ends_s=np.concatenate([group.ends_s for group in groups]),
        opening=np.concatenate([group.opening for group in groups]),
        factors=np.concatenate([group.factors for group in groups]),
        clock=np.concatenate([np.full(len(group.starts_s), at) for group, at in zip(groups, number, strict=True)]),
        stretch_ends_s=[np.array([part.end_s for part in plan.stretches[group.site]]) for group in one_of_each],
        weights=[weights.of(group.site, group.persona) for group in one_of_each],
        without=[weights.kind_of(group.site)[1] for group in one_of_each],
    )


def _arriving(plan: Plan, process: ArrivalProcess, work: Work, books: Books, known: SiteWeights) -> None:
    """One process at one site. Each arrival does one workflow; who comes close to the run's end is cut as in a slot."""
    scenario = plan.spec.scenario
    parts = plan.stretches[process.site]
    pace_s = work.habits.think.mean_s * scenario.think_factor
    edges_s = np.union1d(books.grid_s, [part.start_s for part in parts])
    weights = known.of(process.site, process.persona)
    middles_s = (edges_s[1:] + edges_s[:-1]) / 2
    at = np.minimum(np.searchsorted([part.end_s for part in parts], middles_s), len(parts) - 1)
    come = np.diff(expected_arrivals(process, edges_s))
    whole = float(come.sum())
    for name in dict.fromkeys(name for chosen in weights for name in chosen):
        shares = np.array([chosen.get(name, 0.0) / sum(chosen.values()) if chosen else 0.0 for chosen in weights])
        upto = np.interp(books.grid_s, edges_s, np.concatenate([[0.0], np.cumsum(come * shares[at])]))
        cost = work.costs[name]

        def in_time(moments_s: Floats) -> float:
            """The share of arrivals early enough for this moment of their run to come before the run's end."""
            return float(expected_arrivals(process, plan.length_s - moments_s).mean()) / whole

        calls = {
            operation: count * in_time(cost.moments[operation].seconds(pace_s))
            for operation, count in cost.requests.items()
        }
        runs = float(upto[-1])
        books.add(process.site, process.persona, name, upto, calls, runs, runs * in_time(cost.ends.seconds(pace_s)))
