"""A process and all that it started: CPU time and memory, as the kernel tells them."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

__all__ = ["ProcessTree"]


class ProcessTree:
    """Whoever of it ends meanwhile is still counted by its parent, once that has waited for it."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def cpu_s(self) -> float:
        """User and system time so far, in seconds."""
        return sum(sum(process.cpu_times()[:4]) for process in self._alive())

    def pids(self) -> list[int]:
        return [process.pid for process in self._alive()]

    def busiest(self) -> psutil.Process:
        """Whoever of it had the most CPU time so far."""
        return max(self._alive(), key=lambda process: sum(process.cpu_times()[:2]))

    def memory_mb(self) -> float:
        """Proportional set size in MB (a million bytes): what several share is counted once. Resident where the system
        does not tell that."""
        weights = (process.memory_full_info() for process in self._alive())
        return sum(getattr(weight, "pss", 0) or weight.rss for weight in weights) / 1e6

    def _alive(self) -> Iterator[psutil.Process]:
        yield self._root
        for child in self._root.children(recursive=True):
            if child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
                yield child
