"""Which of a host's addresses a line goes to, in which time, and from which address of this machine."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from harness.load import line as line_module
from harness.load.client import Connection
from harness.load.endpoint import Endpoint
from harness.load.exchange_failed import ExchangeFailed

GET = b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def failure_of(connection: Connection) -> ExchangeFailed:
    with pytest.raises(ExchangeFailed) as caught:
        connection.exchange(GET, 60.0)
    return caught.value


@pytest.fixture
def named(monkeypatch) -> Iterator[list[tuple[str, int]]]:
    """The addresses that any name has from now on; filled by the test."""
    addresses: list[tuple[str, int]] = []

    def found(*_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    monkeypatch.setattr(line_module.gsocket, "getaddrinfo", found)
    return addresses


def test_the_bound_on_connecting_holds_for_all_addresses_of_a_host_together(full_house, named):
    """A name with many addresses, all behind a firewall that drops: one bound, not one each or none."""
    named += [("127.0.0.1", full_house)] * 200
    began = time.monotonic()
    failed = failure_of(Connection(Endpoint.from_url("http://many-addresses.example"), 0.3))
    assert (failed.reason, failed.detail) == ("timeout", "no connection within 0.3 s")
    assert time.monotonic() - began < 30  # one each would be a minute


def test_the_second_address_of_a_host_is_tried_where_the_first_refuses(serve, named, refusing_port):
    server = serve(lambda line: line.answer(OK))
    named += [("127.0.0.1", refusing_port), ("127.0.0.1", server.port)]
    with closing(Connection(Endpoint.from_url("http://two.example"), 60.0)) as connection:
        assert connection.exchange(GET, 60.0).body == b"ok"


def test_an_address_that_is_silent_leaves_the_others_their_time(serve, named, full_house):
    server = serve(lambda line: line.answer(OK))
    named += [("127.0.0.1", full_house), ("127.0.0.1", server.port)]
    with closing(Connection(Endpoint.from_url("http://two.example"), 2.0)) as connection:
        assert 0.9 <= connection.exchange(GET, 60.0).connect_s < 2.0


def test_a_name_is_looked_up_for_each_line_and_not_for_each_request(serve, named):
    first, second = (serve(lambda line: (line.answer(OK), line.answer(OK))) for _ in range(2))
    named.append(("127.0.0.1", first.port))
    with closing(Connection(Endpoint.from_url("http://moved.example"), 60.0)) as connection:
        connection.exchange(GET, 60.0)
        named[:] = [("127.0.0.1", second.port)]
        connection.exchange(GET, 60.0)
        assert [len(first.requests), len(second.requests)] == [2, 0]
        connection.close()
        connection.exchange(GET, 60.0)
    assert [len(first.requests), len(second.requests)] == [2, 1]


def test_a_name_that_is_nobodys_is_a_failed_connection(monkeypatch):
    def nobody(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(line_module.gsocket, "getaddrinfo", nobody)
    failed = failure_of(Connection(Endpoint.from_url("http://nobody.invalid"), 1.0))
    assert (failed.reason, failed.limit) == ("connection", "names")
    assert failed.detail == "the target's name cannot be resolved from this machine (Name or service not known)"


# ---- IPv6


@pytest.fixture
def over_ipv6() -> Iterator[socket.socket]:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener:
        yield listener


def test_an_ipv6_address_is_spoken_to(over_ipv6):
    port = over_ipv6.getsockname()[1]
    endpoint = Endpoint.from_url(f"http://[::1]:{port}/fhir")
    assert endpoint.authority == f"[::1]:{port}"
    line = line_module.open_line(endpoint, 10.0)
    with over_ipv6.accept()[0] as server:
        line.send(GET)
        assert server.recv(1000) == GET
        server.sendall(OK)
        assert line.receive(1000) == OK
    line.close()


# ---- from which address


def test_a_line_comes_from_the_address_that_its_site_has():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/fhir"
        line = line_module.open_line(Endpoint.from_url(url, "127.0.0.7"), 10.0)
        with listener.accept()[0] as server:
            assert server.getpeername()[0] == "127.0.0.7"
        line.close()


def test_an_address_that_is_not_this_machines_is_told(refusing_port):
    # RFC 5737: nobody has an address in 192.0.2.0/24
    endpoint = Endpoint.from_url(f"http://127.0.0.1:{refusing_port}", "192.0.2.1")
    failed = failure_of(Connection(endpoint, 1.0))
    assert failed.reason == "connection"
    assert "192.0.2.1 cannot be the source address: Cannot assign requested address" in failed.detail


def test_a_source_address_of_the_other_kind_reaches_nobody(over_ipv6):
    endpoint = Endpoint.from_url(f"http://[::1]:{over_ipv6.getsockname()[1]}", "127.0.0.7")
    failed = failure_of(Connection(endpoint, 1.0))
    assert (failed.reason, failed.detail) == ("connection", "the host has no IPv4 address, but 127.0.0.7 is one")
