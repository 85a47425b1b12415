"""What is accepted of an instrument, and what refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.calibration import Measured, Repetitions, Way, case_of
from harness.load.defects import PLANTED
from harness.verdict.calibration import DEFECTS, caught_by, judge_calibration

SOUND = Way(pairs=1000, least_ms=0.1, p50_ms=0.7, p99_ms=4.0, unanswered=0, unrecorded=0)
PASSED = [{"check": "cpu", "outcome": "pass"}, {"check": "littles-law", "outcome": "pass"}]
QUEUES, ASKED = 20, 1_100


def measured(seed: int, wrong=lambda latencies_ms: latencies_ms) -> Measured:
    """Twenty queues of one person and 50 ms of exponential service, as an engine sees them from 1 ms away."""
    draws = np.random.default_rng(seed)
    queues = [wrong(draws.exponential(50.0, ASKED) + 1.0) for _ in range(QUEUES)]
    case = case_of("alone")

    def repeated(quantity: str, share: float) -> Repetitions:
        without = [np.quantile(np.concatenate(queues[:at] + queues[at + 1 :]), share) for at in range(QUEUES)]
        return Repetitions(case, quantity, float(np.quantile(np.concatenate(queues), share)), np.array(without))

    return Measured((repeated("p50_ms", 0.5), repeated("p95_ms", 0.95), repeated("p99_ms", 0.99)), QUEUES, 0)


def refused(rows) -> set[str]:
    return {row.quantity for row in rows if not row.accepted}


def test_a_sound_instrument_is_refused_once_in_a_hundred_times():
    refusals = [refused(judge_calibration(measured(seed), SOUND, PASSED)) for seed in range(100)]
    assert sum(map(bool, refusals)) <= 4  # more than four of a hundred at 1% come once in three hundred times


@pytest.mark.parametrize(
    ("wrong", "rows"),
    [
        (lambda ms: np.maximum(0.0, ms - 20), {"p50_ms", "p95_ms", "p99_ms"}),
        (lambda ms: ms + 40, {"p50_ms", "p95_ms", "p99_ms"}),
        (lambda ms: ms[ms < 150], {"p95_ms", "p99_ms"}),
        (lambda ms: ms * 1.25, {"p50_ms", "p95_ms", "p99_ms"}),
    ],
    ids=["left out", "added", "slow ones dropped", "stretched"],
)
def test_an_instrument_that_is_wrong_is_refused_where_it_is(wrong, rows):
    assert rows <= refused(judge_calibration(measured(7, wrong), SOUND, PASSED))


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({"unrecorded": 1}, "without a pair"),
        ({"unanswered": 1}, "without a pair"),
        ({"pairs": 0}, "without a pair"),
        ({"least_ms": -3.0}, "way_least_ms"),
        ({"p50_ms": 5.1}, "way_p50_ms"),
        ({"p99_ms": 26.0}, "way_p99_ms"),
    ],
)
def test_the_witness_refuses_what_does_not_fit(change, row):
    rows = judge_calibration(measured(7), replace(SOUND, **change), PASSED)
    assert refused(rows) == {row}


def test_a_run_that_is_invalid_or_unchecked_is_refused():
    broken = [*PASSED, {"check": "slots", "outcome": "fail"}]
    rows = judge_calibration(measured(7), SOUND, broken)
    assert refused(rows) == {"failed"}
    assert "slots" in rows[-1].detail
    assert caught_by(rows, broken) == ["slots"]
    assert refused(judge_calibration(measured(7), SOUND, [])) == {"failed"}


def test_silent_queues_and_too_few_of_them_are_refused():
    assert refused(judge_calibration(replace(measured(7), silent=1), SOUND, PASSED)) == {"silent"}
    few = tuple(replace(each, without_one=each.without_one[:4]) for each in measured(7).repeated)
    rows = judge_calibration(replace(measured(7), repeated=few), SOUND, PASSED)
    assert {row.interval for row in rows if row.case == rows[0].case} == {None}
    assert refused(rows) == {"p50_ms", "p95_ms", "p99_ms"}


def test_every_defect_that_is_tried_can_be_planted():
    assert [defect.name for defect in DEFECTS] == list(PLANTED)
