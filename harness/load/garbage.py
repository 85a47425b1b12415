"""When garbage is looked for: a load process stands still meanwhile.

    ten times a second     what is young          2 ms in a second with 10,000 clinicians
    hardly ever            everything             a tenth of a second

Python by itself looks at everything whenever a quarter more has become old, which here are mostly people who came. And
it looks at what is young only once more was made than went: with as many people as before that takes minutes, and what
is young is then what all of them hold. What refers to itself and is old is Locust's: a user who left, and her task set.
"""

from __future__ import annotations

import gc
from typing import Final

import gevent

__all__ = ["Garbage", "set_aside"]

_YOUNG: Final = 1
"""The two younger generations."""
_YOUNG_EVERY_S: Final = 0.1
_THRESHOLDS: Final = (700, 10, 1_000_000)
"""The first two are Python's own; the last is never reached."""
A_PERSON_MB: Final = 0.02
"""What one who is there may hold. source: assumption (15 kB are measured, see benchmarks)"""
GROWN_BY_MB: Final = 64.0
GROWN_TIMES: Final = 1.25
"""By so much, and so many times, memory that nobody's presence explains must have grown. source: assumption"""


def set_aside() -> None:
    """No collection looks again at what is there now."""
    gc.collect()
    gc.freeze()


class Garbage:
    """One for a process, from `start` to `stop`."""

    def __init__(self) -> None:
        self._enough_mb: float | None = None
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

    def keep_looking(self) -> None:
        """Look at what is young, until killed."""
        while True:
            gevent.sleep(_YOUNG_EVERY_S)
            gc.collect(_YOUNG)

    def look(self, memory_mb: float, people: int) -> None:
        """Look at everything where the process has grown more than so many people make it."""
        unexplained_mb = memory_mb - A_PERSON_MB * people
        if self._enough_mb is not None:  # the first look only tells where it begins
            if unexplained_mb <= self._enough_mb:
                return
            gc.collect()
        self._enough_mb = max(unexplained_mb + GROWN_BY_MB, unexplained_mb * GROWN_TIMES)
