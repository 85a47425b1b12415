"""What a search gave, and which of it the harness wrote itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.clinic.world import StepFailed
from harness.fhir.call import Answer
from harness.fhir.checks import split_search_result
from harness.fhir.systems import SYNTHETIC, TAG_SYSTEM

__all__ = ["Found", "is_ours"]

Resource = dict[str, Any]


class Found:
    """What a search gave, read when somebody looks at it. Raises StepFailed then for what cannot be read."""

    __slots__ = ("_answer", "_parts")

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._parts: tuple[tuple[Resource, ...], tuple[Resource, ...], str] | None = None

    @property
    def matches(self) -> tuple[Resource, ...]:
        return self._read()[0]

    @property
    def included(self) -> tuple[Resource, ...]:
        """Resources included with the matches."""
        return self._read()[1]

    @property
    def next(self) -> str:
        """The link to the next page, "" on the last."""
        return self._read()[2]

    @property
    def ours(self) -> tuple[Resource, ...]:
        """Those matches that the harness wrote, and so may change."""
        return tuple(match for match in self.matches if is_ours(match))

    def _read(self) -> tuple[tuple[Resource, ...], tuple[Resource, ...], str]:
        if self._parts is None:
            try:
                self._parts = split_search_result(self._answer.json())
            except ValueError:  # its check passes over what it does not need, such as numbers that no float can hold
                raise StepFailed("what was found cannot be read as JSON") from None
        return self._parts


def is_ours(resource: Mapping[str, Any]) -> bool:
    tags = resource.get("meta", {}).get("tag", ())
    return any(tag.get("system") == TAG_SYSTEM and tag.get("code") == SYNTHETIC for tag in tags)
