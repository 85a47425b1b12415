"""A depot with a real server, real channels to it, and a line between them that can be cut anywhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from harness.fleet import Channel, Depot, DepotServer, Handover, Secret, depot_server
from harness.fleet.clock_offset import ClockReading
from harness.fleet.handover import own_versions
from harness.plan import compile_plan, manifest_facts
from harness.rundir import RunDir, create_run_dir
from harness.scenario import dump_spec, load_scenario, resolve

SECRET = Secret(b"what the hosts of a run know")
HOLDS = (None, None)
QUICK = Path(__file__).parents[2] / "scenarios" / "quick-rush.yaml"


@pytest.fixture
def led(tmp_path: Path) -> RunDir:
    """A run's folder at its leader, as it is before the load."""
    spec = resolve(load_scenario(str(QUICK), ()), sites=2, seed=5, duration_s=30.0)
    run_dir = create_run_dir("quick-rush", tmp_path / "led")
    dump_spec(spec, run_dir.scenario)
    run_dir.arrivals.write_text("[]")
    run_dir.update_manifest(**manifest_facts(compile_plan(spec)))
    return run_dir


class Clock:
    """A depot's two clocks, set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic_s(self) -> float:
        return self.now_s

    def epoch_s(self) -> float:
        return 1e9 + self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workers() -> int:
    """As many as the run expects."""
    return 2


@pytest.fixture
def depot(led: RunDir, clock: Clock, workers: int) -> Depot:
    return Depot(led, Handover.of(led, workers, 10), monotonic_s=clock.monotonic_s, epoch_s=clock.epoch_s)


@pytest.fixture
def serve(led: RunDir, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Depot, DepotServer]]]:
    """Start a depot with a server on loopback; it ends with the test."""
    monkeypatch.setattr(depot_server, "LOOK_EVERY_S", 0.01)
    running: list[DepotServer] = []

    def start(secret: Secret = SECRET, workers: int = 2) -> tuple[Depot, DepotServer]:
        depot = Depot(led, Handover.of(led, workers, 10))
        server = DepotServer("127.0.0.1", 0, secret).serve(depot)
        running.append(server.__enter__())
        return depot, server

    yield start
    for server in running:
        server.__exit__(None, None, None)


def seat(depot: Depot, worker: str = "a", name: str = "lake", index: int | None = None) -> str:
    """Join and get ready; gives the name."""
    own = {"name": name, "versions": own_versions(), "machine": {"cpus": 2}}
    told = depot.join(worker, own, "10.0.0.7")
    reading = ClockReading(told["name"], 1e9, 0.001, 0.0005).to_json()
    depot.ready(worker, {"roster_digest": told["roster_digest"], "clock": reading})
    if index is not None:
        progress = {f"streams/progress-w{index}.jsonl": {"offset": 0, "text": ""}}
        depot.sync(worker, {"progress": progress})
    return str(told["name"])


_OPEN: list[Channel] = []


def connect(port: int, secret: Secret = SECRET, worker: str = "a") -> Channel:
    """A channel that the test does not have to close."""
    _OPEN.append(Channel("127.0.0.1", port, secret, worker))
    return _OPEN[-1]


@pytest.fixture(autouse=True)
def closed_channels() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


@contextmanager
def line_that_is_cut(port: int, cuts: list[tuple[int | None, int | None]]) -> Iterator[int]:
    """A port that leads to `port`; the n-th connection is cut after so many bytes there, or so many bytes back, and
    leaves `cuts`; after the last it holds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def forward(one: socket.socket, other: socket.socket, at_most: int | None) -> None:
            passed = 0
            with suppress(OSError):
                while data := one.recv(65536):
                    rest = data if at_most is None else data[: at_most - passed]
                    other.sendall(rest)
                    passed += len(rest)
                    if at_most is not None and passed >= at_most:
                        break
            for each in (one, other):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

        def carry(near: socket.socket, there: int | None, back: int | None) -> None:
            with near, socket.create_connection(("127.0.0.1", port)) as far:
                other = threading.Thread(target=forward, args=(far, near, back))
                other.start()
                forward(near, far, there)
                other.join()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    near, _ = listener.accept()
                    lines.append(threading.Thread(target=carry, args=(near, *(cuts.pop(0) if cuts else HOLDS))))
                    lines[-1].start()

        lines: list[threading.Thread] = []
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for channel in _OPEN:
                channel.close()
            for line in lines:
                line.join()


def facts_of(depot: Depot, name: str = "lake") -> dict[str, Any]:
    (found,) = [each for each in depot.facts()["workers"] if each["name"] == name]
    return found
