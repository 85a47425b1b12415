"""Requests and answers over a real connection: signed both ways, refused to all others, one after a break."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from harness.errors import InputError
from harness.fleet import Depot, DepotServer, Handover, NoAnswer, Secret, TurnedAway
from harness.fleet import channel as channel_module
from harness.fleet.clock_offset import best_of
from harness.fleet.depot_server import LARGEST_BODY_BYTES
from harness.fleet.handover import own_versions

from .conftest import SECRET, connect, line_that_is_cut, seat


def test_a_worker_with_the_secret_is_heard(serve) -> None:
    depot, server = serve()
    channel = connect(server.port)
    told = channel.tell("join", {"name": "lake", "versions": own_versions()})
    assert told["name"] == "lake"
    assert json.loads(channel.fetch("manifest.json"))["run_id"] == told["run_id"]
    assert depot.facts()["workers"][0]["address"] == "127.0.0.1"


@pytest.mark.parametrize("wrong", [Secret(b"what the hosts of another run know"), Secret()])
def test_another_secret_or_none_is_refused_counted_and_told_once(serve, wrong) -> None:
    depot, server = serve()
    for _ in range(2):
        with pytest.raises(TurnedAway) as caught:
            connect(server.port, wrong).tell("join", {"name": "lake", "versions": own_versions()})
        assert caught.value.kind == "secret"
    assert depot.facts() == {"workers": [], "refused": {"secret": 2}}
    assert list(depot.notes) == ["refused  a request from 127.0.0.1: it is signed with another secret"]


@pytest.mark.parametrize("path", ["/join", "/plan/manifest.json", "/clock", "/", "/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whoever_signs_nothing_learns_nothing(serve, method, path) -> None:
    _, server = serve()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request(method, path, b"{}" if method == "POST" else None)
    answer = connection.getresponse()
    assert answer.status == 401
    assert json.loads(answer.read()) == {"refused": "unsigned", "why": ""}
    connection.close()


def test_a_body_without_an_end_is_not_read(serve) -> None:
    _, server = serve()
    for length in (str(LARGEST_BODY_BYTES + 1), "-1", "many"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as line:
            line.sendall(f"POST /join HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
            assert line.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_nonsense_from_a_worker_is_refused_and_counted(serve, body) -> None:
    depot, server = serve()
    channel = connect(server.port)
    with pytest.raises(TurnedAway) as caught:
        channel._ask("POST", "/join", body, 5)
    assert caught.value.kind == "nonsense"
    assert depot.facts()["refused"] == {"nonsense": 1}


def test_what_it_does_not_know_is_refused(serve) -> None:
    _, server = serve()
    for ask in (lambda c: c.tell("nothing", {}), lambda c: c._ask("GET", "/nothing", b"", 5)):
        with pytest.raises(TurnedAway) as caught:
            ask(connect(server.port))
        assert caught.value.kind == "nonsense"


def test_a_disk_that_is_full_is_a_reason_to_try_again(serve, monkeypatch) -> None:
    depot, server = serve()
    seat(depot)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(depot, "sync", full)
    with pytest.raises(NoAnswer, match="No space left"):
        connect(server.port).tell("sync", {})


def test_clocks_of_one_machine_agree_and_the_doubt_is_told(serve) -> None:
    _, server = serve()
    reading = best_of("lake", connect(server.port).exchange_clocks)
    assert abs(reading.offset_s) <= reading.uncertainty_s + 1e-4  # one clock: all there is is doubt
    assert reading.uncertainty_s < 0.05


def test_nobody_listening_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NoAnswer, match="Connection refused"):
        connect(port).tell("sync", {})


def test_a_line_that_swallows_everything_is_no_answer_in_time(monkeypatch) -> None:
    monkeypatch.setattr(channel_module, "ANSWER_WITHIN_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began_s = time.monotonic()
        with pytest.raises(NoAnswer, match="timed out"):
            connect(silent.getsockname()[1]).tell("sync", {})
        assert time.monotonic() - began_s < 2


def test_a_connection_that_was_closed_meanwhile_is_made_anew(serve) -> None:
    depot, server = serve()
    seat(depot)
    channel = connect(server.port)
    channel.tell("sync", {})  # it knows its leader
    channel.close()
    with line_that_is_cut(server.port, [(None, 600)]) as channel.port:
        for _ in range(8):
            assert channel.tell("sync", {})["state"] == "waiting"


def test_what_was_heard_at_one_run_does_nothing_at_the_next(serve) -> None:
    """The same secret, within five minutes: a request that somebody noted on the line is sent again."""
    _, monday = serve()
    channel, heard = connect(monday.port), list[tuple[str, dict[str, str]]]()
    connection = channel._connected(5.0)
    ask = connection.request

    def noted(method: str, path: str, body: bytes | None, headers: dict[str, str]) -> None:
        heard.append((path, headers))
        ask(method, path, body, headers)

    connection.request = noted  # type: ignore[method-assign,assignment]
    own = {"name": "lake", "versions": own_versions()}
    channel.tell("join", own)
    depot, tuesday = serve()
    for path, headers in heard:
        again = http.client.HTTPConnection("127.0.0.1", tuesday.port, timeout=5)
        again.request("POST", path, json.dumps(own).encode(), headers)
        assert again.getresponse().status == 401
        again.close()
    assert depot.facts() == {"workers": [], "refused": {}}


def test_a_worker_finds_the_next_leader_by_itself(serve) -> None:
    _, monday = serve()
    channel = connect(monday.port)
    channel.tell("join", {"name": "lake", "versions": own_versions()})
    channel.close()
    depot, tuesday = serve()
    channel.port = tuesday.port
    assert channel.tell("join", {"name": "lake", "versions": own_versions()})["name"] == "lake"
    assert depot.facts()["refused"] == {}


def test_after_its_end_nobody_is_answered_and_no_thread_is_left(led) -> None:
    before = threading.active_count()
    depot = Depot(led, Handover.of(led, 2, 10))
    with DepotServer("127.0.0.1", 0, SECRET).serve(depot) as server:
        channel, silent = connect(server.port), socket.create_connection(("127.0.0.1", server.port))
        channel.tell("join", {"name": "lake", "versions": own_versions()})
    assert threading.active_count() == before
    with silent, pytest.raises(NoAnswer):
        channel.tell("sync", {})


Impostor = Callable[[int, bytes], int]


@pytest.fixture
def impostor() -> Iterator[Impostor]:
    """Somebody at the leader's address who does not know the secret."""
    servers: list[HTTPServer] = []

    def start(status: int, body: bytes) -> int:
        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return int(server.server_port)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"state": "begun", "locust_port": 1}'),
        (409, b"{}"),
        (200, b"x"),
        (401, b'{"refused": "elsewhere", "leader": "somebody else"}'),
    ],
)
def test_an_answer_without_our_signature_is_not_believed(impostor, status, body) -> None:
    channel = connect(impostor(status, body))
    with pytest.raises(NoAnswer, match="does not know our secret"):
        channel.tell("sync", {})


def test_an_address_that_cannot_be_listened_on_is_said(serve) -> None:
    _, server = serve()
    for host, port in (("127.0.0.1", server.port), ("192.0.2.1", 0)):
        with pytest.raises(InputError, match=f"cannot listen on {host}:{port}"):
            DepotServer(host, port, SECRET)
