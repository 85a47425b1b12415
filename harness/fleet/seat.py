"""One worker as the depot knows it: who it is, how far it is, when it was last heard of, what of it is here."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.fleet.clock_offset import ClockReading, clock_facts

__all__ = ["Phase", "Seat", "free_name"]

Phase = Literal["preparing", "waiting", "working", "ended"]
"""It has the plan; it came to our roster; its Locust is at work; its Locust is over."""


@dataclass
class Seat:
    """`worker` is what it calls itself, the same in every request; `name` is what people read. Times are those of the
    depot's monotonic clock."""

    worker: str
    name: str
    address: str
    machine: dict[str, Any]
    seen_s: float
    phase: Phase = "preparing"
    began_s: float | None = None
    """Since when it should give a sign each second."""
    silent_s: float = 0.0
    """The longest time without a sign while the load was on."""
    load_code: int | None = None
    """How its Locust ended."""
    left: str = ""
    """Why it does not go on, in its own words; empty while it does."""
    handed_in: bool = False
    """It has nothing more for us: every file is here."""
    files: int = 0
    indexes: set[int] = field(default_factory=set)
    """The numbers of its load processes, by Locust's count; known from its files."""
    readings: list[ClockReading] = field(default_factory=list)

    def heard(self, now_s: float) -> None:
        """A sign of life."""
        self._note_silence(now_s)
        self.seen_s = now_s

    def begin(self, now_s: float) -> None:
        """The load is on from now."""
        self.began_s = self.seen_s = now_s

    def end(self, now_s: float) -> None:
        """The load is over for this worker; a silence after it harms nothing. A second call does nothing."""
        if self.phase != "ended":
            self._note_silence(now_s)
            self.phase = "ended"

    def facts(self, from_epoch_s: float, to_epoch_s: float) -> dict[str, Any]:
        """For a manifest."""
        return {
            "name": self.name,
            "address": self.address,
            "machine": self.machine,
            "indexes": sorted(self.indexes),
            "handed_in": self.handed_in,
            "files": self.files,
            "silent_s": round(self.silent_s, 1),
            "load_code": self.load_code,
            "left": self.left,
            "clock": clock_facts(self.name, self.readings, from_epoch_s, to_epoch_s),
        }

    def _note_silence(self, now_s: float) -> None:
        if self.began_s is not None and self.phase != "ended":
            self.silent_s = max(self.silent_s, now_s - self.seen_s)


def free_name(asked: str, taken: Collection[str]) -> str:
    """The name that was asked for, as far as a file may be called so, with a number where somebody has it."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", asked).strip("-.")[:60] or "worker"
    names = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(each for each in names if each not in taken)
