"""How long processes that share a core go on before the next one has its turn.

The kernel gives turns of 3 to 4 ms. Whoever has just got one fetches its code and data into a cache that others have
filled meanwhile: half a millisecond, an eighth of the turn. Where each has a core of its own, nobody pays that.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["TURN_MS", "take_long_turns"]

TURN_MS: Final = 100
"""The longest that Linux allows; the cache costs half a hundredth of it."""
_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
_ATTRIBUTES: Final = struct.Struct("<IIQiIQQQII")
"""`struct sched_attr` (sched_setattr(2)): size, policy, flags, nice, priority, runtime, deadline, period, clamps."""
_BATCH: Final = 3
"""SCHED_BATCH: whoever wakes up waits for its turn, and does not cut the turn of another short (sched(7))."""


def take_long_turns(pids: Iterable[int]) -> None:
    """Have every thread of these processes, at the usual priority, take turns of TURN_MS.

    Linux heeds it from 6.12 on; before, turns are as they are. Raises OSError where the system refuses.
    """
    system = ctypes.CDLL(None, use_errno=True)
    asked = _ATTRIBUTES.pack(_ATTRIBUTES.size, _BATCH, 0, 0, 0, TURN_MS * 1_000_000, 0, 0, 0, 0)
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(ProcessLookupError):
                if system.syscall(_SCHED_SETATTR[os.uname().machine], int(thread.name), asked, 0):
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "sched_setattr")
