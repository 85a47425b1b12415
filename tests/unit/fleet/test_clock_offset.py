"""How far two clocks are apart, from messages between them: never farther from the truth than is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fleet.clock_offset import ClockReading, Exchange, best_of, clock_facts, longest_gap_s

SECONDS = st.floats(-1000, 1000)
WAYS = st.floats(0, 5)


def exchange(offset_s: float, there_s: float, held_s: float, back_s: float, at_s: float = 1e6) -> Exchange:
    """A worker whose clock is `offset_s` behind the leader's asks at `at_s` of its own."""
    received_s = at_s + there_s + offset_s
    return Exchange(at_s, received_s, received_s + held_s, at_s + there_s + held_s + back_s)


@given(offset_s=SECONDS, there_s=WAYS, held_s=WAYS, back_s=WAYS)
def test_the_true_offset_is_within_half_the_round_trip_of_what_was_measured(offset_s, there_s, held_s, back_s):
    measured = exchange(offset_s, there_s, held_s, back_s)
    assert abs(measured.offset_s - offset_s) <= measured.round_trip_s / 2 + 1e-6
    assert measured.round_trip_s == pytest.approx(there_s + back_s, abs=1e-6)


@given(offset_s=SECONDS, way_s=WAYS, held_s=WAYS)
def test_where_both_ways_take_as_long_it_is_exact(offset_s, way_s, held_s):
    assert exchange(offset_s, way_s, held_s, way_s).offset_s == pytest.approx(offset_s, abs=1e-6)


@given(offset_s=SECONDS, ways=st.lists(st.tuples(WAYS, WAYS), min_size=8, max_size=8))
def test_the_best_of_several_is_the_surest_and_true(offset_s, ways):
    waiting = iter(ways)

    def ask() -> Exchange:
        there_s, back_s = next(waiting)
        return exchange(offset_s, there_s, 0.001, back_s)

    reading = best_of("lake", ask)
    assert reading.uncertainty_s == pytest.approx(min(map(sum, ways)) / 2, abs=1e-6)
    assert reading.at_most_s + 1e-6 >= abs(offset_s)
    again = ClockReading.from_json(reading.to_json(), "lake")
    assert again.offset_s == pytest.approx(reading.offset_s, abs=1e-6)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"at_epoch_s": 1, "offset_s": "nan", "uncertainty_s": 0},
        {"at_epoch_s": 1, "offset_s": 0, "uncertainty_s": -1},
        {"at_epoch_s": 1, "offset_s": None, "uncertainty_s": 0},
    ],
)
def test_what_is_no_reading_is_not_taken_for_one(told):
    with pytest.raises((ValueError, KeyError, TypeError)):
        ClockReading.from_json(told, "lake")


@pytest.mark.parametrize(
    ("times_s", "gap_s"),
    [([], 100), ([0], 100), ([100], 100), ([50], 50), ([-30, 60, 90], 60), ([30, 60], 40), ([-5, 200], 100)],
)
def test_the_longest_time_without_a_reading_counts_from_the_loads_start_to_its_end(times_s, gap_s):
    assert longest_gap_s(times_s, 0.0, 100.0) == gap_s


def test_of_a_workers_readings_the_one_with_most_doubt_is_told():
    readings = [ClockReading("lake", 10.0, -0.02, 0.001), ClockReading("lake", 70.0, 0.001, 0.04)]
    told = clock_facts("lake", readings, 0.0, 100.0)
    assert told == {
        "worker": "lake",
        "readings": 2,
        "offset_s": 0.001,
        "uncertainty_s": 0.04,
        "longest_gap_s": 60.0,
    }
    assert clock_facts("lake", [], 0.0, 5.0)["offset_s"] is None
