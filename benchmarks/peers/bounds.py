"""What emrload holds itself to beside the others: ratios of medians in one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.peers.measure import CONNECTED
from benchmarks.peers.results import Part

__all__ = [
    "BOUNDS",
    "GROWTH_MB",
    "LATER_MS",
    "LATE_MS",
    "MORE_DESCRIPTORS",
    "OURS",
    "SLOPE_KB",
    "SPREAD_TIMES",
    "Bound",
    "Judged",
    "judged",
    "slope_kb",
    "spread_ratio",
]

OURS: Final = "emrload"
SLOPE_KB: Final = 15.0
"""What one more connected clinician may weigh."""
LATE_MS: Final = 5.0
"""How late requests may start, and the loop come, with 10,000 on duty."""
GROWTH_MB: Final = 1.0
"""What a load process may grow by in 100,000 requests, warmed up."""
MORE_DESCRIPTORS: Final = 2
"""Files are opened and closed meanwhile."""
LATER_MS: Final = 1.0
"""What requests may start later by in the last third of a long run than in its first."""
SPREAD_TIMES: Final = 1.1
"""What a request may cost with many load processes beside one."""
_MANY: Final = f"memory of {CONNECTED[1]:,}"


@dataclass(frozen=True)
class Bound:
    """emrload's figure is at most `times` that of `tool`; `aim` is what we would like. None: it is told, and bound to
    nothing."""

    figure: str
    tool: str
    times: float | None
    aim: float | None = None


@dataclass(frozen=True)
class Judged:
    """A bound beside what was measured; `ratio` is None where the tool is not installed."""

    bound: Bound
    ratio: float | None

    @property
    def held(self) -> bool:
        """Nothing is held against us that nobody measured."""
        return self.ratio is None or self.bound.times is None or self.ratio <= self.bound.times


BOUNDS: Final[Mapping[str, tuple[Bound, ...]]] = {
    "requests": (
        Bound("bundle", "wrk", 2.2),
        Bound("bundle", "k6", 1 / 3),
        Bound("bundle", "Gatling", 1, aim=3 / 4),
        Bound("bundle", "goose", 1, aim=3 / 4),
        Bound("bundle", "FastHttpUser", 1 / 9),
        Bound("bundle", "FastHttpUser, bytes", None),
        Bound("review", "k6", 1 / 4),
        Bound("review", "Gatling", 1, aim=3 / 4),
        Bound("review", "goose", 1, aim=3 / 4),
        Bound("review", "FastHttpUser", 1 / 8),
        Bound("review", "FastHttpUser, bytes", None),
    ),
    "memory": (Bound(_MANY, "k6", 1 / 6), Bound(_MANY, "Gatling", 2 / 3)),
    "arrivals": (Bound("p99", "k6", 1), Bound("p99", "Gatling", 1)),
}
"""By part of the results."""


def judged(name: str, part: Part) -> Iterator[Judged]:
    """Each bound on a part of the results."""
    for bound in BOUNDS.get(name, ()):
        ours, theirs = part.median(bound.figure, OURS), part.median(bound.figure, bound.tool)
        yield Judged(bound, ours / theirs if ours is not None and theirs else None)


def spread_ratio(part: Part, workers: int) -> float | None:
    """CPU time a request with so many load processes over that with one; None where it was not measured."""
    one, many = part.median("1", OURS), part.median(str(workers), OURS)
    return many / one if one and many is not None else None


def slope_kb(part: Part, tool: str) -> float | None:
    """What one more connected user of a tool weighs, in kB; None where it was not measured."""
    few, many = (part.median(f"memory of {users:,}", tool) for users in CONNECTED)
    if few is None or many is None:
        return None
    return (many - few) * 1000 / (CONNECTED[1] - CONNECTED[0])
