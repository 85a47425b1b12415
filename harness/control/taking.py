"""What of a transaction a target can take: entries of kinds that it does not declare are left out and counted.

its /metadata declares no Binary  ─▶  Binaries are left out, and with them the documents that lead to one
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Any

from harness.fhir.capabilities import Capabilities

__all__ = ["Taker"]

Entry = dict[str, Any]
_NAMED = ("reference", "url")
"""Elements by which one entry of a transaction may name another."""


class Taker:
    """Sorts out entries for one target. A kind is taken where it can be created and, to be cleaned up, found by tag."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self._lacking: dict[str, tuple[str, ...]] = {}

    def lacking(self, kind: str) -> tuple[str, ...]:
        """What the target does not declare of what `kind` needs; empty where it takes it."""
        if kind not in self._lacking:
            self._lacking[kind] = self._capabilities.lacks([f"{kind}.create", f"{kind}?_tag"])
        return self._lacking[kind]

    def sort_out(self, entries: Sequence[Entry]) -> tuple[list[Entry], Counter[str]]:
        """Those entries that the target takes, in their order, and how many of which kind are left out.

        What refers to an entry that is left out is left out as well, and so on.
        """
        kept, left_out, gone = list(entries), Counter[str](), set[str]()
        while True:
            refused = [self._is_refused(entry, gone) for entry in kept]
            if not any(refused):
                return kept, left_out
            for entry in compress(kept, refused):
                left_out[entry["resource"]["resourceType"]] += 1
                gone.add(entry.get("fullUrl", ""))
            kept = [entry for entry, is_refused in zip(kept, refused, strict=True) if not is_refused]

    def _is_refused(self, entry: Entry, gone: set[str]) -> bool:
        if self.lacking(entry["resource"]["resourceType"]):
            return True
        return bool(gone) and any(name in gone for name in _names_in(entry["resource"]))


def _names_in(node: Any) -> Iterator[str]:
    """Every address that a resource mentions."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in _NAMED and isinstance(value, str):
                yield value
            else:
                yield from _names_in(value)
    elif isinstance(node, list):
        for inner in node:
            yield from _names_in(inner)
