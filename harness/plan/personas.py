"""What a persona does in an hour when it works as its file says: the figures that published ones are held against.

By renewal-reward (as in `harness.plan.expected`) over cycles of one workflow, drawn by weight, and one pause between:

    actions an hour = E[pauses of a workflow + 1] / E[pause between two + length of a workflow]

at the persona's own pace and weights: no phase, hour, experience or site changes them, nobody gives up, and every
answer takes `RESPONSE_S`. How workflows go comes from the virtual clock, so each figure has a standard error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.plan.costs import RESPONSE_S, traces_for
from harness.scenario.habits import habits_of

if TYPE_CHECKING:
    from harness.clinic.post import Habits
    from harness.clinic.virtual import Trace
    from harness.scenario.model import Anchor, Persona
    from harness.scenario.persona_model import AnchorMeasure

    OfRun = Callable[[str, Trace], float]

__all__ = ["ROUNDING", "Figure", "Modelled", "modelled", "off_by"]

ROUNDING: Final = 0.05
"""How far off a figure may be that a source gives as one number: what rounding costs. source: assumption"""
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean, and the standard error that it has because workflows were played so many times and no more."""

    value: float
    error: float


@dataclass(frozen=True)
class Modelled:
    """A persona in the long run. `traces`: workflow → each way that it goes, with how often it was seen."""

    habits: Habits
    traces: Mapping[str, Mapping[Trace, int]]

    @property
    def shares(self) -> dict[str, float]:
        """Workflow → share of all runs."""
        whole = sum(self.habits.weights.values())
        return {name: weight / whole for name, weight in self.habits.weights.items()}

    def actions_per_h(self) -> Figure:
        """Pauses an hour on duty, those between two workflows too."""
        return self._measured("actions_per_h", tuple(self.habits.weights))

    def requests_per_h(self) -> Figure:
        return self._measured("requests_per_h", tuple(self.habits.weights))

    def anchored(self, anchor: Anchor) -> Figure:
        """What `anchor` says, as it comes out here; in its unit."""
        return self._measured(anchor.measure, anchor.of or tuple(self.habits.weights))

    def a_run(self, of: OfRun, name: str = "") -> Figure:
        """The mean of something over runs of workflow `name`, or of all, each as often as its weight says."""
        return self._ratio(of, lambda *_: 1.0, (name,) if name else tuple(self.traces))

    def length_s(self, name: str, trace: Trace) -> float:  # noqa: ARG002 (a function of a run, as the others are)
        """Seconds of a run with pauses of mean length."""
        return trace.pauses * self.habits.think.mean_s + len(trace.calls) * RESPONSE_S

    def _measured(self, measure: AnchorMeasure, of: tuple[str, ...]) -> Figure:
        in_of: OfRun = lambda name, _: float(name in of)  # noqa: E731
        spent_s: OfRun = lambda name, trace: self.length_s(name, trace) * (name in of)  # noqa: E731
        if measure == "run_s":
            return self._ratio(spent_s, in_of, tuple(self.traces))
        if measure == "time_share":
            return self._ratio(spent_s, self._cycle_s, tuple(self.traces))
        counted: dict[str, OfRun] = {
            "actions_per_h": lambda _, trace: trace.pauses + 1,
            "requests_per_h": lambda _, trace: len(trace.calls),
            "writes_per_h": lambda _, trace: trace.written,
            "runs_per_h": lambda *_: 1,
        }
        count = counted[measure]
        return self._ratio(
            lambda name, trace: count(name, trace) * (name in of) * _HOUR_S, self._cycle_s, tuple(self.traces)
        )

    def _cycle_s(self, name: str, trace: Trace) -> float:
        return self.length_s(name, trace) + self.habits.between.mean_s

    def _ratio(self, over: OfRun, under: OfRun, names: tuple[str, ...]) -> Figure:
        """E[over] / E[under] over runs drawn by weight; 0 where nothing is in `under`.

        Its variance by the delta method: Σ often² · Var(over - value · under) / plays, over E[under]².
        """
        total, whole = 0.0, 0.0
        for name, often, trace, share in self._ways(names):
            total += often * share * over(name, trace)
            whole += often * share * under(name, trace)
        if not whole:
            return Figure(0.0, 0.0)
        value = total / whole
        variance = 0.0
        for name in names:
            ways = [
                (share, often, over(name, trace) - value * under(name, trace))
                for _, often, trace, share in self._ways((name,))
            ]
            mean = sum(share * off for share, _, off in ways)
            spread = sum(share * (off - mean) ** 2 for share, _, off in ways)
            variance += ways[0][1] ** 2 * spread / sum(self.traces[name].values())
        return Figure(value, math.sqrt(variance) / whole)

    def _ways(self, names: tuple[str, ...]) -> Iterator[tuple[str, float, Trace, float]]:
        """(workflow, its share of runs, a way it goes, the share of that)."""
        shares = self.shares
        for name in names:
            plays = sum(self.traces[name].values())
            for trace, times in self.traces[name].items():
                yield name, shares[name], trace, times / plays


def modelled(persona: Persona) -> Modelled:
    """The persona at its own pace. Raises what playing one of its workflows raises (`harness.clinic.virtual`)."""
    habits = habits_of(persona)
    return Modelled(habits, traces_for(habits.persona, list(habits.weights)))


def off_by(anchor: Anchor, figure: Figure) -> float:
    """How far `figure` lies outside what the source says, as a share of the nearer end: 0 within, < 0 if too low."""
    nearest = min(max(figure.value, anchor.low), anchor.high)
    return (figure.value - nearest) / nearest if nearest else figure.value
