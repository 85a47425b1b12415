"""The calibrated pool on a clock that jumps: hours of queueing in a second, compared with what theory says.

Known answers: M/M/1 `t_p = -S ln(1-p) / (1-ρ)` and the closed M/M/c//N cases of any textbook on queues.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Coroutine
from typing import Any

import numpy as np
import pytest

from harness.sandbox.capacity import Capacity, Pools


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting, time jumps to the next timer."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.now_s += max(timeout or 0.0, 0.0)
        return super().select(0)


def played(work: Coroutine[Any, Any, Any]) -> Any:
    selector = _JumpingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now_s  # type: ignore[method-assign]
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


async def nothing() -> None:
    return None


async def residence_s(pools: Pools, lane: str = "labs", site: str = "river") -> float:
    loop = asyncio.get_running_loop()
    start = loop.time()
    await pools.serve(lane, site, nothing)
    return loop.time() - start


async def open_arrivals(pools: Pools, rate: float, count: int) -> list[float]:
    draws, tasks = random.Random(5), []
    for _ in range(count):
        tasks.append(asyncio.create_task(residence_s(pools)))
        await asyncio.sleep(draws.expovariate(rate))
    return await asyncio.gather(*tasks)


async def closed_users(pools: Pools, users: int, think_s: float, until_s: float) -> list[float]:
    loop, found = asyncio.get_running_loop(), []

    async def user(draws: random.Random) -> None:
        while loop.time() < until_s:
            await asyncio.sleep(draws.expovariate(1 / think_s))
            found.append(await residence_s(pools))

    await asyncio.gather(*(user(random.Random(number)) for number in range(users)))
    return found


def quantiles_ms(values: list[float]) -> list[float]:
    return [float(q) * 1000 for q in np.quantile(values, [0.5, 0.95, 0.99])]


@pytest.mark.usefixtures("uncounted")
def test_one_user_without_pauses_gets_the_service_time():
    fixed = played(open_arrivals(Pools(Capacity(1, 0.1, "fixed")), rate=1.0, count=50))
    assert min(fixed) == pytest.approx(0.1)
    exponential = played(closed_users(Pools(Capacity(1, 0.05)), users=1, think_s=0.1, until_s=3000))
    assert quantiles_ms(exponential) == pytest.approx([34.7, 149.8, 230.3], rel=0.07)


@pytest.mark.usefixtures("uncounted")
def test_random_arrivals_at_one_server_wait_as_in_m_m_1():
    found = played(open_arrivals(Pools(Capacity(1, 0.05)), rate=14.0, count=40_000))
    assert quantiles_ms(found) == pytest.approx([115.5, 499.3, 767.5], rel=0.2)


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize(
    ("servers", "service_s", "users", "think_s", "per_s", "expected_ms"),
    [
        (1, 0.05, 20, 1.0, 16.822, [152.1, 491.1, 675.8]),
        (4, 0.2, 80, 4.0, 18.049, [364.9, 1055.9, 1432.3]),
    ],
)
def test_a_closed_population_waits_as_in_m_m_c_n(servers, service_s, users, think_s, per_s, expected_ms):
    length_s = 1200.0
    found = played(closed_users(Pools(Capacity(servers, service_s)), users, think_s, length_s))
    assert len(found) / length_s == pytest.approx(per_s, rel=0.03)
    assert quantiles_ms(found) == pytest.approx(expected_ms, rel=0.12)


def test_a_visit_holds_its_server_so_many_times_as_long_as_was_drawn():
    async def held_s(pools: Pools, factor: float, work: Any) -> list[float]:
        loop, start = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        visits = [asyncio.create_task(pools.serve("labs", "river", work, factor)) for _ in range(2)]
        found = []
        for visit in visits:
            await visit
            found.append(loop.time() - start)
        return found

    async def working() -> None:
        await asyncio.sleep(0.2)

    assert played(held_s(Pools(Capacity(1, 0.1, "fixed")), 1.5, nothing)) == pytest.approx([0.15, 0.30])
    assert played(held_s(Pools(Capacity()), 1.5, working)) == pytest.approx([0.3, 0.3])


def test_requests_are_served_in_the_order_they_came():
    async def served() -> list[int]:
        pools, order = Pools(Capacity(1, 0.01, "fixed")), []

        async def ask(number: int) -> None:
            async def note() -> None:
                order.append(number)

            await pools.serve("labs", "river", note)

        await asyncio.gather(*(ask(number) for number in range(20)))
        return order

    assert played(served()) == list(range(20))


def test_a_full_lane_leaves_the_others_alone_only_with_pools_of_their_own():
    async def labs_beside_billing(architecture: str) -> float:
        pools = Pools(Capacity(1, 1.0, "fixed", architecture))
        flood = [asyncio.create_task(residence_s(pools, "billing")) for _ in range(5)]
        await asyncio.sleep(0)
        found = await residence_s(pools, "labs")
        await asyncio.gather(*flood)
        return found

    assert played(labs_beside_billing("shared")) == pytest.approx(6.0)
    assert played(labs_beside_billing("per-lane")) == pytest.approx(1.0)
    assert played(labs_beside_billing("per-site")) == pytest.approx(6.0)


def test_a_full_site_leaves_the_others_alone_only_with_pools_of_their_own():
    async def lake_beside_river(architecture: str) -> float:
        pools = Pools(Capacity(1, 1.0, "fixed", architecture))
        flood = [asyncio.create_task(residence_s(pools, site="river")) for _ in range(5)]
        await asyncio.sleep(0)
        found = await residence_s(pools, site="lake")
        await asyncio.gather(*flood)
        return found

    assert played(lake_beside_river("shared")) == pytest.approx(6.0)
    assert played(lake_beside_river("per-site")) == pytest.approx(1.0)


def test_real_work_is_part_of_the_service_time_and_may_exceed_it():
    async def visits() -> list[float]:
        pools = Pools(Capacity(1, 0.1, "fixed"))

        async def work(seconds: float) -> None:
            await asyncio.sleep(seconds)

        return [
            (await pools.serve("labs", "river", lambda s=seconds: work(s)))[1].service_s for seconds in (0.03, 0.25)
        ]

    assert played(visits()) == pytest.approx([0.1, 0.25])


def test_whoever_gives_up_waiting_does_not_block_the_queue():
    async def after_two_gave_up() -> float:
        pools = Pools(Capacity(1, 1.0, "fixed"))
        first = asyncio.create_task(residence_s(pools))
        gone = [asyncio.create_task(residence_s(pools)) for _ in range(2)]
        await asyncio.sleep(0.5)
        for task in gone:
            task.cancel()
        found = await residence_s(pools)
        await first
        return found

    assert played(after_two_gave_up()) == pytest.approx(1.5)


def test_one_who_is_cut_short_in_service_frees_the_server():
    async def after_a_cut() -> float:
        pools = Pools(Capacity(1, 10.0, "fixed"))
        cut = asyncio.create_task(residence_s(pools))
        await asyncio.sleep(1)
        cut.cancel()
        await asyncio.gather(cut, return_exceptions=True)
        return await residence_s(pools)

    assert played(after_a_cut()) == pytest.approx(10.0)


def test_at_full_speed_nobody_waits():
    assert played(residence_s(Pools(Capacity()))) == 0.0
