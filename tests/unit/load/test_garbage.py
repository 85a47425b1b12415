"""What is young is looked at ten times a second, what is old only once memory has grown."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from harness.load.garbage import GROWN_BY_MB, Garbage


@pytest.fixture
def full() -> Iterator[list[int]]:
    """One for each full collection."""
    seen: list[int] = []

    def told(phase: str, info: dict[str, Any]) -> None:
        if phase == "stop" and info["generation"] == 2:
            seen.append(1)

    gc.callbacks.append(told)
    yield seen
    gc.callbacks.remove(told)


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    made = Garbage()
    made.start()
    yield made
    made.stop()


def test_python_makes_none_by_itself_until_it_is_stopped(full: list[int]) -> None:
    before = gc.get_threshold()
    garbage = Garbage()
    garbage.start()
    kept = [[number] for number in range(400_000)]
    assert full == []
    garbage.stop()
    garbage.stop()
    assert gc.get_threshold() == before
    kept += [[number] for number in range(400_000)]
    assert full


def test_what_refers_to_itself_and_is_young_goes_as_ever(garbage: Garbage, full: list[int]) -> None:
    gone: list[int] = []

    class Thing:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            gone.append(1)

    Thing()
    kept = [[number] for number in range(2000)]
    assert (gone, full, len(kept)) == ([1], [], 2000)


def test_what_is_young_becomes_old_even_if_as_much_goes_as_comes(garbage: Garbage, full: list[int]) -> None:
    gc.collect()
    kept = [[0] for _ in range(600)]
    for _ in range(100):  # one comes, one goes: Python sees no reason to look
        kept = [*kept[1:], [0]]
    assert _young() >= 600
    looking = gevent.spawn(garbage.keep_looking)
    gevent.sleep(0.15)
    looking.kill()
    assert _young() < 100
    assert (len(full), len(kept)) == (1, 600)


def _young() -> int:
    return sum(len(gc.get_objects(generation)) for generation in (0, 1))


def test_there_is_one_where_memory_has_grown(garbage: Garbage, full: list[int]) -> None:
    for memory_mb in (100.0, 100.0 + GROWN_BY_MB, 90.0):
        garbage.look(memory_mb, people=0)
    assert full == []
    garbage.look(100.1 + GROWN_BY_MB, people=0)
    garbage.look(110.0 + GROWN_BY_MB, people=0)
    assert len(full) == 1
    garbage.look(1000.0, people=0)
    garbage.look(1240.0, people=0)
    assert len(full) == 2
    garbage.look(1251.0, people=0)
    assert len(full) == 3


def test_there_is_none_for_what_those_who_came_explain(garbage: Garbage, full: list[int]) -> None:
    garbage.look(100.0, people=0)
    garbage.look(300.0, people=10_000)
    assert full == []
    garbage.look(300.0, people=1000)
    assert len(full) == 1
