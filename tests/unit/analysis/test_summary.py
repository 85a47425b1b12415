"""The summary of a fabricated run against the truth it was made from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from harness.analysis import analyse
from harness.errors import JudgeError

Fabricate = Callable[..., Any]


def test_a_summary_is_plain_json_with_every_section_of_the_contract(fabricate: Fabricate) -> None:
    summary = analyse(*fabricate().write()).summary
    json.dumps(summary, allow_nan=False)
    row = {"requests", "errors", "error_rate", "throughput_per_s", "max_ms"} | {
        f"p{p}_ms" for p in (50, 90, 95, 99, 999)
    }
    assert row <= summary["overall"].keys()
    for section in ("by_site", "by_workflow", "by_operation", "by_lane", "by_persona"):
        assert summary[section]
        assert all(row <= figures.keys() for figures in summary[section].values())
    assert {"peak_clinicians", "mean_in_flight", "peak_in_flight"} <= summary["concurrency"].keys()
    assert {"start_lag_p99_ms", "loop_lag_p99_ms", "cpu_max", "steal_max"} <= summary["generator"].keys()


def test_percentiles_are_those_of_the_samples(fabricate: Fabricate) -> None:
    run = fabricate(requests=20000)
    run_dir, spec = run.write()
    summary = analyse(run_dir, spec).summary
    wanted = duckdb.sql(
        f"SELECT quantile_cont(latency_ms, [0.5, 0.9, 0.95, 0.99, 0.999]) FROM '{run_dir.samples}'"
    ).fetchall()
    row = summary["overall"]
    assert [row[f"p{p}_ms"] for p in (50, 90, 95, 99, 999)] == pytest.approx(wanted[0][0])
    river = run.samples.loc[run.at(site="river"), "latency_ms"]
    assert summary["by_site"]["river"]["p95_ms"] == pytest.approx(np.quantile(river, 0.95))
    assert summary["by_site"]["river"]["max_ms"] == river.max()
    assert summary["by_site"]["river"]["requests"] == len(river)
    assert summary["by_site"]["river"]["throughput_per_s"] == pytest.approx(len(river) / 60)


def test_parts_sum_to_the_whole(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples.loc[run.samples.index[::17], ["outcome", "status"]] = ["http_error", 500]
    summary = analyse(*run.write()).summary
    for section in ("by_site", "by_workflow", "by_operation", "by_lane", "by_persona", "by_phase"):
        for figure in ("requests", "errors"):
            assert sum(row[figure] for row in summary[section].values()) == summary["overall"][figure]


def test_a_percentile_that_too_few_samples_carry_is_null(fabricate: Fabricate) -> None:
    summary = analyse(*fabricate(sites=["river"], requests=199).write()).summary
    assert summary["overall"]["p50_ms"] is not None
    assert summary["overall"]["p90_ms"] is not None
    assert summary["overall"]["p95_ms"] is None
    assert summary["overall"]["max_ms"] is not None


def test_two_hundred_samples_carry_a_p95(fabricate: Fabricate) -> None:
    summary = analyse(*fabricate(sites=["river"], requests=200).write()).summary
    assert summary["overall"]["p95_ms"] is not None
    assert summary["overall"]["p99_ms"] is None


def test_correlated_samples_carry_less_than_as_many_independent_ones(fabricate: Fabricate) -> None:
    run = fabricate(requests=2000)
    run.samples.loc[run.samples["start_s"].between(20, 24), "latency_ms"] += 5000
    assert analyse(*run.write()).summary["overall"]["p95_ms"] is None
    assert analyse(*fabricate(requests=2000).write()).summary["overall"]["p95_ms"] is not None


def test_refusals_that_a_workflow_reckons_with_and_cancelled_requests_are_no_errors(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples.loc[run.samples.index[:30], ["outcome", "status"]] = ["expected_refusal", 412]
    run.samples.loc[run.samples.index[30:50], ["outcome", "status"]] = ["cancelled", 0]
    run.samples.loc[run.samples.index[50:60], ["outcome", "status"]] = ["timeout", 0]
    overall = analyse(*run.write()).summary["overall"]
    assert (overall["expected_refusals"], overall["cancelled"], overall["errors"]) == (30, 20, 10)
    assert overall["outcomes"] == {"ok": 4940, "expected_refusal": 30, "cancelled": 20, "timeout": 10}
    assert overall["requests"] == 5000


def test_a_refused_connection_does_not_make_the_answers_look_fast(fabricate: Fabricate) -> None:
    run = fabricate()
    refused = run.samples.index[::2]
    answered = run.samples.drop(refused)["latency_ms"]
    run.samples.loc[refused, ["outcome", "status", "latency_ms"]] = ["connection", 0, 0.5]
    overall = analyse(*run.write()).summary["overall"]
    assert overall["p50_ms"] == pytest.approx(answered.median())
    assert overall["timed"] == len(answered)


def test_open_work_is_late_from_when_it_was_due_and_only_in_its_first_request(fabricate: Fabricate) -> None:
    run = fabricate(sites=["river"], requests=2000, median_ms=100)
    run.samples[["open", "latency_ms"]] = [True, 100.0]
    run.samples["intended_s"] = run.samples["start_s"] - 0.4
    overall = analyse(*run.write()).summary["overall"]
    assert overall["max_ms"] == pytest.approx(500.0)
    # Two requests a workflow run: half of them are first ones.
    assert overall["p50_ms"] == pytest.approx(300.0)


def test_retries_are_counted(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples.loc[run.samples.index[:7], "attempt"] = 2
    assert analyse(*run.write()).summary["overall"]["retries"] == 7


def test_workflows_are_counted_by_outcome_and_who_was_failed_waited_for_ever(fabricate: Fabricate) -> None:
    run = fabricate()
    history = run.workflows.index[run.workflows["workflow"] == "find-history"]
    run.workflows.loc[history[:5], ["outcome", "waited_ms"]] = ["failed", 1.0]
    run.workflows.loc[history[5:8], "outcome"] = "cut"
    run.workflows.loc[history[8:9], "outcome"] = "skipped"
    summary = analyse(*run.write()).summary["workflows"]
    row = summary["by_workflow"]["find-history"]
    assert [row[outcome] for outcome in ("ok", "failed", "cut", "abandoned", "skipped")] == [
        len(history) - 9,
        5,
        3,
        0,
        1,
    ]
    ended = run.workflows.loc[[*history[:5], *history[9:]], "waited_ms"].where(lambda waited: waited > 1.0, 1e9)
    assert row["waited_p95_ms"] == pytest.approx(ended.quantile(0.95))
    assert row["lost"] == 5
    assert summary["overall"]["failed"] == 5
    assert sum(site["ok"] for site in summary["by_site"].values()) == summary["overall"]["ok"]


def test_concurrency_is_what_the_plan_and_the_samples_say(fabricate: Fabricate) -> None:
    run = fabricate()
    concurrency = analyse(*run.write()).summary["concurrency"]
    assert concurrency["peak_clinicians"] == concurrency["peak_clinicians_planned"] == 50
    assert concurrency["mean_in_flight"] == pytest.approx(run.samples["latency_ms"].sum() / 1000 / 60)
    assert concurrency["peak_in_flight"] == _peak(run.samples)


def _peak(samples: pd.DataFrame) -> int:
    starts = [(start_s, 1) for start_s in samples["start_s"]]
    ends = [(start_s, -1) for start_s in samples["start_s"] + samples["latency_ms"] / 1000]
    open_now = peak = 0
    for _, change in sorted(starts + ends):
        open_now += change
        peak = max(peak, open_now)
    return peak


def test_a_run_without_a_single_request_has_figures_that_say_so(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples, run.workflows = run.samples.iloc[:0], run.workflows.iloc[:0]
    analysis = analyse(*run.write())
    json.dumps(analysis.summary, allow_nan=False)
    assert analysis.summary["overall"]["requests"] == 0
    assert analysis.summary["overall"]["error_rate"] is None
    assert analysis.summary["concurrency"]["peak_in_flight"] == 0


def test_a_run_cut_short_lasts_up_to_its_last_sign_of_life(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples = run.samples[run.samples["start_s"] < 20]
    run.health_edit = lambda frame: frame[frame["time_s"] <= 21]
    run.manifest["state"] = "aborted"
    summary = analyse(*run.write()).summary
    assert 20 <= summary["load_s"] <= 21
    assert summary["planned_s"] == 60


@pytest.mark.parametrize("name", ["samples", "workflows", "duty", "health", "plan", "expected"])
@pytest.mark.parametrize("damage", ["missing", "torn"])
def test_a_damaged_folder_is_one_clear_error(fabricate: Fabricate, name: str, damage: str) -> None:
    run_dir, spec = fabricate(requests=500).write()
    path = getattr(run_dir, name)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(JudgeError, match=path.name):
        analyse(run_dir, spec)


def test_a_file_of_another_format_is_refused(fabricate: Fabricate) -> None:
    import pyarrow.parquet as pq

    run_dir, spec = fabricate(requests=500).write()
    table = pq.read_table(run_dir.samples)
    pq.write_table(table.replace_schema_metadata({"format_version": "99"}), run_dir.samples)
    with pytest.raises(JudgeError, match="format 99"):
        analyse(run_dir, spec)


def test_a_lacking_column_is_named(fabricate: Fabricate) -> None:
    import pyarrow.parquet as pq

    run_dir, spec = fabricate(requests=500).write()
    table = pq.read_table(run_dir.health)
    pq.write_table(table.drop_columns(["cpu"]), run_dir.health)
    with pytest.raises(JudgeError, match="cpu"):
        analyse(run_dir, spec)


def test_an_expectation_without_its_length_is_an_error(fabricate: Fabricate) -> None:
    run_dir, spec = fabricate(requests=500).write()
    run_dir.expected.write_text('{"by_workflow": [], "objectives": []}')
    with pytest.raises(JudgeError, match="length_s"):
        analyse(run_dir, spec)


def test_numbers_that_cannot_be_read_are_an_error_of_the_judge(fabricate: Fabricate) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    run_dir, spec = fabricate(requests=500).write()
    table = pq.read_table(run_dir.health)
    words = pa.array(["many"] * len(table))
    pq.write_table(table.set_column(table.schema.get_field_index("cpu"), "cpu", words), run_dir.health)
    with pytest.raises(JudgeError, match="could not be analysed"):
        analyse(run_dir, spec)


def test_figures_hold_what_the_checks_look_at(fabricate: Fabricate) -> None:
    figures = analyse(*fabricate(requests=500).write()).figures
    assert figures["slots_planned"] == 50
    assert figures["workers"][0]["started"] == figures["workers"][0]["rows"]


def test_work_that_the_plan_does_not_know_is_another_mix(fabricate: Fabricate) -> None:
    run = fabricate()
    run.expected["by_workflow"] = [cell for cell in run.expected["by_workflow"] if cell["persona"] == "nurse"]
    mixes = {mix.persona: mix for mix in analyse(*run.write()).instrument.mixes}
    assert (mixes["physician"].p_value, mixes["physician"].distance) == (0.0, 1.0)
    assert mixes["nurse"].p_value == 1.0


def test_rare_workflows_are_pooled_before_they_are_tested(fabricate: Fabricate) -> None:
    run = fabricate()
    # Two runs of something the plan expects once: nothing to wonder about.
    run.expected["by_workflow"] += [
        {"site": "river", "persona": "nurse", "workflow": name, "runs": 1.0} for name in ("rare", "rarer")
    ]
    run.workflows.loc[run.workflows.index[run.workflows["persona"] == "nurse"][:2], "workflow"] = "rare"
    mixes = {mix.persona: mix for mix in analyse(*run.write()).instrument.mixes}
    assert mixes["nurse"].p_value > 0.01


def test_an_objective_over_workflows_has_no_operations(
    fabricate: Fabricate, make_objective: Callable[..., Any]
) -> None:
    run = fabricate(requests=500)
    run.objectives = (
        make_objective("waited", "each-operation", "waited_p95_ms", 1000.0),
        make_objective("failed", "each-operation", "failed_workflow_rate", 0.01),
        make_objective("failed-runs", "each-persona", "failed_workflow_rate", 0.01),
    )
    run_dir, spec = run.write()
    expected = json.loads(run_dir.expected.read_bytes())
    run_dir.expected.write_text(json.dumps({**expected, "objectives": []}))
    assert [dict(measure.scope) for measure in analyse(run_dir, spec).measures] == [
        {"persona": "nurse"},
        {"persona": "physician"},
    ]


def test_every_row_says_how_sure_each_percentile_is_and_the_level_is_said_once(fabricate: Fabricate) -> None:
    run = fabricate(requests=20000)
    summary = analyse(*run.write()).summary
    assert summary["interval_level"] == 0.90
    rows = [summary["overall"], *(row for name in ("site", "workflow") for row in summary[f"by_{name}"].values())]
    found = [(row, "p95_ms") for row in rows]
    found += [(row, "waited_p95_ms") for row in summary["workflows"]["by_workflow"].values()]
    for row, name in found:
        low, high = row["intervals"][name]
        assert low < row[name] < high
        assert row["effective_samples"][name] >= 200


def test_what_came_by_itself_has_intervals_too(fabricate: Fabricate) -> None:
    run = fabricate()
    run.let_come("portal-patient", "river", 300)
    (row,) = analyse(*run.write()).summary["open"]["by_persona"].values()
    assert row["intervals"]["p95_ms"] == pytest.approx([101.0, 101.0])
    assert row["effective_samples"]["p95_ms"] == 300


def test_where_sites_have_links_the_servers_part_has_intervals_too(fabricate: Fabricate) -> None:
    run = fabricate()
    run.places["river"] = {"link": "rural-dsl"}
    summary = analyse(*run.write()).summary
    row = summary["by_site"]["river"]
    assert (
        {"p50_ms", "p95_ms", "server_p50_ms", "server_p95_ms"} <= set(row["intervals"]) == set(row["effective_samples"])
    )
