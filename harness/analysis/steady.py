r"""From when on a run is steady, where its plan asks for the same load throughout: MSER-5, with refusals.

    response time  \__  ________  ___________
                      \/        \/
                   ├cut┤├──── steady ───────┤    refused where the cut would be long, or both halves of the rest differ

Nothing is left out of any figure by it: what is judged is the whole run; the steady part has figures of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from harness.analysis.latencies import Latencies, percentile_row
from harness.analysis.occupancy import mean_open
from harness.plan import ArrivalProcess
from harness.scenario.model import RunSpec

__all__ = ["Cut", "load_changes", "mser5", "steady_figures"]

Floats = NDArray[np.float64]

BATCH: Final = 5
FEWEST_BATCHES: Final = 80
"""Below this many batches of five a variance over the rest says nothing."""
SAFETY: Final = 1.5
"""The cut is made this much longer than where MSER has its minimum: it tends to cut too little (decision 17)."""
LONGEST_SHARE: Final = 0.5
HALF_BATCHES: Final = 10
"""Batches of either half of what is left, by whose means the halves are compared."""
HALVES_LEVEL: Final = 0.95
LEAST_DIFFERENCE: Final = 0.05
"""Halves whose means are closer than this share of the mean are alike, however sure the difference is."""
LOAD_TOLERANCE: Final = 0.02
"""Planned heads may differ from their mean by this share, as one login in fifty does."""


@dataclass(frozen=True)
class Cut:
    """How many samples from the start to leave out; where `refused` says why, none can be named."""

    samples: int
    refused: str = ""


def mser5(values: Floats) -> Cut:
    """Where a series in time order becomes steady: the cut d that makes the half-width of the mean of the rest least.

    MSER(d) = Σ_{j>d} (y_j − mean)² / (k − d)² over k batch means of five (White, Simulation 69, 1997; White, Cobb and
    Spratt, Winter Simulation Conference 2000). Refused with fewer than 400 samples, where one and a half times the cut
    goes past the middle, and where both halves of the rest differ.
    """
    k = len(values) // BATCH
    if k < FEWEST_BATCHES:
        return Cut(0, f"fewer than {BATCH * FEWEST_BATCHES} requests")
    means = values[: k * BATCH].reshape(k, BATCH).mean(axis=1)
    cut = BATCH * math.ceil(SAFETY * _least(means))
    if cut > LONGEST_SHARE * len(values):
        return Cut(0, "it became steady only past its middle, if at all")
    if _halves_differ(values[cut:]):
        return Cut(0, "its first and its second half differ")
    return Cut(cut)


def _least(means: Floats) -> int:
    """The d with the least MSER; the last five batches are no candidates, as their variance is chance."""
    left = np.arange(len(means), 0, -1)
    sums, squares = (np.cumsum(series[::-1])[::-1] for series in (means - means.mean(), (means - means.mean()) ** 2))
    statistic = (squares - sums**2 / left) / left**2
    return int(statistic[:-BATCH].argmin())


def _halves_differ(values: Floats) -> bool:
    """Welch's t of ten batch means each: requests resemble their neighbours, long batches hardly do."""
    middle = len(values) // 2
    first, second = (_batch_means(half) for half in (values[:middle], values[middle:]))
    difference = abs(float(first.mean() - second.mean()))
    if difference <= LEAST_DIFFERENCE * abs(float(values.mean())):
        return False
    of_each = [float(half.var(ddof=1)) / HALF_BATCHES for half in (first, second)]
    if not sum(of_each):
        return True
    freedom = sum(of_each) ** 2 / sum(each**2 / (HALF_BATCHES - 1) for each in of_each)
    return difference > float(stdtrit(freedom, (1 + HALVES_LEVEL) / 2)) * math.sqrt(sum(of_each))


def _batch_means(values: Floats) -> Floats:
    size = len(values) // HALF_BATCHES
    means: Floats = values[: size * HALF_BATCHES].reshape(HALF_BATCHES, size).mean(axis=1)
    return means


def load_changes(
    spans: Mapping[str, NDArray[Any]], arrivals: Sequence[ArrivalProcess], spec: RunSpec, load_s: float
) -> str:
    """Why the plan does not ask for the same load throughout; "" where it does. `spans`: planned_start_s and
    planned_end_s of every slot."""
    if load_s <= 0:
        return "there was no load"
    heads = mean_open(spans["planned_start_s"], spans["planned_end_s"], np.linspace(0.0, load_s, 101))
    if np.ptp(heads) > 2 * LOAD_TOLERANCE * heads.mean():
        return "the number of people on duty changes"
    if any(np.ptp([rate for _, rate in process.points]) > 0 for process in arrivals):
        return "the rate of arrivals changes"
    begin_s, end_s = spec.played
    played = [phase for phase in spec.scenario.phases if phase.start_s < end_s and phase.end_s > begin_s]
    if any(phase.emphasis for phase in played) and len(played) > 1:
        return "what people do changes with the phase"
    if any(share.by_hour for persona in spec.scenario.personas.values() for share in persona.workflows.values()):
        return "what people do changes with the hour"
    return ""


def steady_figures(latencies: Latencies, changes: str) -> dict[str, Any]:
    """`planned`: whether the plan asks for the same load throughout; `refused`: why there is no steady part, None where
    there is one; `from_s`: when it begins; `left_out`: requests before it; `overall`: requests and percentiles of
    it."""
    refused = changes
    cut = Cut(0)
    if not changes:
        cut = mser5(latencies.values_ms)
        refused = cut.refused
    if refused:
        return {"planned": not changes, "refused": refused, "from_s": None, "left_out": None, "overall": None}
    rest = latencies.values_ms[cut.samples :]
    return {
        "planned": True,
        "refused": None,
        "from_s": float(latencies.start_s[cut.samples]) if cut.samples else 0.0,
        "left_out": cut.samples,
        "overall": {"requests": len(rest), **percentile_row(rest)},
    }
