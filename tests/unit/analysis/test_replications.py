"""Percentiles over independent runs: known answers, and when more runs are asked for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from harness.analysis.replications import FEWEST_RUNS, MOST_RUNS, NARROW_ENOUGH, replicate, replicate_rows

some_ms = st.lists(st.floats(1, 10_000), min_size=2, max_size=15)


@given(some_ms)
def test_mean_and_interval_are_those_of_a_t_test_on_the_logarithms(figures: list[float]) -> None:
    over = replicate(figures)
    logs = np.log(figures)
    assert over.mean_ms == pytest.approx(math.exp(logs.mean()))
    assert over.interval_ms is not None
    error = max(float(logs.std(ddof=1)), 1e-300) / math.sqrt(len(logs))
    wanted = t.interval(0.95, len(logs) - 1, loc=logs.mean(), scale=error)
    assert np.log(over.interval_ms) == pytest.approx(wanted, abs=1e-6)
    assert over.relative_half_width == pytest.approx(over.interval_ms[1] / over.mean_ms - 1, abs=1e-9, rel=1e-6)


@given(some_ms, st.floats(0.1, 10))
def test_an_interval_holds_the_mean_and_goes_along_with_the_unit(figures: list[float], factor: float) -> None:
    over, scaled = replicate(figures), replicate([figure * factor for figure in figures])
    assert over.mean_ms
    assert over.interval_ms
    assert over.interval_ms[0] <= over.mean_ms * (1 + 1e-9)
    assert over.mean_ms <= over.interval_ms[1] * (1 + 1e-9)
    assert scaled.interval_ms == pytest.approx([end * factor for end in over.interval_ms])
    assert scaled.relative_half_width == pytest.approx(over.relative_half_width, abs=1e-9, rel=1e-6)


@given(some_ms)
def test_as_many_more_runs_as_are_asked_for_would_do_and_one_fewer_would_not(figures: list[float]) -> None:
    over = replicate(figures)
    spread = float(np.log(figures).std(ddof=1))

    def narrow(runs: int) -> bool:
        half = float(t.ppf(0.975, runs - 1)) * spread / math.sqrt(runs)
        return runs >= FEWEST_RUNS and math.expm1(half) <= NARROW_ENOUGH

    assert over.narrow_enough == narrow(len(figures))
    if over.more_runs is None:
        assert not any(narrow(runs) for runs in range(len(figures), MOST_RUNS + 1))
    else:
        assert narrow(len(figures) + over.more_runs)
        assert over.more_runs == 0 or not narrow(len(figures) + over.more_runs - 1)


def test_few_runs_are_never_enough_however_close_they_lie() -> None:
    over = replicate([100.0, 100.01, 100.0])
    assert not over.narrow_enough
    assert over.more_runs == 2


def test_a_run_that_lacks_a_percentile_leaves_it_without_an_interval() -> None:
    over = replicate([100.0, 101.0, None, 99.0, 100.0])
    assert over.mean_ms == pytest.approx(100, rel=0.01)
    assert (over.interval_ms, over.narrow_enough, over.more_runs) == (None, False, None)
    assert replicate([None, math.inf, 0.0]).figures_ms == (None, None, None)
    assert replicate([]).mean_ms is None


def test_nineteen_of_twenty_intervals_over_five_runs_hold_the_truth() -> None:
    draws = np.random.default_rng(5)
    held = 0
    for _ in range(1000):
        interval = replicate(draws.lognormal(math.log(400), 0.2, 5).tolist()).interval_ms
        assert interval
        held += interval[0] <= 400 <= interval[1]
    assert 930 <= held <= 970


def test_a_row_that_a_run_has_not_counts_as_one_without_figures() -> None:
    def summary(p95_ms: float, *workflows: str) -> dict[str, dict[str, object]]:
        row = {"p50_ms": p95_ms / 3, "p95_ms": p95_ms, "p99_ms": None}
        return {"overall": row, "by_site": {"river": row}, "by_workflow": dict.fromkeys(workflows, row)}

    rows = replicate_rows([summary(300.0, "check-in"), summary(330.0, "check-in", "file-fax")])
    assert rows["overall"][""]["p95_ms"].figures_ms == (300.0, 330.0)
    assert rows["by_workflow"]["file-fax"]["p95_ms"].figures_ms == (None, 330.0)
    assert rows["by_workflow"]["file-fax"]["p95_ms"].interval_ms is None
    assert rows["by_site"]["river"]["p50_ms"].interval_ms is not None
    assert rows["by_site"]["river"]["p99_ms"].mean_ms is None
