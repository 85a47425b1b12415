"""Two things at a time: numpy and pyarrow let go of Python's lock while they sort, move and read, so threads fill two
cores, and share what is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

__all__ = ["THREADS", "two_at_once"]

THREADS: Final = 2
"""More would gain little, as what Python does itself waits for its turn; and each holds a group's values in memory."""

T = TypeVar("T")
R = TypeVar("R")


def two_at_once(task: Callable[[T], R], things: Iterable[T]) -> list[R]:
    """What `task` makes of each thing, in the order of the things. Raises what the first of them raised."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(task, things))
