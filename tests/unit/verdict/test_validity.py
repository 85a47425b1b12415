"""Each check of the instrument: a run that is sound but for one thing is invalid, by that check and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from harness.analysis import analyse
from harness.verdict.judge import judge
from harness.verdict.validity import CHECKS

Fabricate = Callable[..., Any]


def judged(run: Any) -> dict[str, Any]:
    run_dir, spec = run.write()
    required = json.loads(run_dir.expected.read_bytes())["objectives"]
    return judge(analyse(run_dir, spec), spec, run_dir.read_manifest(), required)


def _stall(run: Any) -> None:
    run.health_edit = lambda frame: frame.assign(loop_lag_ms=frame["loop_lag_ms"].where(frame["time_s"] != 30, 1000.0))


def _almost_stall(run: Any) -> None:
    run.health_edit = lambda frame: frame.assign(loop_lag_ms=frame["loop_lag_ms"].where(frame["time_s"] != 30, 999.0))


def _let_start_late(run: Any, late_s: float) -> None:
    """Two requests of a hundred: their lateness is no part of a cycle that anybody would notice."""
    late = run.samples.index % 50 == 0
    run.samples.loc[late, "intended_s"] = run.samples.loc[late, "start_s"] - late_s


def _late_starts(run: Any) -> None:
    _let_start_late(run, 0.0501)


def _almost_late_starts(run: Any) -> None:
    _let_start_late(run, 0.0499)


def _pauses_that_run_on(run: Any) -> None:
    """40 ms each time are within the bound on lateness, and too much in a cycle of two seconds."""
    run.samples["intended_s"] = run.samples["start_s"] - 0.04


def _busy(column: str, share: float, seconds: float) -> Callable[[Any], None]:
    def plant(run: Any) -> None:
        def edit(frame: pd.DataFrame) -> pd.DataFrame:
            hit = frame["time_s"].between(20, 20 + seconds) & (frame["worker"] == 1)
            return frame.assign(**{column: frame[column].where(~hit, share)})

        run.health_edit = edit

    return plant


def _lost_worker(run: Any) -> None:
    run.health_edit = lambda frame: frame[(frame["worker"] == 0) | ~frame["time_s"].between(31, 36)]


def _late_worker(run: Any) -> None:
    run.health_edit = lambda frame: frame[(frame["worker"] == 0) | (frame["time_s"] > 3.5)]


def _unreported_worker(run: Any) -> None:
    run.manifest["workers_reported"] = [0]


def _never_finished(run: Any) -> None:
    run.health_edit = lambda frame: frame.assign(started=frame["started"] + (frame["worker"] == 1))


def _lost_sample(run: Any) -> None:
    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        more = (frame["worker"] == 0).astype(int)
        return frame.assign(started=frame["started"] + more, finished=frame["finished"] + more)

    run.health_edit = edit


def _torn(run: Any) -> None:
    run.manifest["torn_streams"] = ["samples-w1.arrows"]


def _rows_not_written(run: Any) -> None:
    run.manifest["rows_unwritten"] = 3


def _a_stranger(run: Any) -> None:
    run.manifest["strangers"] = 1


def _leader_silent(run: Any) -> None:
    run.manifest["leader_silent_s"] = 3.2


def _leader_nearly_silent(run: Any) -> None:
    run.manifest["leader_silent_s"] = 2.9


def _not_sent(run: Any) -> None:
    run.manifest["own_limits"] = {"descriptors": 3}


def _clock(run: Any) -> None:
    run.manifest["clock_offset_s"] = -0.2


def _latency_left_out(run: Any) -> None:
    run.health_edit = lambda frame: frame.assign(in_flight_s=frame["in_flight_s"] * 1.011)


def _latency_nearly_left_out(run: Any) -> None:
    run.health_edit = lambda frame: frame.assign(in_flight_s=frame["in_flight_s"] * 1.009)


def _time_unaccounted(run: Any) -> None:
    run.duty["waiting_s"] -= 0.7


def _time_nearly_accounted(run: Any) -> None:
    run.duty["waiting_s"] -= 0.5


def _other_mix(run: Any) -> None:
    for cell in run.expected["by_workflow"]:
        if cell["workflow"] == "find-history":
            cell["runs"] *= 2


def _slightly_other_mix(run: Any) -> None:
    for cell in run.expected["by_workflow"]:
        if cell["workflow"] == "find-history":
            cell["runs"] *= 1.3


def _slot_missing(run: Any) -> None:
    # One of 200 is missing, so that the time on duty stays within its own bound.
    run.duty = run.duty[run.duty["slot"] != 7]


def _slot_twice(run: Any) -> None:
    again = run.duty[run.duty["slot"] == 7].assign(ended_s=lambda row: row["started_s"], waiting_s=0.0, thinking_s=0.0)
    run.duty = pd.concat([run.duty, again.assign(idle_s=0.0)], ignore_index=True)


def _slot_killed(run: Any) -> None:
    run.duty.loc[run.duty["slot"] == 7, "reason"] = "killed"


def _slots_late(run: Any) -> None:
    run.duty["started_s"] += 0.06


def _one_slot_very_late(run: Any) -> None:
    run.duty.loc[run.duty["slot"] == 7, "started_s"] += 1.1


def _left_early(run: Any) -> None:
    run.duty["ended_s"] -= 0.7
    run.duty["idle_s"] -= 0.7


def _stayed_longer(run: Any) -> None:
    run.duty["ended_s"] += 2.0
    run.duty["idle_s"] += 2.0


def _without_an_end(run: Any) -> None:
    run.manifest["state"] = "running"


def _too_short(run: Any) -> None:
    run.expected["length_s"] = 9.9


def _nothing_required(run: Any) -> None:
    run.objectives = tuple(each.model_copy(update={"required": False}) for each in run.objectives)


def _too_few_to_judge(run: Any) -> None:
    """A p99 takes a thousand requests; of 450 one lies beyond the bound, so that a count does not decide either."""
    first = run.samples.index[run.samples["site"] == "river"][0]
    run.samples.loc[first, "latency_ms"] = 1100.0
    p99 = {"id": "river-p99", "metric": "p99_ms", "bound": 1050.0, "only": ("river",)}
    run.objectives = (*run.objectives, run.objectives[-1].model_copy(update=p99))
    run.samples = run.samples.drop(run.samples.index[run.samples["site"] == "river"][450:])


def _missed_by_its_own_lateness(run: Any) -> None:
    run.samples["latency_ms"] += 1000
    run.health_edit = lambda frame: frame.assign(loop_lag_ms=900.0)


def _turned_away(run: Any) -> None:
    run.let_come("portal-patient", "river", 100)
    run.manifest |= {"arrivals_dropped": 3, "arrivals_lost": 0, "arrivals_idle": 0}


PLANTED = [
    (_without_an_end, "completed"),
    (_too_short, "too-short"),
    (_nothing_required, "required"),
    (_too_few_to_judge, "enough-samples"),
    (_missed_by_its_own_lateness, "generator-explains"),
    (_turned_away, "arrivals"),
    (_stall, "generator-stall"),
    (_late_starts, "start-lateness"),
    (_busy("cpu", 0.95, 12), "cpu"),
    (_busy("steal", 0.15, 12), "steal"),
    (_lost_worker, "workers"),
    (_late_worker, "workers"),
    (_unreported_worker, "workers"),
    (_a_stranger, "workers"),
    (_leader_silent, "workers"),
    (_never_finished, "started-finished"),
    (_lost_sample, "started-finished"),
    (_torn, "samples-written"),
    (_rows_not_written, "samples-written"),
    (_not_sent, "own-limits"),
    (_clock, "clock"),
    (_latency_left_out, "littles-law"),
    (_pauses_that_run_on, "closed-loop"),
    (_time_unaccounted, "clinician-time"),
    (_other_mix, "mix"),
    (_slot_missing, "slots"),
    (_slot_twice, "slots"),
    (_slot_killed, "slots"),
    (_slots_late, "slot-starts"),
    (_one_slot_very_late, "slot-starts"),
    (_left_early, "on-duty"),
]


@pytest.mark.parametrize(("plant", "check"), PLANTED, ids=[f"{check}{plant.__name__}" for plant, check in PLANTED])
def test_one_thing_out_of_order_makes_a_run_invalid_by_that_check_alone(
    fabricate: Fabricate, plant: Callable[[Any], None], check: str
) -> None:
    run = fabricate(heads=40)
    plant(run)
    verdict = judged(run)
    assert [each["check"] for each in verdict["validity"] if each["outcome"] == "fail"] == [check]
    assert verdict["verdict"] == "invalid"


def test_each_check_has_its_planted_fault() -> None:
    assert {check for _, check in PLANTED} == set(CHECKS)


HARMLESS = [
    _almost_stall,
    _almost_late_starts,
    _busy("cpu", 1.0, 1),
    _busy("steal", 0.5, 1),
    _latency_nearly_left_out,
    _time_nearly_accounted,
    _slightly_other_mix,
    _stayed_longer,
    _leader_nearly_silent,
]


@pytest.mark.parametrize("plant", HARMLESS, ids=[str(index) + plant.__name__ for index, plant in enumerate(HARMLESS)])
def test_what_stays_within_its_bound_is_valid(fabricate: Fabricate, plant: Callable[[Any], None]) -> None:
    run = fabricate(heads=40)
    plant(run)
    verdict = judged(run)
    assert [each["detail"] for each in verdict["validity"] if each["outcome"] == "fail"] == []
    assert verdict["verdict"] == "pass"


def test_a_run_that_broke_off_says_why(fabricate: Fabricate) -> None:
    run = fabricate()
    run.manifest |= {"state": "aborted", "ended_by": "streams/samples-w0.arrows cannot be written (No space left)"}
    found = judged(run)
    (check,) = [each for each in found["validity"] if each["check"] == "completed"]
    assert (found["verdict"], check["outcome"], check["detail"]) == (
        "invalid",
        "fail",
        "the run was ended early (streams/samples-w0.arrows cannot be written (No space left)); "
        "all samples up to then are kept",
    )


def test_what_this_machine_ran_out_of_is_named_with_what_helps(fabricate: Fabricate) -> None:
    run = fabricate()
    run.manifest["own_limits"] = {"descriptors": 2, "names": 1, "something-newer": 1}
    (check,) = [each for each in judged(run)["validity"] if each["check"] == "own-limits"]
    assert check["figure"] == 4
    assert check["detail"] == (
        "4 requests could not be sent by the load's own machine: it had no file descriptor left (raise `ulimit -n`) "
        "and it could not resolve the target's name (whether the sites could, nobody knows) and something-newer"
    )


def test_five_seconds_of_load_are_too_short(fabricate: Fabricate) -> None:
    verdict = judged(fabricate(length_s=5.0))
    assert "too-short" in [each["check"] for each in verdict["validity"] if each["outcome"] == "fail"]
    assert verdict["verdict"] == "invalid"


def test_a_clock_that_nobody_compared_is_named_as_skipped(fabricate: Fabricate) -> None:
    verdict = judged(fabricate(requests=1000))
    assert [each["check"] for each in verdict["validity_skipped"]] == ["arrivals", "clock"]
    assert {each["check"] for each in verdict["validity"]} == set(CHECKS) - {"arrivals", "clock"}


def test_every_check_says_its_figure_its_bound_and_a_sentence(fabricate: Fabricate) -> None:
    for check in judged(fabricate(requests=1000))["validity"]:
        assert check.keys() >= {"check", "outcome", "figure", "bound", "detail"}
        assert len(check["detail"].split()) > 3


def test_a_run_that_nobody_watched_is_invalid(fabricate: Fabricate) -> None:
    run = fabricate()
    run.health_edit = lambda frame: frame.iloc[:0]
    failed = [each["check"] for each in judged(run)["validity"] if each["outcome"] == "fail"]
    assert {"generator-stall", "cpu", "steal", "workers", "started-finished", "littles-law"} <= set(failed)


def test_a_run_without_requests_is_invalid(fabricate: Fabricate) -> None:
    run = fabricate()
    run.samples, run.workflows = run.samples.iloc[:0], run.workflows.iloc[:0]
    assert judged(run)["verdict"] == "invalid"


def test_workflows_that_the_target_cannot_serve_do_not_count_in_the_mix(fabricate: Fabricate) -> None:
    run = fabricate(heads=40)
    for cell in [dict(cell) for cell in run.expected["by_workflow"] if cell["workflow"] == "find-history"]:
        run.expected["by_workflow"].append({**cell, "workflow": "record-death", "runs": 5 * cell["runs"]})
    assert judged(run)["verdict"] == "invalid"
    run.manifest["unsupported"] = {"record-death": ["Patient.update"]}
    assert judged(run)["verdict"] == "pass"


def test_lateness_is_held_against_the_tightest_bound_that_is_required(
    fabricate: Fabricate, make_objective: Callable[..., Any]
) -> None:
    for required, verdict in ((False, "pass"), (True, "invalid")):
        run = fabricate()
        run.objectives = (*run.objectives, make_objective("tight", "network", "p95_ms", 600.0, required=required))
        _let_start_late(run, 0.045)
        assert judged(run)["verdict"] == verdict


def test_a_few_runs_that_differ_by_chance_are_not_another_mix(fabricate: Fabricate) -> None:
    run = fabricate(requests=200)
    nurses = run.workflows.index[run.workflows["persona"] == "nurse"]
    other = nurses[run.workflows.loc[nurses, "workflow"] == "vital-signs"][:7]
    run.workflows.loc[other, "workflow"] = "medication-pass"
    (mix,) = [each for each in judged(run)["validity"] if each["check"] == "mix"]
    assert (mix["outcome"], mix["figure"]) == ("pass", 0.0)


def _with_arrivals(fabricate: Fabricate, late_s: float = 0.001, **manifest: Any) -> Any:
    run = fabricate()
    run.let_come("portal-patient", "river", 100, late_s=late_s)
    run.manifest |= {"arrivals_dropped": 0, "arrivals_lost": 0, "arrivals_idle": 0, **manifest}
    return run


def test_arrivals_that_the_load_turned_away_make_a_run_invalid(fabricate: Fabricate) -> None:
    for dropped, verdict in ((0, "pass"), (3, "invalid"), (None, "invalid")):
        found = judged(_with_arrivals(fabricate, arrivals_dropped=dropped))
        failed = [each["check"] for each in found["validity"] if each["outcome"] == "fail"]
        assert (found["verdict"], failed) == (verdict, ["arrivals"] if verdict == "invalid" else [])


def test_arrivals_that_the_load_lost_make_a_run_invalid(fabricate: Fabricate) -> None:
    found = judged(_with_arrivals(fabricate, arrivals_lost=2))
    (check,) = [each for each in found["validity"] if each["outcome"] == "fail"]
    assert (check["check"], check["figure"]) == ("arrivals", 2.0)
    assert check["detail"].endswith("0 were turned away, 2 were lost")


@pytest.mark.parametrize(
    ("came", "idle", "verdict"), [(40, 0, "pass"), (39, 0, "invalid"), (39, 1, "pass"), (0, 0, "invalid")]
)
def test_so_few_arrivals_as_chance_does_not_make_are_lost_whatever_the_load_says(
    fabricate: Fabricate, came: int, idle: int, verdict: str
) -> None:
    run = _with_arrivals(fabricate, arrivals_idle=idle)
    open_runs = run.workflows["open"].astype(bool)
    run.workflows = run.workflows[~open_runs | (run.workflows["clinician"] < came)]
    found = judged(run)
    (check,) = [each for each in found["validity"] if each["check"] == "arrivals"]
    assert (check["outcome"], check["figure"]) == (("fail", 40.0 - came) if verdict == "invalid" else ("pass", 0.0))


def test_a_worker_that_has_only_arrivals_must_be_there_to_the_end_and_one_without_work_need_not(
    fabricate: Fabricate,
) -> None:
    """Nobody is on duty at worker 1, and it left before the load began."""
    for home, lapsed in ((0, 0), (1, 1)):
        run = _with_arrivals(fabricate)
        run.plan["worker"] = run.samples["worker"] = run.workflows["worker"] = run.duty["worker"] = 0
        run.arrivals[0]["worker"] = home
        run.health_edit = lambda frame: frame[(frame["worker"] == 0) | (frame["time_s"] <= 0)].assign(
            time_s=lambda rows: rows["time_s"].where(rows["worker"] == 0, -3.5)
        )
        (check,) = [each for each in judged(run)["validity"] if each["check"] == "workers"]
        assert check["figure"] == lapsed


def test_arrivals_that_are_late_show_among_many_requests_that_are_not(fabricate: Fabricate) -> None:
    found = judged(_with_arrivals(fabricate, late_s=0.06))
    (check,) = [each for each in found["validity"] if each["check"] == "start-lateness"]
    assert (check["outcome"], check["detail"]) == (
        "fail",
        "99% of arrivals started within 60 ms of their time, allowed are 50 ms",
    )


def test_a_night_in_which_only_messages_come_is_not_held_against_a_roster(fabricate: Fabricate) -> None:
    run = _with_arrivals(fabricate)
    run.plan, run.duty = run.plan.iloc[:0], run.duty.iloc[:0]
    run.samples, run.workflows = run.samples[run.samples["open"]], run.workflows[run.workflows["open"]]
    run.expected["by_workflow"] = []
    found = judged(run)
    failed = {each["check"] for each in found["validity"] if each["outcome"] == "fail"}
    assert failed.isdisjoint({"mix", "slots", "slot-starts", "on-duty", "clinician-time"})
    assert {each["check"] for each in found["validity_skipped"]} == {"clock", "closed-loop", "mix", "slot-starts"}


def test_where_the_load_changes_the_loop_of_those_on_duty_is_not_reckoned(fabricate: Fabricate) -> None:
    run = fabricate(heads=40)
    half = run.plan["slot"] % 2 == 0
    run.plan.loc[half, "start_s"] = 30.0
    run.duty.loc[half, "started_s"] += 30.0
    skipped = {each["check"]: each["detail"] for each in judged(run)["validity_skipped"]}
    assert skipped["closed-loop"] == "not reckoned: the number of people on duty changes"
