"""A clinician on the wire: what each answer is judged as, what is tried again, and where her time goes."""

from __future__ import annotations

import math
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import gevent
import pyarrow as pa
import pytest

from harness.clinic.alarm import NoEnd
from harness.clinic.own import read_workflows
from harness.clinic.world import GaveUp, SlotOver, StepFailed
from harness.fhir import requests
from harness.fhir.call import Answer, Call
from harness.load import client, judging
from harness.load import line as line_module
from harness.load import wire as wire_module
from harness.load.answer import Headers
from harness.load.client import Connection, Exchange
from harness.load.clock import RunClock
from harness.load.endpoint import Endpoint
from harness.load.exchange_failed import ExchangeFailed
from harness.load.posting import IdSource, Posting
from harness.load.recorder import Recorder
from harness.load.watchdog import Watchdog
from harness.load.wire import Wire

READ = Call("GET", "Patient/1", "Patient.read")
CREATE = Call("POST", "Observation", "Observation.create", b'{"a":1}', (("Content-Type", "x/y"),), repeatable=False)
UPDATE = Call("PUT", "Patient/1", "Patient.update", b"{}", (("If-Match", 'W/"1"'),), frozenset({409, 412}))


def fine(answer: Answer) -> str:
    return ""


def http(status: int, *headers: bytes, body: bytes = b"{}") -> bytes:
    lines = [b"HTTP/1.1 %d X" % status, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@dataclass
class Desk:
    """A clinician's wire, and what was written down of it."""

    wire: Wire
    recorder: Recorder
    streams: Any

    def written(self, table: str) -> list[dict[str, Any]]:
        """Rows as they can be read after the run, codes as names."""
        self.recorder.flush()
        rows: list[dict[str, Any]] = []
        with pa.OSFile(str(self.streams / f"{table}-w0.arrows")) as file, suppress(StopIteration, pa.ArrowInvalid):
            reader = pa.ipc.open_stream(file)
            while True:
                rows += reader.read_next_batch().to_pylist()
        names = {"site", "persona", "workflow", "operation", "lane", "phase", "method", "outcome"}
        return [
            {key: self.recorder.names.name(value) if key in names else value for key, value in row.items()}
            for row in rows
        ]

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        return [(row["outcome"], row["status"]) for row in self.written("samples")]


@pytest.fixture
def at_work(tmp_path) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def begin(
        url: str,
        *,
        end_s: float = 3600.0,
        answer_timeout_s: float = 60.0,
        gives_up_s: float | None = None,
        first_byte_timeout_s: float = math.inf,
        start_s: float | None = None,
        connection: Any = None,
    ) -> Desk:
        recorder = Recorder(tmp_path, 0, RunClock(time.time()))
        posting = Posting(
            site="river",
            persona="nurse",
            clinician=3,
            site_code=recorder.names.code("river"),
            persona_code=recorder.names.code("nurse"),
            endpoint=Endpoint.from_url(url),
            connect_timeout_s=60.0,
            answer_timeout_s=answer_timeout_s,
            head="Host: x\r\nX-Site: river\r\n",
            trace="00000000c0ffee00",
            phase_at=lambda _: "clinics-open",
            ids=IdSource("00c0ffee", 0),
            gives_up_s=gives_up_s,
            first_byte_timeout_s=first_byte_timeout_s,
            open=start_s is not None,
        )
        line = connection or Connection(posting.endpoint, posting.connect_timeout_s)
        meant_s = recorder.clock.now_s() if start_s is None else start_s
        desks.append(Desk(Wire(posting, line, recorder, meant_s, end_s), recorder, tmp_path))
        return desks[-1]

    yield begin
    for desk in desks:
        desk.wire.close()
        desk.recorder.close()


@pytest.mark.parametrize(
    ("words", "call", "outcome"),
    [
        (http(200), READ, "ok"),
        (http(201), CREATE, "ok"),
        (http(412), UPDATE, "expected_refusal"),
        (http(409), UPDATE, "expected_refusal"),
        (http(412), CREATE, "http_error"),
        (http(404), READ, "http_error"),
        (http(500), READ, "http_error"),
        (http(302, b"Location: https://login.example.org/start"), READ, "http_error"),
        (http(302, b"Location: http://[bad/"), READ, "http_error"),
        (http(304), READ, "http_error"),
    ],
)
def test_a_status_is_judged_by_what_the_call_expects(serve, at_work, words, call, outcome):
    desk = at_work(serve(lambda line: line.answer(words)).url)
    answer = desk.wire.perform(call, fine)
    assert answer.outcome == outcome
    assert desk.outcomes == [(outcome, answer.status)]


def test_a_right_status_with_wrong_content_is_told_apart(serve, at_work):
    desk = at_work(serve(lambda line: line.answer(http(200))).url)
    answer = desk.wire.perform(READ, lambda answer: "another patient's result")
    assert (answer.outcome, answer.detail, answer.status) == ("content", "another patient's result", 200)
    assert desk.outcomes == [("content", 200)]


def test_a_check_that_fails_itself_loses_no_sample_and_no_clinician(serve, at_work):
    desk = at_work(serve(lambda line: line.answer(http(200))).url)
    answer = desk.wire.perform(READ, lambda answer: answer.json()["id"])
    assert (answer.outcome, answer.detail) == ("content", "its check failed with KeyError")
    assert desk.outcomes == [("content", 200)]


@pytest.mark.parametrize("ended_by", [NoEnd("stood still"), MemoryError(), gevent.GreenletExit()])
def test_a_check_that_is_ended_from_outside_leaves_its_requests_row(serve, at_work, ended_by):
    """As the watchdog does with one of one's own that stands still; nobody has judged the answer then."""

    def check(answer: Answer) -> str:
        raise ended_by

    desk = at_work(serve(lambda line: line.answer(http(200))).url)
    with pytest.raises(type(ended_by)):
        desk.wire.perform(READ, check)
    assert (desk.recorder.started, desk.recorder.finished, desk.recorder.in_flight) == (1, 1, 0)
    (row,) = desk.written("samples")
    assert (row["outcome"], row["status"], row["bytes_received"]) == ("cancelled", 200, len(http(200)))


STANDS_STILL = """
from harness.clinic import workflow
from harness.fhir.call import Call

@workflow("look", lane="charting", needs=())
def look(nurse):
    def check(answer):
        while True:
            pass
    nurse.perform(Call("GET", "Patient/1", "Patient.read"), check)
"""


def test_a_check_of_ones_own_that_stands_still_is_ended_and_its_request_has_a_row(serve, at_work):
    desk = at_work(serve(lambda line: line.answer(http(200))).url)
    (one,) = read_workflows("mine.py", STANDS_STILL)
    before = signal.getsignal(signal.SIGALRM), signal.setitimer(signal.ITIMER_REAL, 0)  # pytest's own
    dog = Watchdog(0.3)
    dog.start()
    try:
        with pytest.raises(NoEnd):
            one.play(desk.wire)
    finally:
        dog.stop()
        signal.setitimer(signal.ITIMER_REAL, *before[1])
    assert signal.getsignal(signal.SIGALRM) == before[0]
    assert desk.outcomes == [("cancelled", 200)]


def test_the_samples_hold_what_went_over_the_wire(serve, at_work):
    server = serve(lambda line: (line.answer(http(201)), line.answer(http(200))))
    desk = at_work(server.url)
    desk.wire.workflow_begins("medication-pass", "orders")
    desk.wire.perform(CREATE, fine)
    desk.wire.perform(READ, fine)
    first, second = desk.written("samples")
    told = first | {"start_s": 0, "intended_s": 0, "latency_ms": 0, "server_ms": 0, "connect_ms": 0, "ttfb_ms": 0}
    assert told == {
        **dict.fromkeys(["start_s", "intended_s", "latency_ms", "server_ms", "connect_ms", "ttfb_ms"], 0),
        "reused": False,
        "site": "river",
        "persona": "nurse",
        "workflow": "medication-pass",
        "operation": "Observation.create",
        "lane": "orders",
        "phase": "clinics-open",
        "method": "POST",
        "outcome": "ok",
        "open": False,
        "clinician": 3,
        "workflow_run": first["workflow_run"],
        "request_id": first["request_id"],
        "status": 201,
        "bytes_sent": len(server.requests[0]),
        "bytes_received": len(http(201)),
        "attempt": 1,
        "worker": 0,
    }
    assert first["latency_ms"] >= first["ttfb_ms"] - 0.01 >= first["connect_ms"] > 0
    assert second["reused"]
    assert second["request_id"] != first["request_id"]
    assert second["intended_s"] == pytest.approx(first["start_s"] + first["latency_ms"] / 1000)


def test_a_request_carries_what_the_target_and_its_tracing_need(serve, at_work):
    server = serve(lambda line: (line.answer(http(201)), line.answer(http(200))))
    desk = at_work(server.url)
    desk.wire.perform(CREATE, fine)
    desk.wire.perform(Call("POST", "", "metadata.none"), fine)
    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    line, *headers = head.split("\r\n")
    told = dict(header.split(": ", 1) for header in headers)
    request_id = f"{desk.written('samples')[0]['request_id']:016x}"
    assert line == "POST /fhir/Observation HTTP/1.1"
    assert body == '{"a":1}'
    assert told["X-Request-Id"] == request_id
    assert told["traceparent"].split("-")[::2] == ["00", request_id]
    assert told | {"X-Request-Id": "", "traceparent": ""} == {
        "Host": "x",
        "X-Site": "river",
        "X-Request-Id": "",
        "traceparent": "",
        "Content-Type": "x/y",
        "Content-Length": "7",
    }
    assert b"Content-Length: 0\r\n" in server.requests[1]


@pytest.mark.parametrize(
    ("header", "why"), [('W/"1\r\nX-Evil: 1"', "control character"), ('W/"ä版"', "beyond Latin-1")]
)
def test_a_version_that_is_no_header_is_a_failed_step_and_nothing_is_sent(serve, at_work, header, why):
    server = serve(lambda line: line.answer(http(200)))
    desk = at_work(server.url)
    with pytest.raises(StepFailed, match=why):
        desk.wire.perform(Call("PUT", "Patient/1", "Patient.update", b"{}", (("If-Match", header),)), fine)
    assert (server.requests, desk.recorder.started, desk.outcomes) == ([], 0, [])


@pytest.mark.parametrize("link", ["http://[bad/x", "https://[bad]/x"])
def test_a_link_that_is_no_url_is_a_failed_step_and_nothing_is_sent(serve, at_work, link):
    server = serve(lambda line: line.answer(http(200)))
    desk = at_work(server.url)
    with pytest.raises(StepFailed, match=r"^Patient.search.next: not sent, its link is no URL$"):
        desk.wire.perform(requests.next_page("Patient", link), fine)
    assert (server.requests, desk.recorder.started, desk.outcomes) == ([], 0, [])


def test_a_link_with_a_request_in_it_stays_one_request(serve, at_work):
    server = serve(lambda line: line.answer(http(200)))
    link = "Observation?page=2 HTTP/1.1\r\nHost: x\r\n\r\nDELETE /fhir/Patient/1"
    at_work(server.url).wire.perform(requests.next_page("Observation", link), fine)
    (sent,) = server.requests
    assert sent.startswith(
        b"GET /fhir/Observation?page=2%20HTTP/1.1%0D%0AHost:%20x%0D%0A%0D%0ADELETE%20/fhir/Patient/1 "
    )


# ---- what is tried again


@pytest.mark.parametrize("status", [429, 503])
def test_a_throttled_call_is_tried_again_after_what_the_target_asks(serve, at_work, status):
    words = (http(status, b"Retry-After: 0"), http(200))
    server = serve(lambda line: [line.answer(one) for one in words])
    desk = at_work(server.url)
    assert desk.wire.perform(READ, fine).outcome == "ok"
    assert [(row["outcome"], row["attempt"]) for row in desk.written("samples")] == [("http_error", 1), ("ok", 2)]


@pytest.mark.parametrize(("status", "tries"), [(429, 2), (503, 1)])
def test_a_create_is_sent_again_only_where_it_was_surely_not_done(serve, at_work, status, tries):
    """RFC 9110, 9.2.2: a 503 may come of a proxy that does not know what became of it."""
    words = (http(status, b"Retry-After: 0"), http(201))
    server = serve(lambda line: [line.answer(one) for one in words[:tries]])
    desk = at_work(server.url)
    desk.wire.perform(CREATE, fine)
    assert desk.outcomes == [("http_error", status), ("ok", 201)][:tries]
    assert len(server.requests) == tries


def test_a_target_that_throttles_on_and_on_is_given_up(serve, at_work):
    server = serve(lambda line: [line.answer(http(503, b"Retry-After: 0")) for _ in range(4)])
    desk = at_work(server.url)
    assert desk.wire.perform(READ, fine).status == 503
    assert desk.outcomes == [("http_error", 503)] * judging.ATTEMPTS


def test_waiting_for_a_throttled_target_is_waiting(serve, at_work, monkeypatch):
    """The second try is meant for the end of the pause, however late she wakes up from it."""
    monkeypatch.setattr(judging, "RETRY_PAUSE_S", 0.2)
    monkeypatch.setattr(wire_module, "gevent", SimpleNamespace(sleep=lambda seconds: gevent.sleep(seconds + 0.3)))
    desk = at_work(serve(lambda line: [line.answer(one) for one in (http(429), http(200))]).url)
    desk.wire.perform(READ, fine)
    assert desk.wire.waiting_s >= 0.5
    first, second = desk.written("samples")
    first_done_s = first["start_s"] + first["latency_ms"] / 1000
    assert first_done_s + 0.19 < second["intended_s"] < second["start_s"] - 0.29


def test_no_other_try_begins_after_the_drain(serve, at_work, monkeypatch):
    monkeypatch.setattr(wire_module, "DRAIN_S", 0.0)
    desk = at_work(serve(lambda line: [line.answer(http(503, b"Retry-After: 9"))] * 2).url, end_s=5.0)
    assert desk.wire.perform(READ, fine).status == 503
    assert desk.outcomes == [("http_error", 503)]


def test_a_repeatable_call_swallowed_by_a_closing_line_is_sent_again(serve, at_work):
    server = serve(
        lambda line: (line.answer(http(200)), line.request(), line.close()), lambda line: line.answer(http(200))
    )
    desk = at_work(server.url)
    assert [desk.wire.perform(READ, fine).outcome for _ in range(2)] == ["ok", "ok"]
    assert desk.outcomes == [("ok", 200), ("expected_refusal", 0), ("ok", 200)]
    assert [row["attempt"] for row in desk.written("samples")] == [1, 1, 2]


@pytest.mark.parametrize("behind", [b"", http(200, body=b"nobody asked for it")])
def test_the_line_is_looked_at_before_a_create_even_right_after_an_answer(serve, at_work, monkeypatch, behind):
    monkeypatch.setattr(client, "_AT_ONCE_S", 3600.0)  # all that follows is right after the answer
    told = threading.Event()

    def leaving(line: Any) -> None:
        line.answer(http(200))
        told.wait(60)
        line.send(behind)

    connection = Connection(Endpoint.from_url(serve(leaving, lambda line: line.answer(http(201))).url), 60.0)
    desk = at_work("http://127.0.0.1:9", connection=connection)
    desk.wire.perform(READ, fine)
    told.set()
    with gevent.Timeout(60):
        while not connection._line.has_something():
            gevent.sleep(0.01)
    assert desk.wire.perform(CREATE, fine).status == 201
    assert desk.outcomes == [("ok", 200), ("ok", 201)]


def test_a_request_that_a_server_drops_after_long_work_is_an_error_and_not_sent_again(serve, at_work):
    server = serve(
        lambda line: (line.answer(http(200)), line.request(), time.sleep(1.5), line.close()),
        lambda line: line.answer(http(200)),
    )
    desk = at_work(server.url)
    assert [desk.wire.perform(READ, fine).outcome for _ in range(2)] == ["ok", "connection"]
    assert desk.outcomes == [("ok", 200), ("connection", 0)]


def test_a_call_that_must_not_happen_twice_is_not_sent_again(serve, at_work):
    server = serve(
        lambda line: (line.answer(http(200)), line.request(), line.close()), lambda line: line.answer(http(200))
    )
    desk = at_work(server.url)
    desk.wire.perform(READ, fine)
    assert desk.wire.perform(CREATE, fine).outcome == "connection"
    assert desk.outcomes == [("ok", 200), ("connection", 0)]


def test_a_line_that_closes_under_the_second_try_too_is_a_failed_connection(serve, at_work):
    server = serve(
        lambda line: (line.answer(http(200)), line.request(), line.close()), lambda line: (line.request(), line.close())
    )
    desk = at_work(server.url)
    desk.wire.perform(READ, fine)
    assert desk.wire.perform(READ, fine).outcome == "connection"
    assert desk.outcomes == [("ok", 200), ("expected_refusal", 0), ("connection", 0)]


# ---- no answer


def test_no_answer_in_time_is_a_timeout(serve, at_work):
    desk = at_work(serve(lambda line: (line.request(), line.wait_until_left())).url, answer_timeout_s=0.2)
    assert desk.wire.perform(READ, fine).outcome == "timeout"
    row = desk.written("samples")[0]
    assert (row["status"], row["bytes_received"], row["connect_ms"]) == (0, 0, 0.0)
    assert row["latency_ms"] >= 200


def test_what_the_drain_cuts_off_is_cancelled(serve, at_work, monkeypatch):
    monkeypatch.setattr(wire_module, "DRAIN_S", 0.1)
    desk = at_work(serve(lambda line: (line.request(), line.wait_until_left())).url)
    desk.wire.end_s = desk.recorder.clock.now_s() + 1.0
    assert desk.wire.perform(READ, fine).outcome == "cancelled"
    with pytest.raises(SlotOver):
        desk.wire.perform(READ, fine)
    assert desk.outcomes == [("cancelled", 0)]


def test_whoever_is_killed_while_waiting_leaves_a_cancelled_request_and_an_abandoned_workflow(serve, at_work):
    desk = at_work(serve(lambda line: (line.request(), line.wait_until_left())).url)
    desk.wire.workflow_begins("find-history", "charting")
    victim = gevent.spawn(desk.wire.perform, READ, fine)
    gevent.sleep(0)
    assert (desk.recorder.started, desk.recorder.finished, desk.recorder.in_flight) == (1, 0, 1)
    asking_s = desk.recorder.clock.now_s()
    gevent.sleep(0.1)
    asked_s = desk.recorder.clock.now_s() - asking_s
    victim.kill()
    desk.wire.abandon()
    desk.wire.abandon()
    assert desk.outcomes == [("cancelled", 0)]
    assert (desk.recorder.started, desk.recorder.finished, desk.recorder.in_flight) == (1, 1, 0)
    assert [row["outcome"] for row in desk.written("workflows")] == ["abandoned"]
    assert desk.wire.waiting_s >= asked_s


def test_a_failed_request_is_told_without_its_content(serve, at_work, tmp_path):
    desk = at_work(serve(lambda line: line.answer(http(500, body=b'{"name": "Jane Roe"}'))).url)
    desk.wire.workflow_begins("find-history", "charting")
    desk.wire.perform(READ, fine)
    desk.wire.workflow_ends("failed", "Patient.read: http_error 500")
    told = (tmp_path / "failures-w0.jsonl").read_text()
    assert told.count("\n") == 2
    assert "Jane" not in told
    assert '"operation":"Patient.read","outcome":"http_error","status":500' in told
    assert '"workflow":"find-history"' in told


# ---- patience


def silent(line: Any) -> None:
    line.request()
    line.wait_until_left()


def test_a_clinicians_patience_ends_before_the_clients_and_the_sample_says_how_long_she_waited(serve, at_work):
    desk = at_work(serve(silent).url, answer_timeout_s=60.0, gives_up_s=0.3)
    desk.wire.workflow_begins("medication-pass", "orders")
    asked_s = desk.recorder.clock.now_s()
    with pytest.raises(GaveUp, match=r"^Patient.read: no whole answer within 0.3 s: gave up$"):
        desk.wire.perform(READ, fine)
    row = desk.written("samples")[0]
    assert (row["outcome"], row["status"]) == ("timeout", 0)
    assert 0.3 <= row["start_s"] + row["latency_ms"] / 1000 - asked_s < 5.0
    assert desk.wire.waiting_s == pytest.approx(row["latency_ms"] / 1000)
    assert (desk.recorder.started, desk.recorder.finished) == (1, 1)


def test_a_bound_on_answers_that_is_shorter_than_her_patience_is_a_failed_step_as_ever(serve, at_work):
    desk = at_work(serve(silent).url, answer_timeout_s=0.2, gives_up_s=5.0)
    answer = desk.wire.perform(READ, fine)
    assert (answer.outcome, answer.detail) == ("timeout", "no whole answer within 0.2 s")


def test_patience_holds_for_all_tries_together(serve, at_work):
    """A target that throttles and says when to come back has her wait; it is still one wait for one answer."""
    desk = at_work(serve(lambda line: [line.answer(http(503, b"Retry-After: 9"))] * 2).url, gives_up_s=0.3)
    asked_s = desk.recorder.clock.now_s()
    with pytest.raises(GaveUp):
        desk.wire.perform(READ, fine)
    left_s = desk.recorder.clock.now_s()
    assert desk.outcomes == [("http_error", 503)]
    assert 0.3 <= left_s - asked_s < 5.0
    assert 0.2 <= desk.wire.waiting_s <= left_s - asked_s  # writing the request and judging its answer is no waiting


def test_what_is_left_of_her_patience_bounds_the_second_try(serve, at_work):
    def script(line: Any) -> None:
        line.answer(http(503, b"Retry-After: 0"))
        silent(line)

    desk = at_work(serve(script).url, gives_up_s=0.4)
    asked_s = desk.recorder.clock.now_s()
    with pytest.raises(GaveUp):
        desk.wire.perform(READ, fine)
    assert desk.outcomes == [("http_error", 503), ("timeout", 0)]
    second = desk.written("samples")[1]
    assert second["start_s"] + second["latency_ms"] / 1000 >= asked_s + 0.4


def test_a_connection_that_is_never_made_ends_with_her_patience_too(at_work):
    class NoOneThere:
        cookies = None

        def exchange(self, _: bytes, answer_timeout_s: float, give_up_s: float, __: float) -> Exchange:
            assert give_up_s <= 0.3 < answer_timeout_s
            raise ExchangeFailed("cancelled", "no connection before the clinician's time was over")

        def close(self) -> None: ...

    desk = at_work("http://127.0.0.1:9", gives_up_s=0.3, connection=NoOneThere())
    with pytest.raises(GaveUp):
        desk.wire.perform(READ, fine)
    assert desk.outcomes == [("timeout", 0)]


def test_an_answer_that_does_not_begin_in_time_is_a_timeout(serve, at_work):
    desk = at_work(serve(silent).url, first_byte_timeout_s=0.2)
    answer = desk.wire.perform(READ, fine)
    assert (answer.outcome, answer.detail) == ("timeout", "no first byte within 0.2 s")
    assert desk.outcomes == [("timeout", 0)]


def test_a_cookie_goes_back_to_the_server_and_is_written_down_nowhere(serve, at_work, tmp_path):
    """Over her next line too, as a balancer needs it that leads her to the same server again."""
    given = http(500, b"Set-Cookie: node=secret7; Path=/; HttpOnly", b"Connection: close")
    server = serve(lambda line: line.answer(given), lambda line: line.answer(http(200)))
    desk = at_work(server.url)
    for _ in range(2):
        desk.wire.perform(READ, fine)
    first, second = server.requests
    assert b"Cookie" not in first
    assert b"\r\nCookie: node=secret7\r\n" in second
    assert [row["bytes_sent"] for row in desk.written("samples")] == [len(first), len(second)]
    desk.recorder.flush()
    left = [path for path in tmp_path.iterdir() if path.is_file()]
    assert any(path.name.startswith("failures") for path in left)
    assert not any(b"secret7" in path.read_bytes() for path in left)


def test_the_end_of_the_slot_is_not_the_end_of_her_patience(serve, at_work, monkeypatch):
    monkeypatch.setattr(wire_module, "DRAIN_S", 0.1)
    desk = at_work(serve(silent).url, gives_up_s=60.0)
    desk.wire.end_s = desk.recorder.clock.now_s() + 0.3
    assert desk.wire.perform(READ, fine).outcome == "cancelled"


def test_a_request_cancelled_at_the_end_of_the_drain_was_not_given_up_by_her(serve, at_work):
    desk = at_work(serve(silent).url, gives_up_s=60.0)
    person = gevent.spawn(desk.wire.perform, READ, fine)
    gevent.sleep(0.1)
    desk.wire.end_now(person)
    desk.wire.give_up(person)
    person.join(60)
    assert person.value.outcome == "cancelled"


def test_after_the_drain_no_other_try_is_made(serve, at_work):
    """She waits for a throttled target; the load breaks off meanwhile."""
    server = serve(lambda line: [line.answer(http(503, b"Retry-After: 1")) for _ in range(2)])
    desk = at_work(server.url)
    person = gevent.spawn(desk.wire.perform, READ, fine)
    gevent.sleep(0.3)
    desk.wire.end_now(person)
    desk.wire.give_up(person)
    person.join(60)
    assert isinstance(person.exception, SlotOver)
    assert len(server.requests) == 1


def test_what_could_not_be_sent_from_here_is_counted_by_its_limit(at_work, monkeypatch):
    def resolve(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(line_module.gsocket, "getaddrinfo", resolve)
    desk = at_work("http://ehr.example.org/fhir")
    assert [desk.wire.perform(READ, fine).outcome for _ in range(2)] == ["connection"] * 2
    assert desk.recorder.own_limits == {"names": 2}


def test_an_abandoned_workflow_is_written_down_and_told(serve, at_work, tmp_path):
    desk = at_work(serve(silent).url, gives_up_s=0.1)
    desk.wire.workflow_begins("medication-pass", "orders")
    with pytest.raises(GaveUp) as gave_up:
        desk.wire.perform(READ, fine)
    desk.wire.workflow_ends("abandoned", str(gave_up.value))
    desk.wire.workflow_begins("medication-pass", "orders", back_entry=True)
    desk.wire.workflow_ends("ok", "")
    runs = desk.written("workflows")
    assert [(run["outcome"], run["back_entry"], run["open"]) for run in runs] == [
        ("abandoned", False, False),
        ("ok", True, False),
    ]
    assert '"outcome":"abandoned"' in (tmp_path / "failures-w0.jsonl").read_text()


# ---- visitors, links


def test_a_visitors_first_request_is_meant_for_the_moment_she_was_planned_for(serve, at_work):
    desk = at_work(serve(lambda line: [line.answer(http(200)) for _ in range(2)]).url, start_s=-1.25)
    desk.wire.workflow_begins("find-patient", "identity")
    desk.wire.workflow_ends("skipped", "the target does not declare what it needs")
    desk.wire.workflow_begins("message", "labs")
    desk.wire.perform(READ, fine)
    desk.wire.perform(READ, fine)
    desk.wire.workflow_ends("ok", "")
    first, second = desk.written("samples")
    assert (first["intended_s"], first["open"]) == (-1.25, True)
    assert second["intended_s"] == pytest.approx(first["start_s"] + first["latency_ms"] / 1000)
    assert [(run["intended_s"], run["open"]) for run in desk.written("workflows")] == [(-1.25, True)] * 2


def test_the_servers_part_of_a_latency_is_told_apart_from_the_links(at_work):
    class Linked:
        cookies = None

        def exchange(self, *_: object) -> Exchange:
            gevent.sleep(0.1)
            return Exchange(200, Headers(b""), b"{}", 0.0, 0.01, 0.1, True, 100, link_s=0.08)

        def close(self) -> None: ...

    desk = at_work("http://127.0.0.1:9", connection=Linked())
    desk.wire.perform(READ, fine)
    row = desk.written("samples")[0]
    assert row["latency_ms"] >= 100
    assert row["server_ms"] == pytest.approx(row["latency_ms"] - 80.0)


# ---- a clinician's time


class Pretended:
    """A clock that only sleeping and asking move on, both by exactly what they take."""

    ANSWER_S = 0.05
    cookies = None

    def __init__(self) -> None:
        self._now_s = 0.0

    def now_s(self) -> float:
        return self._now_s

    def sleep(self, seconds: float) -> None:
        self._now_s += seconds

    def exchange(self, *_: object) -> Exchange:
        self._now_s += self.ANSWER_S
        return Exchange(200, Headers(b""), b"{}", 0.0, 0.01, self.ANSWER_S, True, 100)

    def close(self) -> None: ...


def test_her_time_is_waiting_thinking_or_idle_and_nothing_else(at_work, monkeypatch):
    pretended = Pretended()
    monkeypatch.setattr(wire_module, "gevent", pretended)
    monkeypatch.setattr(RunClock, "now_s", lambda _: pretended.now_s())
    desk = at_work("http://127.0.0.1:9", connection=pretended)
    wire = desk.wire
    wire.wait(0.1)
    for _ in range(3):
        wire.workflow_begins("find-history", "charting")
        wire.wait(0.03)
        wire.perform(READ, fine)
        wire.workflow_ends("ok", "")
        wire.wait(0.02)
    assert (wire.waiting_s, wire.thinking_s, wire.idle_s) == pytest.approx((0.15, 0.09, 0.16))
    assert pretended.now_s() == pytest.approx(0.15 + 0.09 + 0.16)
    for run in desk.written("workflows"):
        assert (run["duration_ms"], run["waited_ms"], run["think_ms"]) == pytest.approx((80, 50, 30))


def test_the_next_request_is_meant_for_when_the_pause_that_was_drawn_ends(serve, at_work):
    desk = at_work(serve(lambda line: [line.answer(http(200)) for _ in range(2)]).url)
    desk.wire.perform(READ, fine)
    done_s = desk.wire.intended_s
    desk.wire.wait(0.05)
    desk.wire.wait(0.05)  # two pauses in a row: the second does not begin late because the first woke up late
    desk.wire.perform(READ, fine)
    second = desk.written("samples")[1]
    assert second["intended_s"] == pytest.approx(done_s + 0.1)
    assert second["start_s"] >= second["intended_s"] - 0.001


def test_a_slot_ends_in_the_middle_of_a_pause(at_work):
    desk = at_work("http://127.0.0.1:9", end_s=0.1)
    with pytest.raises(SlotOver):
        desk.wire.wait(60.0)
    assert 0.05 <= desk.recorder.clock.now_s() < 30.0


def test_nothing_is_sent_once_the_slot_is_over(serve, at_work):
    server = serve(lambda line: line.answer(http(200)))
    desk = at_work(server.url, end_s=-1.0)
    with pytest.raises(SlotOver):
        desk.wire.perform(READ, fine)
    assert server.requests == []


def test_who_is_there_before_her_slot_begins_is_not_on_duty_yet(at_work):
    desk = at_work("http://127.0.0.1:9", start_s=0.3)
    desk.wire.wait(0.1)
    assert desk.recorder.clock.now_s() >= 0.4
    assert desk.wire.idle_s == pytest.approx(desk.recorder.clock.now_s() - 0.3, abs=0.05)


def test_an_early_end_wakes_whoever_sleeps(at_work):
    desk = at_work("http://127.0.0.1:9", end_s=3600.0)

    def sleeps() -> str:
        try:
            desk.wire.wait(1800.0)
        except SlotOver:
            return "left"
        return "stayed"

    person = gevent.spawn(sleeps)
    gevent.sleep(0.05)
    desk.wire.end_now(person)
    person.join(60)
    assert person.value == "left"


def test_an_early_end_lets_whoever_waits_for_an_answer_have_it(serve, at_work):
    ended = threading.Event()
    desk = at_work(serve(lambda line: (line.request(), ended.wait(60), line.send(http(200)))).url, end_s=3600.0)
    person = gevent.spawn(desk.wire.perform, READ, fine)
    gevent.sleep(0.1)
    desk.wire.end_now(person)
    gevent.sleep(0.1)
    ended.set()
    person.join(60)
    assert person.value.outcome == "ok"
    with pytest.raises(SlotOver):
        desk.wire.wait(1.0)
