"""What a moment of the run is about: the phase that a site is in, the hour that it is there, and how both shift what
each persona does.

Between two phases no phase holds and the weights are the persona's own. After the run's end (someone finishes her last
step) its last moment counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise

from harness.plan.model import PhaseSpan, Plan, Stretch
from harness.plan.steps import Steps
from harness.plan.timeline import SiteClock, Timeline
from harness.scenario.model import RunSpec, Scenario
from harness.units import DAY_S

__all__ = ["NO_PHASE", "SiteWeights", "phase_at", "stretches_of", "weights_at", "weights_in"]

NO_PHASE = ""
"""The phase's name between two phases."""


def stretches_of(spec: RunSpec, timeline: Timeline, phases: Sequence[PhaseSpan]) -> dict[str, tuple[Stretch, ...]]:
    """Site → its stretches. Where phases overlap, the one that began last holds."""
    steps_s = _steps(spec.scenario)
    spans: dict[str, list[PhaseSpan]] = {site.name: [] for site in spec.sites}
    for span in phases:
        spans[span.site].append(span)
    found: dict[SiteClock, tuple[Stretch, ...]] = {}
    for site in spec.sites:
        clock = timeline.clocks[site.name]
        if clock not in found:
            found[clock] = tuple(_stretches(clock, timeline.length_s, spans[site.name], steps_s))
    return {site.name: found[timeline.clocks[site.name]] for site in spec.sites}


def phase_at(plan: Plan, site: str) -> Callable[[float], str]:
    """A function from run seconds to the site's phase (`NO_PHASE` between two)."""
    parts = plan.stretches[site]
    return Steps([part.end_s for part in parts], [part.phase for part in parts])


def weights_at(plan: Plan, site: str, persona: str) -> Callable[[float], Mapping[str, float]]:
    """A function from run seconds to the persona's workflow weights, emphasis and hour applied.

    A workflow of weight zero is left out; a moment that leaves none gives an empty mapping: nothing is begun then.
    """
    parts = plan.stretches[site]
    return Steps([part.end_s for part in parts], [weights_in(plan.spec.scenario, persona, part) for part in parts])


def weights_in(scenario: Scenario, persona: str, part: Stretch) -> dict[str, float]:
    """Workflow → weight in a stretch, above zero only."""
    factors = next((phase.emphasis.get(persona, {}) for phase in scenario.phases if phase.name == part.phase), {})
    weights = {
        name: share.weight * factors.get(name, 1.0) * _factor_at(share.by_hour, part.of_day_s)
        for name, share in scenario.personas[persona].workflows.items()
    }
    return {name: weight for name, weight in weights.items() if weight > 0}


class SiteWeights:
    """Workflow → weight in each stretch of a site's time, without what cannot be done there; worked out once for all
    sites alike."""

    def __init__(self, plan: Plan, unsupported: Mapping[str, Collection[str]]) -> None:
        self._plan = plan
        self._without = {site.name: frozenset(unsupported.get(site.name, ())) for site in plan.spec.sites}
        self._known: dict[tuple[object, ...], tuple[dict[str, float], ...]] = {}

    def kind_of(self, site: str) -> tuple[tuple[Stretch, ...], frozenset[str]]:
        """Equal for sites that are alike in this."""
        return self._plan.stretches[site], self._without[site]

    def of(self, site: str, persona: str) -> tuple[dict[str, float], ...]:
        parts, without = self.kind_of(site)
        key = (persona, id(parts), without)
        if key not in self._known:
            all_weights = (weights_in(self._plan.spec.scenario, persona, part) for part in parts)
            self._known[key] = tuple(
                {name: weight for name, weight in weights.items() if name not in without} for weights in all_weights
            )
        return self._known[key]

    def can(self, site: str, workflow: str) -> bool:
        return workflow not in self._without[site]


def _steps(scenario: Scenario) -> list[float]:
    """The times of day at which some workflow's weight by hour changes."""
    shares = (share for persona in scenario.personas.values() for share in persona.workflows.values())
    return sorted({time_s % DAY_S for share in shares for time_s, _ in share.by_hour})


def _factor_at(by_hour: Sequence[tuple[float, float]], of_day_s: float) -> float:
    if not by_hour:
        return 1.0
    return by_hour[bisect_right(by_hour, of_day_s, key=lambda step: step[0]) - 1][1]


def _stretches(
    clock: SiteClock, length_s: float, spans: Sequence[PhaseSpan], steps_s: Sequence[float]
) -> list[Stretch]:
    edges = {0.0, length_s, *(time_s for span in spans for time_s in (span.start_s, span.end_s))}
    for first_s, from_s, to_s in clock.pieces():
        edges.add(first_s)
        days = range(int(from_s // DAY_S), int(to_s // DAY_S) + 1)
        times_s = (day * DAY_S + step_s for day in days for step_s in steps_s)
        edges |= {round(first_s + (at_s - from_s) / clock.time_lapse, 6) for at_s in times_s if from_s < at_s < to_s}
    found = []
    for start_s, end_s in pairwise(sorted(edges)):
        covering = [span for span in spans if span.start_s <= start_s and end_s <= span.end_s]
        phase = max(covering, key=lambda span: span.start_s).phase if covering else NO_PHASE
        found.append(Stretch(phase, clock.local_s((start_s + end_s) / 2) % DAY_S, start_s, end_s))
    return found
