"""What a command costs: CPU time of its whole process tree, time on the clock, and the most memory that one of its
processes held."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["REPEATS", "Cost", "cost_of", "median_cost"]

REPEATS = 5


@dataclass(frozen=True)
class Cost:
    """User plus system time and time on the clock in seconds, and peak resident memory in MB (a million bytes)."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def cost_of(command: Sequence[str], env: Mapping[str, str]) -> Cost:
    """Run `command` to its end. Raises RuntimeError with what it said where it does not end with 0."""
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env={**os.environ, **env}
        )
        # wait4 tells of this child, and of those of its children that it has waited for
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said.read().decode()[-500:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss * 1024 / 1e6)


def median_cost(run: Callable[[], Cost], repeats: int = REPEATS) -> Cost:
    """The median of five runs, after one that only warms up (byte code, the file cache)."""
    run()
    costs = [run() for _ in range(repeats)]
    return Cost(*(median(getattr(cost, figure) for cost in costs) for figure in ("cpu_s", "wall_s", "peak_mb")))
