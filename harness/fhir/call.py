"""A FHIR request and its answer as plain values; whoever performs them lives elsewhere.

A `Call` knows its low-cardinality operation name, so that all pages of all searches of one kind count as one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

import orjson

__all__ = ["Answer", "Call", "Check", "Outcome"]

Outcome = Literal["ok", "http_error", "timeout", "connection", "content", "cancelled", "expected_refusal"]
Check = Callable[["Answer"], str]
"""Says what is wrong with the content of an answer of status 2xx; an empty string when nothing is."""


_UNREAD: Final = object()
_NONE_EXPECTED: Final[frozenset[int]] = frozenset()
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(slots=True, init=False)  # not frozen: one is made for each request, and to fill a frozen one takes longer
class Call:
    """One FHIR interaction; nobody changes it.

    `path` is relative to the target's base URL, or an absolute `next` link as the target gave it. `expected` lists
    statuses that are refusals a clinician's software handles (409 and 412 on an update with `If-Match`).
    """

    method: str
    path: str
    operation: str
    body: bytes
    headers: tuple[tuple[str, str], ...]
    expected: frozenset[int]
    repeatable: bool
    """May be sent again when a closed idle connection swallowed it, or after a 503: safe or conditional."""

    # written out, as Answer's: what @dataclass makes of it stays interpreted where the hot path is compiled
    def __init__(
        self,
        method: str,
        path: str,
        operation: str,
        body: bytes = b"",
        headers: tuple[tuple[str, str], ...] = (),
        expected: frozenset[int] = _NONE_EXPECTED,
        repeatable: bool = True,
    ) -> None:
        self.method = method
        self.path = path
        self.operation = operation
        self.body = body
        self.headers = headers
        self.expected = expected
        self.repeatable = repeatable


@dataclass(slots=True, init=False)  # as little frozen as a call is
class Answer:
    """What came back; nobody changes it.

    `status` is 0 where nothing did; `outcome` judges transport, status and content together.
    """

    status: int
    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""
    outcome: Outcome
    detail: str
    """Why the outcome is not `ok`, without patient data."""
    _parsed: Any = field(repr=False, compare=False)

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] = _NO_HEADERS,
        outcome: Outcome = "ok",
        detail: str = "",
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.outcome = outcome
        self.detail = detail
        self._parsed = _UNREAD

    def json(self) -> Any:
        """The body parsed, once for all who read it (none may change it). Raises ValueError where it is not JSON."""
        if self._parsed is _UNREAD:
            self._parsed = orjson.loads(self.body)
        return self._parsed

    @property
    def refused(self) -> bool:
        return self.outcome == "expected_refusal"
