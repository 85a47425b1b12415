"""Shifts worked on the virtual clock: what of them counts, and with which error."""

from __future__ import annotations

import pytest

from benchmarks.played_shifts import Counted, Played, play_shifts, play_visits
from harness.clinic.post import Habits, Pace

STEADY = Habits("nurse", Pace(45.0, 0.0), Pace(40.0, 0.0), {"room-patient": 1.0})
"""Five entries of 45 s and two answers, then 40 s: a cycle of 265.4 s, six pauses in each."""


def test_who_works_like_clockwork_does_in_an_hour_what_the_cycle_says():
    played = Played(play_shifts(STEADY, range(12), hours=10, cycle_s=265.4))
    assert played.actions(10).value == pytest.approx(6 * 3600 / 265.4, rel=0.01)
    assert played.share("room-patient").value == 1.0


def test_clinicians_do_not_begin_together():
    counts = {one.actions for one in play_shifts(STEADY, range(12), hours=0.1, cycle_s=265.4)}
    assert len(counts) > 1


def test_a_visit_is_one_workflow_and_no_pause_after_it():
    (counted,) = play_visits(STEADY, range(1), visits=7)
    assert counted == Counted(actions=35, runs={"room-patient": 7})


def test_the_error_is_that_of_clinicians_who_differ():
    played = Played([Counted(10, {"a": 5, "b": 5}), Counted(20, {"a": 5, "b": 15})])
    assert played.actions(2).value == 7.5
    assert played.actions(2).error == pytest.approx(2.5)
    assert played.share("a").value == pytest.approx(1 / 3)
    assert played.share("a").error == pytest.approx(1 / 9)
