"""A curve tells the share on duty, and the spans in which it is above a threshold."""

from __future__ import annotations

from harness.plan.curve import clip, share_at, spans_above

HILL = [(0.0, 0.0), (10.0, 1.0), (30.0, 0.5)]
TWO_HILLS = [(0.0, 0.0), (10.0, 1.0), (20.0, 0.0), (30.0, 1.0)]


def test_it_is_straight_between_its_points() -> None:
    assert share_at(HILL, 5.0) == 0.5
    assert share_at(HILL, 20.0) == 0.75


def test_it_holds_its_first_and_last_value_outside() -> None:
    assert share_at(HILL, -5.0) == 0.0
    assert share_at(HILL, 99.0) == 0.5


def test_a_span_begins_and_ends_where_the_curve_crosses_the_threshold() -> None:
    assert spans_above(HILL, 0.75) == [(7.5, 20.0)]


def test_a_curve_that_starts_above_is_above_from_its_first_point() -> None:
    assert spans_above([(5.0, 0.9), (15.0, 0.1)], 0.5) == [(5.0, 10.0)]


def test_a_curve_that_dips_gives_two_spans() -> None:
    assert spans_above(TWO_HILLS, 0.5) == [(5.0, 15.0), (25.0, 30.0)]


def test_a_curve_that_only_touches_the_threshold_is_never_above_it() -> None:
    assert spans_above(HILL, 1.0) == []
    assert spans_above([(0.0, 0.5), (10.0, 0.5)], 0.5) == []


def test_a_slice_has_a_point_at_either_end_and_the_same_shares_within() -> None:
    assert clip(HILL, 5.0, 20.0) == [(5.0, 0.5), (10.0, 1.0), (20.0, 0.75)]
