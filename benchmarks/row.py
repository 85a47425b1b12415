"""A line of the table that is printed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Row"]


@dataclass(frozen=True)
class Row:
    """`bound` is what the figure must hold ("" where it is only shown)."""

    what: str
    figure: str
    bound: str = ""
    held: bool = True
