"""A connected line to the target, plain or TLS, on which a greenlet waits and the others work meanwhile.

A plain line is the bare socket and one watcher for its whole life: nothing has come when a request has just gone out,
so it waits first and reads then. (gevent's own socket reads in vain first, and costs twice as much; the hub's
`wait` would make sure that nothing else has woken the greenlet, for 0.4 µs: here that is but one more look in vain.)
"""

from __future__ import annotations

import ipaddress
import select
import socket
import ssl
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final, Protocol

import gevent
from gevent import monkey
from gevent import socket as gsocket
from gevent.ssl import SSLContext
from greenlet import getcurrent

from harness.load.endpoint import Endpoint

__all__ = ["Line", "open_line", "shared_tls_context", "was_looking_up"]

_BareSocket = monkey.get_original("socket", "socket")
_poll = monkey.get_original("select", "poll")  # asked without waiting, so the real one does not stall the loop
_READABLE: Final = select.POLLIN | select.POLLERR | select.POLLHUP
_FAMILY: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
_READ: Final = 1  # libev's EV_READ
_LOOKING_UP: Final = "the host's name was being looked up"


class Line(Protocol):
    """What a connection needs of its line. Everything raises OSError where the line is broken."""

    def send(self, data: bytes) -> bool:
        """Send all of it. False where the server closed meanwhile: what it answered before that may still come."""

    def receive(self, most: int) -> bytes:
        """Wait for something to come; b"" once the server has closed."""

    def has_something(self) -> bool:
        """Whether anything has come, the server's good-bye included; does not wait."""

    def close(self) -> None:
        """A second call does nothing."""


def open_line(endpoint: Endpoint, within_s: float) -> Line:
    """A line to the first of the host's addresses that takes it; the name is looked up anew each time.

    One that does not answer leaves the others their share of `within_s`; to end the last one is the caller's business.
    Raises OSError where none takes it, where the source address is none of this machine's, or where the certificate
    cannot be verified.
    """
    connected = _connected(endpoint, within_s)
    if endpoint.tls:
        return _TlsLine(_wrapped(connected, endpoint.host))
    return _PlainLine(connected.detach())


def was_looking_up(timeout: BaseException) -> bool:
    """Whether `open_line` was ended by it before it knew an address."""
    return _LOOKING_UP in getattr(timeout, "__notes__", ())


class _PlainLine:
    """Owns the descriptor of a connected socket that does not block."""

    __slots__ = ("_hub", "_readable", "_socket")

    def __init__(self, descriptor: int) -> None:
        self._socket = _BareSocket(fileno=descriptor)
        self._socket.setblocking(False)
        self._hub = gevent.get_hub()
        self._readable = self._hub.loop.io(descriptor, _READ)

    def send(self, data: bytes) -> bool:
        rest: bytes | memoryview = data
        while True:
            try:
                sent = self._socket.send(rest)
            except BlockingIOError:
                sent = 0
            except (BrokenPipeError, ConnectionResetError):
                return False
            if sent == len(rest):
                return True
            rest = memoryview(rest)[sent:]
            gsocket.wait_write(self._socket.fileno())

    def receive(self, most: int) -> bytes:
        while True:
            self._readable.start(getcurrent().switch)
            try:
                self._hub.switch()
            finally:  # whoever is out of time or killed is thrown out here
                self._readable.stop()
            try:
                return self._socket.recv(most)  # type: ignore[no-any-return]  # the bare socket's class has no type
            except BlockingIOError:  # the kernel may wake us for nothing
                continue

    def has_something(self) -> bool:
        return _has_something(self._socket.fileno())

    def close(self) -> None:
        self._readable.close()
        self._socket.close()


class _TlsLine:
    """gevent's TLS socket as it is: unpacking costs so much more than waiting that nothing is won by waiting better."""

    __slots__ = ("_socket",)

    def __init__(self, wrapped: gsocket.socket) -> None:
        self._socket = wrapped

    def send(self, data: bytes) -> bool:
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def receive(self, most: int) -> bytes:
        return self._socket.recv(most)

    def has_something(self) -> bool:
        return _has_something(self._socket.fileno()) and self._says_something()

    def _says_something(self) -> bool:
        """Session tickets may come late (RFC 8446, 4.6.1): they are no answer and no good-bye."""
        self._socket.settimeout(0.0)
        try:
            self._socket.recv(1)
        except ssl.SSLWantReadError:
            return False
        except OSError:
            return True
        finally:
            self._socket.settimeout(None)
        return True

    def close(self) -> None:
        self._socket.close()


_tls_context: ssl.SSLContext | None = None


def shared_tls_context() -> ssl.SSLContext:
    """One verifying context for all: a context of its own costs a clinician 821 kB and 28 ms."""
    global _tls_context
    if _tls_context is None:
        _tls_context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name
        _tls_context.load_default_certs()
    return _tls_context


def _connected(endpoint: Endpoint, within_s: float) -> gsocket.socket:
    until_s = perf_counter() + within_s
    addresses = _addresses(endpoint)
    refusal = OSError("the host has no address")
    for tried, (family, kind, protocol, _, address) in enumerate(addresses, 1):
        line = gsocket.socket(family, kind, protocol)
        try:
            if endpoint.source_address is not None:
                _bind(line, endpoint.source_address)
            if tried < len(addresses):
                line.settimeout(max(until_s - perf_counter(), 0.0) / (len(addresses) - tried + 1))
            line.connect(address)
            line.settimeout(None)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            line.close()
            refusal = error
        except BaseException:  # out of time: nobody else would close it
            line.close()
            raise
        else:
            return line
    raise refusal


def _addresses(endpoint: Endpoint) -> Sequence[tuple[int, int, int, str, Any]]:
    """All that the host's name has, of the kind of the source address where there is one."""
    try:
        found = gsocket.getaddrinfo(endpoint.host, endpoint.port, 0, socket.SOCK_STREAM)
    except gevent.Timeout as timeout:
        timeout.add_note(_LOOKING_UP)
        raise
    if endpoint.source_address is None:
        return found
    version = ipaddress.ip_address(endpoint.source_address).version
    fitting = [one for one in found if one[0] == _FAMILY[version]]
    if not fitting:
        raise OSError(f"the host has no IPv{version} address, but {endpoint.source_address} is one")
    return fitting


def _bind(line: gsocket.socket, source_address: str) -> None:
    try:
        line.bind((source_address, 0))
    except OSError as error:
        raise OSError(error.errno, f"{source_address} cannot be the source address: {error.strerror}") from error


def _wrapped(line: gsocket.socket, host: str) -> gsocket.socket:
    try:
        wrapped: gsocket.socket = shared_tls_context().wrap_socket(line, server_hostname=host)
    except BaseException:
        line.close()
        raise
    return wrapped


def _has_something(descriptor: int) -> bool:
    look = _poll()
    look.register(descriptor, _READABLE)
    return bool(look.poll(0))
