"""What holds at a moment of a run: a value for each stretch of its time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Generic, TypeVar

__all__ = ["Steps"]

T = TypeVar("T")


class Steps(Generic[T]):
    """A function from run seconds to the value of the stretch that they are in: `values[i]` holds until `ends_s[i]`,
    the last one for ever. Called for each request, so it holds nothing but two short lists."""

    __slots__ = ("_ends_s", "_values")

    def __init__(self, ends_s: Sequence[float], values: Sequence[T]) -> None:
        self._ends_s = list(ends_s)
        self._values = list(values)

    def __call__(self, run_s: float) -> T:
        return self._values[min(bisect_right(self._ends_s, run_s), len(self._values) - 1)]
