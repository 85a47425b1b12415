import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.block_bootstrap import Stretch, effective_stretches, percentile_difference, stretches_of

LENGTH_S = 600.0


def independent(count: int, seed: int, median_ms: float = 100.0) -> Stretch:
    draws = np.random.default_rng(seed)
    return Stretch(np.sort(draws.uniform(0, LENGTH_S, count)), draws.lognormal(math.log(median_ms), 0.5, count))


@pytest.mark.parametrize(("length_s", "stretches"), [(20, 8), (120, 8), (300, 10), (600, 20), (14_400, 20)])
def test_stretches_are_thirty_seconds_at_least_and_eight_to_twenty(length_s: float, stretches: int) -> None:
    assert stretches_of(length_s) == stretches


@settings(max_examples=20)
@given(st.floats(0.3, 4), st.sampled_from([0.5, 0.95]))
def test_a_factor_on_every_latency_is_found_exactly_and_changes_no_certainty(factor: float, p: float) -> None:
    a, b = independent(4000, 1), independent(4000, 2)
    slowed = Stretch(b.start_s, b.values_ms * factor)
    before, after = percentile_difference(a, b, p, LENGTH_S), percentile_difference(a, slowed, p, LENGTH_S)
    assert before
    assert after
    assert after.estimate - before.estimate == pytest.approx(math.log(factor))
    assert after.high - after.low == pytest.approx(before.high - before.low, rel=1e-6)


def test_the_error_is_that_of_theory_where_requests_are_independent() -> None:
    # of a p95 of n: sqrt(p(1-p)/n) / (density · value), here of a lognormal; in both runs
    count, p, z, sigma = 20_000, 0.95, 1.6448536, 0.5
    density_at_log = math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / sigma
    theory = math.sqrt(2 * p * (1 - p) / count) / density_at_log
    errors = []
    for seed in range(10):
        found = percentile_difference(independent(count, seed), independent(count, 100 + seed), p, LENGTH_S)
        assert found
        errors.append((found.high - found.low) / 2 / 2.093)  # t of 19 degrees of freedom
    assert np.mean(errors) == pytest.approx(theory, rel=0.12)


def test_slow_minutes_widen_the_interval_and_those_that_both_runs_have_do_not() -> None:
    a, b = independent(8000, 3), independent(8000, 4)

    def with_slow_minutes(one: Stretch, offset_s: float) -> Stretch:
        slow = (one.start_s + offset_s) % 300 < 60
        return Stretch(one.start_s, one.values_ms * np.where(slow, 5.0, 1.0))

    def width(x: Stretch, y: Stretch) -> float:
        found = percentile_difference(x, y, 0.95, LENGTH_S)
        assert found
        return found.high - found.low

    together = width(with_slow_minutes(a, 0), with_slow_minutes(b, 0))
    apart = width(with_slow_minutes(a, 0), with_slow_minutes(b, 150))
    assert apart > 2 * together


def test_the_same_runs_give_the_same_answer_and_a_run_does_not_differ_from_itself() -> None:
    a, b = independent(2000, 5), independent(2000, 6)
    assert percentile_difference(a, b, 0.95, LENGTH_S) == percentile_difference(a, b, 0.95, LENGTH_S)
    itself = percentile_difference(a, a, 0.95, LENGTH_S)
    assert itself
    assert (itself.estimate, itself.p_value) == (0.0, 1.0)


def test_equal_latencies_have_a_percentile_without_an_error() -> None:
    start_s = np.linspace(0, 599, 500)
    found = percentile_difference(
        Stretch(start_s, np.full(500, 10.0)), Stretch(start_s, np.full(500, 12.0)), 0.95, LENGTH_S
    )
    assert found
    assert found.ratio == pytest.approx((1.2, 1.2, 1.2))
    assert found.p_value == 0.0


def test_work_of_a_single_minute_says_nothing_of_how_minutes_differ() -> None:
    a = independent(2000, 7)
    squeezed = Stretch(a.start_s / 10, a.values_ms)
    assert effective_stretches(squeezed.start_s, LENGTH_S) == pytest.approx(2.0, rel=0.05)
    assert percentile_difference(squeezed, squeezed, 0.95, LENGTH_S) is None
    assert effective_stretches(np.empty(0), LENGTH_S) == 0.0


def test_a_percentile_among_lost_work_has_no_ratio_and_some_lost_work_above_it_does_no_harm() -> None:
    a, b = independent(2000, 8), independent(2000, 9)

    def losing(share: float) -> Stretch:
        lost = np.random.default_rng(1).uniform(size=2000) < share
        return Stretch(b.start_s, np.where(lost, np.inf, b.values_ms))

    assert percentile_difference(a, losing(0.08), 0.95, LENGTH_S) is None
    found = percentile_difference(a, losing(0.01), 0.95, LENGTH_S)
    assert found
    assert math.isfinite(found.high - found.low)


def test_samples_before_and_after_the_planned_time_belong_to_its_ends() -> None:
    a = independent(1000, 10)
    shifted = Stretch(a.start_s * 1.02 - 3.0, a.values_ms)
    assert percentile_difference(a, shifted, 0.95, LENGTH_S) is not None
