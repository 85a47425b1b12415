"""What has been there for long is looked at only once many have left, or memory has grown."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from harness.load.garbage import ENOUGH_LEFT, GROWN_BY_MB, Garbage


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


def test_there_is_one_once_enough_have_left(garbage: Garbage, full: list[int]) -> None:
    for _ in range(ENOUGH_LEFT - 1):
        garbage.left(still_there=0)
    assert full == []
    garbage.left(still_there=0)
    assert len(full) == 1


def test_of_many_who_are_there_half_must_have_left(garbage: Garbage, full: list[int]) -> None:
    for _ in range(4 * ENOUGH_LEFT - 1):
        garbage.left(still_there=8 * ENOUGH_LEFT)
    assert full == []
    garbage.left(still_there=8 * ENOUGH_LEFT)
    assert len(full) == 1


def test_there_is_one_where_memory_has_grown(garbage: Garbage, full: list[int]) -> None:
    for memory_mb in (100.0, 100.0 + GROWN_BY_MB, 90.0):
        garbage.look(memory_mb)
    assert full == []
    garbage.look(100.1 + GROWN_BY_MB)
    garbage.look(110.0 + GROWN_BY_MB)
    assert len(full) == 1
    garbage.look(1000.0)
    garbage.look(1240.0)
    assert len(full) == 2
    garbage.look(1251.0)
    assert len(full) == 3
