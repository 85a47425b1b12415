"""Text of `emrload scenarios`: titled sections of figures in columns, what belongs to each and its source below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Fact", "console", "print_next", "section"]


class Fact:
    """A figure in columns; below it, wrapped, what belongs to it and where it comes from."""

    def __init__(self, columns: tuple[str, ...], source: str, *more: str) -> None:
        self.columns = columns
        self.below = (*more, source) if source else more


def console() -> Console:
    """Standard output, words not coloured by what they look like."""
    from rich.console import Console

    return Console(highlight=False)


def section(out: Console, title: str, facts: Iterable[Fact]) -> None:
    """Print `facts` under `title`, columns as wide as what stands left of another; nothing where there are none."""
    from rich.padding import Padding
    from rich.text import Text

    facts = list(facts)
    if not facts:
        return
    count = max(len(fact.columns) for fact in facts)
    widths = [
        max((len(fact.columns[i]) for fact in facts if len(fact.columns) > i + 1), default=0) for i in range(count)
    ]
    out.print(Text(title, style="bold"))
    for fact in facts:
        line = "  ".join(column.ljust(width) for column, width in zip(fact.columns, widths, strict=False))
        out.print(Padding(Text(line.rstrip()), (0, 0, 0, 2), expand=False))
        for text in fact.below:
            out.print(Padding(Text(text, style="dim"), (0, 0, 0, 6), expand=False))
    out.print()


def print_next(out: Console, run: str, what: str) -> None:
    """The command that comes next, and what it tells."""
    out.print(f"next  [bold]{run}[/bold]  {what}")
