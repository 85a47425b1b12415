"""What the depot does not give, and whom it does not hear."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final, NoReturn

__all__ = ["UNHEARD", "Refusals", "Refused"]


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


class Refusals:
    """Who was turned away: each worker once, by what it was refused for last, and each request that was not heard."""

    def __init__(self, notes: deque[str]) -> None:
        self._notes = notes
        self._workers: dict[str, str] = {}
        self._unheard: Counter[str] = Counter()

    def refuse(self, worker: str, kind: str, why: str) -> NoReturn:
        """Raises Refused; a worker that tries again and again is told of once."""
        if self._workers.get(worker) != kind:
            self._workers[worker] = kind
            self._notes.append(f"refused  {why}")
        raise Refused(kind, why)

    def count(self, kind: str, address: str) -> None:
        """A request that was not heard."""
        self._unheard[kind] += 1
        if self._unheard[kind] == 1:
            self._notes.append(f"refused  a request from {address}: {UNHEARD[kind]}")

    def forget(self, worker: str) -> None:
        """It has a seat after all."""
        self._workers.pop(worker, None)

    def counts(self) -> dict[str, int]:
        return dict(self._unheard + Counter(self._workers.values()))
