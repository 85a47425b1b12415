"""Seconds in which others took this machine's CPU (steal), merged into spans over all load processes.

worker 0   ──■──────■■──
worker 1   ───■─────■───      each row speaks for the time since the row before it
marked     ──■■─────■■──
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import duckdb

from harness.machine import STEAL_MARKED_ABOVE

__all__ = ["merged", "steal_figures"]

Span = tuple[float, float]

_ROW_S: Final = 1.0
"""What a worker's first row speaks for."""


def steal_figures(tables: duckdb.DuckDBPyConnection, load_s: float) -> dict[str, Any]:
    """`steal_seconds`: spans [from_s, to_s] of the load with more steal than the mark, apart and in order;
    `steal_seconds_share`: how much of the load they are, None where it had no length."""
    found = tables.execute(
        """SELECT greatest(0, coalesce(lag(time_s) OVER (PARTITION BY worker ORDER BY time_s), time_s - $row)), time_s
           FROM health WHERE time_s > 0 QUALIFY steal > $mark""",
        {"row": _ROW_S, "mark": STEAL_MARKED_ABOVE},
    ).fetchall()
    spans = merged((begin_s, min(end_s, load_s)) for begin_s, end_s in found if begin_s < load_s)
    share = sum(end_s - begin_s for begin_s, end_s in spans) / load_s if load_s else None
    return {
        "steal_seconds": [[round(begin_s, 3), round(end_s, 3)] for begin_s, end_s in spans],
        "steal_seconds_share": share,
    }


def merged(spans: Iterable[Span], gap: float = 0.0) -> Sequence[Span]:
    """The union of `spans`, in order; those no further apart than `gap` become one."""
    union: list[Span] = []
    for begin, end in sorted(spans):
        if union and begin <= union[-1][1] + gap:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((begin, end))
    return union
