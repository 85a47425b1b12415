"""How sure a figure is, when requests resemble their neighbours: effective sample size, intervals of shares and of
quantiles.

Requests of one run are correlated (a slow minute makes many slow requests), so an interval that believes in n
independent samples is far too narrow: 44% coverage for a nominal 95% on a closed population, measured. Batch means give
the factor τ by which n shrinks.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

__all__ = [
    "LEVEL",
    "correlation_factor",
    "enough_samples",
    "printable",
    "quantile",
    "quantile_interval",
    "share_interval",
]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

LEVEL: Final = 0.90
"""Level of every interval here: two-sided, 5% on either side."""

BATCHES: Final = 40
MIN_SAMPLES_FOR_BATCHES: Final = 400
"""Below this many samples batch means are noise, and τ is taken as 1."""

SAMPLES_BEYOND: Final = 10
"""A percentile is printed when this many effective samples are expected beyond it."""

_ENDLESS: Final = 1e300
"""Stands for an infinite value in an interpolation: so far above any time that a trace of it shows."""


def correlation_factor(indicator: Bools) -> float:
    """τ ≥ 1: how many of these samples, in time order, are worth one independent sample.

    Non-overlapping batch means (Law and Carson, Operations Research 27, 1979): τ = b·Var(batch means)/(p(1−p)) over 40
    batches of b samples.
    """
    size = len(indicator) // BATCHES
    if len(indicator) < MIN_SAMPLES_FOR_BATCHES:
        return 1.0
    means = indicator[: size * BATCHES].reshape(BATCHES, size).mean(axis=1)
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


def quantile(values: Floats, p: float) -> float:
    """The `p` quantile (0..1) of `values`, straight between neighbours; infinite where it lies at or next to an
    infinite value. Raises IndexError without values."""
    # numpy's own interpolation gives NaN between two infinite values
    found = float(np.quantile(np.minimum(values, _ENDLESS), p))
    return found if found < _ENDLESS / 1e30 else math.inf


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


def quantile_interval(values: Floats, p: float, effective_samples: float) -> tuple[float | None, float | None]:
    """Interval of the `p` quantile of `values` at `LEVEL`: the quantiles at p ± t·√(p(1−p)/n_eff).

    An end that would lie outside the sample, or among its infinite values, is None: the sample cannot say.
    """
    if not len(values) or effective_samples <= 0:
        return None, None
    t = float(stdtrit(BATCHES - 1, (1 + LEVEL) / 2))
    half = t * math.sqrt(p * (1 - p) / effective_samples)
    low, high = (quantile(values, at) if 0 <= at <= 1 else None for at in (p - half, p + half))
    return (
        low if low is not None and math.isfinite(low) else None,
        high if high is not None and math.isfinite(high) else None,
    )
