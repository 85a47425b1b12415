"""Watches the load process itself: how late its loop wakes up, what CPU and memory it takes, what the host withholds.

A stalled generator shows no slow answer, only fewer requests; so its own pulse is taken many times a second.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final

import gevent

from harness.load.recorder import Recorder

__all__ = ["HealthProbe"]

PULSE_S: Final = 0.02
ROW_EVERY_S: Final = 1.0
_PROC_STAT: Final = Path("/proc/stat")
_PROC_MEMORY: Final = Path("/proc/self/statm")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_LINE_BYTES: Final = 1024


class _Told:
    """The first line of a file of the system's, opened once: a process without a free descriptor is watched, too."""

    def __init__(self, path: Path) -> None:
        self._file: FileIO | None = None
        with suppress(OSError):
            self._file = path.open("rb", buffering=0)

    def fields(self) -> list[bytes]:
        """As they are now; none where the system does not tell."""
        if self._file is None:
            return []
        return os.pread(self._file.fileno(), _LINE_BYTES, 0).split(b"\n", 1)[0].split()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class HealthProbe:
    """One row a second into the recorder's health stream."""

    def __init__(
        self,
        recorder: Recorder,
        users: Callable[[], int],
        on_duty: Callable[[], int],
        visitors: Callable[[], int] = lambda: 0,
        on_memory: Callable[[float, int], None] = lambda _mb, _people: None,
    ) -> None:
        """`on_memory` hears each second what the process takes, in MB, and how many people are there."""
        self._recorder = recorder
        self._on_memory = on_memory
        self._users = users
        self._on_duty = on_duty
        self._visitors = visitors
        self._stat, self._memory = _Told(_PROC_STAT), _Told(_PROC_MEMORY)
        self._cpu_s = time.process_time()
        self._host = self._host_ticks()
        self._row_at_s = recorder.clock.now_s()
        self._worst_lag_s = 0.0

    def watch(self) -> None:
        """Take the pulse until killed."""
        now_s = self._recorder.clock.now_s
        while True:
            before_s = now_s()
            if before_s - self._row_at_s >= ROW_EVERY_S:
                self.write_row()  # what that takes keeps everybody waiting, too
            gevent.sleep(PULSE_S)
            self._worst_lag_s = max(self._worst_lag_s, now_s() - before_s - PULSE_S)

    def write_row(self) -> None:
        """Write what was seen since the last row."""
        recorder = self._recorder
        now_s = recorder.clock.now_s()
        span_s = max(now_s - self._row_at_s, 1e-6)
        cpu_s, host = time.process_time(), self._host_ticks()
        passed = host[0] - self._host[0]
        memory_mb, users, visitors = self._memory_mb(), self._users(), self._visitors()
        recorder.health(
            now_s,
            recorder.worker,
            max(0.0, self._worst_lag_s) * 1000,
            (cpu_s - self._cpu_s) / span_s,
            (host[1] - self._host[1]) / passed if passed else 0.0,
            memory_mb,
            users,
            self._on_duty(),
            visitors,
            recorder.in_flight,
            recorder.started,
            recorder.finished,
            recorder.in_flight_s(now_s),
        )
        self._row_at_s, self._cpu_s, self._host, self._worst_lag_s = now_s, cpu_s, host, 0.0
        self._on_memory(memory_mb, users + visitors)

    def close(self) -> None:
        """Let go of the system's files; nothing is written after that."""
        self._stat.close()
        self._memory.close()

    def _memory_mb(self) -> float:
        """What is in real memory; 0 where the system does not tell."""
        fields = self._memory.fields()
        return int(fields[1]) * _PAGE_BYTES / 1e6 if len(fields) > 1 else 0.0

    def _host_ticks(self) -> tuple[int, int]:
        """All ticks and the stolen ones of the host since boot; (0, 0) where the system does not tell."""
        fields = [int(field) for field in self._stat.fields()[1:]]
        # user nice system idle iowait irq softirq steal; guest times are part of user
        return sum(fields[:8]), fields[7] if len(fields) > 7 else 0
