"""A compared figure as `emrload compare --json` and `isolation --json` print it."""

from __future__ import annotations

from math import isfinite
from typing import Any

from harness.analysis.compare import ComparedFigure

__all__ = ["figure_json"]


def figure_json(figure: ComparedFigure, how: str) -> dict[str, Any]:
    """`a`, `b`, then B / A of latencies or B - A of shares, with its interval and p-values; null where not known."""
    difference = figure.difference
    found: list[float | None] = [None, None, None]
    if difference is not None:
        three = difference.ratio if how == "ratio" else (difference.estimate, difference.low, difference.high)
        found = [value if isfinite(value) else None for value in three]
    return {
        "a": figure.a,
        "b": figure.b,
        how: found[0],
        "interval": found[1:],
        "p_value": difference and difference.p_value,
        "adjusted_p": figure.adjusted_p,
    }
