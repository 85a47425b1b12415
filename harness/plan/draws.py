"""Many random numbers at once for the plan's arithmetic, counted and not seeded: the same on every machine."""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Draws", "lognormal_units"]

_FINE: Final = 400
"""Quantiles that stand for a lognormal pause."""


class Draws:
    """SplitMix64 as in `harness.population.stream`, many at once: numpy's own generators may change between its
    versions."""

    def __init__(self) -> None:
        self._counter = 0

    def uniform(self, count: int) -> Floats:
        """In [0, 1)."""
        numbers = np.arange(self._counter + 1, self._counter + count + 1, dtype=np.uint64)
        self._counter += count
        z = numbers * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / float(1 << 53)

    def below(self, limit: int, count: int) -> NDArray[np.int64]:
        """Whole numbers from 0 to `limit` - 1."""
        return np.asarray(self.uniform(count) * limit, dtype=np.int64)


def lognormal_units(draws: Draws, sigma: float, count: int) -> Floats:
    """Pauses in multiples of their mean; `sigma` is the standard deviation of their logarithm."""
    return np.asarray(_quantiles(sigma)[draws.below(_FINE, count)])


@cache
def _quantiles(sigma: float) -> Floats:
    """`_FINE` quantiles of a lognormal, their mean exactly 1."""
    raw = np.exp(sigma * np.array(_normal_quantiles()))
    return np.asarray(raw / raw.mean())


@cache
def _normal_quantiles() -> tuple[float, ...]:
    normal = NormalDist()
    return tuple(normal.inv_cdf((point + 0.5) / _FINE) for point in range(_FINE))
