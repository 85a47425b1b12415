"""Markdown for generated pages: tables, and texts in which nothing is taken for markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["NOTE", "escaped", "table"]

NOTE = (
    "<!-- Written by docs/generate.py from scenarios/: change it there, then run .venv/bin/python docs/generate.py -->"
)


def escaped(text: str) -> str:
    """`text` as it stands, on one line."""
    return re.sub(r"([\\`*_<>\[\]|~$#])", r"\\\1", " ".join(text.split()))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
