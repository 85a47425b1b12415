"""A worker's clinicians: each slot is worked once and counted out, whatever happens in it."""

from __future__ import annotations

import json
import logging
import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gevent
import pyarrow as pa
import pytest
from locust.exception import StopUser

from harness.load import crew as crew_module
from harness.load import places as places_module
from harness.load import visitors as visitors_module
from harness.load import wire as wire_module
from harness.load.clock import RunClock
from harness.load.crew import Crew
from harness.load.discovery import discover
from harness.load.places import CrewOrder
from harness.load.recorder import Recorder
from harness.load.user import Clinician
from harness.load.visitors import KeptLines
from harness.plan import arrival_times, compile_plan
from harness.plan.model import ArrivalProcess, Slot
from harness.scenario.model import Link, Patience, RunSpec


@pytest.fixture(scope="module")
def found(seeded: str, spec: RunSpec):
    return discover(spec, seeded)


@pytest.fixture
def hire(found, seeded, spec, tmp_path, monkeypatch) -> Iterator[Callable[..., Crew]]:
    """A crew for slots of so many seconds each, and for a rate of visitors a second, all at the first site."""
    monkeypatch.setattr(crew_module, "set_aside", lambda: None)  # the tests' own garbage is to be collected
    monkeypatch.setattr(places_module, "first_wait_s", lambda *_, **__: 0.05)  # no test waits for a clinician's mood
    monkeypatch.setattr(crew_module, "feed_locust_table", lambda *_: None)
    crews: list[Crew] = []

    def make(
        *spans: tuple[float, float],
        unsupported: Collection[str] = (),
        url: str = seeded,
        opening: bool | None = None,
        visitors_per_s: float = 0.0,
        length_s: float = 3.0,
        spec: RunSpec = spec,
        link_shares: Mapping[str, float] | None = None,
        most_visitors: int = visitors_module.MOST_VISITORS,
    ) -> Crew:
        site = spec.sites[0].name
        slots = tuple(
            Slot(number, site, "nurse", number, start_s, end_s, start_s == 0 if opening is None else opening)
            for number, (start_s, end_s) in enumerate(spans)
        )
        rate = ((0.0, visitors_per_s), (length_s, visitors_per_s))
        arrivals = (ArrivalProcess(site, "registration-clerk", rate),) if visitors_per_s else ()
        plan = replace(compile_plan(spec), slots=slots, arrivals=arrivals, length_s=length_s)
        order = CrewOrder(
            plan=plan,
            slots=slots,
            arrivals=arrivals,
            worker=0,
            run_id="00c0ffee",
            target=url,
            streams=tmp_path,
            register=found.register,
            unsupported={site.name: unsupported for site in spec.sites},
            most_visitors=most_visitors,
            link_shares={f"site:{site}": 1.0} if link_shares is None else link_shares,
        )
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
    coded = {"reason", "outcome", "workflow", "persona"} & set(rows[0] if rows else ())
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
    """A fault of ours that shows in the middle of a workflow."""

    def work_shift(clinician: Any, *_: Any, **__: Any) -> None:
        clinician.world.workflow_begins("room-patient", "charting")
        raise ZeroDivisionError("patient Jane Roe")

    monkeypatch.setattr(crew_module, "work_shift", work_shift)


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
    crew = hire((0.0, 1.0), unsupported=("room-patient", "medication-pass"))
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


# ---- shifts, pace, places


@pytest.mark.parametrize(("opening", "does"), [(False, True), (True, False)])
def test_whoever_begins_a_shift_does_first_what_is_done_on_arrival(hire, spec, tmp_path, opening, does):
    spec = with_nurse(spec, on_arrival=("find-patient",))
    crew = hire((0.0, 1.2), opening=opening, spec=spec)
    gevent.joinall(start(crew, 1), timeout=60, raise_error=True)
    done = [row["workflow"] for row in written(crew, "workflows", tmp_path)]
    assert (done[0] == "find-patient") is does


def with_nurse(spec: RunSpec, **changes: Any) -> RunSpec:
    nurse = spec.scenario.personas["nurse"].model_copy(update=changes)
    personas = {**spec.scenario.personas, "nurse": nurse}
    return spec.model_copy(update={"scenario": spec.scenario.model_copy(update={"personas": personas})})


def test_everybody_works_at_her_own_pace(hire, spec):
    slow, *others = spec.sites
    spec = spec.model_copy(update={"sites": (slow.model_copy(update={"think_factor": 3.0}), *others)})
    crew = hire((0.0, 1.0), spec=spec)
    nurse = crew._places.on_the_staff(crew.order.slots[0], SimpleNamespace())
    assert nurse.habits.think.mean_s == pytest.approx(3 * 0.5)
    visitor = crew._places.visitor(ArrivalProcess(slow.name, "nurse", ()), 0, SimpleNamespace())
    assert visitor.habits.think.mean_s == pytest.approx(0.5)  # a site's habits are its staff's


def test_a_site_with_an_endpoint_of_its_own_is_served_there(hire, spec, serve, tmp_path):
    own = serve(lambda line: (line.request(), line.wait_until_left()))
    site, *others = spec.sites
    spec = spec.model_copy(update={"sites": (site.model_copy(update={"endpoint": own.url}), *others)})
    crew = hire((0.0, 60.0), spec=spec, url="http://127.0.0.1:9/fhir")
    people = start(crew, 1)
    wait_for(lambda: own.requests)
    crew.close()
    gevent.killall(people)
    assert own.requests[0].startswith(b"GET /fhir/")
    assert f"\r\nHost: 127.0.0.1:{own.port}\r\n".encode() in own.requests[0]


def test_an_endpoint_that_is_none_is_said_before_the_load(hire, spec):
    site, *others = spec.sites
    spec = spec.model_copy(update={"sites": (site.model_copy(update={"endpoint": "ftp://x"}), *others)})
    with pytest.raises(ValueError, match="is not an http or https URL"):
        hire((0.0, 60.0), spec=spec)


def test_who_works_behind_a_link_waits_for_it_and_the_servers_part_is_told_apart(hire, spec, tmp_path):
    crew = hire((0.0, 1.5), spec=with_link(spec, round_trip_s=0.2))
    gevent.joinall(start(crew, 1), timeout=60, raise_error=True)
    samples = written(crew, "samples", tmp_path)
    assert samples
    assert all(row["latency_ms"] - row["server_ms"] >= 199 for row in samples)
    assert all(row["server_ms"] > 0 for row in samples)


def with_link(spec: RunSpec, **figures: Any) -> RunSpec:
    link = Link(name="slow", title="Slow", source="assumption (a test)", **figures)
    site, *others = spec.sites
    scenario = spec.scenario.model_copy(update={"links": {"slow": link}})
    return spec.model_copy(update={"scenario": scenario, "sites": (site.model_copy(update={"link": "slow"}), *others)})


# ---- patience


def test_whoever_gives_up_does_it_again_later(hire, spec, serve, tmp_path, monkeypatch):
    """The target hangs: she gives up, waits, and comes back to what has to be in the record."""
    patience = Patience(gives_up_s=0.2, back_entry_s=0.3, source="assumption (a test)")
    monkeypatch.setattr(crew_module, "DRAIN_S", 0.2)
    server = serve(*[lambda line: (line.request(), line.wait_until_left())] * 50)
    crew = hire((0.0, 4.0), url=server.url, spec=with_nurse(spec, patience=patience))
    gevent.joinall(start(crew, 1), timeout=60, raise_error=True)
    runs, samples = written(crew, "workflows", tmp_path), written(crew, "samples", tmp_path)
    assert {row["outcome"] for row in runs[:-1]} == {"abandoned"}
    assert {row["outcome"] for row in samples} == {"timeout"}
    # her patience begins when she asks, which is a moment before the request is sent
    assert all(row["duration_ms"] >= 199.9 for row in runs[:-1])
    assert not runs[0]["back_entry"]
    again = [row for row in runs if row["back_entry"]]
    first = runs[0]
    assert again[0]["workflow"] == first["workflow"]
    assert again[0]["start_s"] >= first["start_s"] + first["duration_ms"] / 1000 + 0.3


# ---- visitors


def wait_for(holds: Callable[[], Any]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        gevent.sleep(0.02)


def test_visitors_come_at_the_moments_of_the_plan_and_are_neither_users_nor_on_duty(hire, spec, tmp_path):
    crew = hire(visitors_per_s=10.0)
    crew.start(time.time())
    wait_for(lambda: crew.visitors.there)
    assert crew.on_duty == 0
    crew.wait_until_done()
    assert crew.recorder.clock.now_s() >= 3.0  # the run lasts as long as it was planned for
    planned = list(arrival_times(crew.order.arrivals[0], spec.seed))
    runs = written(crew, "workflows", tmp_path)
    assert sorted(row["intended_s"] for row in runs) == planned
    assert sorted(row["clinician"] for row in runs) == list(range(len(planned)))
    assert all(row["open"] for row in runs)
    samples = written(crew, "samples", tmp_path)
    assert all(row["open"] for row in samples)
    first = {row["workflow_run"]: row for row in sorted(samples, key=lambda row: -row["request_id"])}
    begun = {row["workflow_run"]: row for row in runs}
    assert all(row["intended_s"] >= begun[run]["intended_s"] for run, row in first.items())
    assert {row["outcome"] for row in runs} <= {"ok", "cut"}
    health = written(crew, "health", tmp_path)
    assert max(row["visitors"] for row in health) > 0
    assert health[-1]["visitors"] == 0
    assert written(crew, "duty", tmp_path) == []


def test_a_slow_target_delays_nobodys_coming(hire, serve, tmp_path, monkeypatch):
    monkeypatch.setattr(crew_module, "DRAIN_S", 0.2)
    monkeypatch.setattr(wire_module, "DRAIN_S", 0.2)
    server = serve(*[lambda line: (line.request(), line.wait_until_left())] * 100)
    crew = hire(visitors_per_s=8.0, length_s=2.0, url=server.url)
    crew.start(time.time())
    crew.wait_until_done()
    planned = len(list(arrival_times(crew.order.arrivals[0], crew.order.plan.spec.seed)))
    runs = written(crew, "workflows", tmp_path)
    assert len(runs) == planned
    assert {row["outcome"] for row in runs} <= {"cut", "failed"}  # some think before they ask
    assert {row["outcome"] for row in written(crew, "samples", tmp_path)} == {"cancelled"}


def test_an_early_end_stops_arrivals_and_visitors_finish_their_step(hire, tmp_path):
    crew = hire(visitors_per_s=20.0, length_s=3600.0)
    crew.start(time.time())
    wait_for(lambda: crew.visitors.there > 3)
    assert not crew.all_done
    crew.close()
    crew.close()
    crew.wait_until_done()
    assert crew.all_done
    closed_s = crew.recorder.clock.now_s()
    runs = written(crew, "workflows", tmp_path)
    assert {row["outcome"] for row in runs} <= {"ok", "cut"}
    assert all(row["intended_s"] < closed_s < 60 for row in runs)
    assert {row["outcome"] for row in written(crew, "samples", tmp_path)} <= {"ok", "expected_refusal"}


def test_an_early_end_waits_for_no_visitors_answer_longer_than_the_drain(hire, serve, tmp_path, monkeypatch):
    monkeypatch.setattr(crew_module, "DRAIN_S", 0.2)
    server = serve(*[lambda line: (line.request(), line.wait_until_left())] * 100)
    crew = hire(visitors_per_s=8.0, length_s=3600.0, url=server.url)
    crew.start(time.time())
    wait_for(lambda: server.requests)
    crew.close()
    crew.wait_until_done()
    assert {row["outcome"] for row in written(crew, "samples", tmp_path)} == {"cancelled"}
    assert {row["outcome"] for row in written(crew, "workflows", tmp_path)} <= {"cut", "failed"}


def test_nobody_comes_to_a_run_that_was_ended_before_it_began(hire, tmp_path):
    crew = hire(visitors_per_s=50.0)
    crew.close()
    crew.start(time.time())
    gevent.sleep(0.3)
    assert crew.all_done
    assert written(crew, "workflows", tmp_path) == []


def test_beyond_the_cap_arrivals_are_turned_away_and_counted(hire, serve, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(crew_module, "DRAIN_S", 0.2)
    monkeypatch.setattr(wire_module, "DRAIN_S", 0.2)
    server = serve(*[lambda line: (line.request(), line.wait_until_left())] * 3)
    crew = hire(visitors_per_s=20.0, length_s=2.0, url=server.url, most_visitors=3)
    crew.start(time.time())
    crew.wait_until_done()
    planned = len(list(arrival_times(crew.order.arrivals[0], crew.order.plan.spec.seed)))
    assert len(written(crew, "workflows", tmp_path)) == 3
    assert crew.visitors.counts == {"dropped": planned - 3, "lost": 0, "idle": 0}
    assert caplog.text.count("turned away") == 1
    told = (tmp_path / "failures-w0.jsonl").read_text()
    assert told.count('"outcome":"dropped"') == min(planned - 3, 100)


def test_a_visit_that_meets_a_fault_of_ours_is_named_and_the_others_come(hire, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(visitors_module, "visit", lambda *_: 1 // 0)
    crew = hire(visitors_per_s=10.0, length_s=1.0)
    with caplog.at_level(logging.CRITICAL):
        crew.start(time.time())
        crew.wait_until_done()
    told = [json.loads(line) for line in (tmp_path / "failures-w0.jsonl").read_text().splitlines()]
    planned = len(list(arrival_times(crew.order.arrivals[0], crew.order.plan.spec.seed)))
    assert [(one["outcome"], one["detail"]) for one in told] == [("error", "ZeroDivisionError")] * planned
    assert crew.visitors.counts == {"dropped": 0, "lost": planned, "idle": 0}


def test_whoever_comes_when_there_is_nothing_to_do_is_counted(hire, tmp_path, monkeypatch):
    crew = hire(visitors_per_s=10.0, length_s=1.0)
    monkeypatch.setattr(crew._places, "weights_of", lambda *_: lambda _: {})
    crew.start(time.time())
    crew.wait_until_done()
    planned = len(list(arrival_times(crew.order.arrivals[0], crew.order.plan.spec.seed)))
    assert crew.visitors.counts == {"dropped": 0, "lost": 0, "idle": planned}
    assert written(crew, "workflows", tmp_path) == []


def test_whoever_was_still_to_come_when_all_is_stopped_is_lost_but_not_in_a_run_that_was_ended(hire, serve):
    for ended in (False, True):
        crew = hire(visitors_per_s=1.0, length_s=3600.0)
        crew.start(time.time())
        gevent.sleep(0.2)
        if ended:
            crew.close()
        crew.finish()
        planned = len(list(arrival_times(crew.order.arrivals[0], crew.order.plan.spec.seed)))
        lost = crew.visitors.counts["lost"]
        assert lost == 0 if ended else planned - 3 <= lost <= planned


def test_whoever_is_there_when_all_is_stopped_at_once_leaves_her_rows(hire, serve, tmp_path):
    server = serve(*[lambda line: (line.request(), line.wait_until_left())] * 100)
    crew = hire(visitors_per_s=20.0, length_s=3600.0, url=server.url)
    crew.start(time.time())
    wait_for(lambda: server.requests)
    crew.finish()
    samples = written(crew, "samples", tmp_path)
    assert {row["outcome"] for row in samples} == {"cancelled"}
    assert {row["outcome"] for row in written(crew, "workflows", tmp_path)} == {"abandoned"}
    assert crew.recorder.started == crew.recorder.finished == len(samples)


def test_what_cannot_be_done_by_visitors_is_skipped_and_said(hire, tmp_path):
    crew = hire(visitors_per_s=10.0, length_s=1.0, unsupported=("check-in", "find-patient", "register-patient"))
    crew.start(time.time())
    crew.wait_until_done()
    runs = written(crew, "workflows", tmp_path)
    assert {row["outcome"] for row in runs} == {"skipped"}
    planned = list(arrival_times(crew.order.arrivals[0], crew.order.plan.spec.seed))
    assert {row["intended_s"] for row in runs} == set(planned)


def test_a_free_line_is_taken_again_and_one_that_was_hung_up_is_not():
    class FakeLine:
        def __init__(self, number: int) -> None:
            self.number, self.open, self.closed = number, True, False
            self.cookies: object = None

        def is_open(self) -> bool:
            return self.open

        def close(self) -> None:
            self.closed = True

    lines = KeptLines()
    first, second = lines.take(FakeLine), lines.take(FakeLine)
    assert (first.number, second.number) == (1, 2)
    lines.give_back(first)
    second.cookies = "hers"
    lines.give_back(second)
    assert lines.take(FakeLine) is second
    assert second.cookies is None
    lines.give_back(second)
    second.open = False
    assert lines.take(FakeLine) is first
    assert second.closed
    assert lines.take(FakeLine).number == 3
    lines.give_back(first)
    lines.close()
    assert first.closed


def test_what_is_written_at_a_site_that_begins_later_carries_what_its_clock_shows(hire, spec):
    """Its day goes half an hour later: at the run's first second it is still the hour at which the others begin."""
    late = spec.sites[0].model_copy(update={"start_offset_s": 1800.0})
    shown = []
    for site in (spec.sites[0], late):
        crew = hire((0.0, 1.0), spec=spec.model_copy(update={"sites": (site, *spec.sites[1:])}))
        places = places_module.Places(crew.order)
        shown.append(places.on_the_staff(crew.order.slots[0], SimpleNamespace(now_s=0.0)).now)
    assert shown[0] == shown[1]


def test_what_a_scenario_says_of_connections_is_what_she_connects_with(hire, spec):
    own = spec.sites[0].model_copy(update={"source_address": "127.0.0.7"})
    scenario = spec.scenario.model_copy(update={"first_byte_timeout_s": 1.5})
    crew = hire((0.0, 1.0), spec=spec.model_copy(update={"sites": (own, *spec.sites[1:]), "scenario": scenario}))
    recorder = Recorder(crew.order.streams, 0, RunClock(time.time()))
    crew._places.open(recorder)
    posting = crew._places.posting(own.name, "nurse", 0)
    assert (posting.endpoint.source_address, posting.first_byte_timeout_s) == ("127.0.0.7", 1.5)
    connection = crew._places.connection(own.name, 0)
    assert connection._endpoint == posting.endpoint
    recorder.close()


def test_the_time_before_a_late_bell_is_not_on_duty(hire, tmp_path):
    """The process stands still while the slot should begin."""
    crew = hire((0.6, 1.4))
    people = start(crew, 1)
    gevent.sleep(0.6 - crew.recorder.clock.now_s() - 0.02)
    time.sleep(0.1)
    gevent.joinall(people, raise_error=True)
    (row,) = written(crew, "duty", tmp_path)
    assert row["started_s"] > 0.65
    rest_s = row["ended_s"] - row["started_s"] - row["waiting_s"] - row["thinking_s"] - row["idle_s"]
    assert rest_s > -0.01


# ---- without a record there is no load


@pytest.fixture
def little_space() -> Iterator[Callable[[], None]]:
    """Called, files may not grow any more: what a full disk does, for this process alone."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_ends_the_load_at_once_and_says_what_to_do(hire, serve, little_space, tmp_path):
    """Somebody waits for an answer, somebody thinks, and visitors come: nobody goes on for longer than a second."""
    server = serve(*[lambda line: (line.request(), line.wait_until_left())] * 40)
    crew = hire((0.0, 60.0), (0.0, 60.0), url=server.url, visitors_per_s=20.0, length_s=60.0)
    people = start(crew, 2)
    little_space()
    assert crew.broken_off.wait(5)
    noticed = time.monotonic()
    gevent.joinall(people, raise_error=True, timeout=5)
    assert crew.wait_until_done() == pytest.approx(0.0, abs=0.5)
    assert time.monotonic() - noticed < 1.0
    assert re.search(
        r"^streams/.*-w0\.\w+ cannot be written \(File too large\), \d+\.\d s into the run: raise `ulimit -f`$",
        crew.problem.replace(tmp_path.name, "streams"),
    )
    asked = crew.recorder.started
    gevent.sleep(0.2)
    assert crew.recorder.started == asked
    assert crew.rows_unwritten > 0


def test_a_part_of_the_load_that_fails_ends_all_of_it(hire, monkeypatch, caplog):
    def fail(_: object) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(crew_module.HealthProbe, "watch", fail)
    crew = hire((0.0, 60.0))
    people = start(crew, 1)
    gevent.joinall(people, raise_error=True, timeout=5)
    assert crew.problem.startswith("a part of the load failed (RuntimeError: no such thing), 0.")
    assert crew.closing


def test_memory_that_runs_out_ends_the_load_and_is_nobodys_fault(hire, monkeypatch):
    crew = hire((0.0, 60.0))
    monkeypatch.setattr(crew_module, "work_shift", lambda *_, **__: bytearray(1 << 62))  # the real refusal
    people = start(crew, 1)
    gevent.joinall(people, raise_error=True, timeout=5)
    assert crew.problem.startswith("a load process has no memory left, 0.")
    assert crew.problem.endswith(": give the load more memory, or spread it over --workers")


def test_memory_that_runs_out_anywhere_in_the_process_ends_the_load(hire, capsys):
    """As where Locust can make no greenlet for a user: nobody sees that exception but the hub."""
    crew = hire((0.0, 60.0))
    people = start(crew, 1)
    gevent.spawn(bytearray, 1 << 62)
    gevent.joinall(people, raise_error=True, timeout=5)
    assert crew.problem.startswith("a load process has no memory left, ")
    crew.finish()
    assert gevent.get_hub().handle_error == type(gevent.get_hub()).handle_error.__get__(gevent.get_hub())


def test_memory_that_runs_out_at_the_door_ends_the_load_too(hire, monkeypatch):
    crew = hire(visitors_per_s=20.0, length_s=60.0)
    monkeypatch.setattr(visitors_module, "visit", lambda *_: bytearray(1 << 62))
    crew.start(time.time())
    assert crew.broken_off.wait(5)
    assert crew.problem.startswith("a load process has no memory left, ")


def test_streams_that_cannot_be_made_end_the_load_before_it_begins(hire, tmp_path):
    crew = hire((0.0, 60.0))
    crew.order = replace(crew.order, streams=tmp_path / "not there")
    assert crew.start(time.time()) is False
    assert crew.broken_off.wait(5)
    assert crew.problem == "streams/names-w0.jsonl cannot be written (No such file or directory), 0.0 s into the run"
    user(crew)
    assert crew.rows_unwritten == 0
    crew.finish()


def test_whoever_is_in_the_middle_of_something_at_the_end_is_written_down(hire, serve, tmp_path):
    """Locust quits: nobody waits for an answer any more, and her row is there all the same."""
    server = serve(lambda line: (line.request(), line.wait_until_left()))
    crew = hire((0.0, 60.0), url=server.url)
    people = start(crew, 1)
    wait_for(lambda: server.requests)
    crew.finish()
    gevent.joinall(people, timeout=5, raise_error=True)
    assert [row["outcome"] for row in written(crew, "samples", tmp_path)] == ["cancelled"]
    assert [row["reason"] for row in written(crew, "duty", tmp_path)] == ["closed"]
    last = written(crew, "health", tmp_path)[-1]
    assert (last["started"], last["finished"]) == (1, 1)


def test_stopping_at_once_after_an_early_end_waits_for_no_drain(hire, serve, tmp_path):
    server = serve(lambda line: (line.request(), line.wait_until_left()))
    crew = hire((0.0, 60.0), url=server.url)
    people = start(crew, 1)
    crew.close()
    gevent.sleep(0.1)
    assert not people[0].ready()
    crew.close(at_once=True)
    gevent.joinall(people, raise_error=True, timeout=5)
    assert people[0].ready()
