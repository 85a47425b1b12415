"""One clock for all workers of a run: seconds since t0, a wall-clock moment that the master names before the load.

Each process anchors t0 once and goes on by its monotonic clock, so that a step of the system clock moves nothing.
"""

from __future__ import annotations

from time import perf_counter, time

__all__ = ["RunClock"]


class RunClock:
    """Seconds since `t0_epoch_s`; negative before it."""

    __slots__ = ("_zero", "t0_epoch_s")

    def __init__(self, t0_epoch_s: float) -> None:
        self.t0_epoch_s = t0_epoch_s
        self._zero = perf_counter() + (t0_epoch_s - time())

    def now_s(self) -> float:
        return perf_counter() - self._zero

    def wall_drift_s(self) -> float:
        """How far the system clock has been moved against ours since the anchor was taken."""
        return (time() - self.t0_epoch_s) - self.now_s()
