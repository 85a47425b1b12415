"""Cores that do not sleep while something is measured.

Whoever sends to a server that sleeps wakes its core up, and is charged for that: 3 µs a request in a virtual machine.
The fewer requests one process has under way, the oftener the server sleeps, which says nothing about the process.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["kept_awake"]

_LATENCY: Final = Path("/dev/cpu_dma_latency")
"""How late a core may wake up, in µs, for as long as whoever wrote it holds it open (pm_qos_interface.rst of Linux)."""


@contextmanager
def kept_awake(latency: Path = _LATENCY) -> Iterator[bool]:
    """Have all cores wait awake for as long as the block lasts; gives False, and does nothing, where the system has no
    such setting or does not let us."""
    try:
        held = os.open(latency, os.O_WRONLY)
    except OSError:
        yield False
        return
    try:
        os.write(held, struct.pack("i", 0))
        yield True
    finally:
        os.close(held)
