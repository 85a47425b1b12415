"""What a mixed system adds to a summary: zones, kinds of sites, links, arrivals, work given up and done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.analysis import analyse
from harness.errors import JudgeError

Fabricate = Callable[..., Any]
SECTIONS = ("by_site", "by_time_zone", "by_template", "by_persona")


def linked(run: Any, site: str, added_ms: float) -> None:
    run.places[site] = {"link": "rural-dsl", "template": "satellite", "time_zone": "America/Denver"}
    run.samples.loc[run.at(site=site), "latency_ms"] += added_ms


def test_zones_and_kinds_of_sites_have_rows_like_a_sites_that_sum_to_the_whole(fabricate: Fabricate) -> None:
    run = fabricate()
    run.places = {"river": {"time_zone": "America/Denver"}, "lake": {"time_zone": "America/Denver"}}
    run.places["hill"] = {"template": "hospital"}
    summary = analyse(*run.write()).summary
    assert {zone: row["requests"] for zone, row in summary["by_time_zone"].items()} == {
        "America/Denver": 2000,
        "UTC": 3000,
    }
    assert {kind: row["requests"] for kind, row in summary["by_template"].items()} == {"clinic": 4000, "hospital": 1000}
    for section in SECTIONS:
        assert all(row.keys() == summary["by_site"]["river"].keys() for row in summary[section].values())
    heads = summary["concurrency"]
    assert heads["peak_clinicians_by_time_zone"] == {"America/Denver": 20, "UTC": 30}
    assert heads["peak_clinicians_by_template"] == {"clinic": 40, "hospital": 10}
    assert heads["peak_clinicians_by_persona"] == {"nurse": 25, "physician": 25}
    assert summary["workflows"]["by_template"]["hospital"] == summary["workflows"]["by_site"]["hill"]


def test_the_links_share_is_of_the_time_that_all_answers_took_together(fabricate: Fabricate) -> None:
    run = fabricate()
    linked(run, "river", 150.0)
    summary = analyse(*run.write()).summary
    own = run.samples[run.at(site="river")]
    row = summary["by_site"]["river"]
    assert row["link_share"] == pytest.approx(150.0 * len(own) / own["latency_ms"].sum())
    assert row["server_p95_ms"] == pytest.approx(own["server_ms"].quantile(0.95))
    assert row["p95_ms"] == pytest.approx(own["latency_ms"].quantile(0.95))
    assert summary["by_template"]["satellite"]["link_share"] == row["link_share"]
    assert summary["overall"]["link_share"] == pytest.approx(150.0 * len(own) / run.samples["latency_ms"].sum())


def test_without_a_link_there_is_no_share_of_it(fabricate: Fabricate) -> None:
    run = fabricate()
    linked(run, "river", 150.0)
    by_site = analyse(*run.write()).summary["by_site"]
    assert (by_site["lake"]["link_share"], by_site["lake"]["server_p95_ms"]) == (None, None)
    assert analyse(*fabricate().write()).summary["overall"]["link_share"] is None


def test_whoever_comes_by_himself_is_told_apart_and_timed_from_when_he_was_due(fabricate: Fabricate) -> None:
    run = fabricate()
    run.let_come("portal-patient", "river", 240, late_s=0.4)
    summary = analyse(*run.write()).summary
    row = summary["open"]["by_persona"]["portal-patient"]
    assert (row["expected"], row["begun"], row["ok"], row["sites"], row["requests"]) == (240, 240, 240, 1, 240)
    assert row["p95_ms"] == pytest.approx(500.0)
    assert row["start_lag_p50_ms"] == pytest.approx(400.0)
    assert summary["by_persona"]["portal-patient"]["requests"] == 240
    assert summary["concurrency"]["mean_visitors"] == pytest.approx(240 * 0.1 / 60)
    assert summary["concurrency"]["peak_visitors"] == 1
    assert analyse(*run.write()).timeline.query("site == ''")["visitors"].sum() == pytest.approx(24.0)


def test_a_process_of_which_nobody_came_has_a_row_all_the_same(fabricate: Fabricate) -> None:
    run = fabricate(requests=500)
    run.arrivals.append(
        {"site": "river", "persona": "walk-in", "worker": 0, "time_s": [0.0, 60.0], "per_s": [0.0, 0.1]}
    )
    row = analyse(*run.write()).summary["open"]["by_persona"]["walk-in"]
    assert (row["expected"], row["begun"], row["p50_ms"]) == (3.0, 0, None)


def test_a_hundredth_of_the_arrivals_needs_a_hundred_of_them(fabricate: Fabricate) -> None:
    few, many = fabricate(), fabricate()
    few.let_come("portal-patient", "river", 99, late_s=0.3)
    many.let_come("portal-patient", "river", 100, late_s=0.3)
    assert analyse(*few.write()).instrument.arrival_lag_p99_ms is None
    assert analyse(*many.write()).instrument.arrival_lag_p99_ms == pytest.approx(300.0)


def test_what_was_done_again_is_counted_and_is_nobodys_planned_mix(fabricate: Fabricate) -> None:
    run = fabricate()
    nurses = run.workflows.index[run.workflows["persona"] == "nurse"]
    run.workflows.loc[nurses[:100], "workflow"] = "medication-pass"
    run.workflows.loc[nurses[:100], "back_entry"] = True
    run.let_come("nurse", "river", 300)
    analysis = analyse(*run.write())
    assert analysis.summary["workflows"]["by_persona"]["nurse"]["back_entries"] == 100
    assert {mix.persona: mix.runs for mix in analysis.instrument.mixes}["nurse"] == len(nurses) - 100


def test_a_site_where_nobody_was_and_nothing_was_asked_has_a_row_of_nothing(fabricate: Fabricate) -> None:
    run = fabricate()
    river = (run.plan["site"] == "river").to_numpy()
    run.plan, run.duty = run.plan[~river], run.duty[~river]
    run.samples, run.workflows = (frame[frame["site"] != "river"] for frame in (run.samples, run.workflows))
    run.places["river"] = {"time_zone": "Asia/Kolkata", "template": "satellite"}
    summary = analyse(*run.write()).summary
    json.dumps(summary, allow_nan=False)
    for section, name in (("by_site", "river"), ("by_time_zone", "Asia/Kolkata"), ("by_template", "satellite")):
        assert (summary[section][name]["requests"], summary[section][name]["error_rate"]) == (0, None)
    assert summary["concurrency"]["peak_clinicians_by_site"]["river"] == 0


def test_giving_up_never_makes_waiting_look_shorter(fabricate: Fabricate, make_objective: Callable[..., Any]) -> None:
    def measured(given_up: int) -> Any:
        run = fabricate()
        run.objectives = (make_objective("waited", "network", "waited_p95_ms", 400.0),)
        slowest = run.workflows["waited_ms"].sort_values(ascending=False).index
        run.workflows.loc[slowest[:given_up], ["outcome", "waited_ms"]] = ["abandoned", 50.0]
        (measure,) = analyse(*run.write()).measures
        return measure

    nobody, few, many = measured(0), measured(60), measured(200)
    assert few.figure == pytest.approx(nobody.figure)
    assert (few.lost, few.samples, few.endless) == (60, nobody.samples, False)
    assert (many.figure, many.lost, many.endless) == (None, 200, True)
    assert many.beyond >= nobody.beyond


def test_a_sites_own_bound_stands_in_for_that_of_all_sites(
    fabricate: Fabricate, make_objective: Callable[..., Any]
) -> None:
    run = fabricate()
    run.objectives = (make_objective("site-p95", "each-site", "p95_ms", 1000.0),)
    run.places["river"] = {"bounds": {"site-p95": 50.0}}
    bounds = {
        measure.scope["site"]: (measure.objective.bound, measure.own_bound)
        for measure in analyse(*run.write()).measures
    }
    assert bounds["river"] == (50.0, True)
    assert set(bounds.values()) - {bounds["river"]} == {(1000.0, False)}


def test_a_lapse_is_told_by_its_logins_its_cut_work_and_its_idle_shifts(fabricate: Fabricate) -> None:
    run = fabricate()
    # Three logins within a second of the run, which is four minutes of the day, two of them within its first half.
    late = run.plan.index[:3]
    run.plan.loc[late, "start_s"] = [40.0, 40.2, 40.9]
    run.duty.loc[late, "started_s"] = run.plan.loc[late, "start_s"]
    run.workflows.loc[run.workflows["persona"] == "nurse", "outcome"] = "cut"
    run_dir, spec = run.write()
    figures = analyse(run_dir, spec.model_copy(update={"duration_s": 60.0})).summary["time_lapse"]
    assert figures["factor"] == 240.0
    assert (figures["logins"], figures["logins_busiest_minute"], figures["logins_busiest_minute_in_life"]) == (3, 3, 2)
    assert figures["cut_share"] == pytest.approx(0.5)
    assert figures["cut_share_by_persona"] == {"nurse": 1.0}
    assert (figures["shifts"], figures["shifts_without_a_finished_run"]) == (50, 25)
    assert figures["on_arrival_share"] == 0.0


def test_an_arrivals_file_that_lacks_its_rates_is_one_clear_error(fabricate: Fabricate) -> None:
    run_dir, spec = fabricate(requests=500).write()
    run_dir.arrivals.write_text('[{"site": "river", "persona": "walk-in"}]')
    with pytest.raises(JudgeError, match=r"arrivals\.json"):
        analyse(run_dir, spec)


def test_workflows_know_their_lane(fabricate: Fabricate) -> None:
    analysis = analyse(*fabricate().write())
    assert analysis.summary["by_workflow"]["find-history"]["lane"] == "documents"
    cell = analysis.site_lane.set_index(["site", "lane"]).loc[("river", "documents")]
    assert cell["requests"] > 0
    assert np.isfinite(cell["p95_ms"])
