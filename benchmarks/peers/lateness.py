"""How late requests start that are to come at a rate, told at the server.

due      |   |   |   |   |      known up to one offset: when the tool's clock was at 0
arrived   |   |    |   |   |    the offset is that of the request which came soonest after it was due
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lateness", "lateness", "regular"]

LATE_AT_END_S: Final = 0.1
Times: TypeAlias = Sequence[float] | NDArray[Any]


@dataclass(frozen=True)
class Lateness:
    """In milliseconds, more than that of the request that was least late."""

    p50_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, late_ms: NDArray[np.float64]) -> Lateness:
        return cls(*(float(np.quantile(late_ms, share)) for share in (0.5, 0.99, 1.0)))


def regular(rate_per_s: float, lasts_s: float, came: int) -> NDArray[np.float64]:
    """When requests are due that come at equal distances, in seconds.

    Tools differ in how they end: one that is late by then leaves the last ones out, one that ends late sends some more.
    """
    planned = round(rate_per_s * lasts_s)
    is_all = abs(came - planned) <= LATE_AT_END_S * rate_per_s
    return np.arange(came if is_all else planned) / rate_per_s


def lateness(arrived_s: Times, due_s: Times, from_s: float) -> Lateness:
    """Of the n-th to arrive against the n-th that was due, without those due before `from_s` (the tool warms up).

    Who overtakes whom does not matter. Raises RuntimeError where not as many came as were due: one that is missing
    would make all that follow early.
    """
    arrived, due = np.sort(np.asarray(arrived_s, np.float64)), np.sort(np.asarray(due_s, np.float64))
    if len(arrived) != len(due):
        raise RuntimeError(f"{len(due):,} requests were due, {len(arrived):,} arrived")
    late_s = (arrived - due)[due >= from_s]
    return Lateness.of(1000 * (late_s - late_s.min()))
