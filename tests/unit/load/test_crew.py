"""A worker's clinicians: each slot is worked once and counted out, whatever happens in it."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gevent
import pyarrow as pa
import pytest
from locust.exception import StopUser

from harness.clinic import WORKFLOWS
from harness.fhir.capabilities import Capabilities
from harness.load import crew as crew_module
from harness.load.crew import Crew, CrewOrder
from harness.load.discovery import discover
from harness.load.user import Clinician
from harness.plan import compile_plan
from harness.plan.model import Slot
from harness.scenario.model import RunSpec


@pytest.fixture(scope="module")
def found(seeded: str, spec: RunSpec):
    return discover(spec, seeded)


@pytest.fixture
def hire(found, seeded, spec, tmp_path, monkeypatch) -> Iterator[Callable[..., Crew]]:
    """A crew for slots of so many seconds each, all at the first site."""
    monkeypatch.setattr(crew_module.gc, "freeze", lambda: None)  # the tests' own garbage is to be collected
    monkeypatch.setattr(crew_module, "first_wait_s", lambda *_, **__: 0.05)  # no test waits for a clinician's mood
    monkeypatch.setattr(crew_module, "feed_locust_table", lambda *_: None)
    crews: list[Crew] = []

    def make(*spans: tuple[float, float], capabilities: Capabilities = found.capabilities, url: str = seeded) -> Crew:
        site = spec.sites[0].name
        slots = tuple(
            Slot(number, site, "nurse", number, start_s, end_s, start_s == 0)
            for number, (start_s, end_s) in enumerate(spans)
        )
        plan = replace(compile_plan(spec), slots=slots)
        order = CrewOrder(plan, slots, 0, "00c0ffee", url, tmp_path, found.register, capabilities)
        listeners = SimpleNamespace(request=SimpleNamespace(_handlers=[]))
        crews.append(Crew(order, SimpleNamespace(runner=SimpleNamespace(user_count=3), events=listeners)))
        return crews[-1]

    yield make
    for crew in crews:
        crew.finish()
    Clinician.crew = None


def user(crew: Crew) -> None:
    """What Locust does with one user."""
    with pytest.raises(StopUser):
        crew.work_next_slot()


def written(crew: Crew, table: str, tmp_path) -> list[dict[str, Any]]:
    crew.finish()
    rows = pa.ipc.open_stream((tmp_path / f"{table}-w0.arrows").read_bytes()).read_all().to_pylist()
    names = crew.recorder.names
    coded = {"reason", "outcome"} & set(rows[0] if rows else ())
    return [row | {column: names.name(row[column]) for column in coded} for row in rows]


def start(crew: Crew, users: int) -> list[gevent.Greenlet]:
    crew.start(time.time())
    people = [gevent.spawn(user, crew) for _ in range(users)]
    gevent.sleep(0.05)
    return people


def test_each_slot_is_worked_to_its_end_and_written_down(hire, tmp_path):
    crew = hire((0.0, 2.5), (1.8, 2.5), (1.8, 2.4))  # at leisure: all are at their posts long before two of them begin
    people = start(crew, 3)
    assert crew.desk.working == 3
    assert crew.on_duty == 1
    assert crew.wait_until_done() == pytest.approx(0.0, abs=0.5)
    gevent.joinall(people, raise_error=True)
    duty = written(crew, "duty", tmp_path)
    assert sorted(row["slot"] for row in duty) == [0, 1, 2]
    assert {row["reason"] for row in duty} == {"slot_end"}
    assert all(row["started_s"] >= crew.order.slots[row["slot"]].start_s - 0.001 for row in duty)
    assert all(row["ended_s"] >= crew.order.slots[row["slot"]].end_s - 0.001 for row in duty)
    assert crew.on_duty == 0
    health = written(crew, "health", tmp_path)
    assert health[-1]["users"] == 3
    assert health[-1]["started"] == health[-1]["finished"] == len(written(crew, "samples", tmp_path)) > 0


def test_a_user_without_a_crew_or_a_slot_leaves_at_once(hire):
    crew = hire((60.0, 90.0))
    user(crew)  # not started
    crew.start(time.time())
    user(crew)  # nothing is due
    assert crew.desk.working == 0
    Clinician.crew = None
    with pytest.raises(StopUser):
        Clinician(SimpleNamespace(events=None)).work()
    Clinician.crew = crew
    with pytest.raises(StopUser):
        Clinician(SimpleNamespace(events=None)).work()


def test_an_early_end_counts_everybody_out(hire, tmp_path):
    crew = hire((0.0, 3600.0), (2.0, 3600.0), (1000.0, 3600.0))
    crew.close_if_early()  # nothing runs yet, so there is nothing to end early
    assert not crew.closing
    people = start(crew, 2)
    crew.close_if_early()
    crew.close()
    gevent.joinall(people, timeout=60, raise_error=True)
    crew.wait_until_done()
    duty = written(crew, "duty", tmp_path)
    assert {row["slot"]: row["reason"] for row in duty} == {0: "closed", 1: "closed"}
    user(crew)  # nobody starts any more
    assert crew.desk.all_ended
    crew.close_if_early()


def test_whom_locust_kills_is_written_down_as_killed(hire, tmp_path):
    crew = hire((0.0, 3600.0))
    (person,) = start(crew, 1)
    gevent.sleep(0.3)
    person.kill()
    duty = written(crew, "duty", tmp_path)
    assert [row["reason"] for row in duty] == ["killed"]
    assert crew.on_duty == 0
    assert {row["outcome"] for row in written(crew, "workflows", tmp_path)} <= {"ok", "abandoned"}


@pytest.fixture
def faulty(monkeypatch):
    """A workflow in which a fault of ours shows."""

    def play(clinician: Any) -> None:
        clinician.think("about nothing")
        raise ZeroDivisionError("patient Jane Roe")

    for name in ("room-patient", "medication-pass"):
        monkeypatch.setitem(WORKFLOWS, name, replace(WORKFLOWS[name], play=play))


def test_a_fault_of_ours_is_named_and_the_others_go_on(hire, faulty, tmp_path, caplog):
    crew = hire((0.0, 600.0), (0.0, 600.0))
    with caplog.at_level(logging.CRITICAL):
        people = start(crew, 2)
        gevent.joinall(people, timeout=60, raise_error=True)
    duty = written(crew, "duty", tmp_path)
    assert [row["reason"] for row in duty] == ["error", "error"]
    assert {row["outcome"] for row in written(crew, "workflows", tmp_path)} == {"abandoned"}
    told = [json.loads(line) for line in (tmp_path / "failures-w0.jsonl").read_text().splitlines()]
    assert [(one["outcome"], one["detail"]) for one in told] == [("error", "ZeroDivisionError")] * 2
    assert "Jane" not in str(told)


def test_what_the_target_does_not_offer_is_skipped_and_said(hire, tmp_path):
    nothing = Capabilities.from_statement(
        {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [{"mode": "server"}]}
    )
    crew = hire((0.0, 1.0), capabilities=nothing)
    gevent.joinall(start(crew, 1), timeout=60, raise_error=True)
    outcomes = Counter(row["outcome"] for row in written(crew, "workflows", tmp_path))
    assert set(outcomes) == {"skipped"}
    assert written(crew, "samples", tmp_path) == []


def test_an_early_end_waits_for_no_answer_longer_than_the_drain(hire, serve, tmp_path, monkeypatch):
    monkeypatch.setattr(crew_module, "DRAIN_S", 0.2)
    server = serve(lambda line: (line.request(), line.wait_until_left()))
    crew = hire((0.0, 3600.0), url=server.url)
    people = start(crew, 1)
    until = time.monotonic() + 60
    while not server.requests and time.monotonic() < until:
        gevent.sleep(0.05)
    crew.close()
    gevent.joinall(people, timeout=20, raise_error=True)
    assert [row["outcome"] for row in written(crew, "samples", tmp_path)] == ["cancelled"]
    assert [row["reason"] for row in written(crew, "duty", tmp_path)] == ["closed"]


def test_finishing_twice_is_the_same_as_once(hire, tmp_path):
    crew = hire()
    crew.finish()  # never started
    crew.start(time.time())
    assert crew.wait_until_done() == pytest.approx(0.0, abs=0.5)
    before = (tmp_path / "health-w0.arrows").read_bytes()
    crew.finish()
    assert (tmp_path / "health-w0.arrows").read_bytes() == before
