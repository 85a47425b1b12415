"""The run over time: bins, heads on duty, and curves that leave out what too few requests carry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.analysis import analyse
from harness.analysis.timeline import bin_edges

Fabricate = Callable[..., Any]


def test_a_timeline_counts_every_request_and_error_once_for_the_network_and_once_for_its_site(
    fabricate: Fabricate,
) -> None:
    run = fabricate()
    run.samples.loc[run.samples.index[::20], ["outcome", "status"]] = ["http_error", 500]
    timeline = analyse(*run.write()).timeline
    width_s = 1.0
    network, sites = timeline[timeline["site"] == ""], timeline[timeline["site"] != ""]
    for rows in (network, sites):
        assert (rows["requests_per_s"] * width_s).sum() == pytest.approx(5000)
        assert rows["errors"].sum() == 250
    assert (network["in_flight"] * width_s).sum() == pytest.approx(sites["in_flight"].sum())
    assert set(sites["site"]) == set(run.sites)


def test_a_point_is_drawn_from_two_samples_beyond_its_percentile(fabricate: Fabricate) -> None:
    timeline = analyse(*fabricate().write()).timeline
    # The last second is empty: whoever starts then could not finish in time.
    timeline = timeline[timeline["time_s"] < 59]
    network = timeline[timeline["site"] == ""]
    # 83 requests a second carry a drawn p95 (40) and no p99 (200); 17 of one site carry neither.
    assert network["p95_ms"].notna().all()
    assert network["p99_ms"].isna().all()
    assert timeline.loc[timeline["site"] == "river", "p50_ms"].notna().all()
    assert timeline.loc[timeline["site"] == "river", "p95_ms"].isna().all()


def test_heads_on_duty_follow_plan_and_work(fabricate: Fabricate) -> None:
    run = fabricate()
    river = run.plan["site"] == "river"
    run.plan.loc[river, "start_s"] = 30.0
    run.duty.loc[river.to_numpy(), "started_s"] = 31.0
    timeline = analyse(*run.write()).timeline
    rows = timeline[timeline["site"] == "river"].set_index("time_s")
    assert rows.loc[29.0, ["on_duty_planned", "on_duty"]].tolist() == [0, 0]
    assert rows.loc[30.0, ["on_duty_planned", "on_duty"]].tolist() == [10, 0]
    assert rows.loc[31.0, ["on_duty_planned", "on_duty"]].tolist() == [10, 10]


def test_who_stays_to_finish_a_step_is_not_counted_beside_who_relieves_her(fabricate: Fabricate) -> None:
    run = fabricate(sites=["river"], heads=2)
    run.plan.loc[0, "end_s"] = 30.0
    run.plan.loc[1, "start_s"] = 30.0
    run.duty.loc[0, "ended_s"] = 35.0
    run.duty.loc[1, "started_s"] = 30.0
    concurrency = analyse(*run.write()).summary["concurrency"]
    assert concurrency["peak_clinicians"] == 1


def test_a_slot_that_nobody_worked_is_planned_and_not_on_duty(fabricate: Fabricate) -> None:
    run = fabricate(sites=["river"])
    run.duty = run.duty.iloc[1:]
    timeline = analyse(*run.write()).timeline
    assert timeline["on_duty_planned"].max() == 10
    assert timeline["on_duty"].max() == pytest.approx(9)


@pytest.mark.parametrize(
    ("load_s", "requests", "bins", "width_s"),
    [(60, 5000, 60, 1), (60, 200, 12, 5), (240, 60_000, 240, 1), (14_400, 1_000_000, 240, 60), (7.5, 10, 8, 1)],
)
def test_bins_are_round_few_and_cover_the_run(load_s: float, requests: int, bins: int, width_s: float) -> None:
    edges = bin_edges(load_s, requests)
    assert (edges[0], edges[-1]) == (0, load_s)
    assert len(edges) - 1 == bins
    assert edges[1] - edges[0] == width_s
    assert (np.diff(edges) > 0).all()


def test_latency_against_concurrency_is_the_networks(fabricate: Fabricate) -> None:
    analysis = analyse(*fabricate().write())
    network = analysis.timeline[analysis.timeline["site"] == ""].reset_index(drop=True)
    assert list(analysis.concurrency.columns) == ["time_s", "on_duty", "in_flight", "requests_per_s", "p95_ms"]
    assert analysis.concurrency["in_flight"].equals(network["in_flight"])


def test_the_heat_map_holds_each_site_and_workflow(fabricate: Fabricate) -> None:
    run = fabricate()
    cell = analyse(*run.write()).site_workflow.set_index(["site", "workflow"]).loc[("river", "find-history")]
    own = run.samples.loc[run.at(site="river", workflow="find-history"), "latency_ms"]
    assert cell["requests"] == len(own)
    assert cell["p95_ms"] == pytest.approx(own.quantile(0.95))


def test_nothing_is_written_and_no_file_is_left_behind(fabricate: Fabricate) -> None:
    run_dir, spec = fabricate(requests=500).write()
    before = sorted(path.name for path in run_dir.path.iterdir())
    analyse(run_dir, spec)
    assert sorted(path.name for path in run_dir.path.iterdir()) == before
