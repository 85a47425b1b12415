"""What somebody probably meant, and what there is: the second line of an error about a name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["suggest"]

MOST_NAMES = 24
"""A longer list is not read; the close match and the first names stand for it."""


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean 'nurse'?  Known: biller, nurse, …`; only the list where nothing is close."""
    names = list(dict.fromkeys(known))
    close = get_close_matches(word, names, n=1, cutoff=0.6) or get_close_matches(
        word.lower(), [name for name in names if name == name.lower()], n=1, cutoff=0.6
    )
    listed = ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
    meant = f"did you mean '{close[0]}'?  " if close else ""
    return f"{meant}Known: {listed or 'none'}"
