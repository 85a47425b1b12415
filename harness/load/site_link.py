"""A site's link as one worker plays it: its clinicians' bytes go through two shared pipes, one each way, in real time.

pass_through(pipe, size, delay)   ├─ share of the pipe, with whoever else is in it ─┼─ delay ─┤
in an outage                      the link's own time stands still, and everybody in it waits
"""

from __future__ import annotations

import math
from collections.abc import Callable

import gevent
from gevent.hub import Waiter

from harness.network import LinkProfile, SharedPipe, WorkingTime

__all__ = ["SiteLink"]


class SiteLink:
    """One for a link and worker; all who use it share its bandwidth.

    `run_now_s` tells run seconds, in which the profile's outages are.
    """

    def __init__(self, profile: LinkProfile, run_now_s: Callable[[], float]) -> None:
        self.profile = profile
        self.run_now_s = run_now_s
        self._working = WorkingTime(profile.outages_s)
        self.up = self._direction(profile.up_bits_per_s)
        self.down = self._direction(profile.down_bits_per_s)

    def pass_through(self, direction: Direction | None, size_bytes: int, delay_s: float) -> float:
        """Wait until `size_bytes` have gone in `direction` (None: at once) and `delay_s` more are over.

        Gives by how much the waking was late, in seconds: timers wake on whole milliseconds, and whoever passes several
        times takes it off the next `delay_s`. In an outage it waits for the end of it, whatever size and delay are.
        """
        through_s = direction.carry(size_bytes) if direction is not None else self.now_s()
        due_s = through_s + delay_s
        left_s = self.seconds_to(max(through_s, due_s))
        if left_s > 0:
            gevent.sleep(left_s)
        return max(0.0, self.now_s() - due_s)

    def now_s(self) -> float:
        """Seconds that the link has worked since the run began: the time that all of it goes by."""
        return self._working.working_s(self.run_now_s())

    def seconds_to(self, due_s: float) -> float:
        """Real seconds from now to a moment in the link's own time."""
        return self._working.run_s(due_s) - self.run_now_s()

    def _direction(self, bits_per_s: float) -> Direction | None:
        return Direction(self, SharedPipe(bits_per_s)) if bits_per_s else None


class Direction:
    """A pipe and those who wait for their bytes to be through; one timer, set for the next of them."""

    __slots__ = ("_link", "_pipe", "_rings_s", "_timer", "_waiting")

    def __init__(self, link: SiteLink, pipe: SharedPipe) -> None:
        self._link = link
        self._pipe = pipe
        self._waiting: dict[int, Waiter[float]] = {}
        self._rings_s = math.inf
        self._timer = gevent.get_hub().loop.timer(0.0)

    def carry(self, size_bytes: int) -> float:
        """Wait until so many bytes are through; gives the moment of the last one, in the link's own time."""
        ticket = self._pipe.begin(self._link.now_s(), size_bytes * 8)
        waiter = self._waiting[ticket] = Waiter()
        self._set_timer()
        try:
            return waiter.get()
        except BaseException:  # out of time, or killed: the others share what it leaves
            if self._waiting.pop(ticket, None) is not None:
                self._pipe.cancel(self._link.now_s(), ticket)
                self._set_timer()
            raise

    def _set_timer(self) -> None:
        """A ring that comes too early does nothing, so the timer is only set anew where it would come too late."""
        next_s = self._pipe.next_completion_s()
        if next_s < self._rings_s:
            self._rings_s = next_s
            self._timer.close()
            self._timer = gevent.get_hub().loop.timer(max(0.0, self._link.seconds_to(next_s)))
            self._timer.start(self._ring)

    def _ring(self) -> None:
        self._rings_s = math.inf
        for ticket, over_s in self._pipe.advance(self._link.now_s()):
            waiter = self._waiting.pop(ticket, None)
            if waiter is not None:  # else it was thrown out by one of those just before
                waiter.switch(over_s)
        self._set_timer()
