"""How a Locust process hears what is asked of it."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event
from locust.env import Environment
from locust.event import Events
from locust.runners import LocalRunner

from harness.errors import RunError
from harness.load import session as session_module
from harness.load.session import Session
from harness.load.shape import DutyCurve

FEW = {"dropped": 2, "lost": 0, "idle": 1}


@pytest.fixture
def session(monkeypatch) -> Session:
    """The session of an only process, before any run."""
    monkeypatch.setattr(session_module.gevent, "signal_handler", lambda *_: None)
    monkeypatch.setattr(DutyCurve, "lead_in", [])
    environment = Environment(user_classes=[session_module.Clinician], events=Events())
    runner = environment.create_local_runner()
    quits: list[float | None] = []
    monkeypatch.setattr(runner, "quit", lambda: quits.append(environment.stop_timeout))
    made = Session(environment)
    made.quits = quits
    return made


def message(**data: Any) -> SimpleNamespace:
    return SimpleNamespace(data=data)


class FakeConductor:
    def __init__(self, run: str = "this", *, closed: bool = False, over: bool = False, done: bool = False) -> None:
        self.run, self.closed, self.over, self._done = run, closed, over, done
        self.ready: dict[int, str] = {}
        self.done: dict[int, float] = {}
        self.arrivals: dict[int, dict[str, int]] = {}
        self.unwritten: dict[int, int] = {}
        self.broken: list[str] = []
        self.closings = 0

    @property
    def finished(self) -> bool:
        self.over = self.over or self._done
        return self.over

    def close(self) -> None:
        self.closings += 1
        self.closed = True

    def break_off(self, problem: str) -> None:
        self.broken.append(problem)

    def end(self) -> None:
        self.over = True


class FakeCrew:
    def __init__(self, *, closing: bool = False, all_done: bool = False) -> None:
        self.closing = closing
        self.all_done = all_done
        self.finished = 0

    def close(self, *, at_once: bool = False) -> None:
        self.closing = True
        self.at_once = at_once

    def finish(self) -> None:
        self.finished += 1


def test_the_first_interrupt_ends_the_run_early_and_the_second_stops_it(session):
    session.conductor = FakeConductor()
    session._on_interrupt()
    assert (session.conductor.closings, session.quits) == (1, [])
    session._on_interrupt()
    assert (session.conductor.closings, session.quits) == (1, [0.0])
    assert session.environment.process_exit_code == 3


def test_a_workers_first_interrupt_is_for_its_own_people(session):
    session.crew = FakeCrew()
    session._on_interrupt()
    assert session.crew.closing
    assert session.quits == []
    session._on_interrupt()
    assert session.quits == [0.0]
    assert session.crew.finished == 1


@pytest.mark.parametrize("after", [FakeConductor(over=True), FakeConductor(closed=True)])
def test_an_interrupt_when_nothing_is_to_be_ended_early_stops_at_once(session, after):
    session.conductor = after
    session._on_interrupt()
    assert session.quits == [0.0]


def test_an_interrupt_before_anything_began_does_not_wait_for_workers(session):
    with pytest.raises(SystemExit) as left:
        session._on_interrupt()
    assert left.value.code == 3
    assert session.quits == [0.0]


def test_an_interrupt_that_was_held_back_is_let_through(monkeypatch):
    monkeypatch.setattr(session_module.gevent, "signal_handler", lambda *_: None)
    monkeypatch.setattr(DutyCurve, "lead_in", [])
    environment = Environment(user_classes=[session_module.Clinician], events=Events())
    environment.create_local_runner()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        Session(environment)
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_messages_about_another_run_are_not_for_this_one(session):
    session.conductor = FakeConductor("this")
    session._on_ready(message(run="that", index=0, problem=""))
    session._on_done(message(run="that", index=0, drift_s=0.0, arrivals=FEW, rows_unwritten=0))
    assert (session.conductor.ready, session.conductor.done) == ({}, {})
    session._on_ready(message(run="this", index=0, problem="late"))
    session._on_done(message(run="this", index=0, drift_s=0.5, arrivals=FEW, rows_unwritten=7))
    assert (session.conductor.ready, session.conductor.done) == ({0: "late"}, {0: 0.5})
    assert session.conductor.arrivals == {0: FEW}
    assert session.conductor.unwritten == {0: 7}
    session._on_broken(message(run="that", index=0, problem="x"))
    assert session.conductor.broken == []
    session.crew, session._run = FakeCrew(), "this"
    session._on_close(message(run="that", at_once=False))
    assert not session.crew.closing
    session._on_close(message(run="this", at_once=False))
    assert session.crew.closing


def test_a_worker_that_cannot_go_on_stops_them_all_and_whoever_started_them_hears_why(session, caplog):
    session.conductor, session.crew, session._run = FakeConductor("this"), FakeCrew(), "this"
    said: list[str] = []
    session._lifeline.say = said.append
    session._on_broken(message(run="this", index=1, problem="streams/samples-w1.arrows cannot be written"))
    assert session.conductor.broken == said == ["worker 1: streams/samples-w1.arrows cannot be written"]
    assert "the load breaks off: worker 1: streams/samples-w1.arrows" in caplog.text
    session._on_close(message(run="this", at_once=True))
    assert session.crew.at_once


def test_a_worker_tells_the_master_when_it_cannot_go_on(session):
    session.conductor = FakeConductor("this")
    crew = FakeCrew()
    crew.broken_off, crew.problem, crew.order = Event(), "no space", SimpleNamespace(worker=3)
    telling = gevent.spawn(session._report_if_broken, crew, "this")
    gevent.sleep(0)
    assert session.conductor.broken == []
    crew.broken_off.set()
    telling.join(5)
    assert session.conductor.broken == ["worker 3: no space"]


def test_a_sigterm_in_the_middle_of_a_run_is_an_early_end(session):
    """Locust then stops nobody first: it fires `quitting` at once."""
    session.conductor = FakeConductor()
    session.environment.events.quitting.fire(environment=session.environment)
    assert session.conductor.closed
    assert session.environment.process_exit_code == 3


def test_without_a_page_the_session_itself_listens_to_sigterm(monkeypatch):
    """Locust's own handler is not there before the shape has ended."""
    heard: dict[int, Any] = {}
    monkeypatch.setattr(session_module.gevent, "signal_handler", heard.__setitem__)
    monkeypatch.setattr(DutyCurve, "lead_in", [])
    for headless, expected in ((True, {signal.SIGINT, signal.SIGTERM}), (False, {signal.SIGINT})):
        heard.clear()
        environment = Environment(user_classes=[session_module.Clinician], events=Events())
        environment.create_local_runner()
        environment.parsed_options = SimpleNamespace(headless=headless)
        Session(environment)
        assert set(heard) == expected


def test_a_stop_button_before_the_end_is_an_early_end(session):
    session.conductor = FakeConductor()
    session.environment.events.test_stopping.fire(environment=session.environment)
    assert session.conductor.closed
    session.environment.events.test_stop.fire(environment=session.environment)
    assert session.conductor.over


def test_the_stop_at_the_end_of_a_run_is_none(session):
    session.conductor = FakeConductor(done=True)
    session.environment.events.test_stopping.fire(environment=session.environment)
    assert not session.conductor.closed


@pytest.mark.parametrize(
    ("conductor", "code"), [(None, 3), (FakeConductor(closed=True), 3), (FakeConductor(over=True), 0)]
)
def test_locusts_exit_code_says_whether_the_run_came_to_its_end(session, conductor, code):
    session.conductor = conductor
    session.environment.events.quitting.fire(environment=session.environment)
    assert session.environment.process_exit_code == code


def test_a_run_that_cannot_begin_says_why_and_leaves_with_its_code(session, monkeypatch, caplog):
    def refuse(environment: Environment) -> None:
        raise RunError("worker 1 was not ready", "look at its log")

    monkeypatch.setattr(session_module, "prepare_run", refuse)
    assert DutyCurve.lead_in[-1]() is None
    assert session.environment.process_exit_code == 4
    assert "worker 1 was not ready look at its log" in caplog.text


def test_a_worker_that_cannot_prepare_says_so_instead_of_being_missed(session, tmp_path):
    session.conductor = FakeConductor("this")
    assert isinstance(session.runner, LocalRunner)
    part = {"run": "that", "folder": str(tmp_path), "target": "x", "index": 1, "workers": 2, "digest": ""}
    session.runner.send_message("emr-prepare", part)
    assert session.conductor.ready == {}  # it is about another run
    session.conductor.run = "that"
    session.runner.send_message("emr-prepare", part)
    assert "no run here" in session.conductor.ready[1]
    session.runner.send_message("emr-start", {"t0_epoch_s": 0.0})  # without a crew there is nothing to start
    assert session.crew is None


def test_a_run_stopped_from_outside_lets_everybody_finish_the_step(session):
    assert session.environment.stop_timeout >= 30.0


def test_a_worker_works_from_its_own_folder_where_it_was_given_one(session, tmp_path):
    session.conductor = FakeConductor("this")
    part = {"run": "this", "folder": str(tmp_path / "theirs"), "target": "x", "index": 0, "workers": 1, "digest": ""}
    session.runner.send_message("emr-prepare", part)
    assert f"{tmp_path}/theirs: no run here" in session.conductor.ready[0]
    session._own_folder = str(tmp_path / "mine")
    session.runner.send_message("emr-prepare", part)
    assert f"{tmp_path}/mine: no run here" in session.conductor.ready[0]


def test_its_own_folder_is_the_one_it_was_started_with(monkeypatch):
    """With the first dispatch Locust gives a worker its master's options."""
    monkeypatch.setattr(session_module.gevent, "signal_handler", lambda *_: None)
    monkeypatch.setattr(DutyCurve, "lead_in", [])
    options = SimpleNamespace(emr_run="mine", headless=False)
    environment = Environment(user_classes=[session_module.Clinician], events=Events(), parsed_options=options)
    environment.create_local_runner()
    made = Session(environment)
    environment.parsed_options = SimpleNamespace(emr_run="theirs")
    assert made._own_folder == "mine"


def test_a_folder_that_holds_another_run_is_refused_with_both_names(session, monkeypatch):
    session.conductor = FakeConductor("this")
    monkeypatch.setattr(session_module, "load_prepared", lambda folder, target: SimpleNamespace(run_id="that"))
    part = {"run": "this", "folder": "reports/x", "target": "x", "index": 0, "workers": 1, "digest": ""}
    session.runner.send_message("emr-prepare", part)
    assert "reports/x holds the run that, but the master plays this" in session.conductor.ready[0]
