"""What a moment of the run is about: the phase that a site is in, and how it shifts what each persona does.

Between two phases no phase holds and the weights are the persona's own. Before a site opens and after it closes
(someone finishes her last step) the nearest moment of its own time counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from harness.plan.model import Plan
from harness.plan.timeline import timeline_of
from harness.scenario.model import Scenario

__all__ = ["NO_PHASE", "Stretch", "phase_at", "phase_weights", "stretches", "weights_at"]

NO_PHASE = ""
"""The phase's name between two phases."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a site's time in which the phase does not change, in run seconds."""

    phase: str
    start_s: float
    end_s: float


def stretches(plan: Plan, site: str) -> tuple[Stretch, ...]:
    """The site's whole time, opening to end, without gaps. Where phases overlap, the one that began last holds."""
    clock = timeline_of(plan.spec).clocks[site]
    spans = [span for span in plan.phases if span.site == site]
    edges = sorted(
        {clock.opens_s, clock.closes_s, *(time_s for span in spans for time_s in (span.start_s, span.end_s))}
    )
    found: list[Stretch] = []
    for start_s, end_s in pairwise(edges):
        covering = [span for span in spans if span.start_s <= start_s and end_s <= span.end_s]
        phase = max(covering, key=lambda span: span.start_s).phase if covering else NO_PHASE
        found.append(Stretch(phase, start_s, end_s))
    return tuple(found)


def phase_at(plan: Plan, site: str) -> Callable[[float], str]:
    """A function from run seconds to the site's phase (`NO_PHASE` between two)."""
    parts = stretches(plan, site)
    return _Steps(parts, [part.phase for part in parts])


def weights_at(plan: Plan, site: str, persona: str) -> Callable[[float], Mapping[str, float]]:
    """A function from run seconds to the persona's workflow weights, the phase's emphasis applied.

    A workflow of weight zero is left out; a phase that leaves none gives an empty mapping: nothing is begun then.
    """
    parts = stretches(plan, site)
    by_phase = phase_weights(plan.spec.scenario, persona)
    return _Steps(parts, [by_phase[part.phase] for part in parts])


def phase_weights(scenario: Scenario, persona: str) -> dict[str, dict[str, float]]:
    """Phase (and `NO_PHASE`) → workflow → weight, above zero only."""
    own = {name: share.weight for name, share in scenario.personas[persona].workflows.items()}
    factors: dict[str, Mapping[str, float]] = {NO_PHASE: {}}
    factors |= {phase.name: phase.emphasis.get(persona, {}) for phase in scenario.phases}
    return {
        phase: {
            name: weight * factor.get(name, 1.0) for name, weight in own.items() if weight * factor.get(name, 1.0) > 0
        }
        for phase, factor in factors.items()
    }


class _Steps(Generic[T]):
    """A step function over a site's stretches; called once a workflow, so it holds nothing but two short lists."""

    __slots__ = ("_ends_s", "_values")

    def __init__(self, parts: tuple[Stretch, ...], values: list[T]) -> None:
        self._ends_s = [part.end_s for part in parts]
        self._values = values

    def __call__(self, run_s: float) -> T:
        return self._values[min(bisect_right(self._ends_s, run_s), len(self._values) - 1)]
