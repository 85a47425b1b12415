"""Dropping connections as a dying server would."""

from __future__ import annotations

import socket

import pytest

from harness.sandbox.connections import drop_connections


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def connected(server):
    client = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    client.settimeout(5)
    return client, accepted


def test_all_connections_of_the_port_are_closed_and_the_port_still_listens(listening):
    port = listening.getsockname()[1]
    pairs = [connected(listening) for _ in range(2)]
    assert drop_connections(port) == 2
    assert [client.recv(10) for client, _ in pairs] == [b"", b""]
    again, accepted = connected(listening)
    for each in (again, accepted, *(end for pair in pairs for end in pair)):
        each.close()


def test_connections_elsewhere_and_of_other_clients_stay(listening):
    port = listening.getsockname()[1]
    (one, one_accepted), (two, two_accepted) = connected(listening), connected(listening)
    assert drop_connections(port, one.getsockname()[1]) == 1
    assert drop_connections(1) == 0
    two_accepted.sendall(b"still here")
    assert two.recv(10) == b"still here"
    for each in (one, one_accepted, two, two_accepted):
        each.close()
