"""This machine, as a manifest tells it: system, CPUs and their clock, memory, and the versions that matter.

A clock that falls under load (heat, a power limit, a neighbour) makes generator and server slower without a word, so it
is read at the start of the load and again at its end.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil

from harness.engine import engine

__all__ = ["STEAL_MARKED_ABOVE", "ClockWatch", "cpu_mhz", "environment_facts", "usable_cpus"]

_VERSIONS_OF: Final = ("emr-load-harness", "locust", "gevent", "httptools", "faker", "duckdb", "pandas", "granian")
_CPU_INFO: Final = Path("/proc/cpuinfo")
_CPU_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
STEAL_MARKED_ABOVE: Final = 0.02
"""Share of the host's CPU that others took, over one second. source: requirement (`harness.verdict.bounds` has it
among the bounds)"""
READ_EVERY_S: Final = 5.0
"""The last reading is that of the load's end within this time. source: assumption"""

Mhz = dict[str, float]
"""`mean`, `min` and `max` over the CPUs."""


def environment_facts() -> dict[str, Any]:
    """This machine, the versions that matter and how the hot path runs (harness.engine), for a manifest; `cpu_model` is
    None where the system does not tell."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "host": {
            "system": f"{platform.system()} {platform.release()}",
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "cpu_model": _cpu_model(),
            "memory_gb": round(memory_bytes / 1e9, 1),
        },
        "engine": engine(),
        "versions": {name: version(name) for name in _VERSIONS_OF} | {"python": platform.python_version()},
    }


def usable_cpus() -> float:
    """CPUs that a process of ours may use: those it is bound to, or the container's quota where that is less."""
    bound = len(os.sched_getaffinity(0))
    try:
        quota, period = _CPU_QUOTA.read_text().split()
        return float(bound) if quota == "max" else min(bound, int(quota) / int(period))
    except (OSError, ValueError):  # no container, or an older kernel's
        return float(bound)


def cpu_mhz() -> Mhz | None:
    """How fast the CPUs' clock runs now; None where the system does not tell, as in many containers and on ARM."""
    try:
        now = [each.current for each in psutil.cpu_freq(percpu=True) or () if each.current]
    except (OSError, NotImplementedError, ValueError):
        return None
    if not now:
        return None
    return {"mean": round(sum(now) / len(now), 1), "min": round(min(now), 1), "max": round(max(now), 1)}


class ClockWatch:
    """Reads the clock while the load is on: `look` as often as you like."""

    def __init__(self, read: Callable[[], Mhz | None] = cpu_mhz, now_s: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._now_s = now_s
        self._next_s = now_s()
        self._looked = False
        self._first: Mhz | None = None
        self._last: Mhz | None = None

    def look(self) -> None:
        """Take a reading where the last one is older than READ_EVERY_S."""
        now_s = self._now_s()
        if now_s < self._next_s:
            return
        self._next_s = now_s + READ_EVERY_S
        self._last = self._read()
        if not self._looked:
            self._first, self._looked = self._last, True

    def facts(self) -> dict[str, Mhz | None]:
        """For a manifest's `host`: None where the system does not tell; nothing where there never was a look."""
        return {"cpu_mhz_start": self._first, "cpu_mhz_end": self._last} if self._looked else {}


def _cpu_model() -> str | None:
    try:
        lines = _CPU_INFO.read_text(errors="replace").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)
