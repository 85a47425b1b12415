"""What this machine cannot do is told as its own limit and not as the target's."""

from __future__ import annotations

import errno
import resource
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import gevent
import pytest

from harness.load import line as line_module
from harness.load.client import Connection
from harness.load.endpoint import Endpoint
from harness.load.exchange_failed import ExchangeFailed
from harness.load.own_limits import own_limit, own_limit_text

GET = b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def without_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def failure(url: str, source_address: str | None = None, connect_timeout_s: float = 5.0) -> ExchangeFailed:
    connection = Connection(Endpoint.from_url(url, source_address), connect_timeout_s)
    try:
        with pytest.raises(ExchangeFailed) as caught:
            connection.exchange(GET, 5.0)
    finally:
        connection.close()
    return caught.value


def test_a_process_without_a_free_descriptor_blames_nobody_else(refusing_port):
    failure(f"http://127.0.0.1:{refusing_port}/fhir")  # what is opened once, such as the poll of the loop, is open now
    with without_descriptors():
        failed = failure(f"http://127.0.0.1:{refusing_port}/fhir")
    assert (failed.reason, failed.limit) == ("connection", "descriptors")
    assert failed.detail == "this machine has no file descriptor left for a connection (Too many open files)"


def test_a_server_that_refuses_is_no_limit_of_ours(refusing_port):
    failed = failure(f"http://127.0.0.1:{refusing_port}/fhir")
    assert (failed.reason, failed.limit, failed.detail) == ("connection", "", "Connection refused")


def test_a_name_that_is_not_known_here_is_told_as_that(monkeypatch):
    def resolve(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(line_module.gsocket, "getaddrinfo", resolve)
    failed = failure("http://ehr.example.org/fhir")
    assert (failed.reason, failed.limit) == ("connection", "names")
    assert failed.detail == "the target's name cannot be resolved from this machine (Name or service not known)"


def test_a_name_service_that_does_not_answer_is_told_as_that(monkeypatch):
    monkeypatch.setattr(line_module.gsocket, "getaddrinfo", lambda *_: gevent.sleep(60))
    failed = failure("http://ehr.example.org/fhir", connect_timeout_s=0.1)
    assert (failed.reason, failed.limit) == ("timeout", "names")
    why = "no answer of the name service within 0.1 s"
    assert failed.detail == f"the target's name cannot be resolved from this machine ({why})"


def test_a_host_that_does_not_answer_once_its_name_is_known_is_no_limit_of_ours(full_house):
    failed = failure(f"http://127.0.0.1:{full_house}/fhir", connect_timeout_s=0.2)
    assert (failed.reason, failed.limit, failed.detail) == ("timeout", "", "no connection within 0.2 s")


@pytest.mark.parametrize("doing", ["send", "receive"])
@pytest.mark.parametrize("number", [errno.ENOBUFS, errno.ENOMEM])
@pytest.mark.parametrize("kept", [False, True])
def test_memory_that_is_short_on_an_open_line_is_this_machines(serve, monkeypatch, doing, number, kept):
    server = serve(lambda line: [line.answer(OK) for _ in range(2)])
    with closing(Connection(Endpoint.from_url(server.url), 5.0)) as connection:
        if kept:
            connection.exchange(GET, 5.0)

        def short(*_: object) -> None:
            raise OSError(number, "short")

        monkeypatch.setattr(line_module._PlainLine, doing, short)
        with pytest.raises(ExchangeFailed) as caught:
            connection.exchange(GET, 5.0)
    failed = caught.value
    assert (failed.reason, failed.limit, failed.hung_up) == ("connection", "memory", False)
    assert failed.detail == "this machine has no memory left for a connection (short)"


def test_a_source_address_that_is_none_of_this_machines_is_its_own_limit(refusing_port):
    failed = failure(f"http://127.0.0.1:{refusing_port}/fhir", "192.0.2.1")  # TEST-NET-1, RFC 5737
    assert failed.limit == "ports"
    assert "192.0.2.1 cannot be the source address" in failed.detail


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        (OSError(errno.ENFILE, "x"), "descriptors"),
        (OSError(errno.EADDRNOTAVAIL, "x"), "ports"),
        (OSError(errno.ENOBUFS, "x"), "memory"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "names"),
        (OSError(errno.ECONNREFUSED, "x"), ""),
        (OSError(errno.ENETUNREACH, "x"), ""),  # a router may have said so
        (OSError("without a number"), ""),
        (ValueError("x"), ""),
    ],
)
def test_only_what_is_surely_this_machines_is_called_its_own(error, limit):
    assert own_limit(error) == limit
    if limit:
        assert own_limit_text(limit, error).endswith("(x)")
