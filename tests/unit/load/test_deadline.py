"""One timer for the bounds on many exchanges: each is held, and none cuts another short."""

from __future__ import annotations

import time

import gevent
import pytest

from harness.load.deadline import Deadline, OutOfTime


def test_whoever_takes_longer_than_the_bound_is_out_of_time():
    deadline = Deadline()
    began = time.monotonic()
    deadline.begin(0.05)
    with pytest.raises(OutOfTime):
        gevent.sleep(30)
    assert time.monotonic() - began >= 0.05
    deadline.close()


def test_whoever_ends_in_time_is_left_alone_afterwards():
    deadline = Deadline()
    deadline.begin(0.05)
    deadline.end()
    gevent.sleep(0.15)
    deadline.close()


def test_the_bound_of_an_earlier_exchange_does_not_cut_a_later_one_short():
    deadline = Deadline()
    deadline.begin(0.1)
    deadline.end()
    gevent.sleep(0.05)
    deadline.begin(60.0)
    gevent.sleep(0.15)  # the first one's bound passes meanwhile
    deadline.end()
    deadline.close()


def test_a_later_exchange_has_its_own_bound_from_its_own_start():
    deadline = Deadline()
    deadline.begin(0.2)
    deadline.end()
    gevent.sleep(0.1)
    began = time.monotonic()
    deadline.begin(0.2)
    with pytest.raises(OutOfTime):
        gevent.sleep(30)
    assert time.monotonic() - began >= 0.2
    deadline.close()


def test_a_shorter_bound_after_a_longer_one_is_held():
    deadline = Deadline()
    deadline.begin(60.0)
    deadline.end()
    deadline.begin(0.05)
    with pytest.raises(OutOfTime):
        gevent.sleep(30)
    deadline.close()


def test_it_can_be_used_again_after_it_ran_out_and_after_it_was_closed():
    deadline = Deadline()
    for _ in range(2):
        deadline.begin(0.02)
        with pytest.raises(OutOfTime):
            gevent.sleep(30)
        deadline.close()


def test_whoever_began_is_the_one_it_reaches():
    deadline = Deadline()
    met: list[str] = []

    def work() -> None:
        deadline.begin(0.05)
        try:
            gevent.sleep(30)
        except OutOfTime:
            met.append("the worker")

    worker = gevent.spawn(work)
    gevent.sleep(0.2)
    worker.join(60)
    assert met == ["the worker"]
    deadline.close()
