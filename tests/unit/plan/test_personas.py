"""A persona's figures by renewal-reward, against figures worked out by hand."""

from __future__ import annotations

import math

import pytest

from harness.clinic.post import Habits, Pace
from harness.clinic.virtual import Trace
from harness.plan.personas import Figure, Modelled, off_by
from harness.scenario.persona_model import Anchor

SHORT = Trace(((0, "Patient.read"),), 2, 0)
LONG = Trace(((1, "Patient.search[name]"), (4, "batch[vital-signs]")), 4, 5)
EVEN = Trace((), 6, 1)
CLERK = Modelled(
    Habits("clerk", Pace(10.0, 0.6), Pace(30.0, 0.6), {"ask": 3.0, "file": 1.0}),
    {"ask": {SHORT: 50, LONG: 50}, "file": {EVEN: 6}},
)
"""ask: 20.2 s or 40.4 s, so 30.3 s; file: 60 s. A cycle is 30 s, and three times in four 30.3 s, else 60 s."""
CYCLE_S = 30 + 0.75 * 30.3 + 0.25 * 60


def anchor(measure: str, *of: str, low: float = 1.0, high: float = 1.0) -> Anchor:
    return Anchor(name="figure", measure=measure, of=of, low=low, high=high, source="a test")


def test_an_action_is_a_pause_within_a_workflow_or_between_two():
    assert CLERK.actions_per_h().value == pytest.approx((0.75 * 3 + 0.25 * 6 + 1) / CYCLE_S * 3600)


@pytest.mark.parametrize(
    ("measure", "of", "expected"),
    [
        ("runs_per_h", (), 3600 / CYCLE_S),
        ("runs_per_h", ("file",), 0.25 * 3600 / CYCLE_S),
        ("requests_per_h", (), 0.75 * 1.5 * 3600 / CYCLE_S),
        ("writes_per_h", (), (0.75 * 2.5 + 0.25) * 3600 / CYCLE_S),
        ("writes_per_h", ("ask",), 0.75 * 2.5 * 3600 / CYCLE_S),
        ("run_s", ("ask",), 30.3),
        ("run_s", (), 0.75 * 30.3 + 0.25 * 60),
        ("time_share", ("file",), 0.25 * 60 / CYCLE_S),
        ("actions_per_h", ("file",), 0.25 * 7 * 3600 / CYCLE_S),
    ],
)
def test_each_measure_is_what_its_name_says(measure, of, expected):
    assert CLERK.anchored(anchor(measure, *of)).value == pytest.approx(expected)


def test_the_error_comes_from_runs_that_differ_and_their_number():
    assert CLERK.anchored(anchor("run_s", "file")).error == 0.0
    assert CLERK.anchored(anchor("run_s", "ask")).error == pytest.approx(10.1 / math.sqrt(100))


def test_of_one_workflow_a_run_has_what_it_has_however_seldom_it_is_done():
    assert CLERK.a_run(lambda _, trace: trace.pauses, "file") == Figure(6.0, 0.0)
    assert CLERK.a_run(lambda _, trace: trace.pauses).value == pytest.approx(0.75 * 3 + 0.25 * 6)
    assert CLERK.shares == {"ask": 0.75, "file": 0.25}


def test_a_figure_is_off_only_outside_what_the_source_says():
    said = anchor("run_s", low=100.0, high=200.0)
    assert [off_by(said, Figure(value, 0.0)) for value in (90.0, 100.0, 150.0, 200.0, 220.0)] == pytest.approx(
        [-0.1, 0.0, 0.0, 0.0, 0.1]
    )
