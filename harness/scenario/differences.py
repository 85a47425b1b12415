"""Where two runs, as JSON has them, differ: one walk for whoever tells it.

{sites: [{name: river, heads: {nurse: 6}}, …]}  ─┐
{sites: [{name: river, heads: {nurse: 7}}, …]}  ─┴─▶ sites.river.heads.nurse   6   7
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["ABSENT", "differences"]

ABSENT: Final = object()
"""The value of a key that is not there."""


def differences(a: Any, b: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, value in `a`, value in `b` of each leaf that differs; what only one of both has differs as a whole.

    Entries of a list go by their `name` where each has one of its own, by their place in lists of mappings of the same
    length; any other list is a value.
    """
    if a == b:
        return
    parts = _parts(a, b)
    if parts is None:
        yield path, a, b
        return
    for key in dict.fromkeys([*parts[0], *parts[1]]):
        below = f"{path}.{key}" if path else str(key)
        yield from differences(parts[0].get(key, ABSENT), parts[1].get(key, ABSENT), below)


def _parts(a: Any, b: Any) -> tuple[Mapping[Any, Any], Mapping[Any, Any]] | None:
    """Both by key; None where one of them is a value."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a, b
    lists = [one for one in (a, b) if isinstance(one, list | tuple) and all(isinstance(it, Mapping) for it in one)]
    if len(lists) < 2:
        return None
    named = [{str(it["name"]): it for it in one if "name" in it} for one in lists]
    if all(len(by_name) == len(one) for by_name, one in zip(named, lists, strict=True)):
        return named[0], named[1]
    return (dict(enumerate(lists[0])), dict(enumerate(lists[1]))) if len(a) == len(b) else None
