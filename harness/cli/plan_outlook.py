"""What can be told before any load: that a run is too short to be judged, and how long it takes to have enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.units import count_text, duration_text

if TYPE_CHECKING:
    from harness.cli.options import Choice
    from harness.plan import Plan, Requirement

__all__ = ["likely_invalid", "long_enough"]

_STEPS_S: Sequence[tuple[float, float]] = ((120.0, 10.0), (600.0, 30.0), (3600.0, 60.0), (math.inf, 900.0))
"""Up to so many seconds a proposed time is a multiple of the second number."""


def likely_invalid(plan: Plan, requirements: Sequence[Requirement]) -> str:
    """Why hardly any verdict can come of the run, and how long it takes at this rate; empty where one can."""
    lacking = _lacking(plan, requirements)
    if not lacking:
        return ""
    worst = max(lacking, key=lambda each: lacking[each] / max(requirements[each].expected_samples, 1e-9))
    short = requirements[worst]
    more = f" (and {count_text(len(lacking) - 1, 'more objective')})" if len(lacking) > 1 else ""
    said = f"this run is likely to be INVALID: {short.id} has {math.floor(short.expected_samples):,} samples to expect"
    if math.isinf(lacking[worst]):
        return f"{said}, and no number of them shows that there is never an error{more}"
    enough_s = _enough_s(plan, requirements)
    takes = "" if enough_s is None else f"; it takes about {duration_text(enough_s)} at this rate"
    return f"{said}, and {lacking[worst]:,.0f} are needed{more}{takes}"


def long_enough(choice: Choice, plan: Plan, requirements: Sequence[Requirement]) -> Choice:
    """The same choice, played for so long that every required objective can be judged."""
    enough_s = _enough_s(plan, requirements)
    if enough_s is None:
        return choice
    opens_s, closes_s = plan.spec.scenario.timeline
    if choice.window is None or enough_s > closes_s - opens_s:
        return replace(choice, window=None, duration_s=enough_s)
    back_s = max(0.0, plan.spec.played[0] + enough_s - closes_s)
    starts_s = choice.window.start_s - back_s
    return replace(choice, window=replace(choice.window, start_s=starts_s, end_s=starts_s + enough_s))


def _lacking(plan: Plan, requirements: Sequence[Requirement]) -> Mapping[int, float]:
    """Place of each required objective of which too few samples for any verdict are expected → how many it takes."""
    from harness.plan import fewest_samples

    by_id = {objective.id: objective for objective in plan.spec.scenario.objectives}
    found = {}
    for place, each in enumerate(requirements):
        fewest = fewest_samples(by_id[each.id].metric, by_id[each.id].bound)
        if each.required and each.expected_samples < fewest:
            found[place] = fewest
    return found


def _enough_s(plan: Plan, requirements: Sequence[Requirement]) -> float | None:
    """How long the run must be, rounded up; None where nothing is lacking, or no time is long enough."""
    short = [requirements[place] for place in _lacking(plan, requirements)]
    if not short or any(math.isinf(each.needed_samples) or not each.expected_samples for each in short):
        return None
    needed_s = plan.length_s * max(each.needed_samples / each.expected_samples for each in short)
    step_s = next(step_s for most_s, step_s in _STEPS_S if needed_s <= most_s)
    return math.ceil(needed_s / step_s) * step_s
