"""What the leading load process says over its pipe: that it is alive, and why it ended the load.

A process that is stopped, or hangs, does not end; it only falls silent.
"""

from __future__ import annotations

import os
import time
from typing import Final

from harness.rundir import BEAT

__all__ = ["Hearing"]

_PIECE_BYTES: Final = 65_536


class Hearing:
    """The listening end. `handle` is the other one: for the process that is to speak, and closed here after that."""

    def __init__(self) -> None:
        self._ours, self.handle = os.pipe()
        os.set_blocking(self._ours, False)
        self._rest = b""
        self._heard_at_s = time.monotonic()
        self._beat_at_s: float | None = None
        self.longest_gap_s = 0.0
        """The longest time between two signs of life, by the speaker's clock, since the load is on."""
        self.words: list[str] = []
        """What was said so far, line by line."""

    @property
    def silent_s(self) -> float:
        """Seconds since the last sign of life."""
        return time.monotonic() - self._heard_at_s

    def speaker_has_it(self) -> None:
        """Close the end that is not ours, so that nothing more can come once the speaker is gone."""
        os.close(self.handle)

    def listen(self, *, under_load: bool) -> None:
        """Take in what has come; does not wait. Gaps count once the load is on."""
        while True:
            try:
                piece = os.read(self._ours, _PIECE_BYTES)
            except (BlockingIOError, OSError):
                return
            if not piece:
                return
            self._heard_at_s = time.monotonic()
            *lines, self._rest = (self._rest + piece).split(b"\n")
            for line in lines:
                self._take_in(line.decode(errors="replace"), under_load)

    def _take_in(self, line: str, under_load: bool) -> None:
        if not line.startswith(f"{BEAT} "):
            self.words.append(line)
            return
        beat_s = float(line.split()[1])
        if under_load and self._beat_at_s is not None:
            self.longest_gap_s = max(self.longest_gap_s, beat_s - self._beat_at_s)
        self._beat_at_s = beat_s

    def close(self) -> None:
        os.close(self._ours)
