"""A curve tells the share on duty, the spans in which it is above a threshold, and what becomes of it over days."""

from __future__ import annotations

import pytest

from harness.plan.curve import door_points, lower_of, share_at, shift_points, spans_above, unrolled, while_open
from harness.scenario.model import Shift
from harness.units import DAY_S

HOUR = 3600.0
HILL = [(0.0, 0.0), (10.0, 1.0), (30.0, 0.5)]
TWO_HILLS = [(0.0, 0.0), (10.0, 1.0), (20.0, 0.0), (30.0, 1.0)]
STEP = [(0.0, 0.2), (10.0, 0.2), (10.0, 0.8), (20.0, 0.8)]


def shift(start_h: float, end_h: float, arrive_s: float = 900.0, linger_s: float = 1800.0) -> Shift:
    times = {"start_s": start_h * HOUR, "end_s": end_h * HOUR, "arrive_s": arrive_s, "linger_s": linger_s}
    return Shift(name="night", share=1.0, source="assumption, made for a test", **times)


def test_it_is_straight_between_its_points() -> None:
    assert share_at(HILL, 5.0) == 0.5
    assert share_at(HILL, 20.0) == 0.75


def test_it_holds_its_first_and_last_value_outside() -> None:
    assert share_at(HILL, -5.0) == 0.0
    assert share_at(HILL, 99.0) == 0.5


def test_at_a_step_the_later_value_holds() -> None:
    assert share_at(STEP, 10.0) == 0.8


def test_a_span_begins_and_ends_where_the_curve_crosses_the_threshold() -> None:
    assert spans_above(HILL, 0.75) == [(7.5, 20.0)]


def test_a_curve_that_starts_above_is_above_from_its_first_point() -> None:
    assert spans_above([(5.0, 0.9), (15.0, 0.1)], 0.5) == [(5.0, 10.0)]


def test_a_curve_that_dips_gives_two_spans() -> None:
    assert spans_above(TWO_HILLS, 0.5) == [(5.0, 15.0), (25.0, 30.0)]


def test_a_curve_that_only_touches_the_threshold_is_never_above_it() -> None:
    assert spans_above(HILL, 1.0) == []
    assert spans_above([(0.0, 0.5), (10.0, 0.5)], 0.5) == []


def test_a_step_is_crossed_at_its_moment() -> None:
    assert spans_above(STEP, 0.5) == [(10.0, 20.0)]


def test_points_within_a_day_repeat_daily() -> None:
    daily = unrolled([(6 * HOUR, 0.0), (12 * HOUR, 1.0), (18 * HOUR, 0.0)], -DAY_S, 2 * DAY_S)
    assert [share_at(daily, day * DAY_S + 12 * HOUR) for day in (-1, 0, 1)] == [1.0, 1.0, 1.0]
    assert [share_at(daily, day * DAY_S + 9 * HOUR) for day in (-1, 0, 1)] == [0.5, 0.5, 0.5]
    assert (daily[0][0], daily[-1][0]) == (-DAY_S, 2 * DAY_S)


def test_points_beyond_the_first_day_are_those_of_their_own_day() -> None:
    days = unrolled([(0.0, 0.1), (DAY_S, 0.1), (1.5 * DAY_S, 0.9)], 0.0, 3 * DAY_S)
    assert [share_at(days, at * DAY_S) for at in (0.5, 1.5, 2.5)] == [0.1, 0.9, 0.9]


def test_a_slice_has_a_point_at_either_end_and_the_same_values_within() -> None:
    assert unrolled([(0.0, 0.0), (HOUR, 1.0), (DAY_S, 1.0)], 1800.0, 2 * HOUR) == [
        (1800.0, 0.5),
        (HOUR, 1.0),
        (7200.0, 1.0),
    ]


def test_a_night_shift_is_there_on_both_sides_of_midnight() -> None:
    night = shift_points(shift(19, 7), 0.0, DAY_S)
    assert [share_at(night, hour * HOUR) for hour in (0, 3, 7, 12, 18, 19, 23)] == [1, 1, 1, 0, 0, 1, 1]


def test_they_come_before_the_shift_begins_and_linger_after_its_end() -> None:
    day = shift_points(shift(7, 19), 0.0, DAY_S)
    assert share_at(day, 7 * HOUR - 450) == 0.5
    assert share_at(day, 19 * HOUR + 900) == 0.5
    assert share_at(day, 19 * HOUR + 1800) == 0.0


def test_nobody_is_there_while_the_doors_are_closed() -> None:
    doors = door_points((8 * HOUR, 18 * HOUR), 0.0, 2 * DAY_S)
    assert [share_at(doors, hour * HOUR) for hour in (7, 8, 12, 18, 19, 31, 36)] == [0, 1, 1, 1, 0, 0, 1]


def test_a_site_that_hardly_closes_has_no_doors() -> None:
    assert door_points((0.0, DAY_S), 0.0, DAY_S) == [(0.0, 1.0), (DAY_S, 1.0)]


def test_the_lower_of_two_curves_changes_where_they_cross() -> None:
    assert lower_of([(0.0, 0.0), (10.0, 1.0)], [(0.0, 1.0), (10.0, 0.0)]) == [(0.0, 0.0), (5.0, 0.5), (10.0, 0.0)]
    assert lower_of(STEP, [(0.0, 0.5), (20.0, 0.5)]) == [(0.0, 0.2), (10.0, 0.2), (10.0, 0.5), (20.0, 0.5)]


def test_while_open_a_curve_is_as_it_is_and_else_nothing() -> None:
    flat = [(0.0, 1.0), (2 * DAY_S, 1.0)]
    daily = while_open(flat, (9 * HOUR, 17 * HOUR), 0.0, 2 * DAY_S)
    assert [share_at(daily, hour * HOUR) for hour in (8, 9, 16, 17, 24, 33, 40, 41)] == [0, 1, 1, 0, 0, 1, 1, 0]
    overnight = while_open(flat, (22 * HOUR, 28 * HOUR), 0.0, 2 * DAY_S)
    assert [share_at(overnight, hour * HOUR) for hour in (0, 3, 4, 21, 22, 27, 28, 46)] == [1, 1, 0, 0, 1, 1, 0, 1]


def test_who_is_there_for_24_hours_is_there_once() -> None:
    whole = shift(7, 7, arrive_s=0.0, linger_s=0.0)
    assert max(share for _, share in shift_points(whole, 0.0, 3 * DAY_S)) == 1.0
    with pytest.raises(ValueError, match="there for 24 h 45 min"):
        shift(7, 7)
