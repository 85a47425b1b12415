"""Which objectives a run can be held to, fixed before the load: a scope too small to be judged is advisory.

The rule (n ≥ 4.5 / (1 − p)): with 90 samples for a p95, 450 for a p99, a run that keeps its bound well can be told
from one that does not; for a rate with bound b, p is 1 − b.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from harness.plan.model import ExpectedLoad, Plan
from harness.scenario.model import PERCENTILE_OF, Objective

__all__ = ["Requirement", "fewest_samples", "required_objectives", "samples_for"]

_OVER_WORKFLOWS = {"waited_p95_ms", "failed_workflow_rate"}
"""Metrics whose samples are workflow runs; those of all others are requests."""
_ALWAYS_FOR_NETWORK = {"p95_ms", "error_rate"}
SAMPLES_BEYOND = 4.5
"""Samples to expect beyond the percentile. source: assumption (1.5 × the 3 that suffice if none is above)."""

UNSURE = 0.05
"""The chance of error that a verdict leaves on either side of a share: its intervals have a level of 90%."""

_BY_CHARTS = ("each-operation", "each-workflow")
"""How often one of these comes depends on what charts hold, which only seeding knows."""

_SCOPE_KEY = {
    "network": "",
    "each-site": "site",
    "each-workflow": "workflow",
    "each-operation": "operation",
    "each-lane": "lane",
    "each-persona": "persona",
}


class Requirement(NamedTuple):
    """One objective in one scope: `scope` is {} for the network, else one key, such as {"site": "river"}."""

    id: str
    scope: Mapping[str, str]
    required: bool
    expected_samples: float
    needed_samples: float
    why: str


def required_objectives(plan: Plan, expected: ExpectedLoad) -> list[Requirement]:
    """Each objective in each of its scopes, in the scenario's order, with whether it is required and the reason."""
    requests = _by_scope(expected, runs=False)
    runs = _by_scope(expected, runs=True)
    found = []
    for objective in plan.spec.scenario.objectives:
        key = _SCOPE_KEY[objective.scope]
        samples = (runs if objective.metric in _OVER_WORKFLOWS else requests)[key]
        names = objective.only or tuple(samples)
        unsure = not plan.spec.seeded and objective.scope in _BY_CHARTS
        found += [
            _requirement(objective, {key: name} if key else {}, samples.get(name, 0.0), unsure=unsure) for name in names
        ]
    return found


def _requirement(
    objective: Objective, scope: Mapping[str, str], expected_samples: float, *, unsure: bool
) -> Requirement:
    needed = samples_needed(objective)
    if unsure and objective.required:
        required, why = False, "how often follows from what these patients' charts hold"
    elif not scope and objective.metric in _ALWAYS_FOR_NETWORK and objective.required:
        required, why = True, "always, for the network"
    elif not objective.required:
        required, why = False, "the scenario says so"
    elif expected_samples < needed:
        required, why = False, "too few samples"
    else:
        required, why = True, "enough samples"
    return Requirement(objective.id, scope, required, expected_samples, needed, why)


def samples_needed(objective: Objective) -> float:
    """Finished samples below which a scope is advisory; infinite for a rate bound of zero, which no number shows."""
    return samples_for(objective.metric, objective.bound)


def samples_for(metric: str, bound: float, beyond: float = SAMPLES_BEYOND) -> float:
    """Samples of which `beyond` lie beyond the percentile, or reach the bound of a rate."""
    allowed = _allowed(metric, bound)
    return beyond / allowed if allowed > 0 else math.inf


def fewest_samples(metric: str, bound: float) -> float:
    """Below so many samples no verdict is sure that a bound is kept, though none lies beyond it: 59 for a p95, 299 for
    a rate of 1% (Clopper and Pearson)."""
    allowed = _allowed(metric, bound)
    if allowed >= 1:
        return 1
    return math.ceil(math.log(UNSURE) / math.log1p(-allowed)) if allowed > 0 else math.inf


def _allowed(metric: str, bound: float) -> float:
    """The share of samples that may lie beyond the bound, or be an error."""
    p = PERCENTILE_OF.get(metric)
    return bound if p is None else 1 - p


def _by_scope(expected: ExpectedLoad, *, runs: bool) -> dict[str, dict[str, float]]:
    """Scope key → name → expected samples; the network is under "" → "".

    Workflow runs have no operation, so that `each-operation` finds nothing for metrics over workflows.
    """
    found: dict[str, dict[str, float]] = {key: defaultdict(float) for key in _SCOPE_KEY.values()}
    for (site, persona, workflow), count in (
        expected.by_workflow_finished if runs else expected.by_workflow_requests
    ).items():
        for key, name in (("", ""), ("site", site), ("persona", persona), ("workflow", workflow)):
            found[key][name] += count
    if not runs:
        for (_, lane), count in expected.requests.items():
            found["lane"][lane] += count
        for (_, operation), count in expected.by_operation.items():
            found["operation"][operation] += count
    return found
