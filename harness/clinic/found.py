"""What a search gave, and which of it the harness wrote itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.fhir.systems import SYNTHETIC, TAG_SYSTEM

__all__ = ["Found", "is_ours"]

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave: matches, resources included with them, and the link to the next page ("" on the last)."""

    matches: tuple[Resource, ...]
    included: tuple[Resource, ...]
    next: str

    @property
    def ours(self) -> tuple[Resource, ...]:
        """Those matches that the harness wrote, and so may change."""
        return tuple(match for match in self.matches if is_ours(match))


def is_ours(resource: Mapping[str, Any]) -> bool:
    tags = resource.get("meta", {}).get("tag", ())
    return any(tag.get("system") == TAG_SYSTEM and tag.get("code") == SYNTHETIC for tag in tags)
