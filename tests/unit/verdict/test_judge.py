"""Planted trouble in fabricated runs, and the verdict that must come of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.analysis import analyse
from harness.errors import JudgeError
from harness.verdict.finding import FINDERS
from harness.verdict.guidance import next_steps
from harness.verdict.headline import headline
from harness.verdict.judge import judge

Fabricate = Callable[..., Any]


def verdict_of(run: Any) -> dict[str, Any]:
    run_dir, spec = run.write()
    analysis = analyse(run_dir, spec)
    required = json.loads(run_dir.expected.read_bytes())["objectives"]
    verdict = judge(analysis, spec, run_dir.read_manifest(), required)
    json.dumps(verdict, allow_nan=False)
    assert {finding["kind"] for finding in verdict["findings"]} <= set(FINDERS)
    assert headline(verdict, analysis.summary)
    assert all(next_steps(verdict, analysis.summary, run_dir.read_manifest()))
    verdict["headline"] = headline(verdict, analysis.summary)
    return verdict


def kinds(verdict: dict[str, Any]) -> list[str]:
    return [finding["kind"] for finding in verdict["findings"]]


def failed_checks(verdict: dict[str, Any]) -> list[str]:
    return [check["check"] for check in verdict["validity"] if check["outcome"] == "fail"]


def test_a_healthy_run_passes_and_nothing_is_found(fabricate: Fabricate) -> None:
    verdict = verdict_of(fabricate())
    assert (verdict["verdict"], verdict["exit_code"]) == ("pass", 0)
    assert verdict["findings"] == []
    assert failed_checks(verdict) == []
    assert {each["outcome"] for each in verdict["objectives"]} == {"pass"}
    assert verdict["headline"] == "5 sites with 50 clinicians at once kept every required objective"


def test_a_slow_site_is_named_and_the_others_are_not(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples.loc[run.at(site="river"), "latency_ms"] += 1200
    verdict = verdict_of(run)
    assert (verdict["verdict"], verdict["exit_code"]) == ("fail", 1)
    # The network's p95 suffers too; still only the site is named.
    network = next(each for each in verdict["objectives"] if each["id"] == "network-p95")
    assert network["outcome"] == "fail"
    assert [(each["kind"], each["scope"]) for each in verdict["findings"]] == [("slow-site", {"site": "river"})]
    assert verdict["headline"] == "1 of 5 sites misses its objective"
    assert "river" in verdict["findings"][0]["sentence"]


def test_a_site_that_stands_out_is_found_even_within_its_bound(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples.loc[run.at(site="hill"), "latency_ms"] += 400
    verdict = verdict_of(run)
    assert verdict["verdict"] == "pass"
    assert [(each["kind"], each["scope"]) for each in verdict["findings"]] == [("slow-site", {"site": "hill"})]


def test_a_server_that_is_slow_for_everybody_is_not_blamed_on_sites(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples["latency_ms"] += 1500
    verdict = verdict_of(run)
    assert verdict["verdict"] == "fail"
    assert kinds(verdict) == ["slow-everywhere"]
    assert verdict["headline"] == "5 of 5 sites miss their objective"


def test_every_fifth_call_of_one_operation_answering_500_names_the_operation(fabricate: Fabricate) -> None:
    run = fabricate()
    hit = run.samples.index[run.at(operation="Patient.read")][::5]
    run.samples.loc[hit, ["outcome", "status"]] = ["http_error", 500]
    verdict = verdict_of(run)
    assert verdict["verdict"] == "fail"
    assert ("operation-errors", {"operation": "Patient.read"}) in [(f["kind"], f["scope"]) for f in verdict["findings"]]
    assert kinds(verdict) == ["server-errors", "operation-errors"]
    evidence = next(f["evidence"] for f in verdict["findings"] if f["kind"] == "operation-errors")
    assert evidence["by_status"] == {"500": len(hit)}
    assert evidence["error_rate"] == pytest.approx(0.2)


def test_errors_spread_evenly_blame_no_operation(fabricate: Fabricate) -> None:
    run = fabricate()
    hit = np.random.default_rng(3).choice(run.samples.index, 250, replace=False)
    run.samples.loc[hit, ["outcome", "status"]] = ["http_error", 500]
    verdict = verdict_of(run)
    assert verdict["verdict"] == "fail"
    assert kinds(verdict) == ["server-errors"]


def kill_server(run: Any, from_s: float, to_s: float, where: Any = True) -> None:
    """Whoever asks meanwhile is refused at once; whoever was being served is cut off at `from_s`."""
    samples = run.samples
    end_s = samples["start_s"] + samples["latency_ms"] / 1000
    cut = (samples["start_s"] < from_s) & (end_s > from_s) & where
    refused = samples["start_s"].between(from_s, to_s) & where
    samples.loc[cut, "latency_ms"] = (from_s - samples.loc[cut, "start_s"]) * 1000
    samples.loc[refused, "latency_ms"] = 0.4
    samples.loc[cut | refused, ["outcome", "status"]] = ["connection", 0]


@pytest.mark.parametrize("requests", [400, 5000])
def test_a_server_killed_for_seven_seconds_is_an_outage_of_seven_seconds(fabricate: Fabricate, requests: int) -> None:
    run = fabricate(requests=requests, heads=2)
    kill_server(run, 20.3, 27.3)
    verdict = verdict_of(run)
    assert verdict["verdict"] == "fail"
    (outage,) = [each for each in verdict["findings"] if each["kind"] == "outage"]
    assert outage["scope"] == {}
    assert outage["evidence"]["seconds"] == pytest.approx(7.0, abs=1.0)
    assert outage["evidence"]["from_s"] == pytest.approx(20.3, abs=0.6)
    assert outage["evidence"]["to_s"] == pytest.approx(27.3, abs=0.6)
    assert "did not answer any site" in verdict["headline"]


def test_a_server_that_does_not_come_back_is_out_until_the_end(fabricate: Fabricate) -> None:
    run = fabricate()
    kill_server(run, 40.0, 60.0)
    (outage,) = [each for each in verdict_of(run)["findings"] if each["kind"] == "outage"]
    assert outage["evidence"]["to_s"] is None
    assert outage["evidence"]["seconds"] == pytest.approx(19.0, abs=1.0)


def test_two_outages_are_two(fabricate: Fabricate) -> None:
    run = fabricate()
    kill_server(run, 10.0, 13.0)
    kill_server(run, 30.0, 34.0)
    seconds = [each["evidence"]["seconds"] for each in verdict_of(run)["findings"] if each["kind"] == "outage"]
    assert seconds == pytest.approx([3.0, 4.0], abs=0.5)


def test_a_site_cut_off_from_the_server_is_an_outage_of_that_site(fabricate: Fabricate) -> None:
    run = fabricate()
    kill_server(run, 20.0, 26.0, run.at(site="lake"))
    outages = [each for each in verdict_of(run)["findings"] if each["kind"] == "outage"]
    assert [each["scope"] for each in outages] == [{"site": "lake"}]
    assert outages[0]["evidence"]["seconds"] == pytest.approx(6.0, abs=1.0)


def test_lost_connections_here_and_there_are_no_outage(fabricate: Fabricate) -> None:
    run = fabricate()
    hit = np.random.default_rng(5).choice(run.samples.index, 300, replace=False)
    run.samples.loc[hit, ["outcome", "status", "latency_ms"]] = ["connection", 0, 0.4]
    assert "outage" not in kinds(verdict_of(run))


def test_timeouts_count_from_when_nobody_was_there(fabricate: Fabricate) -> None:
    run = fabricate()
    hung = run.samples["start_s"].between(20, 25)
    run.samples.loc[hung, ["outcome", "status", "latency_ms"]] = ["timeout", 0, 30000.0]
    (outage,) = [each for each in verdict_of(run)["findings"] if each["kind"] == "outage"]
    assert outage["evidence"]["from_s"] == pytest.approx(20.0, abs=0.5)
    assert outage["evidence"]["seconds"] == pytest.approx(5.0, abs=1.0)


def test_workflows_that_came_out_wrong_behind_a_200_are_found(fabricate: Fabricate, make_objective: Any) -> None:
    run = fabricate()
    run.objectives = (*run.objectives, make_objective("failed", "network", "failed_workflow_rate", 0.01))
    runs = run.workflows.index[run.workflows["workflow"] == "find-history"][:60]
    run.workflows.loc[runs, "outcome"] = "failed"
    wrong = run.samples["workflow_run"].isin(run.workflows.loc[runs[:50], "workflow_run"])
    run.samples.loc[wrong, "outcome"] = "content"
    verdict = verdict_of(run)
    assert verdict["verdict"] == "fail"
    finding = next(each for each in verdict["findings"] if each["kind"] == "failed-workflows")
    assert finding["scope"] == {"workflow": "find-history"}
    assert (finding["evidence"]["failed"], finding["evidence"]["wrong_content"]) == (60, 50)


def test_workflows_that_never_came_to_their_end_are_told(fabricate: Fabricate) -> None:
    run = fabricate()
    run.workflows.loc[run.workflows["workflow"] == "find-history", "outcome"] = "cut"
    verdict = verdict_of(run)
    (finding,) = [each for each in verdict["findings"] if each["kind"] == "unfinished-workflows"]
    assert list(finding["evidence"]["cut"]) == ["find-history"]
    assert "1 workflow never came to the end" in finding["sentence"]


def test_skipped_workflows_and_conflicts_are_told_and_harm_nobody(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples.loc[run.samples.index[:9], ["outcome", "status"]] = ["expected_refusal", 412]
    run.workflows.loc[run.workflows.index[:4], "outcome"] = "skipped"
    verdict = verdict_of(run)
    assert verdict["verdict"] == "pass"
    assert list(dict.fromkeys(kinds(verdict))) == ["skipped-workflows", "conflicts"]


def test_an_aborted_run_is_invalid_whatever_it_shows(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples["latency_ms"] += 5000
    run.manifest["state"] = "aborted"
    verdict = verdict_of(run)
    assert (verdict["verdict"], verdict["exit_code"]) == ("invalid", 3)
    assert "completed" in failed_checks(verdict)


def test_a_run_without_an_end_never_passes(fabricate: Fabricate) -> None:
    run = fabricate()
    run.manifest["state"] = "running"
    assert verdict_of(run)["verdict"] == "invalid"


def test_a_rehearsal_says_so(fabricate: Fabricate) -> None:
    run = fabricate()
    run.manifest["rehearsal"] = True
    verdict = verdict_of(run)
    assert verdict["rehearsal"] is True
    assert verdict["verdict"] == "pass"


def test_an_advisory_objective_that_is_missed_does_not_fail_the_run(fabricate: Fabricate) -> None:
    run = fabricate()
    run.required = {("site-p95", "river"): False}
    run.samples.loc[run.at(site="river"), "latency_ms"] += 910
    run.samples.loc[run.at(site="river"), "latency_ms"] += np.where(
        np.arange(run.at(site="river").sum()) % 10 == 0, 200, 0
    )
    verdict = verdict_of(run)
    river = next(each for each in verdict["objectives"] if each["scope"] == {"site": "river"})
    assert (river["outcome"], river["required"]) == ("fail", False)
    network = next(each for each in verdict["objectives"] if each["id"] == "network-p95")
    assert verdict["verdict"] == ("fail" if network["outcome"] == "fail" else "pass")


def test_a_scope_that_the_plan_did_not_name_is_advisory(fabricate: Fabricate) -> None:
    run = fabricate()
    run_dir, spec = run.write()
    analysis = analyse(run_dir, spec)
    verdict = judge(analysis, spec, run.manifest, [{"id": "network-p95", "scope": {}, "required": True}])
    assert [each["id"] for each in verdict["objectives"] if each["required"]] == ["network-p95"]


def test_a_run_of_which_nothing_is_required_cannot_pass(fabricate: Fabricate) -> None:
    run = fabricate()
    run_dir, spec = run.write()
    assert judge(analyse(run_dir, spec), spec, run.manifest, [])["verdict"] == "invalid"


def test_a_required_scope_that_nobody_measured_is_an_error(fabricate: Fabricate) -> None:
    run = fabricate()
    run_dir, spec = run.write()
    required = [{"id": "gone", "scope": {"site": "atlantis"}, "required": True}]
    with pytest.raises(JudgeError, match="atlantis"):
        judge(analyse(run_dir, spec), spec, run.manifest, required)


def test_a_judge_that_breaks_fails_closed(fabricate: Fabricate) -> None:
    run = fabricate()
    run_dir, spec = run.write()
    broken = replace(analyse(run_dir, spec), instrument=None)  # type: ignore[arg-type]
    with pytest.raises(JudgeError) as caught:
        judge(broken, spec, run.manifest, [])
    assert caught.value.exit_code == 4


def test_too_few_samples_of_a_required_objective_are_invalid(fabricate: Fabricate) -> None:
    run = fabricate(sites=["river"], requests=40)
    verdict = verdict_of(run)
    assert verdict["verdict"] == "invalid"
    assert "enough-samples" in failed_checks(verdict)


def test_fifty_nine_samples_none_above_suffice_for_a_p95(fabricate: Fabricate, make_objective: Any) -> None:
    for count, outcome in ((58, "insufficient"), (59, "pass")):
        run = fabricate(sites=["river"], requests=80)
        run.samples = run.samples.iloc[:count]
        run.objectives = (make_objective("p95", "network", "p95_ms", 1000.0),)
        (row,) = verdict_of(run)["objectives"]
        assert (row["outcome"], row["figure"]) == (outcome, None)


def test_few_samples_of_which_many_are_above_already_fail(fabricate: Fabricate, make_objective: Any) -> None:
    run = fabricate(sites=["river"], requests=60)
    run.objectives = (make_objective("p95", "network", "p95_ms", 1000.0),)
    run.samples.loc[run.samples.index[::3], "latency_ms"] = 4000.0
    verdict = verdict_of(run)
    assert verdict["objectives"][0]["outcome"] == "fail"
    assert verdict["verdict"] == "fail"


def test_a_site_from_which_nothing_came_is_insufficient_not_fine(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples = run.samples[~run.at(site="shore")]
    run_dir, spec = run.write()
    required = [{"id": "site-p95", "scope": {"site": "shore"}, "required": True}]
    run.expected["objectives"] = required
    run_dir.expected.write_text(json.dumps(run.expected))
    verdict = judge(analyse(run_dir, spec), spec, run.manifest, required)
    shore = next(each for each in verdict["objectives"] if each["scope"] == {"site": "shore"})
    assert (shore["outcome"], shore["samples"], shore["figure"]) == ("insufficient", 0, None)
    assert verdict["verdict"] == "invalid"


def test_a_bound_missed_by_less_than_the_generator_was_late_is_invalid(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples["latency_ms"] += 1000
    run.health_edit = lambda frame: frame.assign(loop_lag_ms=900.0)
    verdict = verdict_of(run)
    assert failed_checks(verdict) == ["generator-explains"]
    assert verdict["verdict"] == "invalid"


def test_a_bound_missed_by_more_than_the_generator_was_late_fails(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples["latency_ms"] += 2000
    run.health_edit = lambda frame: frame.assign(loop_lag_ms=900.0)
    assert verdict_of(run)["verdict"] == "fail"


def test_timeouts_that_a_stalled_generator_made_itself_are_not_the_servers(fabricate: Fabricate) -> None:
    run = fabricate()
    hit = run.samples.index[::40]
    run.samples.loc[hit, ["outcome", "status"]] = ["timeout", 0]
    stalled = fabricate()
    stalled.samples.loc[hit, ["outcome", "status"]] = ["timeout", 0]
    stalled.health_edit = lambda frame: frame.assign(loop_lag_ms=6000.0)
    assert verdict_of(run)["verdict"] == "fail"
    assert verdict_of(stalled)["verdict"] == "invalid"


@pytest.mark.parametrize(("unsent", "verdict"), [(25, "invalid"), (0, "fail"), (5, "fail")])
def test_what_this_machine_could_not_send_is_not_the_servers(fabricate: Fabricate, unsent: int, verdict: str) -> None:
    """25 of 1,000 came to no answer; where five of them were not even sent, the others are too many all the same."""
    run = fabricate(requests=1000)
    run.samples.loc[run.samples.index[::40], ["outcome", "status"]] = ["connection", 0]
    run.manifest["own_limits"] = {"descriptors": unsent} if unsent else {}
    found = verdict_of(run)
    assert found["verdict"] == verdict
    assert ("own-limits" in failed_checks(found)) is bool(unsent)
    assert ("generator-explains" in failed_checks(found)) is (verdict == "invalid")


def test_work_that_was_lost_since_nothing_could_be_sent_is_not_the_servers(
    fabricate: Fabricate, make_objective: Any
) -> None:
    for unsent, verdict in (({"names": 60}, "invalid"), ({}, "fail")):
        run = fabricate(requests=2000)
        run.objectives = (make_objective("waited", "network", "waited_p95_ms", 60_000.0),)
        lost = run.workflows.index[:: max(1, len(run.workflows) // 60)]
        run.workflows.loc[lost, "outcome"] = "failed"
        run.manifest["own_limits"] = unsent
        assert verdict_of(run)["verdict"] == verdict


def test_an_outage_is_not_told_as_the_servers_where_this_machine_could_not_send(fabricate: Fabricate) -> None:
    run = fabricate(requests=1000)
    hit = run.samples.index[(run.samples["start_s"] > 20) & (run.samples["start_s"] < 30)]
    run.samples.loc[hit, ["outcome", "status"]] = ["connection", 0]
    run.manifest["own_limits"] = {"descriptors": len(hit)}
    (outage, *_) = [each for each in verdict_of(run)["findings"] if each["kind"] == "outage"]
    assert "could not be sent by the load's own machine: it had no file descriptor left" in outage["sentence"]


def test_server_errors_are_not_explained_by_a_stalled_generator(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples.loc[run.samples.index[::40], ["outcome", "status"]] = ["http_error", 500]
    run.health_edit = lambda frame: frame.assign(loop_lag_ms=6000.0)
    assert verdict_of(run)["verdict"] == "fail"


def test_rates_are_judged_by_the_same_rule_as_percentiles(fabricate: Fabricate, make_objective: Any) -> None:
    # 0.1% of 1,000 requests would be one error: too few to tell unless there are far more.
    for errors, outcome in ((0, "insufficient"), (1, "insufficient"), (20, "fail")):
        run = fabricate(sites=["river"], requests=1000)
        run.objectives = (make_objective("errors", "network", "error_rate", 0.001),)
        run.samples.loc[run.samples.index[:errors], ["outcome", "status"]] = ["http_error", 500]
        assert verdict_of(run)["objectives"][0]["outcome"] == outcome


def test_waiting_times_are_judged(fabricate: Fabricate, make_objective: Any) -> None:
    for bound, outcome in ((10_000.0, "pass"), (100.0, "fail")):
        run = fabricate()
        run.objectives = (make_objective("waited", "each-workflow", "waited_p95_ms", bound, only=["find-history"]),)
        (row,) = verdict_of(run)["objectives"]
        assert (row["scope"], row["outcome"]) == ({"workflow": "find-history"}, outcome)


def test_work_that_people_gave_up_is_found_with_its_worst_site(fabricate: Fabricate) -> None:
    run = fabricate()
    for site, count in (("river", 30), ("lake", 10)):
        own = run.workflows.index[run.workflows["site"] == site]
        run.workflows.loc[own[:count], "outcome"] = "abandoned"
        run.workflows.loc[own[-5:], "back_entry"] = True
    verdict = verdict_of(run)
    (finding,) = [each for each in verdict["findings"] if each["kind"] == "abandoned-work"]
    assert finding["scope"] == {}
    assert {key: finding["evidence"][key] for key in ("abandoned", "runs", "back_entries", "worst_site")} == {
        "abandoned": 40,
        "runs": 2500,
        "back_entries": 10,
        "worst_site": "river",
    }
    assert finding["sentence"] == (
        "People gave up waiting in 40 of 2,500 workflows (1.6%), most of them at river (30); 10 were done again later."
    )
    assert "failed-workflows" not in kinds(verdict)


def test_a_site_that_waits_for_its_link_more_than_for_the_server_is_told(fabricate: Fabricate) -> None:
    run = fabricate()
    for site, added_ms in (("river", 300.0), ("lake", 30.0)):
        run.places[site] = {"link": "rural-dsl"}
        run.samples.loc[run.at(site=site), "latency_ms"] += added_ms
    (finding,) = [each for each in verdict_of(run)["findings"] if each["kind"] == "link-bound"]
    assert finding["scope"] == {"site": "river"}
    assert finding["evidence"]["link"] == "rural-dsl"
    assert 0.7 < finding["evidence"]["by_site"]["river"] < 0.8
    assert "on its link (rural-dsl), not in the server: without it p95 would be" in finding["sentence"]


def test_a_site_is_held_to_its_own_bound_and_the_others_to_that_of_all(
    fabricate: Fabricate, make_objective: Callable[..., Any]
) -> None:
    run = fabricate()
    run.objectives = (make_objective("site-p95", "each-site", "p95_ms", 1000.0),)
    run.places["river"] = {"bounds": {"site-p95": 150.0}}
    verdict = verdict_of(run)
    missed = [each for each in verdict["objectives"] if each["outcome"] == "fail"]
    assert [(each["scope"], each["bound"], each["own_bound"]) for each in missed] == [({"site": "river"}, 150.0, True)]
    assert {each["bound"] for each in verdict["objectives"] if not each["own_bound"]} == {1000.0}
    assert verdict["verdict"] == "fail"


def test_waiting_that_one_in_ten_gave_up_is_missed_however_quick_the_others_were(
    fabricate: Fabricate, make_objective: Callable[..., Any]
) -> None:
    run = fabricate()
    run.objectives = (*run.objectives, make_objective("waited", "network", "waited_p95_ms", 10_000.0))
    assert verdict_of(run)["verdict"] == "pass"
    run.workflows.loc[run.workflows.index % 10 == 0, "outcome"] = "abandoned"
    verdict = verdict_of(run)
    (waited,) = [each for each in verdict["objectives"] if each["id"] == "waited"]
    assert (waited["figure"], waited["outcome"], waited["lost"], waited["above"]) == (None, "fail", 250, 250)
    assert verdict["verdict"] == "fail"
    assert verdict["headline"] == "the p95 waiting time of a workflow of the network is above 10 s"


def test_runs_that_a_stalled_generator_may_have_lost_itself_do_not_fail_the_server(
    fabricate: Fabricate, make_objective: Callable[..., Any]
) -> None:
    run = fabricate()
    run.objectives = (*run.objectives, make_objective("waited", "network", "waited_p95_ms", 10_000.0))
    run.workflows.loc[run.workflows.index % 10 == 0, "outcome"] = "failed"
    run.health_edit = lambda frame: frame.assign(loop_lag_ms=frame["loop_lag_ms"].where(frame["time_s"] != 30, 6000.0))
    assert verdict_of(run)["verdict"] == "invalid"


def test_a_link_is_told_also_where_too_few_asked_for_a_percentile(fabricate: Fabricate) -> None:
    run = fabricate(requests=500)
    run.places["river"] = {"link": "rural-dsl"}
    run.samples.loc[run.at(site="river"), "latency_ms"] += 300.0
    (finding,) = [each for each in verdict_of(run)["findings"] if each["kind"] == "link-bound"]
    assert finding["sentence"].endswith("on its link (rural-dsl), not in the server.")


def test_sites_that_wait_for_links_of_one_kind_are_one_finding_the_worst_first(fabricate: Fabricate) -> None:
    run = fabricate()
    for site, added_ms in (("river", 300.0), ("lake", 400.0)):
        run.places[site] = {"link": "rural-dsl"}
        run.samples.loc[run.at(site=site), "latency_ms"] += added_ms
    (finding,) = [each for each in verdict_of(run)["findings"] if each["kind"] == "link-bound"]
    assert finding["scope"] == {"link": "rural-dsl"}
    assert list(finding["evidence"]["by_site"]) == ["lake", "river"]
    assert finding["sentence"].startswith("2 sites spend ")
    assert finding["sentence"].endswith("on their link (rural-dsl), not in the server: lake, river.")


def test_a_workflow_whose_own_code_is_at_fault_is_told_with_its_file_and_line(fabricate: Fabricate) -> None:
    run = fabricate()
    name = run.workflows.loc[run.workflows.index[0], "workflow"]
    hit = run.workflows.index[run.workflows["workflow"] == name][:4]
    run.workflows.loc[hit, "outcome"] = "failed"
    failures = [{"workflow": name, "operation": "", "detail": "ValueError at mine.py:10"}] * 2
    failures += [{"workflow": name, "operation": "Patient.read", "detail": "no total at else.py:1"}] * 3
    run.run_dir.failures.write_text("".join(f"{json.dumps(each)}\n" for each in failures) + '{"torn')
    (finding,) = [each for each in verdict_of(run)["findings"] if each["kind"] == "failed-workflows"]
    assert finding["evidence"]["own_fault"] == "ValueError at mine.py:10"
    assert "a fault of the workflow itself, not of the server (ValueError at mine.py:10)." in finding["sentence"]
