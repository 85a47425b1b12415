"""What a console can know of a run under way: the workers' progress lines, added up over the last seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.samples.progress import Progress, progress_path, quantile_of, read_progress

__all__ = ["Glance", "Watch"]

WINDOW_S: Final = 10.0
"""Rates and p95 are of this many seconds: short enough to see a change, long enough to hold a p95."""


@dataclass(frozen=True)
class Glance:
    """A run at one moment. `p95_ms` is None while there were no answers; it is within 5%."""

    elapsed_s: float
    on_duty: int
    in_flight: int
    requests: int
    errors: int
    requests_per_s: float
    p95_ms: float | None


class Watch:
    """Reads the progress lines of all workers as they are written."""

    def __init__(self, streams: Path, workers: int) -> None:
        self._streams = streams
        self._offsets = dict.fromkeys(range(workers), 0)
        self._latest: dict[int, Progress] = {}
        self._recent: deque[Progress] = deque()
        self._requests = 0
        self._errors = 0

    def look(self) -> Glance | None:
        """What is known now; None before the first line."""
        for worker, offset in self._offsets.items():
            lines, self._offsets[worker] = read_progress(progress_path(self._streams, worker), offset)
            for second in lines:
                self._latest[worker] = second
                self._recent.append(second)
                self._requests += second.requests
                self._errors += second.errors
        if not self._latest:
            return None
        now_s = max(second.time_s for second in self._latest.values())
        self._recent = deque(second for second in self._recent if second.time_s > now_s - WINDOW_S)
        return Glance(
            elapsed_s=now_s,
            on_duty=sum(second.on_duty for second in self._latest.values()),
            in_flight=sum(second.in_flight for second in self._latest.values()),
            requests=self._requests,
            errors=self._errors,
            requests_per_s=sum(second.requests for second in self._recent) / min(WINDOW_S, max(now_s, 1.0)),
            p95_ms=quantile_of(self._recent, 0.95),
        )
