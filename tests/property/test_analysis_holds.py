"""What holds for every run: of intervals, percentiles, occupancy, and of a verdict when things get worse."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from harness.analysis import Measure, analyse
from harness.analysis.intervals import correlation_factor, enough_samples, printable, quantile_interval, share_interval
from harness.analysis.latencies import PERCENTILES, percentile_row
from harness.analysis.occupancy import mean_open, peak_open
from harness.scenario.model import Objective
from harness.verdict.judge import judge
from harness.verdict.objective import judge_objective

latencies = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=400).map(np.array)
spans = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 30)), max_size=40)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_of_a_share_holds_the_share_and_is_clopper_and_pearsons(counts: tuple[int, int]) -> None:
    hits, samples = counts
    low, high = share_interval(hits, samples)
    assert 0 <= low <= hits / samples <= high <= 1
    if hits:
        assert low == pytest.approx(beta.ppf(0.05, hits, samples - hits + 1), abs=1e-9)
        # Were the share as low as the lower end, so many hits would come up in 1 run of 20 only.
        assert binom.sf(hits - 1, samples, low) == pytest.approx(0.05, rel=1e-3)
    if hits < samples:
        assert high == pytest.approx(beta.ppf(0.95, hits + 1, samples - hits), abs=1e-9)
        assert binom.cdf(hits, samples, high) == pytest.approx(0.05, rel=1e-3)


@given(st.integers(0, 300), st.integers(1, 300), st.floats(1, 50))
def test_fewer_effective_samples_never_make_an_interval_narrower(hits: int, misses: int, factor: float) -> None:
    low, high = share_interval(hits, hits + misses)
    wide_low, wide_high = share_interval(hits / factor, (hits + misses) / factor)
    assert wide_low <= low + 1e-9
    assert wide_high >= high - 1e-9


def test_fifty_nine_without_a_hit_are_below_five_percent_and_fifty_eight_are_not() -> None:
    assert share_interval(0, 59)[1] < 0.05 < share_interval(0, 58)[1]
    assert share_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="hits"):
        share_interval(3, 2)


@given(latencies)
def test_percentiles_are_numpys_and_duckdbs(values: Any) -> None:
    row = percentile_row(values)
    duck = duckdb.execute("SELECT quantile_cont(x, 0.5) FROM (SELECT unnest($1) AS x)", [values.tolist()]).fetchall()
    assert row["p50_ms"] is None or row["p50_ms"] == pytest.approx(duck[0][0])
    for key, p in PERCENTILES.items():
        if len(values) < enough_samples(p):
            assert row[key] is None
        elif row[key] is not None:
            assert row[key] == pytest.approx(np.quantile(values, p))
    assert row["max_ms"] == values.max()


@given(st.lists(st.booleans(), max_size=399))
def test_few_samples_count_as_independent(indicator: list[bool]) -> None:
    assert correlation_factor(np.array(indicator, dtype=bool)) == 1.0


@given(st.integers(400, 3000), st.integers(1, 50), st.integers(0, 2**32))
def test_a_correlation_factor_is_at_least_one_and_at_most_a_batch(samples: int, run: int, seed: int) -> None:
    blocks = np.random.default_rng(seed).random(samples // run + 1) < 0.1
    factor = correlation_factor(np.repeat(blocks, run)[:samples])
    assert 1.0 <= factor <= (samples // 40) * 40 / 39 + 1e-9


def test_samples_in_blocks_of_ten_are_worth_a_tenth() -> None:
    draws = np.random.default_rng(1)
    factors = [correlation_factor(np.repeat(draws.random(4000) < 0.1, 10)) for _ in range(30)]
    assert np.mean(factors) == pytest.approx(10, rel=0.15)
    independent = [correlation_factor(draws.random(40000) < 0.1) for _ in range(30)]
    assert np.mean(independent) < 1.3


def test_nine_of_ten_intervals_of_a_correlated_p95_hold_the_truth() -> None:
    draws = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        values = np.repeat(draws.exponential(100, 2000), 4) * draws.uniform(0.999, 1.001, 8000)
        figure = np.quantile(values, 0.95)
        low, high = quantile_interval(np.sort(values), 0.95, len(values) / correlation_factor(values <= figure))
        assert low is not None
        assert high is not None
        held += low <= 100 * np.log(20) <= high
    assert 170 <= held <= 195


def test_an_end_that_the_sample_cannot_tell_is_left_open() -> None:
    values = np.arange(30.0)
    assert quantile_interval(values, 0.95, 30.0)[1] is None
    assert quantile_interval(values, 0.5, 30.0)[1] is not None
    assert quantile_interval(np.empty(0), 0.5, 0.0) == (None, None)


@pytest.mark.parametrize(("p", "samples"), [(0.5, 20), (0.9, 100), (0.95, 200), (0.99, 1000), (0.999, 10_000)])
def test_a_percentile_is_printed_from_ten_samples_beyond_it(p: float, samples: int) -> None:
    assert printable(p, samples)
    assert not printable(p, samples - 1)


@given(spans)
def test_occupancy_is_what_counting_second_by_second_gives(found: list[tuple[int, int]]) -> None:
    starts = np.array([start for start, _ in found], dtype=float)
    ends = starts + np.array([length for _, length in found], dtype=float)
    edges = np.arange(0.0, 121.0)
    counted = [sum(start <= second < end for start, end in zip(starts, ends, strict=True)) for second in range(120)]
    assert mean_open(starts, ends, edges) == pytest.approx(np.array(counted))
    assert peak_open(starts, ends) == max(counted, default=0)


def _measure(metric: str, bound: float, samples: int, beyond: int, figure: float | None) -> Measure:
    values = {"id": "it", "scope": "network", "metric": metric, "bound": bound, "required": True, "source": "a test"}
    interval = share_interval(beyond, samples)
    return Measure(
        Objective.model_validate(values), {}, samples, float(samples), figure, (None, None), beyond, interval
    )


RANK = {"pass": 0, "insufficient": 1, "fail": 2}


@given(st.integers(1, 20_000), st.data(), st.sampled_from([0.0, 0.001, 0.01, 0.1]))
def test_one_more_error_never_makes_a_rate_look_better(samples: int, data: st.DataObject, bound: float) -> None:
    errors = data.draw(st.integers(0, samples - 1))
    worse = data.draw(st.integers(errors, samples))
    outcomes = [_judged(_measure("error_rate", bound, samples, count, count / samples)) for count in (errors, worse)]
    assert RANK[outcomes[0]] <= RANK[outcomes[1]]


@given(st.integers(1, 199), st.data())
def test_one_more_slow_answer_never_makes_a_short_run_look_better(samples: int, data: st.DataObject) -> None:
    slow = data.draw(st.integers(0, samples))
    slower = data.draw(st.integers(slow, samples))
    outcomes = [_judged(_measure("p95_ms", 1000.0, samples, count, None)) for count in (slow, slower)]
    assert RANK[outcomes[0]] <= RANK[outcomes[1]]


def _judged(measure: Measure) -> str:
    no_lag: Any = type("Idle", (), {"loop_lag_max_ms": 0.0, "start_lag_p99_ms": 0.0})()
    return judge_objective(measure, True, no_lag, 5.0, unsent=0).outcome


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from(["http_error", "connection", "timeout", "content"]))
def test_more_errors_never_turn_a_fail_into_a_pass(
    fabricate: Callable[..., Any], errors: int, more: int, outcome: str
) -> None:
    verdicts = []
    for count in (errors, errors + more):
        run = fabricate(sites=["river", "lake"], requests=2000)
        run.samples.loc[run.samples.index[:count], ["outcome", "status"]] = [outcome, 0]
        run_dir, spec = run.write()
        required = json.loads(run_dir.expected.read_bytes())["objectives"]
        verdicts.append(judge(analyse(run_dir, spec), spec, run.manifest, required)["verdict"])
    order = {"pass": 0, "invalid": 1, "fail": 2}
    assert order[verdicts[0]] <= order[verdicts[1]]
