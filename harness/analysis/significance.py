"""Whether a difference is more than chance: intervals and p-values of one comparison, and of many at once.

two groups of runs     Welch's t on a figure of each run
one run against one    t on an error that stretches of time gave (`block_bootstrap`)
shares                 Newcombe's interval on effective counts
a table of rows        Benjamini-Yekutieli, so that of what is called different 5% at most is false
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

__all__ = [
    "CONFIDENCE",
    "FALSE_DISCOVERIES",
    "Difference",
    "benjamini_yekutieli",
    "design_effect",
    "share_difference",
    "t_difference",
    "welch",
]

Floats = NDArray[np.float64]

CONFIDENCE: Final = 0.95
"""Level of every interval of a comparison, two-sided."""
FALSE_DISCOVERIES: Final = 0.05
"""The share of false ones that is expected, at most, among the rows of a table that are called different."""


@dataclass(frozen=True)
class Difference:
    """B less A, on whatever scale A and B are: logarithms of latencies, or shares."""

    estimate: float
    low: float
    """Lower end of the interval at `CONFIDENCE`."""
    high: float
    p_value: float
    """Two-sided: how often chance alone gives as much, were there no difference."""

    @property
    def ratio(self) -> tuple[float, float, float]:
        """Of logarithms: B / A and the ends of its interval."""
        return math.exp(self.estimate), _exp(self.low), _exp(self.high)


def t_difference(estimate: float, error: float, freedom: float) -> Difference:
    """An estimate whose standard `error` (≥ 0) is itself estimated, with so many degrees of `freedom` (> 0).

    Without any error the interval is the point, and the p-value 1 where that is zero, else 0.
    """
    if error == 0:
        return Difference(estimate, estimate, estimate, 1.0 if estimate == 0 else 0.0)
    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    p_value = 2 * float(stdtr(freedom, -abs(estimate) / error))
    return Difference(estimate, estimate - half, estimate + half, p_value)


def welch(a: Sequence[float], b: Sequence[float]) -> Difference:
    """Difference of the means of two samples that may vary differently (Welch, Biometrika 34, 1947).

    Raises ValueError where either has fewer than 2 values: nobody knows how much it varies.
    """
    if len(a) < 2 or len(b) < 2:
        raise ValueError(f"{len(a)} and {len(b)} values: Welch's t needs two of each, at least")
    parts = [float(np.var(values, ddof=1)) / len(values) for values in (a, b)]
    squared = sum(parts)
    below = sum(part**2 / (len(values) - 1) for part, values in zip(parts, (a, b), strict=True))
    freedom = squared**2 / below if below > 0 else float(len(a) + len(b) - 2)
    return t_difference(float(np.mean(b) - np.mean(a)), math.sqrt(squared), freedom)


def design_effect(hits: Floats, totals: Floats) -> float:
    """By what a share's counts must be divided to be worth independent ones, from counts by stretch of time; 1 at
    least.

    The variance of the share between stretches, over the binomial one (Rao and Scott, Biometrics 48, 1992): a burst of
    failures counts for one failure and not for hundreds.
    """
    total, hit = float(totals.sum()), float(hits.sum())
    if hit in (0.0, total):
        return 1.0
    share, stretches = hit / total, len(totals)
    between = float(((hits - share * totals) ** 2).sum()) / total**2 * stretches / (stretches - 1)
    return max(1.0, between / (share * (1 - share) / total))


def share_difference(a: tuple[int, int], b: tuple[int, int], effect: float = 1.0) -> Difference:
    """Difference of two shares, each given as (hits, total), total > 0; `effect` is the greater design effect of both,
    for a side without a single hit does not show how much hits come together.

    Newcombe's hybrid of Wilson's score intervals (Statistics in Medicine 17, 1998, method 10), which keeps its coverage
    with no hit at all; the p-value is that of the widest interval that leaves out zero.
    """
    shares = tuple(hits / total for hits, total in (a, b))
    estimate = shares[1] - shares[0]
    worth_a, worth_b = ((hits / effect, total / effect) for hits, total in (a, b))
    low, high = _newcombe(worth_a, worth_b, float(ndtri((1 + CONFIDENCE) / 2)))
    if estimate == 0:
        return Difference(0.0, low, high, 1.0)
    nearest, furthest = 0.0, 40.0  # beyond 40 standard errors a p-value is no number any more
    for _ in range(60):
        z = (nearest + furthest) / 2
        ends = _newcombe(worth_a, worth_b, z)
        nearest, furthest = (nearest, z) if ends[0] <= 0 <= ends[1] else (z, furthest)
    return Difference(estimate, low, high, 2 * float(ndtr(-nearest)))


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given; those up to `FALSE_DISCOVERIES` may be called different.

    Benjamini and Yekutieli, Annals of Statistics 29, 2001: the k-th smallest of m times m/k and Σ 1/i over i ≤ m, and
    no greater than the next one's. It holds however the rows hang together: a network is its sites, a workflow of one
    request waits as its requests do.
    """
    ordered = np.argsort(p_values, kind="stable")
    count = len(ordered)
    places = np.arange(1, count + 1)
    scaled = np.asarray(p_values, dtype=float)[ordered] * count * (1 / places).sum() / places
    adjusted = np.empty(count)
    adjusted[ordered] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return [float(value) for value in adjusted]


def _newcombe(a: tuple[float, float], b: tuple[float, float], z: float) -> tuple[float, float]:
    (share_a, low_a, high_a), (share_b, low_b, high_b) = _wilson(*a, z), _wilson(*b, z)
    estimate = share_b - share_a
    low = estimate - math.hypot(share_b - low_b, high_a - share_a)
    return low, estimate + math.hypot(high_b - share_b, share_a - low_a)


def _wilson(hits: float, total: float, z: float) -> tuple[float, float, float]:
    """The share and the ends of its score interval (Wilson, Journal of the American Statistical Association 22,
    1927)."""
    share = hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    return share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


def _exp(logarithm: float) -> float:
    return math.exp(logarithm) if logarithm < 700 else math.inf
