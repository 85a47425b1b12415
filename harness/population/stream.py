"""Counter-based random numbers: the n-th draw of a key is the same on every machine, and a key costs no memory.

SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA) over a key that
BLAKE2b makes from what names the stream, such as (seed, site, persona, ordinal).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from statistics import NormalDist
from typing import TypeVar

__all__ = ["Stream"]

T = TypeVar("T")
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_STANDARD_NORMAL = NormalDist()


class Stream:
    """Draws keyed by what it is for; `Stream(7, "river", "nurse", 3)` is the same stream everywhere."""

    __slots__ = ("_counter", "_key")

    def __init__(self, *name: str | int) -> None:
        text = "\x1f".join(f"{type(part).__name__}:{part}" for part in name)
        self._key = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
        self._counter = 0

    def bits(self) -> int:
        """64 random bits."""
        self._counter += 1
        z = (self._key + self._counter * _GOLDEN) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def uniform(self) -> float:
        """In the open interval (0, 1)."""
        return ((self.bits() >> 11) + 0.5) / (1 << 53)

    def integer(self, below: int) -> int:
        """From 0 to `below` - 1."""
        return int(self.uniform() * below)

    def chance(self, probability: float) -> bool:
        return self.uniform() < probability

    def choose(self, items: Sequence[T]) -> T:
        return items[self.integer(len(items))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """A key of `weights`, in proportion to its weight; the weights need not sum to 1."""
        keys = list(weights)
        sums = list(accumulate(weights.values()))
        point = self.uniform() * sums[-1]
        return next((key for key, upto in zip(keys, sums, strict=True) if point < upto), keys[-1])

    def lognormal(self, mean: float, sigma: float) -> float:
        """A lognormal draw whose mean is `mean`; `sigma` is the standard deviation of its logarithm."""
        return mean * math.exp(sigma * _STANDARD_NORMAL.inv_cdf(self.uniform()) - sigma * sigma / 2)
