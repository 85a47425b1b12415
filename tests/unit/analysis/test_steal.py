"""Seconds with steal above 2% are marked, in every load process's rows, and merged."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis import analyse
from harness.analysis.steal import merged

spans = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted).map(tuple), max_size=30)


def generator_of(run: Any, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> dict[str, Any]:
    run.health_edit = edit
    summary: dict[str, Any] = analyse(*run.write()).summary
    generator: dict[str, Any] = summary["generator"]
    return generator


def stolen(share: float, *, worker: int | None = None, seconds: tuple[float, float]) -> Callable[[pd.DataFrame], Any]:
    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        hit = frame["time_s"].between(*seconds) & ((frame["worker"] == worker) if worker is not None else True)
        return frame.assign(steal=frame["steal"].where(~hit, share))

    return edit


@given(spans)
def test_merged_spans_are_apart_in_order_and_hold_the_same_moments(some):
    union = merged(some)
    assert all(before[1] < after[0] for before, after in pairwise(union))

    def held(by: Any) -> set[int]:
        return {moment for moment in range(2 * 100 + 1) if any(2 * a <= moment <= 2 * b for a, b in by)}

    assert held(union) == held(some)


@given(spans, st.integers(0, 20))
def test_with_a_gap_no_two_are_nearer_than_it(some, gap):
    union = merged(some, gap)
    assert all(before[1] + gap < after[0] for before, after in pairwise(union))


def test_a_sound_run_has_no_marked_second(fabricate: Callable[..., Any]) -> None:
    generator = generator_of(fabricate(), lambda frame: frame.assign(steal=0.02))
    assert (generator["steal_seconds"], generator["steal_seconds_share"]) == ([], 0.0)


@pytest.mark.parametrize("worker", [None, 0, 1])
def test_a_second_that_one_load_process_saw_or_all_of_them_is_one_span(fabricate, worker) -> None:
    """Each row speaks for the second before it."""
    generator = generator_of(fabricate(), stolen(0.021, worker=worker, seconds=(29.5, 31.5)))
    assert generator["steal_seconds"] == [[29.0, 31.0]]
    assert generator["steal_seconds_share"] == pytest.approx(2 / 60)


def test_a_row_that_came_late_speaks_for_all_the_time_since_the_one_before(fabricate) -> None:
    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        gone = (frame["worker"] == 1) & frame["time_s"].between(40.5, 42.5)
        return stolen(0.5, worker=1, seconds=(42.6, 43.4))(frame[~gone])

    assert generator_of(fabricate(), edit)["steal_seconds"] == [[40.0, 43.0]]


def test_every_marked_second_is_in_the_summary_however_many_there_are(fabricate) -> None:
    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(steal=frame["steal"].where(frame["time_s"].round() % 2 == 1, 0.3))

    generator = generator_of(fabricate(), edit)
    assert len(generator["steal_seconds"]) == 30
    assert generator["steal_seconds_share"] == pytest.approx(0.5)
