"""Over TLS, whom a clinician speaks to and whom she does not, and what is told of it."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from harness.errors import TargetError
from harness.load import line as line_module
from harness.load.client import Connection
from harness.load.discovery import discover
from harness.load.endpoint import Endpoint
from harness.load.exchange_failed import ExchangeFailed

GET = b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(autouse=True)
def trust(authority, monkeypatch) -> Iterator[Callable[[Path], None]]:
    """The private authority is trusted, unless a test says otherwise."""

    def only(certificate: Path) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setattr(line_module, "_tls_context", None)

    only(authority.certificate)
    yield only
    monkeypatch.setattr(line_module, "_tls_context", None)


def speaking(certificate: tuple[Path, Path], names: list[str | None] | None = None) -> Callable[..., ssl.SSLSocket]:
    """`names` collects what clients say whom they want to speak to (SNI)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if names is not None:
        context.sni_callback = lambda _, name, __: names.append(name)
    return lambda raw: context.wrap_socket(raw, server_side=True)


@pytest.fixture
def connect() -> Iterator[Callable[..., Connection]]:
    made: list[Connection] = []

    def make(server, host: str = "127.0.0.1") -> Connection:
        made.append(Connection(Endpoint.from_url(f"https://{host}:{server.port}/fhir"), 60.0))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def failure_of(connection: Connection) -> ExchangeFailed:
    with pytest.raises(ExchangeFailed) as caught:
        connection.exchange(GET, 60.0)
    return caught.value


def test_a_server_of_a_trusted_authority_is_spoken_to_and_the_line_is_kept(serve, connect, authority):
    large = json.dumps({"x": "y" * 200_000}).encode()
    words = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(large), large)
    server = serve(lambda line: (line.answer(words), line.answer(OK)), wrap=speaking(authority.issue("good")))
    connection = connect(server)
    assert connection.exchange(GET, 60.0).body == large
    gevent.sleep(0.1)  # an idle line with nothing to say is not taken for a closed one
    assert connection.exchange(GET, 60.0).reused
    connection.close()
    assert line_module.shared_tls_context() is line_module.shared_tls_context()


def test_a_line_closed_while_idle_is_noticed_before_anything_is_sent(serve, connect, authority):
    wrap = speaking(authority.issue("good"))
    server = serve(lambda line: (line.answer(OK), line.close()), lambda line: line.answer(OK), wrap=wrap)
    connection = connect(server)
    connection.exchange(GET, 60.0)
    with gevent.Timeout(60):
        while not connection._line.has_something():
            gevent.sleep(0.01)
    gevent.sleep(0.001)  # nobody looks within 50 µs of an answer
    told = connection.exchange(GET, 60.0)
    assert (told.reused, len(server.requests)) == (False, 2)


def test_a_server_is_told_whom_she_means_unless_that_is_an_address(serve, connect, authority):
    names: list[str | None] = []
    wrap = speaking(authority.issue("good"), names)
    server = serve(lambda line: line.answer(OK), lambda line: line.answer(OK), wrap=wrap)
    for host in ("localhost", "127.0.0.1"):
        assert connect(server, host).exchange(GET, 60.0).status == 200
    assert names == ["localhost", None]


@pytest.mark.parametrize(
    ("issued", "why"),
    [
        ({"name": "expired", "days": -1}, "certificate has expired"),
        ({"name": "elsewhere", "names": "DNS:ehr.example.org"}, "IP address mismatch"),
        ({"name": "common-only", "names": "DNS:127.0.0.1.example.org"}, "IP address mismatch"),
    ],
)
def test_a_certificate_that_is_no_good_is_refused(serve, connect, authority, issued, why):
    server = serve(lambda line: line.answer(OK), wrap=speaking(authority.issue(**issued)))
    failed = failure_of(connect(server))
    assert failed.reason == "connection"
    assert failed.detail.startswith("the TLS certificate cannot be verified: ")
    assert why in failed.detail
    assert server.requests == []


def test_a_certificate_for_another_name_is_refused(serve, connect, authority):
    server = serve(lambda line: line.answer(OK), wrap=speaking(authority.issue("other", "DNS:ehr.example.org")))
    assert "Hostname mismatch" in failure_of(connect(server, "localhost")).detail


def test_an_authority_that_nobody_knows_is_refused(serve, connect, authority, self_signed, trust):
    trust(self_signed[0])
    server = serve(lambda line: line.answer(OK), wrap=speaking(authority.issue("unknown")))
    assert "unable to get local issuer certificate" in failure_of(connect(server)).detail


def test_a_self_signed_certificate_is_refused_unless_it_is_trusted_itself(serve, connect, self_signed, trust):
    server = serve(*[lambda line: line.answer(OK)] * 2, wrap=speaking(self_signed))
    failed = failure_of(connect(server))
    assert failed.detail.replace("self signed", "self-signed") == (  # OpenSSL 1.1
        "the TLS certificate cannot be verified: self-signed certificate"
    )
    trust(self_signed[0])
    assert connect(server).exchange(GET, 60.0).status == 200


def test_plain_locust_tells_it_once_before_the_load(serve, self_signed, spec):
    server = serve(lambda line: line.answer(OK), wrap=speaking(self_signed))
    with pytest.raises(TargetError, match=r"does not answer: the TLS certificate cannot be verified: self.signed"):
        discover(spec, f"https://127.0.0.1:{server.port}/fhir")
    assert server.requests == []


def test_a_server_without_tls_is_a_failed_connection_for_https(serve, connect):
    server = serve(lambda line: (line.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), line.wait_until_left()))
    assert failure_of(connect(server)).reason == "connection"


def test_a_session_ticket_that_comes_late_is_no_good_bye(authority):
    """RFC 8446, 4.6.1: a server may send one at any time."""
    ours, theirs = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("good"))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)

    def shake_hands() -> list[bytes]:
        """The server's end, whose last flight, the tickets, is held back."""
        while True:
            incoming.write(theirs.recv(65536))
            try:
                server.do_handshake()
            except ssl.SSLWantReadError:
                theirs.sendall(outgoing.read())
                continue
            return [outgoing.read()]

    shaking = gevent.get_hub().threadpool.spawn(shake_hands)
    line = line_module._TlsLine(line_module._wrapped(line_module.gsocket.socket(fileno=ours.detach()), "localhost"))
    (tickets,) = shaking.get()
    assert tickets
    assert not line.has_something()
    theirs.sendall(tickets)
    gevent.sleep(0.05)
    assert not line.has_something()
    theirs.close()
    gevent.sleep(0.05)
    assert line.has_something()
    line.close()
