"""Whole heads, and whole sites, from shares: parts that sum to the whole exactly, the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

__all__ = ["apportion"]

K = TypeVar("K")


def apportion(total: int, weights: Mapping[K, float]) -> dict[K, int]:
    """Split `total` heads over `weights`, parts summing to `total` exactly.

    Largest remainder (Hamilton); ties go to the earlier key, so that the result is the same on every machine. Each part
    is within one of its exact share.

    Raises ValueError if `total` is negative or the weights are not finite, not all >= 0, or all zero.
    """
    if total < 0:
        raise ValueError(f"cannot share out {total} heads: the total is negative")
    if any(not math.isfinite(weight) or weight < 0 for weight in weights.values()):
        raise ValueError(f"weights must be finite and not negative, not {dict(weights)}")
    # Scaled by the largest first, so that huge weights cannot overflow and tiny ones cannot vanish in the sum.
    largest = max(weights.values(), default=0.0)
    if largest <= 0:
        raise ValueError("weights are all zero: nobody to give a head to")
    scaled = {key: weight / largest for key, weight in weights.items()}
    whole = math.fsum(scaled.values())
    exact = {key: total * part / whole for key, part in scaled.items()}
    parts = {key: math.floor(share) for key, share in exact.items()}
    left = total - sum(parts.values())
    # Rounded, so that two equal weights tie although their quotients differ in the last bit.
    by_remainder = sorted(exact, key=lambda key: -round(exact[key] - parts[key], 9))
    for key in by_remainder[:left]:
        parts[key] += 1
    return parts
