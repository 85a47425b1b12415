"""What the run requires, in a table: each objective, over what it holds, and why it is required or only advisory."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from rich.table import Table

from harness.cli.plan_text import bare_table
from harness.plan import Plan, Requirement, fewest_samples
from harness.scenario.model import Objective
from harness.units import count_text, duration_text

__all__ = ["objectives_table"]

_BOUND_PLACES = {"error_rate": "errors", "failed_workflow_rate": "failed workflows"}


def objectives_table(plan: Plan, requirements: Sequence[Requirement]) -> Table:
    """Each objective once for the scopes where it is required and once for those where it is advisory."""
    table = bare_table()
    for heading in ("objectives", "", "bound", "over", "why"):
        table.add_column(heading, no_wrap=heading != "why")
    by_id = {objective.id: objective for objective in plan.spec.scenario.objectives}
    groups: dict[tuple[str, bool, str], list[Requirement]] = defaultdict(list)
    for requirement in requirements:
        groups[requirement.id, requirement.required, requirement.why].append(requirement)
    for (objective_id, required, why), members in groups.items():
        table.add_row(
            "required" if required else "advisory",
            objective_id,
            _bound(by_id[objective_id], _bounds_of(plan, by_id[objective_id], members)),
            _over(members),
            _why(why, members, by_id[objective_id]),
        )
    return table


def _bounds_of(plan: Plan, objective: Objective, members: Sequence[Requirement]) -> list[float]:
    """The bounds that hold in these scopes, the tightest first: a site may have one of its own."""
    own = {site.name: site.bounds.get(objective.id, objective.bound) for site in plan.spec.sites}
    return sorted({own.get(each.scope.get("site", ""), objective.bound) for each in members})


def _bound(objective: Objective, bounds: Sequence[float]) -> str:
    """`p95 ≤ 1.00 s`; where sites have bounds of their own, from the tightest to the widest."""
    rate = objective.metric in _BOUND_PLACES
    ends = dict.fromkeys(
        f"{bound * 100:g}%" if rate else duration_text(bound / 1000) for bound in (bounds[0], bounds[-1])
    )
    words = _BOUND_PLACES.get(objective.metric, objective.metric.removesuffix("_ms").replace("_", " "))
    return f"{words} ≤ {' to '.join(ends)}{', each its own' if len(bounds) > 1 else ''}"


def _over(members: Sequence[Requirement]) -> str:
    scopes = [requirement.scope for requirement in members]
    if not scopes[0]:
        return "network"
    ((kind, name),) = scopes[0].items()
    return f"{kind} {name}" if len(scopes) == 1 else count_text(len(scopes), kind)


def _why(why: str, members: Sequence[Requirement], objective: Objective) -> str:
    if why.startswith("always"):
        least = fewest_samples(objective.metric, objective.bound)
        told = "and no number shows it" if math.isinf(least) else f"{least:,.0f} needed"
        return f"{math.floor(members[0].expected_samples):,} samples expected, {told}; {why}"
    if not why.endswith("samples"):
        return why
    fewest, most = (f"{math.floor(pick(member.expected_samples for member in members)):,}" for pick in (min, max))
    expects = fewest if fewest == most else f"{fewest} to {most}"
    # Rounded so that too few never look like enough, nor enough like too few.
    needed = round(members[0].needed_samples, 6)
    needs = needed if math.isinf(needed) else math.floor(needed) if members[0].required else math.ceil(needed)
    return f"{expects} samples expected{' in each' if len(members) > 1 else ''}, {needs:,} needed"
