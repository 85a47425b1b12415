"""One process that serves: granian embedded in this very process, so its pid is the one that serves, without orphans.

bind ─▶ open the data ─▶ count on from the journal ─▶ serve ─▶ one JSON line ─▶ … ─▶ SIGTERM or SIGINT ─▶ close
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from harness.errors import InputError, OutputError, Problem, RunError
from harness.sandbox.app import SandboxDoor, sandbox_app
from harness.sandbox.capacity import Capacity, Pools
from harness.sandbox.connections import drop_connections
from harness.sandbox.faults import FaultBoard, PlantedFault
from harness.sandbox.gate import Gate
from harness.sandbox.journal import Journal
from harness.sandbox.routes import BASE_PATH
from harness.sandbox.service import FhirService
from harness.sandbox.store import Store
from harness.sandbox.truth import Truth

__all__ = ["JOURNAL_NAME", "Settings", "serve"]

JOURNAL_NAME = "journal.jsonl"
DATABASE_NAME = "fhir.sqlite"
LOCK_NAME = "in-use"  # locked, not just there: a killed process leaves the file but not the lock

_BACKLOG = 4096  # connections waiting to be accepted: a whole morning's clinicians may connect in one second
_MOST_AT_ONCE = 65_536  # granian stops reading requests beyond this; the queue to be measured is ours, not granian's
_IDLE_CONNECTION_MS = 3_600_000  # granian's 30 s would cut connections while clinicians think
_READY_WITHIN_S = 10.0
_SWITCH_INTERVAL_S = 0.0005  # the event loop gets the interpreter back from the writer's thread within this
_PARENT_CHECK_S = 0.5
_LAST_ANSWERS_S = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """`port` 0 takes a free one; without `data` a temporary folder serves, removed at a clean end."""

    host: str = "127.0.0.1"
    port: int = 0
    data: Path | None = None
    capacity: Capacity = field(default_factory=Capacity)
    faults: Sequence[PlantedFault] = ()
    seed: int = 0
    end_with_parent: bool = False


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises InputError where the address cannot be had, OutputError where the data folder cannot be used, RunError where
    the server does not come up.
    """
    parent = os.getppid()
    with _reserved_port(settings.host, settings.port) as port, _data_folder(settings.data) as data:
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        _allow_many_connections()
        asyncio.run(_serve(settings, port, data, parent))


async def _serve(settings: Settings, port: int, data: Path, parent: int) -> None:
    truth = Truth()
    journal_path = data / JOURNAL_NAME
    if journal_path.exists():
        truth.restore(journal_path)
    store, journal = Store(data / DATABASE_NAME), Journal(journal_path)
    faults = FaultBoard(settings.seed)
    door = SandboxDoor(truth, faults)
    gate = Gate(FhirService(store), truth, journal, faults, Pools(settings.capacity))
    server = _granian(sandbox_app(gate, door), settings.host, port)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.stop()  # type: ignore[no-untyped-call]  # granian leaves its return type out
        # It accepts nobody any more, but would wait for whoever is being served, however long a queue that is.
        loop.call_later(_LAST_ANSWERS_S, drop_connections, port)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    serving = asyncio.create_task(server.serve())
    watching = asyncio.create_task(_stop_with_parent(stop, parent)) if settings.end_with_parent else None
    try:
        await _ready(serving, settings.host, port)
        faults.plant(settings.faults)
        door.arm(port)
        _say_ready(settings.host, port, data)
        await serving
    finally:
        if watching is not None:
            watching.cancel()
        store.close()
        journal.close()


def _granian(app: object, host: str, port: int) -> Server:
    return Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_IDLE_CONNECTION_MS),
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_MOST_AT_ONCE,
        log_enabled=False,
    )


async def _ready(serving: asyncio.Task[None], host: str, port: int) -> None:
    """Wait until a connection is accepted."""
    deadline = asyncio.get_running_loop().time() + _READY_WITHIN_S
    while asyncio.get_running_loop().time() < deadline:
        if serving.done():
            await serving  # raises what went wrong
            raise RunError("the sandbox's server ended before it was ready")
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        writer.close()
        return
    raise RunError(f"the sandbox's server was not ready within {_READY_WITHIN_S:.0f} s")


def _say_ready(host: str, port: int, data: Path) -> None:
    written = f"[{host}]" if ":" in host else host
    line = {"url": f"http://{written}:{port}{BASE_PATH}", "pid": os.getpid(), "data": str(data)}
    sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()


def _allow_many_connections() -> None:
    """Each connection is an open file; take all that the system grants this process without asking anybody."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def _reserved_port(host: str, port: int) -> Iterator[int]:
    """Find out that the port is free, and keep it while granian starts.

    granian shares its port (SO_REUSEPORT), so it would not notice that another sandbox answers there already. Our own
    socket stays bound without listening: connections only go to granian's.
    """
    try:
        family = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)[0][0]
    except OSError as error:
        raise InputError(
            Problem(
                f"'{host}' is no IP address", "--host", "write one, such as 127.0.0.1 (this machine only) or 0.0.0.0"
            )
        ) from error
    with socket.socket(family, socket.SOCK_STREAM) as reserved:
        try:
            if port:
                with socket.socket(family, socket.SOCK_STREAM) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((host, port))
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reserved.bind((host, port))
        except OSError as error:
            raise InputError(_cannot_listen(host, port, error)) from error
        yield reserved.getsockname()[1]


def _cannot_listen(host: str, port: int, error: OSError) -> Problem:
    why = (error.strerror or str(error)).lower()
    if error.errno == errno.EADDRNOTAVAIL:
        return Problem(f"'{host}' is no address of this machine", "--host", "leave --host out for 127.0.0.1")
    other = max(port % 65535 + 1, 1024)  # those below are the system's
    how = f"choose another, such as --port {other}, or leave --port out for a free one"
    return Problem(f"port {port} on {host} cannot be had: {why}", "--port", how)


@contextlib.contextmanager
def _data_folder(data: Path | None) -> Iterator[Path]:
    if data is None:
        with tempfile.TemporaryDirectory(prefix="emr-sandbox-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        raise OutputError(
            Problem(
                f"{data} cannot be written: {(error.strerror or str(error)).lower()}",
                "--data",
                "choose a folder of your own",
            )
        ) from error
    with (data / LOCK_NAME).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            help_text = "end that one first, or choose another folder"
            raise OutputError(Problem(f"another sandbox is working in {data}", "--data", help_text)) from error
        yield data.resolve()


async def _stop_with_parent(stop: Callable[[], None], parent: int) -> None:
    """Who is orphaned gets another parent; asked every half second, because no signal tells it on every system."""
    while os.getppid() == parent:
        await asyncio.sleep(_PARENT_CHECK_S)
    stop()
