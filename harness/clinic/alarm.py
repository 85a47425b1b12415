"""Interrupts code of one's own that does not end, by the process's alarm signal, and tears nothing else apart.

ring in its own code            NoEnd is thrown there
ring in what its code called    it may hold a lock that only it can give back: not yet; after SPARED_RINGS, there too
ring anywhere else              nothing
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

__all__ = ["OWN_MODULES", "RINGS_AGAIN_S", "Bell", "NoEnd", "is_own", "within"]

OWN_MODULES: Final = "emrload_own."
"""How the names of modules begin that hold workflows of one's own."""
RINGS_AGAIN_S: Final = 0.05
"""Where nothing was thrown in yet, it is tried again so soon."""
SWALLOWED_S: Final = 0.002
"""Code that swallows what is thrown is interrupted again so soon: one day it is met where nothing catches."""
SPARED_RINGS: Final = 20
"""What it called is spared for a second: whatever does not wait for good is back in its own code meanwhile."""
_HALF_COUNTED: Final = "harness.load."
"""Between a request and its row in the samples nothing is thrown in, since the counts must agree; but into a check of
one's own, after which the row is written."""


class NoEnd(BaseException):
    """Thrown into code of one's own that does not come to an end. No Exception, so that `except Exception` lets it by.

    `line` is where it was then; 0 where the traceback tells.
    """

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(why)
        self.line = line


class Bell:
    """What rings: `ring` is the alarm signal's handler, `wind` begins anew."""

    def __init__(self, why: str) -> None:
        self.thrown = 0
        """How often somebody was interrupted."""
        self._why = why
        self._rings = 0
        self._met: FrameType | None = None

    def wind(self) -> None:
        """What was called from now on is spared again, and whoever is met is met for the first time."""
        self._rings = 0
        self._met = None

    def ring(self, _: int, frame: FrameType | None) -> None:
        """Raises NoEnd, with why and where, in the frame that was interrupted, if it may be thrown in there."""
        self._rings += 1
        own = _to_throw_into(frame, called_too=self._rings > SPARED_RINGS)
        if own is None:
            return
        begun = _outermost(own)
        if self._met in (None, begun):
            self.thrown += 1
            self._met = begun  # what rings on until the next winding meets nobody else
            signal.setitimer(signal.ITIMER_REAL, SWALLOWED_S, SWALLOWED_S)
            raise NoEnd(self._why, own.f_lineno)


def is_own(frame: FrameType) -> bool:
    """Whether it is code of one's own."""
    return str(frame.f_globals.get("__name__", "")).startswith(OWN_MODULES)


@contextmanager
def within(seconds: float, why: str) -> Iterator[None]:
    """Throw NoEnd, which says `why`, into code of one's own that runs inside and has taken so much real time.

    Only a process's main thread can be bounded like this; elsewhere it does nothing.
    """
    begun_s = time.monotonic()
    try:
        before = signal.signal(signal.SIGALRM, Bell(why).ring)
    except ValueError:
        yield
        return
    left_s, every_s = signal.setitimer(signal.ITIMER_REAL, max(seconds, RINGS_AGAIN_S), RINGS_AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
        if left_s:  # somebody else's alarm goes on as it went
            signal.setitimer(signal.ITIMER_REAL, max(left_s - (time.monotonic() - begun_s), 1e-3), every_s)


def _outermost(own: FrameType) -> FrameType:
    """The frame in which the code of one's own that runs there was entered."""
    found, frame = own, own.f_back
    while frame is not None:
        if is_own(frame):
            found = frame
        frame = frame.f_back
    return found


def _to_throw_into(frame: FrameType | None, *, called_too: bool) -> FrameType | None:
    """The nearest frame, from `frame` outwards, that is code of one's own; None where something would be torn apart."""
    while frame is not None:
        if is_own(frame):
            return frame
        if not called_too or str(frame.f_globals.get("__name__", "")).startswith(_HALF_COUNTED):
            return None
        frame = frame.f_back
    return None
