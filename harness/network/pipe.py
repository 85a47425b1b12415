"""One direction of a link, shared: transfers under way get equal parts of its bandwidth, as TCP flows do on average.

Egalitarian processor sharing (Kleinrock 1976, "Queueing Systems II"), kept in virtual time (Demers, Keshav and
Shenker 1989, "Analysis and simulation of a fair queueing algorithm"): the level is what a transfer under way all along
would have got. It rises by rate / transfers, and a transfer of b bits is over once it has risen by b since its start:

    level ▲        ╱   one left: steep
          │    __╱     two share it: half as steep
          │  ╱         one alone
          └──────────▶ time
"""

from __future__ import annotations

import math
from heapq import heappop, heappush

__all__ = ["SharedPipe"]


class SharedPipe:
    """Time only goes forward, and each event costs O(log transfers).

    Completions are told by `advance`, each once, in the order in which they happened.
    """

    __slots__ = ("_at_s", "_bits_per_s", "_done", "_level", "_next_ticket", "_queue", "_under_way")

    def __init__(self, bits_per_s: float) -> None:
        if not (math.isfinite(bits_per_s) and bits_per_s > 0):
            raise ValueError("a pipe's bandwidth is more than 0 bits per second, and finite")
        self._bits_per_s = bits_per_s
        self._at_s = -math.inf
        self._level = 0.0
        self._queue: list[tuple[float, int]] = []
        """(level at which it is over, ticket); cancelled ones stay until they come up."""
        self._under_way: dict[int, float] = {}
        self._done: list[tuple[int, float]] = []
        self._next_ticket = 0

    @property
    def transfers(self) -> int:
        """How many are under way."""
        return len(self._under_way)

    def begin(self, now_s: float, bits: float) -> int:
        """A transfer of `bits` starts now; gives its ticket. Raises ValueError where time would go back."""
        if not bits >= 0:
            raise ValueError("a transfer is of 0 bits or more")
        self._move_to(now_s)
        ticket = self._next_ticket
        self._next_ticket += 1
        self._under_way[ticket] = self._level + bits
        heappush(self._queue, (self._level + bits, ticket))
        return ticket

    def cancel(self, now_s: float, ticket: int) -> None:
        """Whoever began it has gone; the others share what it leaves. One that is over already is not told any more."""
        self._move_to(now_s)
        if self._under_way.pop(ticket, None) is None:
            self._done = [one for one in self._done if one[0] != ticket]
        self._rest_if_idle()

    def advance(self, now_s: float) -> list[tuple[int, float]]:
        """Tickets that were over by now and have not been told yet, each with the moment of its last bit."""
        self._move_to(now_s)
        done, self._done = self._done, []
        return done

    def remaining_bits(self, now_s: float, ticket: int) -> float:
        """What of a transfer has still to pass; 0 once it is over."""
        self._move_to(now_s)
        return max(0.0, self._under_way.get(ticket, self._level) - self._level)

    def next_completion_s(self) -> float:
        """When the next one would be over if no more began, or was over untold; infinite where none is under way."""
        if self._done:
            return self._done[0][1]
        while self._queue and self._queue[0][1] not in self._under_way:
            heappop(self._queue)
        return self._completion_s(self._queue[0][0]) if self._queue else math.inf

    def _completion_s(self, level: float) -> float:
        return self._at_s + max(0.0, level - self._level) * len(self._under_way) / self._bits_per_s

    def _move_to(self, now_s: float) -> None:
        if now_s < self._at_s:
            raise ValueError("a pipe's time only goes forward")
        while self._queue:
            level, ticket = self._queue[0]
            if ticket in self._under_way:
                over_s = self._completion_s(level)
                if over_s > now_s:
                    break
                del self._under_way[ticket]
                self._done.append((ticket, over_s))
                self._at_s, self._level = over_s, max(level, self._level)
            heappop(self._queue)
        if self._under_way:
            self._level += (now_s - self._at_s) * self._bits_per_s / len(self._under_way)
        self._at_s = now_s
        self._rest_if_idle()

    def _rest_if_idle(self) -> None:
        """From nought again, so that the level never outgrows what a float can tell apart."""
        if not self._under_way:
            self._queue.clear()
            self._level = 0.0
