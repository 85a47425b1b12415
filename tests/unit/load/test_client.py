"""What the lean client makes of everything that a server may send, or not send."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator

import gevent
import httpx
import pytest

from harness.load import answer, client
from harness.load.client import Connection, Exchange
from harness.load.endpoint import Endpoint
from harness.load.exchange_failed import ExchangeFailed

GET = b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def connect() -> Iterator[Callable[..., Connection]]:
    made: list[Connection] = []

    def make(server: object, connect_timeout_s: float = 60.0) -> Connection:
        made.append(Connection(Endpoint.from_url(server.url), connect_timeout_s))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def ask(connection: Connection, request: bytes = GET, answer_timeout_s: float = 60.0) -> Exchange:
    return connection.exchange(request, answer_timeout_s)


def failure_of(connection: Connection, request: bytes = GET, answer_timeout_s: float = 60.0, **more) -> ExchangeFailed:
    with pytest.raises(ExchangeFailed) as caught:
        connection.exchange(request, answer_timeout_s, **more)
    return caught.value


def test_an_answer_is_told_with_status_headers_body_and_times(serve, connect):
    head = b'HTTP/1.1 201 Created\r\nLocation: /fhir/Patient/1\r\nETag: W/"1"\r\nContent-Length: 2\r\n\r\n'

    def script(line):
        line.request()
        time.sleep(0.02)
        line.send(head)
        time.sleep(0.02)
        line.send(b"{}")

    server = serve(script)
    told = ask(connect(server))
    assert (told.status, told.body) == (201, b"{}")
    assert dict(told.headers) == {"location": "/fhir/Patient/1", "etag": 'W/"1"', "content-length": "2"}
    assert len(told.headers) == 3
    assert told.bytes_received == len(head) + 2
    assert 0 < told.connect_s < told.ttfb_s < told.total_s
    assert told.ttfb_s >= 0.02
    assert told.total_s >= 0.04
    assert server.requests == [GET]


def test_the_first_answer_of_a_line_is_looked_at_whoever_was_answered_before(serve, connect):
    sound = connect(serve(lambda line: [line.answer(OK) for _ in range(3)]))
    assert [ask(sound).status for _ in range(2)] == [200, 200]
    other = connect(serve(lambda line: line.answer(OK.replace(b"HTTP/1.1", b"RTSP/1.0"))))
    assert "another protocol" in failure_of(other).detail
    assert ask(sound).body == b"ok"


def test_two_who_are_answered_at_once_do_not_hear_each_other(serve, connect):
    def script(line):
        for _ in range(3):
            line.request()
            line.send(OK[:-1])
            time.sleep(0.02)
            line.send(OK[-1:])

    heard = [gevent.spawn(lambda one: [ask(one).body for _ in range(3)], connect(serve(script))) for _ in range(4)]
    gevent.joinall(heard, raise_error=True)
    assert [each.value for each in heard] == [[b"ok"] * 3] * 4


def test_a_line_is_kept_and_used_again(serve, connect):
    server = serve(lambda line: [line.answer(OK) for _ in range(3)])
    connection = connect(server)
    told = [ask(connection) for _ in range(3)]
    assert [one.reused for one in told] == [False, True, True]
    assert [one.connect_s > 0 for one in told] == [True, False, False]
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "last_words",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_a_line_that_the_server_closes_is_opened_anew(serve, connect, last_words):
    server = serve(lambda line: line.answer(last_words), lambda line: line.answer(OK))
    connection = connect(server)
    assert [ask(connection).reused for _ in range(2)] == [False, False]


ANSWERS = {
    "with a length": b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: t\r\n\r\n",
    "packed": b"HTTP/1.1 200 OK\r\nContent-Encoding: GZIP \r\nContent-Length: %d\r\n\r\n%s"
    % (len(gzip.compress(b"hello world", mtime=0)), gzip.compress(b"hello world", mtime=0)),
    "packed and in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    b"%x\r\n%s\r\n0\r\n\r\n" % (len(gzip.compress(b"hello world", mtime=0)), gzip.compress(b"hello world", mtime=0)),
    "until the server closes": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello world",
    "of the old kind": b"HTTP/1.0 200 OK\r\n\r\nhello world",
    "after announcements": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
    "an error": b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 11\r\n\r\nhello world",
    "without a body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n',
    "empty but called packed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("words", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_read_as_httpx_reads_it(serve, connect, words):
    """httpx is the reference, since nobody here wrote it."""
    server = serve(*[lambda line: (line.answer(words), line.close())] * 2)
    told = ask(connect(server))
    expected = httpx.get(server.url, trust_env=False)
    assert (told.status, told.body) == (expected.status_code, expected.content)
    assert {name: value.strip() for name, value in expected.headers.items()}.items() >= dict(told.headers).items() - {
        ("trailer", "t")
    }


@pytest.mark.parametrize("words", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_may_come_byte_by_byte(serve, connect, words):
    def dripping(line):
        line.request()
        for byte in words:
            line.send(bytes([byte]))
        line.close()

    def at_once(line):
        line.answer(words)
        line.close()

    server = serve(dripping, at_once)
    slow, fast = ask(connect(server)), ask(connect(server))
    assert (slow.status, slow.body, dict(slow.headers)) == (fast.status, fast.body, dict(fast.headers))
    assert slow.bytes_received == fast.bytes_received


@pytest.mark.parametrize("words", [ANSWERS["without a body"], ANSWERS["not modified"], ANSWERS["after announcements"]])
def test_an_answer_without_a_length_of_its_own_keeps_the_line(serve, connect, words):
    server = serve(lambda line: (line.answer(words), line.answer(OK)))
    connection = connect(server)
    ask(connection)
    assert ask(connection).reused


def test_the_answer_to_a_head_ends_with_its_headers(serve, connect):
    head = b"HEAD /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\n\r\n"
    server = serve(lambda line: (line.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"), line.answer(OK)))
    connection = connect(server)
    told = ask(connection, head)
    assert (told.status, told.body) == (200, b"")
    assert ask(connection).body == b"ok"


@pytest.mark.parametrize(
    "torn",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Ty",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello world", mtime=0)[:-9],
    ],
)
def test_an_answer_cut_short_is_no_answer(serve, connect, torn):
    server = serve(lambda line: (line.answer(torn), line.close()), lambda line: line.answer(OK))
    connection = connect(server)
    failed = failure_of(connection)
    assert (failed.reason, failed.hung_up) == ("connection", False)
    assert ask(connection).body == b"ok"


@pytest.mark.parametrize(
    "garbage",
    [
        b"<html>",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"\x16\x03\x01\x00\xa5",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_what_is_no_http_is_a_failed_connection(serve, connect, garbage):
    server = serve(lambda line: (line.answer(garbage), line.wait_until_left()), lambda line: line.answer(OK))
    connection = connect(server)
    failed = failure_of(connection)
    assert (failed.reason, failed.hung_up) == ("connection", False)
    assert "ok" not in failed.detail  # no content in what is logged
    assert ask(connection).reused is False


@pytest.mark.parametrize("surplus", [OK, b"garbage", b"HTTP/1.1 2", b"\x00"])
def test_what_comes_after_an_answer_spoils_the_line_but_not_the_answer(serve, connect, surplus):
    first = b"HTTP/1.1 200 OK\r\nX-First: 1\r\nContent-Length: 3\r\n\r\none"
    server = serve(lambda line: (line.answer(first + surplus), line.wait_until_left()), lambda line: line.answer(OK))
    connection = connect(server)
    told = ask(connection)
    assert (told.body, dict(told.headers)) == (b"one", {"x-first": "1", "content-length": "3"})
    assert (ask(connection).reused, ask_count(server)) == (False, 2)


def ask_count(server) -> int:
    return len(server.requests)


def test_a_body_for_an_answer_that_has_none_is_not_taken_for_the_next_answer(serve, connect):
    server = serve(
        lambda line: (line.answer(b"HTTP/1.1 204 No Content\r\n\r\nsurprise"), line.wait_until_left()),
        lambda line: line.answer(OK),
    )
    connection = connect(server)
    assert ask(connection).status == 204
    assert ask(connection).body == b"ok"


def test_a_slow_answer_ends_at_the_bound_on_the_whole_of_it(serve, connect):
    def dripping(line):
        line.request()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):  # each byte in good time, all of them never
            line.send(b"x")
            time.sleep(0.05)

    server = serve(dripping)
    began = time.monotonic()
    failed = failure_of(connect(server), answer_timeout_s=0.3)
    assert failed.reason == "timeout"
    assert failed.detail == "no whole answer within 0.3 s"
    assert 0.3 <= time.monotonic() - began < 30


def test_patience_that_ends_before_the_bound_is_told_apart(serve, connect):
    server = serve(lambda line: (line.request(), line.wait_until_left()))
    failed = failure_of(connect(server), answer_timeout_s=60.0, give_up_s=0.2)
    assert failed.reason == "cancelled"


@pytest.mark.parametrize(
    ("give_up_s", "reason", "detail"),
    [(9.0, "timeout", "no connection within 0.2 s"), (0.1, "cancelled", "no connection before")],
)
def test_connecting_has_a_bound_of_its_own(full_house, give_up_s, reason, detail):
    connection = Connection(Endpoint.from_url(f"http://127.0.0.1:{full_house}"), 0.2)
    failed = failure_of(connection, give_up_s=give_up_s)
    assert failed.reason == reason
    assert failed.detail.startswith(detail)


def test_a_refused_connection_is_said_in_words(refusing_port):
    failed = failure_of(Connection(Endpoint.from_url(f"http://127.0.0.1:{refusing_port}"), 1.0))
    assert (failed.reason, failed.detail, failed.hung_up) == ("connection", "Connection refused", False)


def test_a_line_closed_while_idle_is_noticed_before_anything_is_sent(serve, connect):
    closed = threading.Event()
    server = serve(lambda line: (line.answer(OK), line.close(), closed.set()), lambda line: line.answer(OK))
    connection = connect(server)
    ask(connection)
    assert closed.wait(60)
    gevent.sleep(0.1)
    told = ask(connection)
    assert told.reused is False
    assert len(server.requests) == 2  # the second went out once, on a new line


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_kept_line_that_closes_under_a_request_is_told_as_hung_up(serve, connect, leave):
    server = serve(lambda line: (line.answer(OK), line.request(), getattr(line, leave)()))
    connection = connect(server)
    ask(connection)
    failed = failure_of(connection)
    assert (failed.reason, failed.hung_up) == ("connection", True)


def test_a_kept_line_that_closes_within_an_answer_has_not_hung_up(serve, connect):
    """Something came, so the server did see the request: sending again might do it twice."""
    server = serve(lambda line: (line.answer(OK), line.answer(b"HTTP/1.1 20"), line.close()))
    connection = connect(server)
    ask(connection)
    assert failure_of(connection).hung_up is False


def test_a_server_that_worked_before_it_closed_has_not_hung_up(serve, connect, monkeypatch):
    """A good-bye that crosses the request is here within a round trip; this one is what became of the request."""
    monkeypatch.setattr(client, "_SHORTEST_CROSSING_S", 0.01)
    monkeypatch.setattr(client, "_LONGEST_CROSSING_S", 0.1)
    server = serve(lambda line: (line.answer(OK), line.request(), time.sleep(0.3), line.close()))
    connection = connect(server)
    ask(connection)
    failed = failure_of(connection)
    assert (failed.reason, failed.hung_up) == ("connection", False)


def test_how_soon_a_good_bye_crosses_a_request_goes_by_how_far_the_server_is(serve, connect, monkeypatch):
    opened = client.open_line

    def far_away(*arguments):
        gevent.sleep(0.3)
        return opened(*arguments)

    monkeypatch.setattr(client, "open_line", far_away)
    monkeypatch.setattr(client, "_SHORTEST_CROSSING_S", 0.01)
    server = serve(lambda line: (line.answer(OK), line.request(), time.sleep(0.3), line.close()))
    connection = connect(server)
    ask(connection)
    assert failure_of(connection).hung_up


def test_a_large_request_goes_out_whole_although_the_line_takes_it_in_parts(serve, connect):
    body = bytes(range(256)) * 40_000  # 10 MB: no socket takes that at once

    def reluctant(line):
        time.sleep(0.1)
        line.answer(OK)

    server = serve(reluctant)
    request = b"POST /fhir HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    assert ask(connect(server), request).body == b"ok"
    assert server.requests == [request]


def test_an_answer_that_comes_before_the_request_is_out_counts(serve, connect):
    """A server may refuse a large body after its first bytes and hang up."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"

    def refusing(line):
        line._read()
        line.send(refusal)
        line._line.shutdown(socket.SHUT_WR)
        time.sleep(0.2)

    server = serve(refusing, lambda line: line.answer(OK))
    connection = connect(server)
    body = b"x" * 10_000_000
    request = b"POST /fhir HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    try:
        assert ask(connection, request).status == 413
    except ExchangeFailed as failed:  # the reset may overtake the answer in the network's buffers
        assert failed.reason == "connection"  # noqa: PT017
    assert ask(connection).reused is False


ENDLESS = {
    "longer than it may be": (b"Content-Length: 3000000\r\n\r\n", b"x" * 1000),
    "until it closes": (b"\r\n", b"x" * 1000),
    "in chunks": (b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"x" * 1000 + b"\r\n"),
    "one chunk": (b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", b"x" * 1000),
    "an extension": (b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 1000),
    "trailers": (b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: " + b"x" * 1000 + b"\r\n"),
    "one trailer": (b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"x" * 1000),
}


@pytest.mark.parametrize(("head", "again"), ENDLESS.values(), ids=ENDLESS)
def test_an_answer_beyond_all_bounds_is_refused(serve, connect, monkeypatch, head, again):
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 1_000_000)

    def flooding(line):
        line.request()
        line.send(b"HTTP/1.1 200 OK\r\n" + head)
        line.send(again * 3000)

    failed = failure_of(connect(serve(flooding)))
    assert failed.reason == "connection"
    assert "more than" in failed.detail


def test_a_small_answer_that_unpacks_beyond_all_bounds_is_refused(serve, connect, monkeypatch):
    monkeypatch.setattr(answer, "MAX_ANSWER_BYTES", 1_000_000)
    bomb = gzip.compress(b"\x00" * 5_000_000)
    words = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(bomb), bomb)
    failed = failure_of(connect(serve(lambda line: line.answer(words))))
    assert failed.reason == "connection"
    assert "when unpacked" in failed.detail


def test_whoever_is_killed_in_the_middle_of_an_answer_leaves_no_half_read_line(serve, connect):
    server = serve(lambda line: (line.request(), line.wait_until_left()), lambda line: line.answer(OK))
    connection = connect(server)
    victim = gevent.spawn(ask, connection)
    while not server.requests:
        gevent.sleep(0.005)
    victim.kill()
    assert ask(connection).body == b"ok"


def test_somebody_elses_timeout_passes_through(serve, connect):
    server = serve(lambda line: (line.request(), line.wait_until_left()))
    with gevent.Timeout(0.1) as outer, pytest.raises(gevent.Timeout) as caught:
        ask(connect(server))
    assert caught.value is outer


# ---- the bound on the first byte


def test_an_answer_that_does_not_begin_ends_at_a_bound_of_its_own(serve, connect):
    server = serve(lambda line: (line.request(), line.wait_until_left()))
    failed = failure_of(connect(server), first_byte_timeout_s=0.2)
    assert (failed.reason, failed.detail) == ("timeout", "no first byte within 0.2 s")


def test_an_answer_that_has_begun_may_take_longer_than_its_first_byte(serve, connect):
    def slow(line):
        line.request()
        line.send(OK[:-2])
        time.sleep(0.8)
        line.send(b"ok")
        line.answer(OK[:-2])  # the next one stops there
        line.wait_until_left()

    connection = connect(serve(slow))
    assert connection.exchange(GET, 60.0, first_byte_timeout_s=0.6).total_s >= 0.8
    failed = failure_of(connection, answer_timeout_s=0.8, first_byte_timeout_s=0.6)
    assert (failed.reason, failed.detail) == ("timeout", "no whole answer within 0.8 s")


def test_patience_that_ends_before_the_first_byte_is_due_is_told_apart(serve, connect):
    server = serve(lambda line: (line.request(), line.wait_until_left()))
    failed = failure_of(connect(server), give_up_s=0.1, first_byte_timeout_s=0.3)
    assert failed.reason == "cancelled"


# ---- how long a line is kept


def answering(*answers: bytes) -> Callable[..., None]:
    """One after the other, then the line is closed."""

    def script(line) -> None:
        for words in answers:
            line.answer(words)
        line.close()

    return script


def test_a_hundred_answers_and_a_good_bye_as_tomcat_does_it(serve, connect):
    last = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    server = serve(answering(*[OK] * 99, last), answering(OK))
    connection = connect(server)
    told = [ask(connection) for _ in range(101)]
    assert [number for number, one in enumerate(told) if not one.reused] == [0, 100]
    assert len(server.requests) == 101


def wait_for_something(connection: Connection) -> None:
    """Until the server has closed, or sent what nobody asked for."""
    with gevent.Timeout(60):
        while connection._line is not None and not connection._line.has_something():
            gevent.sleep(0.01)
    gevent.sleep(0.001)  # nobody looks within 50 µs of an answer


def test_a_line_closed_right_after_an_answer_loses_no_request(serve, connect):
    """A create is never sent again by itself, so it must not be sent into the void."""
    server = serve(answering(OK), answering(OK))
    connection = connect(server)
    ask(connection)
    wait_for_something(connection)
    told = ask(connection, b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
    assert (told.status, told.reused) == (200, False)


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one(serve, connect):
    def splitting(line):
        line.answer(OK)
        line.send(OK.replace(b"ok", b"no"))
        line.wait_until_left()

    server = serve(splitting, answering(OK))
    connection = connect(server)
    ask(connection)
    wait_for_something(connection)
    told = ask(connection)
    assert (told.body, told.reused) == (b"ok", False)


@pytest.mark.parametrize(("keep_alive", "reused"), [(b"timeout=1, max=100", False), (b"max=1, timeout=9", True)])
def test_a_line_is_let_go_before_the_server_means_to_close_it(serve, connect, keep_alive, reused):
    words = OK.replace(b"\r\n\r\n", b"\r\nKeep-Alive: %s\r\n\r\n" % keep_alive)
    connection = connect(serve(answering(words, words), answering(words)))
    ask(connection)
    gevent.sleep(0.6)
    assert connection.is_open() == reused
    assert ask(connection).reused == reused


def test_an_endless_head_is_refused_while_it_comes(serve, connect):
    def flooding(line):
        line.request()
        line.send(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(10_000):
            line.send(b"a" * 10_000)

    failed = failure_of(connect(serve(flooding)))
    assert (failed.reason, failed.detail) == ("connection", "headers of more than 64 kB")
