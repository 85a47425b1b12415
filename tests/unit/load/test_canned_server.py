"""A server that answers everything with the same search result, and ends with whoever started it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from harness.fhir import checks
from harness.fhir.call import Answer
from harness.load.canned_server import ENTRIES, KIND, PATIENT, serve


@pytest.fixture
def server() -> Iterator[tuple[tuple[str, int], Callable[[], None]]]:
    """Its address, and what ends it."""
    ends, stays = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as listener, os.fdopen(stays, "wb") as lifeline:
        thread = threading.Thread(target=serve, args=(listener, ends))
        thread.start()

        def over() -> None:
            lifeline.close()
            thread.join(10)
            assert not thread.is_alive()

        yield listener.getsockname(), over
        over()
    os.close(ends)


@pytest.fixture
def address(server) -> tuple[str, int]:
    return server[0]


@pytest.fixture
def over(server) -> Callable[[], None]:
    return server[1]


def answers(line: socket.socket, count: int) -> list[bytes]:
    """The bodies of so many answers."""
    data, bodies = b"", []
    while len(bodies) < count:
        head, end, rest = data.partition(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2] or 0) if end else 0
        if end and len(rest) >= length:
            bodies.append(rest[:length])
            data = rest[length:]
            continue
        came = line.recv(65536)
        assert came
        data += came
    return bodies


def test_it_answers_as_often_as_it_is_asked_with_what_the_check_of_a_search_takes(address):
    with socket.create_connection(address) as line:
        line.sendall(b"GET /fhir/Patient/1 HTTP/1.1\r\n\r\nGET /fhir/Patient/2 HTTP/1.1\r\n\r\n")
        first, second = answers(line, 2)
        line.sendall(b"POST /fhir HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        assert answers(line, 1) == [first] == [second]
    assert checks.is_search_result(Answer(200, first, {}), KIND, PATIENT, ENTRIES) == ""
    assert json.loads(first)["total"] == ENTRIES


def test_whoever_leaves_takes_nobody_along(address):
    with socket.create_connection(address) as stays:
        for _ in range(3):
            socket.create_connection(address).close()
        stays.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert answers(stays, 1)


def test_at_the_end_it_hangs_up_on_whoever_is_there(address, over):
    with socket.create_connection(address) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert answers(line, 1)
        over()
        assert line.recv(1) == b""


def test_its_process_ends_when_its_standard_input_does():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        handle = listener.fileno()
        command = [sys.executable, "-m", "harness.load.canned_server", str(handle)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[handle]) as server:
            assert server.stdin is not None
            server.stdin.close()
            assert server.wait(30) == 0
