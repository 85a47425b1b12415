"""Ends what stands still: a workflow of one's own that neither asks nor pauses keeps everybody in its process waiting.

    hub in control    re-arms an alarm of 3 s twice a second; it never rings
    hub waits         the alarm rings in the code that stands still, which is a failed workflow then; the others go on

Only code of one's own is interrupted; where that is a check of an answer, its request has a row in the samples all the
same. The run then had a stall, and its verdict says so. `time.sleep` does not stand still, since Locust has made it
gevent's; it counts as waiting, not as thinking, and as the clinician's time does not add up then, the run is invalid.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import gevent

from harness.clinic.alarm import RINGS_AGAIN_S, Bell

__all__ = ["Watchdog"]

STANDS_STILL_S: Final = 3.0
"""A workflow hands over with each request and each pause; one that has not for so long will not by itself.
source: assumption (three times what the verdict calls a stall)"""
RE_ARMED_EVERY_S: Final = 0.5


class Watchdog:
    """Watches the process's main thread from `start` to `stop`; there can be one at a time."""

    def __init__(self, stands_still_s: float = STANDS_STILL_S) -> None:
        self._stands_still_s = stands_still_s
        self._bell = Bell(f"stood still for {stands_still_s:g} s without a request or a pause")
        self._heartbeat: gevent.Greenlet[..., object] | None = None
        self._before: Callable[[int, FrameType | None], Any] | int | None = None

    @property
    def thrown(self) -> int:
        """How often somebody was interrupted."""
        return self._bell.thrown

    def start(self) -> None:
        """Raises ValueError outside of the main thread; a second call does nothing."""
        if self._heartbeat is None:
            self._before = signal.signal(signal.SIGALRM, self._bell.ring)
            self._arm()
            self._heartbeat = gevent.spawn(self._keep_arming)

    def stop(self) -> None:
        """Never rings again; a second call does nothing."""
        if self._heartbeat is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._heartbeat.kill()
            self._heartbeat = None
            signal.signal(signal.SIGALRM, self._before or signal.SIG_DFL)

    def _keep_arming(self) -> None:
        while True:
            gevent.sleep(min(RE_ARMED_EVERY_S, self._stands_still_s / 3))
            self._arm()

    def _arm(self) -> None:
        self._bell.wind()
        signal.setitimer(signal.ITIMER_REAL, self._stands_still_s, RINGS_AGAIN_S)
