"""How far a worker's clock is from that of the run's leader, and how sure that is, from messages there and back.

    worker   t1 ───────────────▶                 ▶ t4      offset = ((t2 − t1) + (t3 − t4)) / 2
    leader              ▶ t2 … t3 ───────────────▶         round trip = (t4 − t1) − (t3 − t2)

The offset is off by at most half the round trip, however unlike its two halves are; of several exchanges the one with
the shortest round trip tells most (Cristian, Distributed Computing 3, 1989; Mills et al., RFC 5905, 2010).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

__all__ = ["EXCHANGES", "ClockReading", "Exchange", "best_of", "clock_facts", "longest_gap_s"]

EXCHANGES: Final = 8
"""RFC 5905's clock filter takes the best of eight, too."""


@dataclass(frozen=True)
class Exchange:
    """Four moments on two clocks, in seconds: asked and answered by the worker's, received and sent by the leader's."""

    asked_s: float
    received_s: float
    sent_s: float
    answered_s: float

    @property
    def offset_s(self) -> float:
        """Leader's clock minus worker's."""
        return ((self.received_s - self.asked_s) + (self.sent_s - self.answered_s)) / 2

    @property
    def round_trip_s(self) -> float:
        """The time on the way, both ways, without what the leader took for its answer; never negative."""
        return max(0.0, (self.answered_s - self.asked_s) - (self.sent_s - self.received_s))


@dataclass(frozen=True)
class ClockReading:
    """A worker's clock as it was compared at one moment of the leader's, which a line of clocks.jsonl tells."""

    worker: str
    at_epoch_s: float
    offset_s: float
    """Leader's clock minus worker's."""
    uncertainty_s: float
    """Half the round trip: the true offset is no farther from `offset_s`."""

    @property
    def at_most_s(self) -> float:
        """How far the clocks may have been apart."""
        return abs(self.offset_s) + self.uncertainty_s

    @property
    def apart(self) -> str:
        """For people: `1.0 ms ± 0.5 ms`."""
        return f"{abs(self.offset_s) * 1000:.1f} ms ± {self.uncertainty_s * 1000:.1f} ms"

    def to_json(self) -> dict[str, Any]:
        return {key: round(value, 6) if isinstance(value, float) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, told: dict[str, Any], worker: str) -> ClockReading:
        """Raises ValueError, KeyError or TypeError where `told` is none."""
        figures = [float(told[key]) for key in ("at_epoch_s", "offset_s", "uncertainty_s")]
        if not all(map(math.isfinite, figures)) or figures[2] < 0:
            raise ValueError("a reading of a clock must be finite")
        return cls(worker, *figures)


def best_of(worker: str, exchange: Callable[[], Exchange], count: int = EXCHANGES) -> ClockReading:
    """Ask `count` times and keep the exchange with the shortest round trip. Raises what `exchange` raises."""
    best = min((exchange() for _ in range(count)), key=lambda each: each.round_trip_s)
    return ClockReading(worker, best.sent_s, best.offset_s, best.round_trip_s / 2)


def clock_facts(worker: str, readings: Sequence[ClockReading], from_s: float, to_s: float) -> dict[str, Any]:
    """What a manifest says of one worker's clock while the load went from `from_s` to `to_s` by the leader's clock: the
    reading with most doubt about it, and the longest time without any. Figures are None where there is no reading."""
    worst = max(readings, key=lambda each: each.at_most_s, default=None)
    gap_s = longest_gap_s([each.at_epoch_s for each in readings], from_s, to_s)
    return {
        "worker": worker,
        "readings": len(readings),
        "offset_s": round(worst.offset_s, 6) if worst else None,
        "uncertainty_s": round(worst.uncertainty_s, 6) if worst else None,
        "longest_gap_s": round(gap_s, 1),
    }


def longest_gap_s(times_s: Iterable[float], from_s: float, to_s: float) -> float:
    """The longest stretch of [from_s, to_s] without one of `times_s`; one before it counts as at its beginning."""
    moments = sorted(max(min(time_s, to_s), from_s) for time_s in times_s)
    return max(later - earlier for earlier, later in pairwise([from_s, *moments, max(from_s, to_s)]))
