"""A worker's own slots: how many users it should have at a moment, and which slot the next user takes.

    a slot's life:   |-- LEAD_S --|======== on duty ========|-- GRACE_S --|
                     user spawned  start                  end              Locust no longer counts a user for it

The dispatched number covers the whole of it. Users leave by themselves long before the grace is over, so Locust never
has anybody left to stop (it would pick at random, and kill).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from harness.load.wire import DRAIN_S
from harness.plan.model import Slot

__all__ = ["GRACE_S", "LEAD_S", "Desk", "UserCount"]

LEAD_S: Final = 3.0
"""A user is spawned this long before its slot: ticks come once a second, and over a slow master every other one."""
GRACE_S: Final = DRAIN_S + 3.0


class UserCount:
    """How many users a set of slots needs at a moment."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._starts = sorted(slot.start_s for slot in slots)
        self._ends = sorted(slot.end_s for slot in slots)

    def at(self, now_s: float) -> int:
        return bisect_right(self._starts, now_s + LEAD_S) - bisect_right(self._ends, now_s - GRACE_S)


class Desk:
    """Hands out slots in the order of their start, each once."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._slots = sorted(slots, key=lambda slot: (slot.start_s, slot.slot))
        self._next = 0
        self.working = 0
        self.ended = 0

    def claim(self, now_s: float) -> Slot | None:
        """The next slot that is due, or None: a user that finds none leaves at once."""
        if self._next == len(self._slots) or self._slots[self._next].start_s > now_s + LEAD_S:
            return None
        slot = self._slots[self._next]
        self._next += 1
        self.working += 1
        return slot

    def release(self) -> None:
        """A claimed slot has been worked to its end."""
        self.working -= 1
        self.ended += 1

    def close(self) -> None:
        """Hand out no more."""
        self._slots = self._slots[: self._next]

    @property
    def all_ended(self) -> bool:
        return self.ended == len(self._slots)

    @property
    def last_end_s(self) -> float:
        return max((slot.end_s for slot in self._slots), default=0.0)
