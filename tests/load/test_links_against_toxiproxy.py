"""The emulated link against toxiproxy: the same figures, the same latencies.

    plain client ──▶ toxiproxy (latency ± jitter, bandwidth) ──▶ server
    LinkedConnection ────────────────────────────────────────▶ server

Equivalent: half the round trip as latency each way, all of the jitter on the way down, bandwidth in bytes, the latency
before the bandwidth (else toxiproxy takes one off the other). Kept connections only: toxiproxy does not delay TCP's
handshake. It limits each connection by itself, so two sites share a line by being interleaved on one connection.
Both are measured by turns, and again where they disagree: a busy machine can only make them differ.
"""

from __future__ import annotations

import os
import selectors
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

import gevent
import httpx
import numpy as np
import pytest

from harness.load.client import Connection
from harness.load.endpoint import Endpoint
from harness.load.linked_connection import LinkedConnection
from harness.load.site_link import SiteLink
from harness.network import LinkProfile
from harness.population import Stream

pytestmark = pytest.mark.prove

TOXIPROXY = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0"
LONG_S = 60.0
KILOBYTE_BITS = 8000
ROUND_TRIP_MS, JITTER_MS, DOWN_KB_PER_S, UP_KB_PER_S = 40, 5, 1250, 250
SHARED_KB_PER_S = 1000

TRIES = 3

Asked = Connection | LinkedConnection
Latencies = dict[str, list[float]]


def get(size: int) -> bytes:
    return b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % size


def post(size: int) -> bytes:
    return b"POST /100 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size


WORK = {
    "2 kB read": (get(2_000), 150),
    "30 kB search": (get(30_000), 100),
    "20 kB write": (post(20_000), 60),
    "1 MB document": (get(1_000_000), 10),
}
"""What is asked, and how often: of so many draws, the p50 of one jitter is within 1 ms of another's."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        size = int(self.path[1:])
        # in one piece: toxiproxy draws its jitter anew for each
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server that answers with as many bytes as the path says."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def toxiproxy(tmp_path_factory) -> Iterator[httpx.Client]:
    """A toxiproxy, built here, and a client for its control port."""
    if shutil.which("go") is None:
        pytest.skip("toxiproxy is built with Go, which is not on the path")
    folder = tmp_path_factory.mktemp("toxiproxy")
    built = subprocess.run(
        ["go", "install", TOXIPROXY], env={**os.environ, "GOBIN": str(folder)}, capture_output=True, text=True
    )
    if built.returncode:
        pytest.skip(f"toxiproxy cannot be built here: {built.stderr.strip().splitlines()[-1]}")
    control = free_port()
    command = [str(folder / "server"), "-host", "127.0.0.1", "-port", str(control)]
    with Path(folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        with httpx.Client(base_url=f"http://127.0.0.1:{control}", trust_env=False) as client:
            until = time.monotonic() + LONG_S
            while time.monotonic() < until:
                with suppress(httpx.ConnectError):
                    client.get("/version")
                    break
                time.sleep(0.05)
            yield client
        process.terminate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def proxied(toxiproxy: httpx.Client, upstream: int, toxics: list[tuple[str, str, dict[str, int]]]) -> int:
    """Have toxiproxy stand before `upstream` with (type, stream, attributes); gives its port."""
    listen = free_port()
    proxy = {"name": str(listen), "listen": f"127.0.0.1:{listen}", "upstream": f"127.0.0.1:{upstream}", "enabled": True}
    toxiproxy.post("/proxies", json=proxy).raise_for_status()
    for kind, stream, attributes in toxics:
        toxic = {"type": kind, "stream": stream, "attributes": attributes}
        toxiproxy.post(f"/proxies/{listen}/toxics", json=toxic).raise_for_status()
    return listen


def linked(port: int, link: SiteLink, seed: str) -> LinkedConnection:
    return LinkedConnection(Endpoint.from_url(f"http://127.0.0.1:{port}"), LONG_S, link, Stream(seed))


def plain(port: int) -> Connection:
    return Connection(Endpoint.from_url(f"http://127.0.0.1:{port}"), LONG_S)


def agree(measure: Callable[[], tuple[Latencies, Latencies]]) -> None:
    """p50 and p95 of each kind, emulated and by toxiproxy, within 5% or 3 ms, whichever is more."""
    for _ in range(TRIES):
        print()
        apart = []
        emulated, by_toxiproxy = measure()
        for what, theirs_ms in by_toxiproxy.items():
            for percent in (50, 95):
                ours, theirs = np.percentile(emulated[what], percent), np.percentile(theirs_ms, percent)
                told = (
                    f"{what:17} p{percent}  emulated {ours:8.2f} ms  toxiproxy {theirs:8.2f} ms  {ours - theirs:+6.2f}"
                )
                print(told)
                if abs(ours - theirs) > max(3.0, 0.05 * theirs):
                    apart.append(told)
        if not apart:
            return
    pytest.fail("\n".join(apart))


def test_an_emulated_link_takes_as_long_as_toxiproxy(toxiproxy, port):
    way_ms = ROUND_TRIP_MS // 2
    through = plain(
        proxied(
            toxiproxy,
            port,
            [
                ("latency", "upstream", {"latency": way_ms, "jitter": 0}),
                ("latency", "downstream", {"latency": way_ms, "jitter": JITTER_MS}),
                ("bandwidth", "upstream", {"rate": UP_KB_PER_S}),
                ("bandwidth", "downstream", {"rate": DOWN_KB_PER_S}),
            ],
        )
    )
    profile = LinkProfile(
        "clinic",
        ROUND_TRIP_MS / 1000,
        JITTER_MS / 1000,
        DOWN_KB_PER_S * KILOBYTE_BITS,
        UP_KB_PER_S * KILOBYTE_BITS,
    )
    emulated = linked(port, SiteLink(profile, time.perf_counter), "clinic")
    for connection in (through, emulated):
        connection.exchange(get(100), LONG_S)

    def measure() -> tuple[Latencies, Latencies]:
        ours: Latencies = {what: [] for what in WORK}
        theirs: Latencies = {what: [] for what in WORK}
        for what, (request, times) in WORK.items():
            for _ in range(times):
                theirs[what].append(latency_ms(through, request))
                ours[what].append(latency_ms(emulated, request))
        return ours, theirs

    try:
        agree(measure)
    finally:
        through.close()
        emulated.close()


def latency_ms(connection: Asked, request: bytes) -> float:
    began = time.perf_counter()
    told = connection.exchange(request, LONG_S)
    assert told.status == 200
    assert told.reused
    return (time.perf_counter() - began) * 1000


LONG_DOCUMENT, SHORTER_DOCUMENT = 800_000, 200_000
STARTS_S = [0.0, 0.1, 0.2, 0.4, 0.6] * 2
"""When the second site asks after the first one has."""


def test_two_sites_on_one_line_slow_each_other_down_as_toxiproxy_says(toxiproxy, port):
    shared = LinkProfile("village", down_bits_per_s=SHARED_KB_PER_S * KILOBYTE_BITS)
    link = SiteLink(shared, time.perf_counter)
    emulated = [linked(port, link, name) for name in ("river", "lake")]
    with Multiplexer(port) as multiplexer:
        listen = proxied(toxiproxy, multiplexer.far_port, [("bandwidth", "downstream", {"rate": SHARED_KB_PER_S})])
        multiplexer.join(listen)
        through = [plain(multiplexer.near_port) for _ in range(2)]
        for site in (*emulated, *through):
            site.exchange(get(100), LONG_S)

        def measure() -> tuple[Latencies, Latencies]:
            ours: Latencies = {what: [] for what in SIDE_BY_SIDE}
            theirs: Latencies = {what: [] for what in SIDE_BY_SIDE}
            for start_s in STARTS_S:
                side_by_side(*through, start_s, theirs)
                side_by_side(*emulated, start_s, ours)
            # or nothing was shared, and agreeing would say nothing
            assert median(theirs["shorter, shared"]) > 1.5 * median(theirs["shorter, alone"])
            return ours, theirs

        try:
            agree(measure)
        finally:
            for site in (*emulated, *through):
                site.close()


SIDE_BY_SIDE = ("long, shared", "shorter, shared", "shorter, alone")


def side_by_side(first: Asked, second: Asked, start_s: float, told: Latencies) -> None:
    """The first site's long answer, the second's shorter one from `start_s` after, and that again without the other."""
    long = gevent.spawn(latency_ms, first, get(LONG_DOCUMENT))
    shorter = gevent.spawn_later(start_s, latency_ms, second, get(SHORTER_DOCUMENT))
    latencies = (long.get(), shorter.get(), latency_ms(second, get(SHORTER_DOCUMENT)))
    for what, latency in zip(SIDE_BY_SIDE, latencies, strict=True):
        told[what].append(latency)


class Multiplexer:
    """Several connections over one, a frame of each in turn.

    clients ══▶ near end ──▶ one connection, through toxiproxy ──▶ far end ══▶ server

    Few frames are on the way at a time: else toxiproxy's buffers would be a queue in which turns mean nothing.
    """

    FRAME_BYTES = 1500
    FRAMES_ON_THE_WAY = 4
    HEAD = struct.Struct(">BH")

    def __init__(self, server: int) -> None:
        self._server = server
        self._near_door, self._far_door = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        self.near_port, self.far_port = (door.getsockname()[1] for door in (self._near_door, self._far_door))
        self._sockets = [self._near_door, self._far_door]

    def __enter__(self) -> Multiplexer:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def join(self, port: int) -> None:
        """The one connection goes through what listens at `port` and leads back to the far end."""
        near = self._kept(socket.create_connection(("127.0.0.1", port)))
        far = self._kept(self._far_door.accept()[0])
        near_streams: dict[int, socket.socket] = {}
        far_streams: dict[int, socket.socket] = {}
        near_ready, far_ready = selectors.EpollSelector(), selectors.EpollSelector()
        up, down = (threading.Semaphore(self.FRAMES_ON_THE_WAY) for _ in range(2))

        def admit() -> None:
            for number in range(2):
                near_streams[number] = self._kept(self._near_door.accept()[0])
                far_streams[number] = self._kept(socket.create_connection(("127.0.0.1", self._server)))
                far_ready.register(far_streams[number], selectors.EVENT_READ, number)
                near_ready.register(near_streams[number], selectors.EVENT_READ, number)

        for work in (
            admit,
            lambda: self._send(near_ready, near, up),
            lambda: self._deliver(far, far_streams, up),
            lambda: self._send(far_ready, far, down),
            lambda: self._deliver(near, near_streams, down),
        ):
            threading.Thread(target=self._until_closed, args=(work,), daemon=True).start()

    def _kept(self, one: socket.socket) -> socket.socket:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets.append(one)
        return one

    @staticmethod
    def _until_closed(work: Callable[[], None]) -> None:
        with suppress(OSError, ValueError, KeyError):
            work()

    def _send(self, ready: selectors.BaseSelector, line: socket.socket, window: threading.Semaphore) -> None:
        while True:
            for key, _ in ready.select():
                window.acquire()
                data = key.fileobj.recv(self.FRAME_BYTES)
                if not data:
                    ready.unregister(key.fileobj)
                line.sendall(self.HEAD.pack(key.data, len(data)) + data)

    def _deliver(self, line: socket.socket, streams: dict[int, socket.socket], window: threading.Semaphore) -> None:
        with line.makefile("rb") as frames:
            while head := frames.read(self.HEAD.size):
                number, length = self.HEAD.unpack(head)
                data = frames.read(length)
                window.release()
                if data:
                    streams[number].sendall(data)
