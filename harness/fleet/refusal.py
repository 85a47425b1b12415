"""What the depot does not give, and whom it does not hear."""

from __future__ import annotations

from typing import Final

__all__ = ["UNHEARD", "Refused"]


class Refused(Exception):  # noqa: N818 (what became of a request)
    """What a worker asked for is not given; `kind` is a word for programs, the text is for people."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind


UNHEARD: Final = {
    "unsigned": "it bears no signature",
    "secret": "it is signed with another secret",
    "stale": "it was made more than 5 min before or after, by its clock",
    "replayed": "it had been made before",
    "nonsense": "it cannot be read",
}
"""Kinds of requests that are turned away before they are heard."""
