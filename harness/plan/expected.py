"""The load that a plan expects: a rate for each persona and stretch of time, times the time on duty, corrected for
slots' beginnings and ends; and what comes at a rate of its own.

By renewal-reward, a persona's cycle is one pause between workflows and one workflow, drawn by weight:
    cycle = Σ p(w) · (between + thinking(w) + calls(w) · response time)        runs a second of w = p(w) / cycle
Weights change with phase and hour, so the rate is steady over a stretch of the site's time and is multiplied with the
head-seconds on duty in it; who thinks longer has longer cycles. `slotwise` then tells how slots differ from that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.plan.arrivals import expected_arrivals
from harness.plan.costs import Cost, costs_of
from harness.plan.emphasis import weights_in
from harness.plan.model import ArrivalProcess, ExpectedLoad, Plan, Slot, Stretch
from harness.plan.slotwise import OutlineSlots, ratios_to_steady
from harness.scenario.staff import think_factor_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.clinic.clinician import Habits

    Floats = NDArray[np.float64]

__all__ = ["Work", "expected_load", "integrate", "work_of"]

BINS = 100
"""The run's time is cut into this many equal bins to find its busiest tenth."""
BUSIEST_BINS = BINS // 10


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


def expected_load(plan: Plan) -> ExpectedLoad:
    """Requests by site and lane, operation, workflow; a workflow's costs come from the virtual clock (cached)."""
    from harness.clinic.registry import WORKFLOWS

    return integrate(plan, work_of(plan), {name: workflow.lane for name, workflow in WORKFLOWS.items()})


def work_of(plan: Plan) -> dict[str, Work]:
    """Persona → its work, of all who have heads somewhere or come by themselves."""
    from harness.scenario.habits import habits_of

    scenario = plan.spec.scenario
    personas = {persona for site in plan.spec.sites for persona in site.heads}
    personas |= {process.persona for process in plan.arrivals}
    habits = {persona: habits_of(scenario.personas[persona]) for persona in sorted(personas)}
    return {persona: Work(each, costs_of(each)) for persona, each in habits.items()}


def integrate(plan: Plan, work: Mapping[str, Work], lane_of: Mapping[str, str]) -> ExpectedLoad:
    """The work of each persona over the time that the plan has it on duty, and of each arrival; `lane_of`: workflow →
    lane."""
    books = _Books(plan, lane_of)
    groups = _grouped(plan)
    by_persona: dict[str, list[_Group]] = defaultdict(list)
    for group in groups:
        by_persona[group.persona].append(group)
    for persona, held in by_persona.items():
        _staffed(plan, work[persona], held, books)
    for process in plan.arrivals:
        _arriving(plan, process, work[process.persona], books)
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


class _Books:
    """Sums by site and lane, operation, workflow while they grow."""

    def __init__(self, plan: Plan, lane_of: Mapping[str, str]) -> None:
        self.grid_s = np.linspace(0.0, plan.length_s, BINS + 1)
        self._length_s = plan.length_s
        self._lane_of = lane_of
        self._by_lane: dict[tuple[str, str], Floats] = defaultdict(lambda: np.zeros(BINS + 1))
        self._sums: dict[tuple[str, str], Floats] = defaultdict(lambda: np.zeros(BINS + 1))
        self._by_operation: dict[tuple[str, str], float] = defaultdict(float)
        self._begun: dict[tuple[str, str, str], float] = defaultdict(float)
        self._finished: dict[tuple[str, str, str], float] = defaultdict(float)
        self._requests: dict[tuple[str, str, str], float] = defaultdict(float)
        for site in plan.spec.sites:
            self._sums[site.name, ""] = np.zeros(BINS + 1)
        self._sums["", ""] = np.zeros(BINS + 1)

    def add(
        self,
        site: str,
        persona: str,
        workflow: str,
        upto: Floats,
        calls: Mapping[str, float],
        begun: float,
        finished: float,
    ) -> None:
        """`upto`: runs up to each edge of the grid; `calls`: operation → requests a run; begun and finished in all."""
        lane, total = self._lane_of[workflow], float(upto[-1])
        a_run = sum(calls.values())
        requests = upto * a_run
        self._by_lane[site, lane] += requests
        for key in ((site, ""), ("", lane), ("", "")):
            self._sums[key] += requests
        for operation, count in calls.items():
            self._by_operation[site, operation] += total * count
        self._begun[site, persona, workflow] += begun
        self._finished[site, persona, workflow] += finished
        self._requests[site, persona, workflow] += total * a_run

    def closed(self) -> ExpectedLoad:
        return ExpectedLoad(
            requests={key: float(upto[-1]) for key, upto in self._by_lane.items()},
            peak_per_s={key: _busiest(upto, self._length_s) for key, upto in self._by_lane.items()},
            busiest_per_s={key: _busiest(upto, self._length_s) for key, upto in self._sums.items()},
            by_operation=dict(self._by_operation),
            by_workflow=dict(self._begun),
            by_workflow_finished=dict(self._finished),
            by_workflow_requests=dict(self._requests),
        )


def _staffed(plan: Plan, work: Work, groups: Sequence[_Group], books: _Books) -> None:
    """One persona at all sites."""
    steady = {group.site: _steady_runs(plan, work, group, books.grid_s) for group in groups}
    totals: dict[str, float] = defaultdict(float)
    for by_workflow in steady.values():
        for name, upto in by_workflow.items():
            totals[name] += float(upto[-1])
    ratios = ratios_to_steady(_outline(plan, groups), work.habits, work.costs, totals)
    cut_calls = {name: _calls(work.costs[name], name, ratios.requests) for name in totals}
    arrival_calls = {name: _calls(work.costs[name], name, ratios.arrival_requests) for name in work.habits.on_arrival}
    for group in groups:
        for name, upto in steady[group.site].items():
            runs = float(upto[-1])
            begun, finished = runs * ratios.begun.get(name, 1.0), runs * ratios.finished.get(name, 1.0)
            books.add(group.site, group.persona, name, upto, cut_calls[name], begun, finished)
        logins_s = np.sort(group.starts_s[~group.opening])
        for name, calls in arrival_calls.items() if len(logins_s) else ():
            upto = np.searchsorted(logins_s, books.grid_s, side="right").astype(np.float64)
            begun = len(logins_s) * ratios.arrival_begun.get(name, 1.0)
            finished = len(logins_s) * ratios.arrival_finished.get(name, 1.0)
            books.add(group.site, group.persona, name, upto, calls, begun, finished)


def _calls(cost: Cost, name: str, cut: Mapping[tuple[str, str], float]) -> dict[str, float]:
    return {operation: calls * cut.get((name, operation), 1.0) for operation, calls in cost.requests.items()}


def _steady_runs(plan: Plan, work: Work, group: _Group, grid_s: Floats) -> dict[str, Floats]:
    """Workflow → runs up to each edge of the grid, all in the steady state."""
    parts = plan.stretches[group.site]
    edges_s = np.union1d(grid_s, [part.start_s for part in parts])
    weights = [weights_in(plan.spec.scenario, group.persona, part) for part in parts]
    at = np.minimum(np.searchsorted([part.end_s for part in parts], (edges_s[1:] + edges_s[:-1]) / 2), len(parts) - 1)
    cycles = np.zeros(len(edges_s) - 1)
    for factor in np.unique(group.factors):
        own = group.factors == factor
        head_s = np.diff(_head_seconds(group.starts_s[own], group.ends_s[own], edges_s))
        per_s = np.array([1 / work.cycle_s(chosen, float(factor)) if chosen else 0.0 for chosen in weights])
        cycles += head_s * per_s[at]
    runs = {}
    for name in dict.fromkeys(name for chosen in weights for name in chosen):
        shares = np.array([chosen.get(name, 0.0) / sum(chosen.values()) if chosen else 0.0 for chosen in weights])
        upto = np.concatenate([[0.0], np.cumsum(cycles * shares[at])])
        runs[name] = np.interp(grid_s, edges_s, upto)
    return runs


def _head_seconds(starts_s: Floats, ends_s: Floats, edges_s: Floats) -> Floats:
    """Seconds that these slots' clinicians have been on duty, summed, up to each edge."""
    starts, ends = starts_s[:, None], ends_s[:, None]
    return np.asarray((np.clip(edges_s, starts, ends) - starts).sum(axis=0))


def _outline(plan: Plan, groups: Sequence[_Group]) -> OutlineSlots:
    """The slots of all groups together, each with the number of its site's clock."""
    clocks: dict[tuple[Stretch, ...], int] = {}
    number = [clocks.setdefault(plan.stretches[group.site], len(clocks)) for group in groups]
    scenario, persona = plan.spec.scenario, groups[0].persona
    return OutlineSlots(
        starts_s=np.concatenate([group.starts_s for group in groups]),
        ends_s=np.concatenate([group.ends_s for group in groups]),
        opening=np.concatenate([group.opening for group in groups]),
        factors=np.concatenate([group.factors for group in groups]),
        clock=np.concatenate([np.full(len(group.starts_s), at) for group, at in zip(groups, number, strict=True)]),
        stretch_ends_s=[np.array([part.end_s for part in parts]) for parts in clocks],
        weights=[[weights_in(scenario, persona, part) for part in parts] for parts in clocks],
    )


def _arriving(plan: Plan, process: ArrivalProcess, work: Work, books: _Books) -> None:
    """One process at one site. Each arrival does one workflow; who comes close to the run's end is cut as in a slot."""
    scenario = plan.spec.scenario
    parts = plan.stretches[process.site]
    pace_s = work.habits.think.mean_s * scenario.think_factor
    edges_s = np.union1d(books.grid_s, [part.start_s for part in parts])
    weights = [weights_in(scenario, process.persona, part) for part in parts]
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


def _busiest(upto: Floats, length_s: float) -> float:
    """Requests a second in the busiest tenth, from the requests up to each edge of the grid."""
    in_window = upto[BUSIEST_BINS:] - upto[:-BUSIEST_BINS]
    return float(in_window.max()) / (length_s * BUSIEST_BINS / BINS)
