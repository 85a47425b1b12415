"""One objective against its measure: kept, missed, or not to be told; and whether the generator itself could have made
it missed.

A figure that enough samples carry decides; below that, the 90% interval of the share of samples beyond the bound, where
it lies wholly on one side: 59 samples, none above, suffice for a p95. A workflow that failed or was given up was waited
for in vain, which is beyond any bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from harness.analysis import Instrument, Measure
from harness.scenario.model import PERCENTILE_OF, Objective

__all__ = ["Judged", "judge_objective"]

Outcome = Literal["pass", "fail", "insufficient"]

SAMPLES_BEYOND: Final = 10
"""A rate is judged by its figure where so many errors would just reach the bound: the same rule as for a percentile,
with 1−p = bound."""


@dataclass(frozen=True)
class Judged:
    """`explained`: missed, but by no more than what the generator was late itself, or could not send itself."""

    measure: Measure
    required: bool
    outcome: Outcome
    explained: bool

    def to_json(self) -> dict[str, Any]:
        """The row in verdict.json; `above` and its interval say how many samples lie beyond the bound, `lost` how many
        of these are runs that failed or were given up."""
        measure = self.measure
        objective = measure.objective
        return {
            "id": objective.id,
            "scope": dict(measure.scope),
            "metric": objective.metric,
            "bound": objective.bound,
            "figure": measure.figure,
            "interval": list(measure.interval),
            "samples": measure.samples,
            "required": self.required,
            "outcome": self.outcome,
            "source": objective.source,
            "effective_samples": measure.effective_samples,
            "above": measure.beyond,
            "above_share_interval": list(measure.beyond_interval),
            "lost": measure.lost,
            "own_bound": measure.own_bound,
            "explained_by_generator": self.explained,
        }


def judge_objective(
    measure: Measure, required: bool, instrument: Instrument, connect_timeout_s: float, unsent: int
) -> Judged:
    """Judge one measure. `connect_timeout_s` is how long a stalled generator must sleep to time out by itself; `unsent`
    is how many requests the generator's own machine could not send."""
    outcome = _outcome(measure)
    explained = outcome == "fail" and (
        _unsent_explains(measure, unsent) or _explained(measure, instrument, connect_timeout_s)
    )
    return Judged(measure, required, outcome, explained)


def _outcome(measure: Measure) -> Outcome:
    objective = measure.objective
    if not measure.samples:
        return "insufficient"
    if measure.endless:
        return "fail"
    allowed = _allowed(objective)
    if _figure_decides(measure) and measure.figure is not None:
        return "fail" if measure.figure > objective.bound else "pass"
    low, high = measure.beyond_interval
    if low > allowed:
        return "fail"
    return "pass" if high < allowed else "insufficient"


def _allowed(objective: Objective) -> float:
    """The share of samples that may lie beyond the bound, or be errors."""
    return 1 - PERCENTILE_OF[objective.metric] if objective.metric in PERCENTILE_OF else objective.bound


def _figure_decides(measure: Measure) -> bool:
    """A percentile has a figure only where enough samples carry it; a rate always has one."""
    if measure.objective.metric in PERCENTILE_OF:
        return measure.figure is not None
    return measure.samples * measure.objective.bound >= SAMPLES_BEYOND


def _unsent_explains(measure: Measure, unsent: int) -> bool:
    """Each request that could not be sent makes one error here, or one run that was waited for in vain, at most."""
    in_vain = measure.lost if measure.objective.metric in PERCENTILE_OF else measure.beyond
    excused = min(in_vain, unsent)
    return excused > 0 and (measure.beyond - excused) / measure.samples <= _allowed(measure.objective)


def _explained(measure: Measure, instrument: Instrument, connect_timeout_s: float) -> bool:
    objective = measure.objective
    stall_ms = instrument.loop_lag_max_ms or 0.0
    if objective.metric in PERCENTILE_OF and not measure.endless:
        lateness_ms = stall_ms + (instrument.start_lag_p99_ms or 0.0)
        return measure.figure is not None and measure.figure - lateness_ms <= objective.bound
    if stall_ms < connect_timeout_s * 1000:
        return False
    if measure.endless:
        return (measure.beyond - measure.lost) / measure.samples <= 1 - PERCENTILE_OF[objective.metric]
    return (measure.beyond - measure.timeouts) / measure.samples <= objective.bound
