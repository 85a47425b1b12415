"""A table in the terminal that leaves out columns where it is narrow, and never a part of a cell."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import zip_longest
from typing import Final

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

__all__ = ["narrowed_table"]

COLUMNS_GAP: Final = 3
"""Blanks between two columns."""


def narrowed_table(
    heads: Sequence[str],
    lines: Sequence[Sequence[str]],
    width: int,
    dropped_first: Sequence[int],
    numbers: Collection[int],
    styles: Sequence[str] = (),
) -> Table:
    """As many columns as stand in `width`: those at `dropped_first` are left out in that order, and no cell is cut.

    The columns at `numbers` are set to the right; `styles` are those of the first lines.
    """
    kept = list(range(len(heads)))
    for dropped in dropped_first:
        if _columns_width(heads, lines, kept) > width:
            kept.remove(dropped)
    table = Table(
        box=None,
        padding=(0, COLUMNS_GAP, 0, 0),
        pad_edge=False,
        header_style="dim",
        width=_columns_width(heads, lines, kept),
    )
    for place in kept:
        table.add_column(heads[place], justify="right" if place in numbers else "left", no_wrap=True)
    for cells, style in zip_longest(lines, styles, fillvalue=""):
        table.add_row(*(Text(cells[place], style=style) for place in kept))
    return table


def _columns_width(heads: Sequence[str], lines: Sequence[Sequence[str]], kept: Sequence[int]) -> int:
    """How wide a table of the columns at `kept` is, without a gap behind the last."""
    return sum(max(cell_len(line[place]) for line in (heads, *lines)) + COLUMNS_GAP for place in kept) - COLUMNS_GAP
