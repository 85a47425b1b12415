"""How many intervals are open at a moment: clinicians on duty, requests in flight. Exact sums, no sampling.

Which start belongs to which end does not matter: each may be in any order.

F(t) = ∫₀ᵗ open dt = Σ over starts before t of (t − start) − Σ over ends before t of (t − end)
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_open", "peak_open"]

Floats = NDArray[np.float64]

STRETCH: Final = 4096


def mean_open(starts_s: Floats, ends_s: Floats, edges_s: Floats) -> Floats:
    """Mean number of open intervals [start, end) in each of the bins between `edges_s` (n + 1 edges give n means)."""
    integral = _time_since(starts_s, edges_s) - _time_since(ends_s, edges_s)
    return np.asarray(np.diff(integral) / np.diff(edges_s), dtype=np.float64)


def peak_open(starts_s: Floats, ends_s: Floats) -> int:
    """The most intervals open at once; one that ends where another starts does not overlap it."""
    if not len(starts_s):
        return 0
    starts, ends = _ascending(starts_s), _ascending(ends_s)
    return max(_peak_of(starts, ends, begin) for begin in range(0, len(starts), STRETCH))


def _ascending(moments_s: Floats) -> Floats:
    """Themselves where they ascend already: ten million take 80 MB."""
    return moments_s if bool((moments_s[1:] >= moments_s[:-1]).all()) else np.sort(moments_s)


def _peak_of(starts: Floats, ends: Floats, begin: int) -> int:
    """The most at once at any of `STRETCH` starts: few enough that the ends to look through stay in the cache."""
    stretch = starts[begin : begin + STRETCH]
    first, last = np.searchsorted(ends, stretch[[0, -1]], side="right")
    ended = first + np.searchsorted(ends[first:last], stretch, side="right")
    return int((np.arange(begin + 1, begin + len(stretch) + 1) - ended).max())


def _time_since(moments_s: Floats, edges_s: Floats) -> Floats:
    """Σ (edge − moment) over the moments before each edge."""
    moments = _ascending(moments_s)  # a fifth of the time of finding the bin of each
    before = np.searchsorted(moments, edges_s)
    parts = [moments[begin:end].sum() for begin, end in pairwise([0, *before.tolist()])]
    return np.asarray(before * edges_s - np.cumsum(parts), dtype=np.float64)
