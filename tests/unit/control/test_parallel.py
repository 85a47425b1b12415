from __future__ import annotations

import threading
import time

import pytest

from harness.control.parallel import in_parallel


def test_everything_is_done_once_and_never_too_much_at_a_time() -> None:
    under_way, most, lock, together = 0, 0, threading.Lock(), threading.Barrier(4, timeout=60)

    def work(number: int) -> int:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        if number < 4:  # none of the first four ends before all four are under way
            together.wait()
            time.sleep(0.1)  # a fifth would begin meanwhile
        with lock:
            under_way -= 1
        return number * number

    assert sorted(in_parallel(work, iter(range(50)), at_once=4)) == [n * n for n in range(50)]
    assert most == 4


def test_a_long_generator_is_not_run_ahead_of() -> None:
    source = iter(range(1000))
    results = in_parallel(lambda item: item, source, at_once=2)
    next(results)
    assert next(source) <= 8
    results.close()


def test_one_failure_ends_it_and_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.002)
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        list(in_parallel(work, range(1000), at_once=2))
    count = len(begun)
    assert count < 20
    time.sleep(0.02)
    assert len(begun) == count


def test_who_waits_is_told_to_give_up() -> None:
    told = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            raise ValueError("zero")
        assert told.wait(10)
        return number

    with pytest.raises(ValueError, match="zero"):
        list(in_parallel(work, range(8), at_once=4, give_up=told.set))


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(in_parallel(lambda item: item, [], at_once=3)) == []
