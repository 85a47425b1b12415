"""A bound on each of many exchanges, by one timer that is seldom touched.

Most exchanges end long before their bound, so the timer is not set anew for each: when it goes off and a later exchange
is under way, it is set for what is left of that one. (A timer for each request would cost a tenth of the request.)

    exchanges   ├─1─┤  ├─2─┤     ├─3─────────────────────────── … out of time
    timer       set for 1's bound ──────────▶ set for 3's ────▶ throws
"""

from __future__ import annotations

import math
from time import perf_counter

import gevent
from greenlet import getcurrent

__all__ = ["Deadline", "OutOfTime"]


class OutOfTime(Exception):  # noqa: N818 (what happened on the line, not a fault of the program)
    """Thrown into the greenlet that began, once its time is over."""


class Deadline:
    """`begin` and `end` around each exchange, `close` at last."""

    __slots__ = ("_due_s", "_greenlet", "_rings_s", "_timer")

    def __init__(self) -> None:
        self._due_s = math.inf
        self._rings_s = math.inf
        self._greenlet = getcurrent()
        self._timer = gevent.get_hub().loop.timer(0.0)

    def begin(self, seconds: float) -> None:
        """From now on the running greenlet has so many seconds until `end`."""
        self.begin_until(perf_counter() + seconds)

    def begin_until(self, due_s: float) -> None:
        """The same, until a moment of `perf_counter`: for who has just looked at that clock."""
        self._due_s = due_s
        self._greenlet = getcurrent()
        if due_s < self._rings_s:
            self._ring_in(due_s - perf_counter())

    def end(self) -> None:
        self._due_s = math.inf

    def close(self) -> None:
        self.end()
        self._rings_s = math.inf
        self._timer.close()

    def _ring_in(self, seconds: float) -> None:
        self._rings_s = perf_counter() + seconds
        self._timer.close()
        self._timer = gevent.get_hub().loop.timer(max(seconds, 0.0))
        self._timer.start(self._ring)

    def _ring(self) -> None:
        self._rings_s = math.inf
        left_s = self._due_s - perf_counter()
        if left_s == math.inf:
            return
        if left_s > 0.0:
            self._ring_in(left_s)
        else:
            self.end()
            self._greenlet.throw(OutOfTime)
