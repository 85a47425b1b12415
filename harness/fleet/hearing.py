"""What the leading load process says over its pipe: that it is alive, and why it ended the load.

A process that is stopped, or hangs, does not end; it only falls silent.
"""

from __future__ import annotations

import os
import time
from typing import Final

__all__ = ["Hearing"]

_PIECE_BYTES: Final = 65_536


class Hearing:
    """The listening end. `handle` is the other one: for the process that is to speak, and closed here after that."""

    def __init__(self) -> None:
        self._ours, self.handle = os.pipe()
        os.set_blocking(self._ours, False)
        self._rest = b""
        self._heard_at_s = time.monotonic()
        self.words: list[str] = []
        """What was said so far, line by line."""

    @property
    def silent_s(self) -> float:
        """Seconds since the last sign of life."""
        return time.monotonic() - self._heard_at_s

    def speaker_has_it(self) -> None:
        """Close the end that is not ours, so that nothing more can come once the speaker is gone."""
        os.close(self.handle)

    def listen(self) -> None:
        """Take in what has come; does not wait."""
        while True:
            try:
                piece = os.read(self._ours, _PIECE_BYTES)
            except (BlockingIOError, OSError):
                return
            if not piece:
                return
            self._heard_at_s = time.monotonic()
            *lines, self._rest = (self._rest + piece).split(b"\n")
            self.words += [line.decode(errors="replace") for line in lines if line]

    def close(self) -> None:
        os.close(self._ours)
