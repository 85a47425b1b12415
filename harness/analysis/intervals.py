"""How sure a figure is, when requests resemble their neighbours: effective sample size, intervals of shares and of
quantiles.

Requests of one run are correlated (a slow minute makes many slow requests), so an interval that believes in n
independent samples is far too narrow: 44% coverage for a nominal 95% on a closed population, measured. Batch means give
the factor τ by which n shrinks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

__all__ = [
    "LEVEL",
    "Interval",
    "Percentile",
    "correlation_factor",
    "enough_samples",
    "percentile",
    "printable",
    "quantile",
    "quantile_interval",
    "share_interval",
]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Interval = tuple[float | None, float | None]
"""Lower and upper end; an end that the sample cannot tell is None."""

LEVEL: Final = 0.90
"""Level of every interval here: two-sided, 5% on either side."""

BATCHES: Final = 40
MIN_SAMPLES_FOR_BATCHES: Final = 400
"""Below this many samples batch means are noise, and τ is taken as 1."""

SAMPLES_BEYOND: Final = 10
"""A percentile is printed when this many effective samples are expected beyond it."""


@dataclass(frozen=True)
class Percentile:
    """A quantile of samples in time order, and how sure it is."""

    figure: float | None
    """None where too few effective samples carry it, or it is infinite."""
    interval: Interval
    """At `LEVEL`; both ends None where too few carry the figure."""
    effective_samples: float
    """How many independent samples they are worth at the figure: this decides whether it is printed."""
    interval_samples: float
    """How many of them the interval counts on: no more, and fewer where slow stretches are long."""
    endless: bool = False
    """It lies among infinite values."""


def correlation_factor(indicator: Bools) -> float:
    """τ ≥ 1: how many of these samples, in time order, are worth one independent sample.

    Non-overlapping batch means (Law and Carson, Operations Research 27, 1979): τ = b·Var(batch means)/(p(1−p)) over 40
    batches of b samples.
    """
    return _factors(indicator)[0]


def _factors(indicator: Bools) -> tuple[float, float]:
    """τ, and the larger of it and τ over half as many batches, twice as long: where slow stretches outlast a batch the
    first alone is too small for an interval (docs/decisions/0015-intervals.md)."""
    size = len(indicator) // BATCHES
    if len(indicator) < MIN_SAMPLES_FOR_BATCHES:
        return 1.0, 1.0
    hits = [np.count_nonzero(batch) for batch in indicator[: size * BATCHES].reshape(BATCHES, size)]
    means = np.array(hits) / size
    factor = _factor_of(means, size)
    return factor, max(factor, _factor_of((means[::2] + means[1::2]) / 2, 2 * size))


def _factor_of(means: Floats, size: int) -> float:
    share = float(means.mean())
    if share in (0.0, 1.0):
        return 1.0
    return max(1.0, size * float(means.var(ddof=1)) / (share * (1 - share)))


def enough_samples(p: float) -> float:
    """Effective samples from which percentile `p` (0..1) is printed."""
    return SAMPLES_BEYOND / (1 - p)


def printable(p: float, effective_samples: float) -> bool:
    """Whether so many effective samples carry percentile `p`."""
    return effective_samples >= enough_samples(p) * (1 - 1e-9)


def percentile(values: Floats, ordered: Floats, p: float) -> Percentile:
    """The `p` quantile (0..1) of `values`, which are in time order, with its interval; `ordered` are the same values,
    ascending, so that a row of several percentiles sorts once.

    Raises IndexError without values.
    """
    figure = quantile(ordered, p)
    endless = math.isinf(figure)
    factor, wider = _factors(values < figure if endless else values <= figure)
    effective, of_interval = len(values) / factor, len(values) / wider
    if not printable(p, effective):
        return Percentile(None, (None, None), effective, of_interval, endless)
    interval = quantile_interval(ordered, p, of_interval)
    return Percentile(None if endless else figure, interval, effective, of_interval, endless)


def quantile(ordered: Floats, p: float) -> float:
    """The `p` quantile (0..1) of ascending values, straight between neighbours, as numpy's; infinite where it lies at
    or next to an infinite value. Raises IndexError without values."""
    place = p * (len(ordered) - 1)
    below = math.floor(place)
    low, part = float(ordered[below]), place - below
    if part == 0:
        return low
    high = float(ordered[below + 1])
    if math.isinf(high):
        return high
    # from the nearer neighbour, as numpy does
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)


def share_interval(hits: float, samples: float) -> tuple[float, float]:
    """Clopper–Pearson interval of a share at `LEVEL`; fractions are allowed, since effective counts are.

    59 samples without a hit have an upper end below 5%. Without samples nothing is known: (0, 1).

    Raises ValueError unless 0 ≤ hits ≤ samples.
    """
    if not 0 <= hits <= samples:
        raise ValueError(f"{hits} hits of {samples} samples: hits must lie between none and all")
    if samples == 0:
        return 0.0, 1.0
    tail = (1 - LEVEL) / 2
    low = float(betaincinv(hits, samples - hits + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, samples - hits, 1 - tail)) if hits < samples else 1.0
    return low, high


def quantile_interval(ordered: Floats, p: float, effective_samples: float, level: float = LEVEL) -> Interval:
    """Interval of the `p` quantile of ascending values at `level`: the quantiles at p ± t·√(p(1−p)/n_eff), with t of as
    many degrees of freedom as the batches leave.

    An end that would lie outside the sample, or among its infinite values, is None: the sample cannot say.
    """
    if not len(ordered) or effective_samples <= 0:
        return None, None
    half = float(stdtrit(BATCHES - 1, (1 + level) / 2)) * math.sqrt(p * (1 - p) / effective_samples)
    low, high = (quantile(ordered, at) if 0 <= at <= 1 else math.inf for at in (p - half, p + half))
    return low if math.isfinite(low) else None, high if math.isfinite(high) else None
