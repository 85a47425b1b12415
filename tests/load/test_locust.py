"""The load in a real Locust: everybody planned works her slot, nobody is killed, every request is written down once."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from harness.plan import compile_plan

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("locust")]  # its fixtures are made once


def check_the_books(load) -> None:
    """What the recorder counted by itself is what was written down."""
    samples, health = load.table("samples"), load.table("health")
    last = {row["worker"]: row for row in health}
    assert sum(row["started"] for row in last.values()) == sum(row["finished"] for row in last.values()) == len(samples)
    assert len({row["request_id"] for row in samples}) == len(samples)
    assert all(row["in_flight"] == 0 for row in last.values())
    latencies_s = sum(row["latency_ms"] for row in samples) / 1000
    assert sum(row["in_flight_s"] for row in last.values()) == pytest.approx(latencies_s, rel=0.01)
    runs = Counter(row["workflow_run"] for row in load.table("workflows"))
    assert set(runs.values()) <= {1}
    assert {row["workflow_run"] for row in samples} <= set(runs)


def check_that_slots_begin_in_time(load, planned) -> None:
    """Nobody is early, and nobody later than what held up the whole process, which it measured itself: users are there
    before their slots begin and wait for no tick. (How late that may be is for quiet machines: `make prove`.)"""
    worst_lag_s: Counter[int] = Counter()
    for row in load.table("health"):
        worst_lag_s[row["worker"]] = max(worst_lag_s[row["worker"]], row["loop_lag_ms"] / 1000)
    for row in load.table("duty"):
        due_s = max(row["claimed_s"], planned[row["slot"]].start_s)
        assert -0.01 < row["started_s"] - due_s <= worst_lag_s[row["worker"]] + 0.25
    in_time = [row["claimed_s"] < planned[row["slot"]].start_s for row in load.table("duty")]
    assert sum(in_time) > len(in_time) / 2


def check_the_time_on_duty(load) -> None:
    """It is waiting, thinking or idle; the rest is the process's own work, done for one clinician at a time."""
    person_of = {row["slot"]: (row["site"], row["persona"], row["clinician"]) for row in load.table("plan")}
    waiting_s, thinking_s, own_work_s, ended_s = Counter(), Counter(), Counter(), Counter()
    for row in load.table("duty"):
        person, worker = person_of[row["slot"]], row["worker"]
        waiting_s[person] += row["waiting_s"]
        thinking_s[person] += row["thinking_s"]
        rest_s = row["ended_s"] - row["started_s"] - row["waiting_s"] - row["thinking_s"] - row["idle_s"]
        assert rest_s > -0.01
        own_work_s[worker] += rest_s
        ended_s[worker] = max(ended_s[worker], row["ended_s"])
    assert all(own_work_s[worker] < ended_s[worker] for worker in ended_s)
    for row in load.table("samples"):
        waiting_s[row["site"], row["persona"], row["clinician"]] -= row["latency_ms"] / 1000
    for row in load.table("workflows"):
        thinking_s[row["site"], row["persona"], row["clinician"]] -= row["think_ms"] / 1000
    assert all(abs(left_s) < 0.001 for left_s in (*waiting_s.values(), *thinking_s.values()))


@pytest.mark.parametrize("processes", [1, 2])
def test_every_slot_is_worked_once_and_in_time_and_nobody_is_killed(locust, spec, processes):
    load = locust(*(["--processes", str(processes)] if processes > 1 else []))
    assert load.ended() == 0, load.log
    plan, duty = load.table("plan"), load.table("duty")

    assert load.run_dir.read_manifest()["roster_digest"] == compile_plan(spec).roster_digest
    planned = {slot.slot: slot for slot in compile_plan(spec).slots}
    assert {row["slot"]: (row["start_s"], row["end_s"]) for row in plan} == {
        number: (slot.start_s, slot.end_s) for number, slot in planned.items()
    }
    assert sorted(row["slot"] for row in duty) == sorted(planned)
    assert {row["slot"]: row["worker"] for row in duty} == {row["slot"]: row["worker"] for row in plan}
    assert {row["worker"] for row in plan} == set(range(processes))
    assert {row["reason"] for row in duty} == {"slot_end"}
    check_that_slots_begin_in_time(load, planned)
    check_the_time_on_duty(load)
    check_the_books(load)
    outcomes = Counter(row["outcome"] for row in load.table("samples"))
    assert outcomes["ok"] > 100
    assert set(outcomes) <= {"ok", "expected_refusal"}
    assert load.torn == ()
    assert load.leader["workers_reported"] == list(range(processes))
    assert load.leader["closed_early"] is False


def test_an_interrupt_ends_early_and_everybody_finishes_the_step_at_hand(locust):
    load = locust("--processes", "2", "--emr-duration", "90s").under_way(2)
    load.interrupt()
    assert load.ended() == 3, load.log
    check_the_books(load)
    assert {row["reason"] for row in load.table("duty")} <= {"closed", "slot_end"}
    assert max(row["ended_s"] for row in load.table("duty")) < 60  # on the run's own clock
    assert {row["outcome"] for row in load.table("workflows")} <= {"ok", "failed", "cut"}
    assert load.leader["closed_early"] is True
    assert load.torn == ()


def test_with_a_web_ui_the_first_interrupt_ends_the_run_and_the_next_one_closes_the_page(locust):
    load = locust("--emr-duration", "90s", headless=False).under_way(1)
    load.interrupt()
    load.says("leaving web ui running")
    load.interrupt()
    assert load.ended() == 3, load.log
    check_the_books(load)
    assert load.leader["closed_early"] is True


def test_closing_the_page_after_a_whole_run_takes_nothing_from_it(locust):
    load = locust(headless=False)
    load.says("leaving web ui running")
    load.interrupt()
    assert load.ended() == 0, load.log
    assert load.leader["closed_early"] is False


def test_a_killed_worker_is_missed_and_takes_nobody_elses_samples_along(locust):
    load = locust("--processes", "2", "--emr-duration", "15s").under_way(2)
    load.workers()[0].kill()
    load.ended()
    (lost,) = {0, 1} - set(load.leader["workers_reported"])
    assert set(load.torn) == {f"{table}-w{lost}.arrows" for table in ("samples", "workflows", "duty", "health")}
    plan = {row["slot"]: row["worker"] for row in load.table("plan")}
    worked = Counter(row["slot"] for row in load.table("duty"))
    kept = {slot for slot, worker in plan.items() if worker != lost}
    assert kept <= set(worked)
    assert set(worked.values()) == {1}
    assert {row["worker"] for row in load.table("duty") if row["slot"] in kept} == {1 - lost}
    assert any(row["worker"] == lost for row in load.table("samples"))  # what it had written before is kept


def test_a_load_whose_parent_is_gone_ends(locust, monkeypatch):
    """`emrload run` may be killed; nobody then wants the load any more."""
    monkeypatch.setenv("EMRLOAD_PARENT_PID", "1" if os.getppid() != 1 else "2")
    load = locust()
    assert load.left() == 3
    assert "the process that started this load is gone" in load.log


def test_a_target_without_the_people_is_said_before_anything_is_sent(locust):
    load = locust("--emr-seed", "77")
    assert load.left() == 2
    assert "are not at the target" in load.log
    assert "emrload seed" in load.log
    assert not (load.folder / "reports").exists()


def test_options_that_cannot_be_read_are_all_said_at_once(locust):
    load = locust("--emr-sites", "three", "--emr-duration", "10")
    assert load.left() == 2
    assert "--emr-sites: 'three' is not a whole number" in load.log
    assert "--emr-duration: '10' is not a duration" in load.log
