"""Locust's shape: the plan's head count, told anew each second so that each tick dispatches.

The first tick of a run leads it in: it returns only when every worker is ready and t0 is named. (Locust fires
`test_start` in a greenlet that its next tick would kill, so nothing long may be done there.) It ends with the run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from locust import LoadTestShape

from harness.load.conductor import Conductor

__all__ = ["DutyCurve"]

_SPAWN_RATE: Final = 90.0
"""Locust warns above 100; our dispatcher does in one step what is due, whatever the rate."""


class DutyCurve(LoadTestShape):
    """On duty over time, as planned."""

    lead_in: ClassVar[list[Callable[[], Conductor | None]]] = []
    """The session of this process, once there is one (a list, since a function on a class would become a method)."""
    _conductor: Conductor | None = None
    _ticks = 0

    def tick(self) -> Any:
        """(users, spawn rate), or None when the run is over or could not begin."""
        if self._conductor is None and self.lead_in:
            self._conductor = self.lead_in[-1]()
        if self._conductor is None or self._conductor.finished:
            self._conductor = None
            return None
        self._ticks += 1
        return self._conductor.users_now(), _SPAWN_RATE + self._ticks % 2
