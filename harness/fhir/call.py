"""A FHIR request and its answer as plain values; whoever performs them lives elsewhere.

A `Call` knows its low-cardinality operation name, so that all pages of all searches of one kind count as one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

__all__ = ["Answer", "Call", "Check", "Outcome"]

Outcome = Literal["ok", "http_error", "timeout", "connection", "content", "cancelled", "expected_refusal"]
Check = Callable[["Answer"], str]
"""Says what is wrong with the content of an answer of status 2xx; an empty string when nothing is."""


_UNREAD: Final = object()


@dataclass(slots=True)  # not frozen: one is made for each request, and filling a frozen one takes three times as long
class Call:
    """One FHIR interaction; nobody changes it.

    `path` is relative to the target's base URL, or an absolute `next` link as the target gave it. `expected` lists
    statuses that are refusals a clinician's software handles (409 and 412 on an update with `If-Match`).
    """

    method: str
    path: str
    operation: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    expected: frozenset[int] = frozenset()
    repeatable: bool = True
    """May be sent again when a closed idle connection swallowed it, or after a 503: safe or conditional."""


@dataclass(slots=True)  # as little frozen as a call is
class Answer:
    """What came back; nobody changes it.

    `status` is 0 where nothing did; `outcome` judges transport, status and content together.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    outcome: Outcome = "ok"
    detail: str = ""
    """Why the outcome is not `ok`, without patient data."""
    _parsed: Any = field(default=_UNREAD, init=False, repr=False, compare=False)

    def json(self) -> Any:
        """The body parsed, once for all who read it (none may change it). Raises ValueError where it is not JSON."""
        if self._parsed is _UNREAD:
            self._parsed = orjson.loads(self.body)
        return self._parsed

    @property
    def refused(self) -> bool:
        return self.outcome == "expected_refusal"
