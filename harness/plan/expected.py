"""The load that a plan expects: a rate for each persona and phase, times the time on duty, corrected for slots'
beginnings and ends.

By renewal-reward, a persona's cycle is one pause between workflows and one workflow, drawn by weight:
    cycle = Σ p(w) · (between + thinking(w) + calls(w) · response time)        runs a second of w = p(w) / cycle
Weights change with the phase, so the rate is steady over a stretch of the site's time and is multiplied with the
head-seconds on duty in it. `slotwise` then tells how slots differ from that steady state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.plan.costs import Cost, costs_of
from harness.plan.emphasis import Stretch, phase_weights, stretches
from harness.plan.model import ExpectedLoad, Plan, Slot
from harness.plan.slotwise import OutlineSlots, Ratios, ratios_to_steady
from harness.plan.timeline import timeline_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.clinic.clinician import Habits

    Floats = NDArray[np.float64]
    Weights = Mapping[str, Mapping[str, float]]

__all__ = ["Work", "expected_load", "integrate", "runs_per_second"]

BINS = 100
"""The run's time is cut into this many equal bins to find its busiest tenth."""
BUSIEST_BINS = BINS // 10


@dataclass(frozen=True, slots=True)
class Work:
    """How a persona works: its habits, phase → workflow → weight, and what a run of each workflow costs."""

    habits: Habits
    weights: Weights
    costs: Mapping[str, Cost]


def expected_load(plan: Plan) -> ExpectedLoad:
    """Requests by site and lane, operation, workflow; a workflow's costs come from the virtual clock (cached)."""
    from harness.clinic.registry import WORKFLOWS
    from harness.scenario.habits import habits_of

    scenario = plan.spec.scenario
    work = {}
    for persona in sorted({persona for site in plan.spec.sites for persona in site.heads}):
        habits = habits_of(scenario.personas[persona], scenario.think_factor)
        work[persona] = Work(habits, phase_weights(scenario, persona), costs_of(habits))
    return integrate(plan, work, {name: workflow.lane for name, workflow in WORKFLOWS.items()})


def runs_per_second(work: Work) -> dict[str, dict[str, float]]:
    """Phase → workflow → runs a second of one clinician in the steady state."""
    cycle_s = {name: work.habits.between.mean_s + cost.length_s for name, cost in work.costs.items()}
    rates = {}
    for phase, chosen in work.weights.items():
        mean_cycle_s = sum(weight * cycle_s[name] for name, weight in chosen.items())
        rates[phase] = {name: weight / mean_cycle_s for name, weight in chosen.items()}
    return rates


def integrate(plan: Plan, work: Mapping[str, Work], lane_of: Mapping[str, str]) -> ExpectedLoad:
    """The work of each persona over the time that the plan has it on duty; `lane_of`: workflow → lane."""
    slots = _by_site_and_persona(plan)
    steady = _steady_runs(plan, work, slots)
    ratios = {persona: _ratios(plan, persona, work[persona], slots, steady) for persona in work}
    by_lane: dict[tuple[str, str], Floats] = defaultdict(lambda: np.zeros(BINS + 1))
    sums: dict[tuple[str, str], Floats] = defaultdict(lambda: np.zeros(BINS + 1))
    by_operation: dict[tuple[str, str], float] = defaultdict(float)
    by_workflow_requests: dict[tuple[str, str, str], float] = defaultdict(float)
    for (site, persona, workflow), runs in steady.items():
        cut = ratios[persona].requests
        for operation, calls in work[persona].costs[workflow].requests.items():
            upto = runs * calls * cut.get((workflow, operation), 1.0)
            by_lane[site, lane_of[workflow]] += upto
            for key in ((site, ""), ("", lane_of[workflow]), ("", "")):
                sums[key] += upto
            by_operation[site, operation] += float(upto[-1])
            by_workflow_requests[site, persona, workflow] += float(upto[-1])
    begun = {key: float(upto[-1]) * ratios[key[1]].begun.get(key[2], 1.0) for key, upto in steady.items()}
    finished = {key: float(upto[-1]) * ratios[key[1]].finished.get(key[2], 1.0) for key, upto in steady.items()}
    return ExpectedLoad(
        requests={key: float(upto[-1]) for key, upto in by_lane.items()},
        peak_per_s={key: _busiest(upto, plan.length_s) for key, upto in by_lane.items()},
        busiest_per_s={key: _busiest(upto, plan.length_s) for key, upto in sums.items()},
        by_operation=dict(by_operation),
        by_workflow=begun,
        by_workflow_finished=finished,
        by_workflow_requests=dict(by_workflow_requests),
    )


def _by_site_and_persona(plan: Plan) -> dict[tuple[str, str], list[Slot]]:
    groups: dict[tuple[str, str], list[Slot]] = defaultdict(list)
    for slot in plan.slots:
        groups[slot.site, slot.persona].append(slot)
    return groups


def _steady_runs(
    plan: Plan, work: Mapping[str, Work], slots: Mapping[tuple[str, str], Sequence[Slot]]
) -> dict[tuple[str, str, str], Floats]:
    """(site, persona, workflow) → runs up to each edge of the grid, all in the steady state."""
    rates = {persona: runs_per_second(each) for persona, each in work.items()}
    grid_s = np.linspace(0.0, plan.length_s, BINS + 1)
    runs = {}
    for site in plan.spec.sites:
        parts = stretches(plan, site.name)
        edges_s = np.union1d(grid_s, [time_s for part in parts for time_s in (part.start_s, part.end_s)])
        for persona in site.heads:
            head_s = np.diff(_head_seconds(slots.get((site.name, persona), ()), edges_s))
            for workflow in work[persona].costs:
                bins = head_s * _rate_of_bins(edges_s, parts, rates[persona], workflow)
                upto = np.concatenate([[0.0], np.cumsum(bins)])
                runs[site.name, persona, workflow] = np.interp(grid_s, edges_s, upto)
    return runs


def _head_seconds(slots: Sequence[Slot], edges_s: Floats) -> Floats:
    """Seconds that these slots' clinicians have been on duty, summed, up to each edge."""
    starts_s = np.array([slot.start_s for slot in slots], dtype=np.float64)[:, None]
    ends_s = np.array([slot.end_s for slot in slots], dtype=np.float64)[:, None]
    return np.asarray((np.clip(edges_s, starts_s, ends_s) - starts_s).sum(axis=0))


def _rate_of_bins(
    edges_s: Floats, parts: Sequence[Stretch], rates: Mapping[str, Mapping[str, float]], workflow: str
) -> Floats:
    """Runs a second of `workflow` in each bin; outside the site's time any rate will do, since nobody is on duty."""
    ends_s = [part.end_s for part in parts]
    by_part = np.array([rates[part.phase].get(workflow, 0.0) for part in parts])
    middles_s = (edges_s[1:] + edges_s[:-1]) / 2
    return by_part[np.minimum(np.searchsorted(ends_s, middles_s), len(parts) - 1)]


def _ratios(
    plan: Plan,
    persona: str,
    work: Work,
    slots: Mapping[tuple[str, str], Sequence[Slot]],
    steady: Mapping[tuple[str, str, str], Floats],
) -> Ratios:
    """What the persona's slots yield beside the steady state, all sites together."""
    clocks = timeline_of(plan.spec).clocks
    held = [(slot, clocks[site].opens_s) for (site, of), group in slots.items() if of == persona for slot in group]
    if not held:
        return Ratios({}, {}, {})
    # Phases fall on the same local times everywhere, so any site's stretches tell those of all.
    site = held[0][0].site
    parts = stretches(plan, site)
    outline = OutlineSlots(
        starts_s=np.array([slot.start_s - opens_s for slot, opens_s in held]),
        ends_s=np.array([slot.end_s - opens_s for slot, opens_s in held]),
        opening=np.array([slot.opening for slot, _ in held]),
        phase_ends_s=[part.end_s - clocks[site].opens_s for part in parts],
        weights=[work.weights[part.phase] for part in parts],
    )
    totals: dict[str, float] = defaultdict(float)
    for (_, of, workflow), upto in steady.items():
        if of == persona:
            totals[workflow] += float(upto[-1])
    return ratios_to_steady(outline, work.habits, work.costs, totals)


def _busiest(upto: Floats, length_s: float) -> float:
    """Requests a second in the busiest tenth, from the requests up to each edge of the grid."""
    in_window = upto[BUSIEST_BINS:] - upto[:-BUSIEST_BINS]
    return float(in_window.max()) / (length_s * BUSIEST_BINS / BINS)
