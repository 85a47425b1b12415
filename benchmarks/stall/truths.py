"""The stall that everybody is asked about, and what queueing theory says of it.

0 s ──────────────── 60 s ▓▓▓▓▓▓ 66 s ──────────────── 120 s      a hundred requests a second
                          nothing is answered
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.analysis.intervals import quantile
from harness.analysis.queueing import ResponseTimes, asking_within, stalled_closed, stalled_open

__all__ = [
    "LENGTH_S",
    "PEOPLE",
    "RATE_PER_S",
    "STALL_S",
    "THINK_S",
    "TRUTHS",
    "Told",
    "told_by_theory",
    "told_of",
]

STALL_S: Final = 6.0
LENGTH_S: Final = 120.0
RATE_PER_S: Final = 100
PEOPLE: Final = 500
THINK_S: Final = 5.0
"""So that 500 people ask as often as 100/s."""
SERVICE_S: Final = 0.005
QUEUE_SERVICE_S: Final = 0.05
QUEUE_RHO: Final = 0.5
SIGMA: Final = 0.8325546
"""Of the lognormal pauses in `tests/scenarios/one-stall.yaml`: √ln 2, by which they vary as exponential ones do."""

TRUTHS: Final[dict[str, ResponseTimes]] = {
    "open": stalled_open(STALL_S, LENGTH_S, SERVICE_S),
    "queue": stalled_open(STALL_S, LENGTH_S, QUEUE_SERVICE_S, rho=QUEUE_RHO),
    "closed": stalled_closed(STALL_S, LENGTH_S, SERVICE_S, THINK_S, asking_within(THINK_S, SIGMA)),
    "closed, exponential": stalled_closed(STALL_S, LENGTH_S, SERVICE_S, THINK_S),
}
"""The first three are kinds of site in that scenario; the last is what Locust's `poisson` and the k6 script draw."""


@dataclass(frozen=True)
class Told:
    """What somebody says of the stall: percentiles in ms. `never_sent` were due and not sent; None: cannot be said."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    sent: int | None = None
    never_sent: int | None = None

    def text(self) -> str:
        """One line: times, and how many requests they are of."""
        times = ((self.p50_ms, "p50"), (self.p95_ms, "p95"), (self.p99_ms, "p99"), (self.max_ms, "longest"))
        parts = [f"{name} {_ms_text(ms)}" for ms, name in times]
        if self.sent is not None:
            parts.append(f"{self.sent:,} sent")
        if self.never_sent is not None:
            parts.append(f"{self.never_sent:,} never sent")
        return ", ".join(parts)


def told_by_theory(case: str) -> Told:
    """Raises KeyError where theory has no such case."""
    times = TRUTHS[case]
    p50_ms, p95_ms, p99_ms = (1000 * times.quantile_s(p) for p in (0.50, 0.95, 0.99))
    service_s = QUEUE_SERVICE_S if case == "queue" else SERVICE_S
    return Told(p50_ms, p95_ms, p99_ms, 1000 * (STALL_S + service_s))


def told_of(latencies_ms: NDArray[np.float64], never_sent: int | None = None) -> Told:
    """Of measured latencies in any order. Raises IndexError where there are none."""
    ordered = np.sort(latencies_ms)
    p50_ms, p95_ms, p99_ms = (quantile(ordered, p) for p in (0.50, 0.95, 0.99))
    return Told(p50_ms, p95_ms, p99_ms, float(ordered[-1]), len(ordered), never_sent)


def _ms_text(ms: float) -> str:
    return f"{ms / 1000:.2f} s" if ms >= 1000 else f"{ms:.0f} ms"
