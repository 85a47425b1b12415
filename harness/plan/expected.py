"""The load that a plan expects, by renewal-reward: requests a second on duty = requests a cycle / seconds a cycle.

A persona's cycle is one pause between workflows and one workflow, drawn by weight:
    seconds  = between + Σ p(w) · (thinking(w) + calls(w) · response time)
    requests = Σ p(w) · calls(w)
Weights change with the phase, so the rate is constant over a stretch of the site's time and is multiplied with the
head-seconds on duty in it. A slot that ends mid-workflow does a little less than this says: at most
one workflow for each slot.
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

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RESPONSE_S", "Work", "expected_load", "integrate", "runs_per_second"]

RESPONSE_S = 0.2
"""What a request is taken to need at the target, in seconds. source: assumption (thinking takes many times as long)."""

BINS = 100
"""The run's time is cut into this many equal bins to find its busiest tenth."""
BUSIEST_BINS = BINS // 10


@dataclass(frozen=True, slots=True)
class Work:
    """What a persona does in a second on duty: phase → workflow → runs a second, and what each run costs."""

    runs_per_s: Mapping[str, Mapping[str, float]]
    costs: Mapping[str, Cost]


def expected_load(plan: Plan, response_s: float = RESPONSE_S) -> ExpectedLoad:
    """Requests by site and lane, operation, workflow; a workflow's costs come from the virtual clock (cached)."""
    from harness.clinic.registry import WORKFLOWS
    from harness.scenario.habits import habits_of

    scenario = plan.spec.scenario
    work = {}
    for persona in sorted({persona for site in plan.spec.sites for persona in site.heads}):
        habits = habits_of(scenario.personas[persona], scenario.think_factor)
        costs = costs_of(habits)
        rates = runs_per_second(habits.between.mean_s, costs, phase_weights(scenario, persona), response_s)
        work[persona] = Work(rates, costs)
    return integrate(plan, work, {name: workflow.lane for name, workflow in WORKFLOWS.items()})


def runs_per_second(
    between_s: float, costs: Mapping[str, Cost], weights: Mapping[str, Mapping[str, float]], response_s: float
) -> dict[str, dict[str, float]]:
    """Phase → workflow → runs a second of one clinician, from the weights of each phase (phase → workflow → weight)."""
    cycle_s = {name: between_s + cost.think_s + cost.calls * response_s for name, cost in costs.items()}
    rates = {}
    for phase, chosen in weights.items():
        mean_cycle_s = sum(weight * cycle_s[name] for name, weight in chosen.items())
        rates[phase] = {name: weight / mean_cycle_s for name, weight in chosen.items()}
    return rates


def integrate(plan: Plan, work: Mapping[str, Work], lane_of: Mapping[str, str]) -> ExpectedLoad:
    """The work of each persona times the head-seconds that the plan has on duty; `lane_of`: workflow → lane."""
    runs: dict[tuple[str, str, str], float] = {}
    peak_per_s: dict[tuple[str, str], float] = {}
    sums: dict[tuple[str, str], NDArray[np.float64]] = defaultdict(lambda: np.zeros(BINS + 1))
    grid_s = np.linspace(0.0, plan.length_s, BINS + 1)
    slots = _by_site_and_persona(plan)
    for site in plan.spec.sites:
        parts = stretches(plan, site.name)
        edges_s = np.union1d(grid_s, [time_s for part in parts for time_s in (part.start_s, part.end_s)])
        by_lane: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(BINS + 1))
        for persona in site.heads:
            head_s = np.diff(_head_seconds(slots[site.name, persona], edges_s))
            for workflow, cost in work[persona].costs.items():
                upto = _upto(head_s * _rate_of_bins(edges_s, parts, work[persona], workflow))
                runs[site.name, persona, workflow] = float(upto[-1])
                by_lane[lane_of[workflow]] += np.interp(grid_s, edges_s, upto) * cost.calls
        for lane, upto in by_lane.items():
            peak_per_s[site.name, lane] = _busiest(upto, plan.length_s)
            for key in ((site.name, ""), ("", lane), ("", "")):
                sums[key] += upto
    busiest_per_s = {key: _busiest(upto, plan.length_s) for key, upto in sums.items()}
    return _sum_up(runs, peak_per_s, busiest_per_s, work, lane_of)


def _by_site_and_persona(plan: Plan) -> dict[tuple[str, str], list[Slot]]:
    groups: dict[tuple[str, str], list[Slot]] = defaultdict(list)
    for slot in plan.slots:
        groups[slot.site, slot.persona].append(slot)
    return groups


def _head_seconds(slots: Sequence[Slot], edges_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds that these slots' clinicians have been on duty, summed, up to each edge."""
    starts_s = np.array([slot.start_s for slot in slots], dtype=np.float64)[:, None]
    ends_s = np.array([slot.end_s for slot in slots], dtype=np.float64)[:, None]
    return np.asarray((np.clip(edges_s, starts_s, ends_s) - starts_s).sum(axis=0))


def _rate_of_bins(
    edges_s: NDArray[np.float64], parts: Sequence[Stretch], work: Work, workflow: str
) -> NDArray[np.float64]:
    """Runs a second of `workflow` in each bin; outside the site's time any rate will do, since nobody is on duty."""
    ends_s = [part.end_s for part in parts]
    rates = np.array([work.runs_per_s[part.phase].get(workflow, 0.0) for part in parts])
    middles_s = (edges_s[1:] + edges_s[:-1]) / 2
    return rates[np.minimum(np.searchsorted(ends_s, middles_s), len(parts) - 1)]


def _upto(bins: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(bins)])


def _busiest(upto: NDArray[np.float64], length_s: float) -> float:
    """Requests a second in the busiest tenth, from the requests up to each edge of the grid."""
    in_window = upto[BUSIEST_BINS:] - upto[:-BUSIEST_BINS]
    return float(in_window.max()) / (length_s * BUSIEST_BINS / BINS)


def _sum_up(
    runs: Mapping[tuple[str, str, str], float],
    peak_per_s: Mapping[tuple[str, str], float],
    busiest_per_s: Mapping[tuple[str, str], float],
    work: Mapping[str, Work],
    lane_of: Mapping[str, str],
) -> ExpectedLoad:
    requests: dict[tuple[str, str], float] = defaultdict(float)
    by_operation: dict[tuple[str, str], float] = defaultdict(float)
    by_workflow_requests: dict[tuple[str, str, str], float] = {}
    for (site, persona, workflow), count in runs.items():
        cost = work[persona].costs[workflow]
        by_workflow_requests[site, persona, workflow] = count * cost.calls
        requests[site, lane_of[workflow]] += count * cost.calls
        for operation, calls in cost.requests.items():
            by_operation[site, operation] += count * calls
    return ExpectedLoad(dict(requests), peak_per_s, busiest_per_s, dict(by_operation), runs, by_workflow_requests)
