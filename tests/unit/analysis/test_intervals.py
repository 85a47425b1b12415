"""Percentiles with their intervals: what they hold whatever the samples."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from harness.analysis.intervals import correlation_factor, percentile, quantile, quantile_interval
from harness.analysis.latencies import PERCENTILES, named_percentiles

times = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=300).map(lambda values: np.sort(np.array(values)))
shares = st.sampled_from([0.5, 0.9, 0.95, 0.99])


@given(times, st.floats(0, 1))
def test_a_quantile_of_ascending_values_is_numpys(ordered: Any, p: float) -> None:
    assert quantile(ordered, p) == pytest.approx(float(np.quantile(ordered, p)), rel=1e-12)


def test_a_quantile_next_to_an_infinite_value_is_infinite_and_one_at_a_finite_value_is_not() -> None:
    ordered = np.array([1.0, 2.0, math.inf, math.inf])
    assert [quantile(ordered, p) for p in (0.0, 1 / 3, 0.5, 0.9, 1.0)] == [1.0, 2.0, math.inf, math.inf, math.inf]
    with pytest.raises(IndexError):
        quantile(np.empty(0), 0.5)


@given(times, shares, st.floats(1, 1e6), st.floats(1.01, 100))
def test_an_interval_holds_its_figure_and_more_effective_samples_make_it_no_wider(
    ordered: Any, p: float, effective: float, factor: float
) -> None:
    figure = quantile(ordered, p)
    low, high = quantile_interval(ordered, p, effective)
    assert low is None or low <= figure
    assert high is None or figure <= high
    closer_low, closer_high = quantile_interval(ordered, p, effective * factor)
    assert low is None or (closer_low is not None and low <= closer_low)
    assert high is None or (closer_high is not None and closer_high <= high)


@given(times, shares, st.floats(10, 1e6))
def test_a_higher_level_is_never_narrower(ordered: Any, p: float, effective: float) -> None:
    low, high = quantile_interval(ordered, p, effective, level=0.90)
    wide_low, wide_high = quantile_interval(ordered, p, effective, level=0.95)
    assert wide_low is None or (low is not None and wide_low <= low)
    assert wide_high is None or (high is not None and high <= wide_high)


def test_an_interval_is_the_quantiles_at_t_standard_errors_on_either_side() -> None:
    ordered = norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    half = float(t.ppf(0.95, 39)) * math.sqrt(0.95 * 0.05 / 1000)
    low, high = quantile_interval(ordered, 0.95, 1000)
    assert low == pytest.approx(norm.ppf(0.95 - half), abs=1e-3)
    assert high == pytest.approx(norm.ppf(0.95 + half), abs=1e-3)


def test_samples_that_hang_together_make_the_interval_wider_and_at_last_unprinted() -> None:
    draws = np.random.default_rng(3)
    widths = []
    for run in (1, 5, 50):
        values = np.repeat(draws.exponential(100, 8000 // run), run)
        found = percentile(values, np.sort(values), 0.95)
        assert found.effective_samples == len(values) / correlation_factor(values <= np.quantile(values, 0.95))
        assert (found.figure is None) == (found.effective_samples < 200)
        low, high = found.interval
        widths.append(high - low if low and high else math.inf)
    assert widths[0] < widths[1] < widths[2] == math.inf


def test_where_slow_stretches_outlast_a_batch_the_interval_counts_on_fewer_samples_than_printing_does() -> None:
    draws = np.random.default_rng(4)
    times_ms = draws.exponential(100, 20_000)
    times_ms[4000:5000] *= 20
    slow = percentile(times_ms, np.sort(times_ms), 0.5)
    assert slow.interval_samples < 0.7 * slow.effective_samples
    low, high = quantile_interval(np.sort(times_ms), 0.5, slow.interval_samples)
    assert slow.interval == (low, high)
    few = percentile(times_ms[:399], np.sort(times_ms[:399]), 0.5)
    assert few.interval_samples == few.effective_samples == 399


def test_a_percentile_among_infinite_values_has_no_figure_and_says_why() -> None:
    values = np.concatenate((np.full(900, 100.0), np.full(100, math.inf)))
    np.random.default_rng(1).shuffle(values)
    found = percentile(values, np.sort(values), 0.95)
    assert found.figure is None
    assert found.endless
    assert found.interval == (None, None)


def test_a_row_names_interval_and_effective_samples_of_each_percentile() -> None:
    row = named_percentiles(np.random.default_rng(1).exponential(100, 1000), PERCENTILES)
    assert set(row["intervals"]) == set(row["effective_samples"]) == set(PERCENTILES)
    low, high = row["intervals"]["p95_ms"]
    assert low < row["p95_ms"] < high
    assert row["p999_ms"] is None
    assert row["intervals"]["p999_ms"] == [None, None]
    assert row["effective_samples"]["p999_ms"] is None
    assert row["effective_samples"]["p95_ms"] <= 1000


def test_a_row_without_values_has_every_name_and_knows_nothing() -> None:
    row = named_percentiles(np.empty(0), {"p50_ms": 0.5})
    assert row == {"p50_ms": None, "intervals": {"p50_ms": [None, None]}, "effective_samples": {"p50_ms": None}}
