"""A table as values: headings with their alignment, rows of cells; a cell may be an outcome or a bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.report.wording import OUTCOME_WORDS, interval_of, latency_text, share_text, span_text

__all__ = ["Cell", "Head", "Table", "bar_cell", "make_table", "outcome_cell", "percentile_cell", "split"]


@dataclass(frozen=True)
class Head:
    text: str
    number: bool = False


@dataclass(frozen=True)
class Cell:
    text: str
    outcome: str = ""
    """Shown as a shape and a word where it is set."""
    bar: float | None = None
    """A share, 0 to 1, that is drawn beside the text."""
    below: str = ""
    """The figure's interval, small and grey beneath it."""


@dataclass(frozen=True)
class Table:
    """`label` names it to a screen reader, or, where it is the folded rest, on the fold."""

    label: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    css: str = ""


def split(table: Table, folded_from: int, shown: int, rest_words: str) -> tuple[Table, Table | None]:
    """The table, and its rest where it has more than `folded_from` rows."""
    if len(table.rows) <= folded_from:
        return table, None
    rest = table.rows[shown:]
    return replace(table, rows=table.rows[:shown]), replace(table, rows=rest, label=f"{len(rest)} {rest_words}")


def outcome_cell(outcome: str) -> Cell:
    """An outcome in words, with its shape."""
    return Cell(OUTCOME_WORDS.get(outcome, outcome), outcome if outcome in OUTCOME_WORDS else "advisory")


def bar_cell(share: float | None) -> Cell:
    """A share in words and as a bar; without one a dash."""
    return Cell(share_text(share), bar=share)


def percentile_cell(row: Mapping[str, Any], name: str, text: str | None = None) -> Cell:
    """A percentile of a row of summary.json, its interval beneath; `text` says it otherwise. Without a figure (too few
    samples) there is no interval either."""
    shown = latency_text(row.get(name)) if text is None else text
    return Cell(shown, below=span_text(interval_of(row, name)))


def make_table(label: str, heads: str, rows: Sequence[Sequence[str | Cell]], css: str = "") -> Table:
    """`heads` are parted by ` | `; one that ends in # is a number, set to the right."""
    return Table(
        label,
        tuple(Head(head.rstrip("#"), head.endswith("#")) for head in heads.split(" | ")),
        tuple(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows),
        css,
    )
