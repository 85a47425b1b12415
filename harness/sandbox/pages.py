"""Result lists that wait for their next page: row numbers as they were found, so pages stay stable while others write.

A list is kept for ten minutes after its last page was fetched, and the oldest go when there are too many; then its
links are 410.
"""

from __future__ import annotations

import secrets
import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from harness.sandbox.outcome import FhirError
from harness.sandbox.query import Query

__all__ = ["Pages", "ResultList"]

KEPT_S = 600.0
MOST_LISTS = 20_000
MOST_ROWS = 20_000_000  # 160 MB of row numbers


@dataclass(frozen=True, slots=True)
class ResultList:
    query: Query
    rids: array[int]


class Pages:
    """Result lists by their token."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lists: OrderedDict[str, tuple[float, ResultList]] = OrderedDict()
        self._rows = 0
        self._lock = threading.Lock()  # long searches keep their lists from other threads than the event loop's

    def keep(self, results: ResultList) -> str:
        """Remember `results`; the token leads back to it."""
        token = secrets.token_hex(8)
        with self._lock:
            self._lists[token] = (self._clock(), results)
            self._rows += len(results.rids)
            self._drop_old()
        return token

    def fetch(self, kind: str, token: str) -> ResultList:
        """Raises FhirError 410 where the list is unknown or was dropped."""
        with self._lock:
            self._drop_old()
            touched = self._lists.get(token)
            if touched is None or touched[1].query.kind != kind:
                raise FhirError(410, "expired", "this page link is unknown or has expired; search again")
            self._lists[token] = (self._clock(), touched[1])
            self._lists.move_to_end(token)
            return touched[1]

    def _drop_old(self) -> None:
        oldest_allowed = self._clock() - KEPT_S
        while self._lists:
            token, (touched, results) = next(iter(self._lists.items()))
            if touched >= oldest_allowed and len(self._lists) <= MOST_LISTS and self._rows <= MOST_ROWS:
                return
            del self._lists[token]
            self._rows -= len(results.rids)
