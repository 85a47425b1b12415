"""What somebody probably meant, and what there is: the second line of an error about a name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["meant", "suggest"]

MOST_NAMES = 24
"""A longer list is not read; the close match and the first names stand for it."""


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean 'nurse'?  Known: biller, nurse, …`; only the list where nothing is close."""
    names = list(dict.fromkeys(known))
    close = meant(word, names)
    listed = ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
    return (f"did you mean '{close}'?  " if close else "") + f"Known: {listed or 'none'}"


def meant(word: str, known: Iterable[str]) -> str:
    """The closest of the `known` names, whatever its case; "" where none is close."""
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else ""
