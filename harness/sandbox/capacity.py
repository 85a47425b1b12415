"""A capacity that is known: C servers behind one first-come-first-served queue, each held for a drawn service time.

    arrive ──▶ waiting ──▶ [server 1 … C] ──▶ leave        with exponential times and random arrivals this is M/M/C

The real work of a request happens within its service time. A server is free again at the end that was drawn for it, not
when the timer of the event loop fired (up to 1 ms late): lateness shows in the single request and does not add up.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

__all__ = ["Architecture", "Capacity", "Distribution", "Pools", "Visit"]

T = TypeVar("T")
Architecture = Literal["shared", "per-lane", "per-site"]
Distribution = Literal["fixed", "exponential"]


@dataclass(frozen=True, slots=True)
class Capacity:
    """`servers` is 0 for full speed: nothing waits and nothing is held."""

    servers: int = 0
    service_s: float = 0.0
    distribution: Distribution = "exponential"
    architecture: Architecture = "shared"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Visit:
    """How long a server was held, in seconds, as measured."""

    service_s: float


class _Pool:
    """C servers and their queue."""

    def __init__(self, servers: int, draw_s: Callable[[], float]) -> None:
        self._free = servers
        self._draw_s = draw_s
        self._waiting: deque[asyncio.Future[float]] = deque()

    async def hold(self, work: Callable[[], Awaitable[T]], factor: float) -> tuple[T, Visit]:
        loop = asyncio.get_running_loop()
        start = await self._enter(loop)
        end = start + self._draw_s() * factor
        try:
            result = await work()
            free_again = max(end, loop.time())  # real work may take longer than was drawn
            await asyncio.sleep(free_again - loop.time())
        except BaseException:
            self._leave(loop.time())
            raise
        self._leave(free_again)
        return result, Visit(loop.time() - start)

    async def _enter(self, loop: asyncio.AbstractEventLoop) -> float:
        if self._free:
            self._free -= 1
            return loop.time()
        turn: asyncio.Future[float] = loop.create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(turn.result())
            raise

    def _leave(self, moment: float) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(moment)
                return
        self._free += 1


class Pools:
    """One pool for all (`shared`), or one of C servers for each lane or site: a full one leaves the others alone."""

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self._pools: dict[str, _Pool] = {}

    async def serve(
        self, lane: str, site: str, work: Callable[[], Awaitable[T]], factor: float = 1.0
    ) -> tuple[T, Visit]:
        """Do `work` while holding a server of the pool that it falls to, `factor` times as long as was drawn for it; at
        full speed, `factor` times as long as it takes."""
        if not self.capacity.servers:
            loop = asyncio.get_running_loop()
            start = loop.time()
            result = await work()
            if factor > 1:
                await asyncio.sleep((loop.time() - start) * (factor - 1))
            return result, Visit(loop.time() - start)
        name = {"shared": "", "per-lane": lane, "per-site": site}[self.capacity.architecture]
        pool = self._pools.get(name)
        if pool is None:
            pool = self._pools[name] = _Pool(self.capacity.servers, _drawing(self.capacity, name))
        return await pool.hold(work, factor)


def _drawing(capacity: Capacity, pool: str) -> Callable[[], float]:
    """Service times in seconds, the same for the same seed and pool."""
    if capacity.distribution == "fixed":
        return lambda: capacity.service_s
    draws = random.Random(f"{capacity.seed}/{pool}")
    return lambda: draws.expovariate(1 / capacity.service_s)
