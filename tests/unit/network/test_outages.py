"""A link's own time stands still while nothing passes."""

from __future__ import annotations

import pytest

from harness.network import WorkingTime

TWICE_DOWN = WorkingTime(((10.0, 25.0), (40.0, 45.0)))


@pytest.mark.parametrize(
    ("run_s", "working_s"),
    [(-3.0, -3.0), (0.0, 0.0), (10.0, 10.0), (20.0, 10.0), (25.0, 10.0), (30.0, 15.0), (42.0, 25.0), (50.0, 30.0)],
)
def test_seconds_in_an_outage_are_not_worked(run_s, working_s):
    assert TWICE_DOWN.working_s(run_s) == working_s


@pytest.mark.parametrize(
    ("working_s", "run_s"), [(-3.0, -3.0), (9.0, 9.0), (10.0, 25.0), (15.0, 30.0), (25.0, 45.0), (30.0, 50.0)]
)
def test_what_takes_so_many_working_seconds_ends_after_the_outages_between(working_s, run_s):
    assert TWICE_DOWN.run_s(working_s) == run_s


def test_a_link_without_outages_always_works():
    always = WorkingTime(())
    assert always.working_s(12.5) == always.run_s(12.5) == 12.5


def test_two_outages_without_a_pause_are_one():
    apart, joined = WorkingTime(((10.0, 20.0), (20.0, 30.0))), WorkingTime(((10.0, 30.0),))
    moments = [5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0]
    assert [apart.working_s(at) for at in moments] == [joined.working_s(at) for at in moments]
    assert [apart.run_s(at) for at in moments] == [joined.run_s(at) for at in moments]
