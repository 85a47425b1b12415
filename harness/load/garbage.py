"""When garbage is looked for among what has been there for long: a load process stands still meanwhile.

A full collection looks at everything, which with 10,000 clinicians takes a tenth of a second, and Python makes one
whenever a quarter more has become old. What becomes old here is mostly people who came, and what they are in the middle
of; what is garbage then is Locust's, whose user and task set refer to each other. So the oldest are looked at only once
many have left, or memory has grown.
"""

from __future__ import annotations

import gc
from typing import Final

__all__ = ["Garbage", "set_aside"]

_THRESHOLDS: Final = (700, 10, 1_000_000)
"""The first two are Python's own; the last is never reached."""
ENOUGH_LEFT: Final = 1000
"""So many must have left, and half as many as are there. source: assumption (2 MB of what they leave behind)"""
GROWN_BY_MB: Final = 64.0
GROWN_TIMES: Final = 1.25
"""By so much, and so many times, memory must have grown. source: assumption"""


def set_aside() -> None:
    """No collection looks again at what is there now."""
    gc.collect()
    gc.freeze()


class Garbage:
    """One for a process, from `start` to `stop`."""

    def __init__(self) -> None:
        self._left = 0
        self._enough_mb = 0.0
        self._before: tuple[int, int, int] | None = None

    def start(self) -> None:
        """From now on there is no full collection but ours."""
        self._before = gc.get_threshold()
        gc.set_threshold(*_THRESHOLDS)

    def stop(self) -> None:
        """Leave it to Python again; a second call does nothing."""
        if self._before is not None:
            gc.set_threshold(*self._before)
            self._before = None

    def left(self, still_there: int) -> None:
        """Somebody has left."""
        self._left += 1
        if self._left >= max(ENOUGH_LEFT, still_there // 2):
            self._collect()

    def look(self, memory_mb: float) -> None:
        """So much the process takes now."""
        if memory_mb <= self._enough_mb:
            return
        if self._enough_mb:  # the first look only tells where it begins
            self._collect()
        self._enough_mb = max(memory_mb + GROWN_BY_MB, memory_mb * GROWN_TIMES)

    def _collect(self) -> None:
        self._left = 0
        gc.collect()
