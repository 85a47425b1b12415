"""What whoever watches a load knows of its plan: small, since it is held while the load is on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Outlook"]


@dataclass(frozen=True)
class Outlook:
    """A run that can begin. `target` is a FHIR base URL; times are seconds of the run."""

    scenario: str
    target: str
    target_on_loopback: bool
    length_s: float
    busiest_per_s: float
    """Requests a second in the plan's busiest tenth."""
    phase_ends_s: Sequence[float]
    phases: Sequence[str]
    """Of the first site: each up to its end; "" between two phases."""
    duty_starts_s: Sequence[float]
    on_duty: Sequence[int]
    """Planned heads, from each start up to the next; the first is at 0 s."""

    def phase_at(self, now_s: float) -> str:
        """After the end, that of the last moment."""
        return self.phases[min(bisect_right(self.phase_ends_s, now_s), len(self.phases) - 1)]

    def planned_at(self, now_s: float) -> int:
        return self.on_duty[max(bisect_right(self.duty_starts_s, now_s), 1) - 1]
