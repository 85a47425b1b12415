"""Who leads a run: crews made ready, t0 named, the count of users told, the end noticed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from locust import User
from locust.runners import MasterRunner, WorkerNode, WorkerNodes

from harness.errors import RunError
from harness.load import conductor as conductor_module
from harness.load.clock import RunClock
from harness.load.conductor import Conductor
from harness.load.desk import GRACE_S, LEAD_S
from harness.load.dispatcher import PlanDispatcher
from harness.load.shape import DutyCurve
from harness.load.wire import DRAIN_S
from harness.plan.model import Slot
from harness.rundir import ARRIVAL_FATES, RunDir, conductor_path


@dataclass
class FakePlan:
    slots: tuple[Slot, ...]
    roster_digest: str = "abc"
    length_s: float = 55.0


@dataclass
class FakeRunner:
    """Stands for Locust's runner: messages are kept, and answered by whoever a test names."""

    answer: Callable[[str, dict[str, Any], str], None] = lambda kind, data, worker: None
    sent: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    user_count: int = 0

    def send_message(self, kind: str, data: dict[str, Any], worker: str) -> None:
        self.sent.append((kind, worker, data))
        self.answer(kind, data, worker)

    def kinds(self) -> list[tuple[str, str]]:
        return [(kind, worker) for kind, worker, _ in self.sent]


PLAN = FakePlan(tuple(Slot(n, "river", "nurse", n, 10.0 * n, 10.0 * n + 25.0, n == 0) for n in range(4)))


@pytest.fixture
def lead(tmp_path) -> Callable[..., Conductor]:
    def make(workers: int = 2, plan: FakePlan = PLAN, *, ready: bool = True) -> Conductor:
        runner = FakeRunner()
        names = tuple(f"w{index}" for index in range(workers))
        shares = tuple(slot.slot % workers for slot in plan.slots)
        run_dir = RunDir(tmp_path)
        run_dir.streams.mkdir(exist_ok=True)
        led = Conductor("this", run_dir, runner, plan, shares, names)
        if ready:

            def answer(kind: str, data: dict[str, Any], worker: str) -> None:
                if kind == "emr-prepare":
                    led.ready[data["index"]] = ""

            runner.answer = answer
        return led

    return make


def facts(led: Conductor) -> dict[str, Any]:
    return json.loads(conductor_path(led.run_dir.streams).read_text())


def at(led: Conductor, now_s: float) -> None:
    led.clock = RunClock(time.time() - now_s)


def test_a_run_begins_when_every_crew_is_ready(lead):
    led = lead()
    assert not led.finished
    assert led.users_now() == 0
    led.begin("http://127.0.0.1/fhir")
    assert led.runner.kinds() == [
        ("emr-prepare", "w0"),
        ("emr-prepare", "w1"),
        ("emr-start", "w0"),
        ("emr-start", "w1"),
    ]
    order = led.runner.sent[1][2]
    assert order == {
        "run": "this",
        "folder": str(led.run_dir.path),
        "target": "http://127.0.0.1/fhir",
        "index": 1,
        "workers": 2,
        "digest": "abc",
    }
    t0_epoch_s = led.runner.sent[2][2]["t0_epoch_s"]
    assert 0 < t0_epoch_s - time.time() <= conductor_module.START_LEAD_S + 1
    assert facts(led)["t0_epoch_s"] == t0_epoch_s
    assert facts(led)["ended_epoch_s"] is None


def test_a_worker_that_is_late_is_named(lead, monkeypatch):
    monkeypatch.setattr(conductor_module, "READY_WITHIN_S", 0.2)
    led = lead(ready=False)
    led.ready[0] = ""
    with pytest.raises(RunError, match="worker 1 was not ready"):
        led.begin("http://127.0.0.1/fhir")
    assert "emr-start" not in dict(led.runner.kinds())


def test_a_worker_that_cannot_take_part_says_why(lead):
    led = lead(ready=False)
    led.ready = {0: "", 1: "it compiled another roster than the master"}
    with pytest.raises(RunError, match="worker 1 cannot take part: it compiled another roster"):
        led.begin("http://127.0.0.1/fhir")


def test_each_worker_runs_the_users_of_its_own_slots(lead):
    led = lead()
    led.begin("x")
    for now_s, users in ((-1.0, (1, 0)), (8.0, (1, 1)), (18.0, (2, 1)), (36.0, (2, 2)), (56.0 + GRACE_S, (0, 0))):
        at(led, now_s)
        assert (led.users_of("w0"), led.users_of("w1")) == users
        assert led.users_now() == sum(users)


def test_a_worker_that_came_late_gets_nothing(lead):
    led = lead()
    led.begin("x")
    at(led, 12.0)
    assert led.users_of("stranger") == 0


def test_a_step_of_the_system_clock_changes_nobodys_duty(lead, monkeypatch):
    led = lead()
    led.begin("x")
    at(led, 12.0)
    before = led.users_now()
    true_time = time.time
    monkeypatch.setattr(time, "time", lambda: true_time() + 3600.0)
    assert led.users_now() == before
    assert not led.finished


def test_a_run_is_finished_when_every_crew_says_so(lead):
    led = lead()
    led.begin("x")
    led.done[0] = 0.001
    assert not led.finished
    led.done[1] = -0.25
    assert led.finished
    told = facts(led)
    assert (told["workers"], told["workers_reported"], told["closed_early"]) == (2, [0, 1], False)
    assert told["clock_offset_s"] == -0.25
    assert told["ended_epoch_s"] == pytest.approx(time.time(), abs=10)
    assert told["roster_digest"] == "abc"


def test_a_worker_that_never_reports_is_not_waited_for_longer_than_the_last_drain(lead):
    led = lead()
    led.begin("x")
    led.done[0] = 0.0
    at(led, 55.0 + DRAIN_S)
    assert not led.finished
    at(led, 55.0 + DRAIN_S + conductor_module.DONE_WITHIN_S + 0.1)
    assert led.finished
    assert facts(led)["workers_reported"] == [0]


def test_a_run_without_slots_lasts_until_its_end(lead):
    """Only arrivals: no user is ever wanted, and no worker is overdue before the run is over."""
    led = lead(plan=FakePlan((), length_s=40.0))
    led.begin("x")
    at(led, 39.0 + DRAIN_S)
    assert led.users_now() == 0
    assert not led.finished
    at(led, 40.0 + DRAIN_S + conductor_module.DONE_WITHIN_S + 0.1)
    assert led.finished


def test_arrivals_that_no_row_tells_of_are_told(lead):
    led = lead()
    led.begin("x")
    assert facts(led)["arrivals_dropped"] == 0
    for worker in (0, 1):
        led.arrivals[worker] = {"dropped": 3 + worker, "lost": worker, "idle": 2}
        led.done[worker] = 0.0
    assert led.finished
    assert {fate: facts(led)[f"arrivals_{fate}"] for fate in ARRIVAL_FATES} == {"dropped": 7, "lost": 1, "idle": 4}


def test_an_early_end_tells_every_crew_once_and_takes_nobody_away(lead):
    led = lead(1)
    led.begin("x")
    at(led, 12.0)
    led.runner.user_count = 2
    led.close()
    led.close()
    assert led.runner.kinds().count(("emr-close", "w0")) == 1
    assert led.users_now() == 2  # as many as Locust has, so that it stops nobody
    led.done[0] = 0.0
    assert led.finished
    assert facts(led)["closed_early"] is True


def test_an_early_end_while_crews_prepare_reaches_those_who_came_later(lead):
    led = lead()

    def closes_meanwhile(kind: str, data: dict[str, Any], worker: str) -> None:
        if kind == "emr-prepare":
            led.ready[data["index"]] = ""
            led.close()

    led.runner.answer = closes_meanwhile
    led.begin("x")
    assert led.runner.kinds()[-2:] == [("emr-close", "w0"), ("emr-close", "w1")]


def test_one_worker_that_cannot_write_stops_them_all_at_once(lead):
    led = lead()
    led.begin("x")
    at(led, 12.0)
    led.break_off("worker 1: no space")
    led.break_off("worker 0: no space either")
    closings = [(worker, data) for kind, worker, data in led.runner.sent if kind == "emr-close"]
    assert closings == [(worker, {"run": "this", "at_once": True}) for worker in ("w0", "w1")]
    led.unwritten[1] = 17
    led.done[0] = 0.0
    assert not led.finished
    at(led, 12.0 + conductor_module.DONE_WITHIN_S + 0.1)  # a worker that cannot write may never report
    assert led.finished
    told = facts(led)
    assert (told["broken_off"], told["rows_unwritten"], told["closed_early"]) == ("worker 1: no space", 17, True)


def test_after_an_early_end_nobody_is_waited_for_until_the_planned_one(lead):
    led = lead()
    led.begin("x")
    at(led, 12.0)
    led.close()
    led.done[0] = 0.0
    at(led, 12.0 + DRAIN_S)
    assert not led.finished
    at(led, 12.0 + DRAIN_S + conductor_module.DONE_WITHIN_S + 0.1)
    assert led.finished


def test_a_load_that_broke_off_while_it_began_is_closed_at_once(lead):
    led = lead()

    def breaks_meanwhile(kind: str, data: dict[str, Any], worker: str) -> None:
        if kind == "emr-prepare":
            led.ready[data["index"]] = ""
            led.break_off("worker 0: no space")

    led.runner.answer = breaks_meanwhile
    led.begin("x")
    assert [data["at_once"] for kind, _, data in led.runner.sent if kind == "emr-close"][-2:] == [True, True]


class Master(MasterRunner):
    """Locust's own, of which only the list of its clients is needed."""

    def __init__(self) -> None:
        self.clients = WorkerNodes()

    def __del__(self) -> None:
        """It has no greenlets to end."""


def test_whoever_comes_besides_is_told_as_a_stranger(lead):
    led = lead()
    led.begin("x")
    led.runner = Master()
    for name in ("w0", "w1"):
        led.runner.clients[name] = WorkerNode(name)
    led.users_now()
    assert led.strangers == set()
    led.runner.clients["w7"] = WorkerNode("w7")
    led.users_now()
    del led.runner.clients["w7"]  # gone again, and it was there all the same
    led.users_now()
    led.end()
    assert facts(led)["strangers"] == 1


def test_a_leader_that_cannot_write_its_facts_goes_on_and_says_so(lead, caplog):
    led = lead(1)
    led.run_dir.streams.rmdir()
    led.begin("x")
    led.done[0] = 0.0
    assert led.finished
    assert "conductor.json cannot be written (No such file or directory)" in caplog.text


def test_closing_what_is_over_is_no_early_end(lead):
    led = lead(1)
    led.begin("x")
    led.done[0] = 0.0
    assert led.finished
    led.close()
    led.end()
    assert facts(led)["closed_early"] is False


# ---- what Locust asks


class Person(User):
    pass


def test_each_dispatch_is_one_step_to_what_the_plan_has():
    users = {"w0": 3, "w1": 5}
    dispatcher = PlanDispatcher(users.__getitem__, [WorkerNode("w0"), WorkerNode("w1")], [Person])
    assert list(dispatcher) == []
    dispatcher.new_dispatch(8, 90.0)
    assert dispatcher.dispatch_in_progress
    assert list(dispatcher) == [{"w0": {"Person": 3}, "w1": {"Person": 5}}]
    assert not dispatcher.dispatch_in_progress
    assert dispatcher.get_current_user_count() == 8


def test_a_lost_workers_users_are_handed_to_nobody():
    lost, kept, late = WorkerNode("w0"), WorkerNode("w1"), WorkerNode("w2")
    users = {"w0": 3, "w1": 5, "w2": 0}
    dispatcher = PlanDispatcher(users.__getitem__, [lost, kept], [Person])
    dispatcher.remove_worker(lost)
    dispatcher.add_worker(late)
    dispatcher.new_dispatch(8, 90.0)
    assert list(dispatcher) == [{"w1": {"Person": 5}, "w2": {"Person": 0}}]


def test_the_shape_leads_in_once_changes_each_second_and_ends_with_the_run(lead, monkeypatch):
    led = lead(1)
    begun: list[Conductor] = []

    def lead_in() -> Conductor:
        led.begin("x")
        begun.append(led)
        return led

    monkeypatch.setattr(DutyCurve, "lead_in", [lead_in])
    shape = DutyCurve()
    ticks = [shape.tick() for _ in range(3)]
    assert len(begun) == 1
    assert ticks[0] != ticks[1]  # Locust ignores a tick that is the same as the last
    assert all(users == led.users_now() and 0 < rate <= 100 for users, rate in ticks)
    led.done[0] = 0.0
    assert shape.tick() is None


def test_a_run_that_cannot_begin_ends_the_shape(monkeypatch):
    monkeypatch.setattr(DutyCurve, "lead_in", [lambda: None])
    assert DutyCurve().tick() is None


def test_users_come_a_little_before_their_slot(lead):
    """Ticks come once a second, and over a slow master every other one."""
    assert LEAD_S >= 2.0
    assert conductor_module.START_LEAD_S > LEAD_S
