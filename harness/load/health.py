"""Watches the load process itself: how late its loop wakes up, what CPU and memory it takes, what the host withholds.

A stalled generator shows no slow answer, only fewer requests; so its own pulse is taken many times a second.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import gevent
import psutil

from harness.load.recorder import Recorder

__all__ = ["HealthProbe"]

PULSE_S: Final = 0.02
ROW_EVERY_S: Final = 1.0
_PROC_STAT: Final = Path("/proc/stat")


class HealthProbe:
    """One row a second into the recorder's health stream."""

    def __init__(
        self,
        recorder: Recorder,
        users: Callable[[], int],
        on_duty: Callable[[], int],
        visitors: Callable[[], int] = lambda: 0,
    ) -> None:
        self._recorder = recorder
        self._users = users
        self._on_duty = on_duty
        self._visitors = visitors
        self._process = psutil.Process()
        self._cpu_s = self._process_cpu_s()
        self._host = _host_ticks()
        self._row_at_s = recorder.clock.now_s()
        self._worst_lag_s = 0.0

    def watch(self) -> None:
        """Take the pulse until killed."""
        now_s = self._recorder.clock.now_s
        while True:
            before_s = now_s()
            gevent.sleep(PULSE_S)
            after_s = now_s()
            self._worst_lag_s = max(self._worst_lag_s, after_s - before_s - PULSE_S)
            if after_s - self._row_at_s >= ROW_EVERY_S:
                self.write_row()

    def write_row(self) -> None:
        """Write what was seen since the last row."""
        recorder = self._recorder
        now_s = recorder.clock.now_s()
        span_s = max(now_s - self._row_at_s, 1e-6)
        cpu_s, host = self._process_cpu_s(), _host_ticks()
        passed = host[0] - self._host[0]
        recorder.health(
            now_s,
            recorder.worker,
            max(0.0, self._worst_lag_s) * 1000,
            (cpu_s - self._cpu_s) / span_s,
            (host[1] - self._host[1]) / passed if passed else 0.0,
            self._process.memory_info().rss / 1e6,
            self._users(),
            self._on_duty(),
            self._visitors(),
            recorder.in_flight,
            recorder.started,
            recorder.finished,
            recorder.in_flight_s(now_s),
        )
        self._row_at_s, self._cpu_s, self._host, self._worst_lag_s = now_s, cpu_s, host, 0.0

    def _process_cpu_s(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system


def _host_ticks() -> tuple[int, int]:
    """All ticks and the stolen ones of the host since boot; (0, 0) where the system does not tell."""
    try:
        fields = [int(field) for field in _PROC_STAT.read_text().split("\n", 1)[0].split()[1:]]
    except OSError:
        return 0, 0
    # user nice system idle iowait irq softirq steal; guest times are part of user
    return sum(fields[:8]), fields[7] if len(fields) > 7 else 0
