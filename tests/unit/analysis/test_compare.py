from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.analysis.block_bootstrap import Stretch, stretches_of
from harness.analysis.compare import ComparedRow, compare_rows, regressions
from harness.analysis.run_rows import RowKey, RunRow, read_rows, row_of

LENGTH_S = 600.0
STRETCHES = stretches_of(LENGTH_S)


def a_row(seed: int, *, slower: float = 1.0, count: int = 2000, bad_each: float = 0.0) -> RunRow:
    draws = np.random.default_rng(seed)
    samples = Stretch(np.sort(draws.uniform(0, LENGTH_S, count)), slower * draws.lognormal(4.6, 0.5, count))
    return row_of(samples, np.full(STRETCHES, count / STRETCHES), np.full(STRETCHES, bad_each))


def sites(seed: int, count: int = 6, **of_first: float) -> dict[RowKey, RunRow]:
    """`count` sites; the first is as `of_first` says."""
    return {
        RowKey("site", f"site-{at}"): a_row(1000 * seed + at, **(of_first if at == 0 else {}))  # type: ignore[arg-type]
        for at in range(count)
    }


def outcomes(rows: list[ComparedRow]) -> list[str]:
    return [row.outcome for row in rows]


def test_of_six_sites_the_one_that_became_slower_is_named() -> None:
    rows = compare_rows([sites(1)], [sites(2, slower=1.4)], LENGTH_S)
    assert outcomes(rows) == ["slower"] + ["no difference seen"] * 5
    difference = rows[0].p95.difference
    assert difference
    assert difference.ratio[1] < 1.4 < difference.ratio[2]
    assert outcomes(compare_rows([sites(2, slower=1.4)], [sites(1)], LENGTH_S))[0] == "faster"


def test_a_row_that_is_alone_below_five_percent_among_many_is_not_called_different() -> None:
    a, b = sites(1, 40), sites(2, 40)
    rows = compare_rows([a], [b], LENGTH_S)
    raw = [row.p95.difference.p_value for row in rows if row.p95.difference]
    assert min(raw) < 0.05
    assert set(outcomes(rows)) == {"no difference seen"}


def test_groups_go_by_welch_on_the_logarithms_of_each_runs_percentile() -> None:
    a, b = [sites(seed) for seed in range(5)], [sites(10 + seed, slower=1.2) for seed in range(5)]
    first = compare_rows(a, b, LENGTH_S)[0]
    key = RowKey("site", "site-0")
    logs = [[np.log(np.quantile(run[key].samples.values_ms, 0.95)) for run in side] for side in (a, b)]
    oracle = stats.ttest_ind(logs[1], logs[0], equal_var=False)
    assert first.p95.difference
    assert first.p95.difference.p_value == pytest.approx(oracle.pvalue)
    assert first.p95.a == pytest.approx(np.exp(np.mean(logs[0])))
    assert first.outcome == "slower"
    assert first.samples == (10_000, 10_000)


def test_a_group_of_which_one_run_has_too_few_samples_is_not_judged_by_the_others() -> None:
    a, b = [sites(seed) for seed in range(3)], [sites(10 + seed) for seed in range(2)]
    few_at_first = {**sites(20), RowKey("site", "site-0"): a_row(7, count=60)}
    few = compare_rows(a, [*b, few_at_first], LENGTH_S)[0]
    assert few.outcome == "too few samples"
    assert few.p95.b is None
    assert few.p95.a is not None


def test_a_row_that_one_run_does_not_have_has_too_few_samples() -> None:
    a, b = sites(1), sites(2)
    del b[RowKey("site", "site-3")]
    row = next(row for row in compare_rows([a], [b], LENGTH_S) if row.key.name == "site-3")
    assert (row.outcome, row.samples, row.errors.difference) == ("too few samples", (2000, 0), None)


def test_one_run_against_several_is_no_comparison() -> None:
    with pytest.raises(ValueError, match="one each, or several each"):
        compare_rows([sites(1)], [sites(2), sites(3)], LENGTH_S)


def test_more_errors_are_a_regression_however_much_slower_a_row_may_become() -> None:
    rows = compare_rows([sites(1)], [sites(2, bad_each=10.0)], LENGTH_S)
    assert rows[0].errors_outcome == "more"
    assert [row.key.name for row in regressions(rows, 1.0)] == ["site-0"]
    fewer = compare_rows([sites(2, bad_each=10.0)], [sites(1)], LENGTH_S)
    assert fewer[0].errors_outcome == "fewer"
    assert regressions(fewer, 0.0) == []


def test_a_regression_is_slower_by_more_than_is_allowed_and_no_chance() -> None:
    rows = compare_rows([sites(1)], [sites(2, slower=1.4)], LENGTH_S)
    assert [row.key.name for row in regressions(rows, 0.0)] == ["site-0"]
    assert [row.key.name for row in regressions(rows, 0.2)] == ["site-0"]
    assert regressions(rows, 0.6) == []


def test_a_run_has_rows_of_the_network_sites_workflows_and_waiting(fabricate: Callable[..., Any]) -> None:
    run = fabricate(requests=10_000, length_s=120.0)
    run.samples.loc[run.at(site="lake").to_numpy().nonzero()[0][::4], "outcome"] = "http_error"
    run.workflows.loc[run.workflows["workflow"] == "vital-signs", "outcome"] = "abandoned"
    rows = read_rows(*run.write(), 120.0)
    assert [kind for kind, _ in rows] == ["network"] + ["site"] * 5 + ["workflow"] * 4 + ["waiting"] * 4
    network, lake = rows[RowKey("network", "")], rows[RowKey("site", "lake")]
    assert (network.total, network.bad) == (10_000, 500)
    assert (lake.total, lake.bad) == (2000, 500)
    assert network.p95_ms == pytest.approx(np.quantile(run.samples["latency_ms"], 0.95))
    assert np.all(np.diff(lake.samples.start_s) >= 0)
    lost = rows[RowKey("waiting", "vital-signs")]
    assert lost.bad == lost.total
    assert lost.p95_ms is None
    assert len(network.without_samples().samples.start_s) == 0
