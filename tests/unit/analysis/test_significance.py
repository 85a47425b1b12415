import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.analysis.significance import (
    benjamini_yekutieli,
    design_effect,
    share_difference,
    t_difference,
    welch,
)

VALUES = st.lists(st.floats(-5, 5).map(lambda value: round(value, 3)), min_size=2, max_size=9)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(VALUES, VALUES)
def test_welch_is_that_of_scipy(a: list[float], b: list[float]) -> None:
    if min(np.var(a), np.var(b)) < 1e-6:  # scipy warns there
        return
    found = welch(a, b)
    oracle = stats.ttest_ind(b, a, equal_var=False)
    interval = oracle.confidence_interval(0.95)
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-6)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-6)


def test_equal_runs_without_any_spread_do_not_differ_and_unequal_ones_do() -> None:
    assert welch([1.0, 1.0], [1.0, 1.0]).p_value == 1.0
    assert welch([1.0, 1.0], [1.5, 1.5]).p_value == 0.0


def test_one_run_does_not_say_how_much_runs_vary() -> None:
    with pytest.raises(ValueError, match="two of each"):
        welch([1.0], [1.0, 2.0])


@given(st.floats(-2, 2), st.floats(0.01, 1), st.floats(3, 40))
def test_an_interval_leaves_out_no_change_exactly_where_p_is_below_five_percent(
    estimate: float, error: float, freedom: float
) -> None:
    found = t_difference(estimate, error, freedom)
    ratio, low, high = found.ratio
    assert low < ratio < high
    if abs(found.p_value - 0.05) > 1e-6:
        assert (low > 1 or high < 1) == (found.p_value < 0.05)


@given(st.floats(-2, 2), st.floats(0.01, 1), st.floats(1.01, 3))
def test_a_less_certain_estimate_has_a_wider_interval(estimate: float, error: float, factor: float) -> None:
    narrow, wide = t_difference(estimate, error, 9), t_difference(estimate, error * factor, 9)
    assert wide.ratio[1] < narrow.ratio[1] < narrow.ratio[2] < wide.ratio[2]


def test_an_estimate_that_knows_nothing_has_no_end() -> None:
    assert t_difference(0.1, 1e6, 9).ratio[2] == math.inf


def test_benjamini_and_yekutieli_of_their_first_papers_example() -> None:
    # the 15 p-values of section 4.1 of Benjamini and Hochberg 1995; whatever hangs together, three are rejected of four
    p_values = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
        *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
    ]
    adjusted = benjamini_yekutieli(p_values)
    assert sum(value <= 0.05 for value in adjusted) == 3
    assert adjusted[:4] == pytest.approx([factor * 3.318229 for factor in (0.0015, 0.003, 0.0095, 0.035625)], rel=1e-5)


def test_adjusted_p_values_by_hand() -> None:
    # 0.01·4/1, 0.02·4/2, 0.03·4/3, 0.5·4/4, each no greater than the next, and 1 + 1/2 + 1/3 + 1/4 times as much
    assert benjamini_yekutieli([0.03, 0.5, 0.01, 0.02]) == pytest.approx([1 / 12, 1.0, 1 / 12, 1 / 12])
    assert benjamini_yekutieli([]) == []


@given(P_VALUES)
def test_adjusting_is_that_of_scipy_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = benjamini_yekutieli(p_values)
    assert adjusted == pytest.approx(list(stats.false_discovery_control(p_values, method="by")), abs=1e-12)
    assert all(after >= before - 1e-15 for before, after in zip(p_values, adjusted, strict=True))


def test_newcombe_of_his_own_example() -> None:
    # 56 of 70 against 48 of 80: method 10 of his table II gives 0.0524 to 0.3339
    found = share_difference((48, 80), (56, 70))
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.estimate == pytest.approx(0.2)


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_difference_of_shares_leaves_out_zero_exactly_where_p_is_below_five_percent(a: int, b: int) -> None:
    found = share_difference((a, 40), (b, 40))
    assert found.low <= found.estimate <= found.high
    if abs(found.p_value - 0.05) > 1e-6:
        assert (found.low > 0 or found.high < 0) == (found.p_value < 0.05)


def test_without_an_error_on_either_side_the_interval_still_has_a_width() -> None:
    found = share_difference((0, 300), (0, 300))
    assert found.p_value == 1.0
    assert found.low == pytest.approx(-0.0126, abs=1e-3)
    assert found.high == -found.low


def test_a_burst_of_errors_counts_for_far_fewer_than_errors_all_over_the_run() -> None:
    totals = np.full(20, 100.0)
    burst, spread = np.zeros(20), np.full(20, 5.0)
    burst[3] = 100.0
    assert design_effect(spread, totals) == 1.0
    assert design_effect(np.zeros(20), totals) == 1.0
    effect = design_effect(burst, totals)
    assert effect == pytest.approx(105.3, abs=0.1)  # 100 errors, worth less than one
    assert share_difference((0, 2000), (100, 2000), effect).p_value > 0.05
    assert share_difference((0, 2000), (100, 2000)).p_value < 1e-6
