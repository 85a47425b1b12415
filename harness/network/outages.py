"""Time as a link lives it: it stands still in an outage, and so does all that is on the way.

run_s      0 ──────── 10 ░░░░ 25 ──────── 40
working_s  0 ──────── 10      10 ──────── 25
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

__all__ = ["WorkingTime"]


class WorkingTime:
    """Run seconds into seconds in which the link worked, and back.

    What is on its way when an outage begins goes on when it ends: no seconds of TCP's own retries are added.
    """

    __slots__ = ("_ends_s", "_starts_s", "_worked_s")

    def __init__(self, outages_s: Sequence[tuple[float, float]]) -> None:
        """`outages_s`: (from, to) in run seconds, in order and apart, as LinkProfile checks them."""
        self._starts_s = [from_s for from_s, _ in outages_s]
        self._ends_s = [to_s for _, to_s in outages_s]
        self._worked_s: list[float] = []
        """Working seconds at each outage, which are one value from its start to its end."""
        for from_s, _ in outages_s:
            self._worked_s.append(self.working_s(from_s))  # reckoned as any other moment, so that time never goes back

    def working_s(self, run_s: float) -> float:
        index = min(bisect_right(self._starts_s, run_s), len(self._worked_s)) - 1
        if index < 0:
            return run_s
        return self._worked_s[index] + max(0.0, run_s - self._ends_s[index])

    def run_s(self, working_s: float) -> float:
        """When so many seconds have been worked; after the outage, where one begins right then."""
        index = bisect_right(self._worked_s, working_s) - 1
        if index < 0:
            return working_s
        return self._ends_s[index] + (working_s - self._worked_s[index])
