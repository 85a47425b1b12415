"""What the leading load process says to whoever started it, over a pipe, since a log is on the disk that may be full: a
beat each second, and in a line of its own why it ended the load.

    beat 5271.002
    beat 5272.003                   by the monotonic clock, so that a listener who was late himself takes it for no gap
    worker 0: streams/samples-w0.arrows cannot be written …
    beat 5273.003
"""

from __future__ import annotations

import os
import time
from typing import Final

import gevent

from harness.rundir import BEAT, LIFELINE_VARIABLE

__all__ = ["Lifeline"]

BEAT_EVERY_S: Final = 1.0


class Lifeline:
    """Nothing is said where nobody listens: plain Locust, or a listener that is gone."""

    def __init__(self) -> None:
        handle = os.environ.pop(LIFELINE_VARIABLE, "")
        self._handle = int(handle) if handle else None
        if self._handle is not None:
            os.set_inheritable(self._handle, False)  # it is this process that is listened to, and none that it starts
            os.set_blocking(self._handle, False)  # a listener that is stopped must not stop the load
            gevent.spawn(self._keep_beating)

    def say(self, text: str) -> None:
        """One line of it."""
        self._write(" ".join(text.split()) + "\n")

    def _keep_beating(self) -> None:
        while self._handle is not None:
            self._write(f"{BEAT} {time.monotonic():.3f}\n")
            gevent.sleep(BEAT_EVERY_S)

    def _write(self, line: str) -> None:
        if self._handle is None:
            return
        try:
            os.write(self._handle, line.encode())
        except BlockingIOError:
            return  # so many lines are unread that one more tells nothing
        except OSError:
            self._handle = None
