"""Ways to do harm to processes and to what passes between them: each takes the stage of a run and returns once it is
done."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.faults.stage import LENGTH_S, Stage, wait_for

Harm = Callable[[Stage], None]

MIDDLE_S = 6.0
ROOT = os.geteuid() == 0
LOCUSTFILE = Path(__file__).parents[2] / "harness" / "load" / "locustfile.py"
_PIDFD_GETFD = 438
_ATTACH_FILTER = 26


def require_root(what: str) -> None:
    if not ROOT:
        pytest.skip(f"only root may {what}")


# ---- processes


def kill(*whom: str, at: float = MIDDLE_S) -> Harm:
    return signals(signal.SIGKILL, *whom, at=at)


def signals(number: signal.Signals, *whom: str, at: float = MIDDLE_S) -> Harm:
    def harm(stage: Stage) -> None:
        pids = [stage.pid(who) for who in whom]
        stage.at(at)
        stage.falls()
        for pid in pids:
            os.kill(pid, number)

    return harm


def kill_while_it_prepares(who: str) -> Harm:
    """A second after it was started: it is in the middle of its imports."""

    def harm(stage: Stage) -> None:
        pid = stage.pid(who)
        time.sleep(1.0)
        stage.falls()
        os.kill(pid, signal.SIGKILL)

    return harm


def kill_while_it_drains(*whom: str) -> Harm:
    """Requests hang when the planned end comes, so that everybody waits for an answer."""

    def harm(stage: Stage) -> None:
        pids = [stage.pid(who) for who in whom]
        stage.at(
            LENGTH_S - 0.25
        )  # later than that hardly anybody asks; sooner, and the server would miss its objective
        stage.sandbox.plant({"name": "stall", "after": "0s", "for": "8s"})
        stage.at(LENGTH_S + 2.0)
        stage.falls()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    return harm


def kill_when_there_is(who: str, *names: str) -> Harm:
    """As soon as one of these files stands in the run's folder."""

    def harm(stage: Stage) -> None:
        wait_for(lambda: any((stage.out / name).exists() for name in names), 120, 0.0005)
        stage.falls()
        os.kill(stage.pid(who), signal.SIGKILL)

    return harm


def stop(*whom: str, for_s: float | None = None, at: float = MIDDLE_S) -> Harm:
    """SIGSTOP, and SIGCONT after so many seconds, or never."""

    def harm(stage: Stage) -> None:
        signals(signal.SIGSTOP, *whom, at=at)(stage)
        if for_s is not None:
            time.sleep(for_s)
            for who in whom:
                os.kill(stage.pid(who), signal.SIGCONT)

    return harm


def close_the_terminal(stage: Stage) -> None:
    stage.at(MIDDLE_S)
    stage.falls()
    stage.close_the_screen()


def on_a_terminal(stage: Stage) -> None:
    stage.terminal = True


# ---- workers that nobody asked for


def another_worker(*, early: bool = False, **environment: str) -> Harm:
    """A worker as `emrload run` starts them, one more: under load, or (`early`) in the place of the second."""

    def harm(stage: Stage) -> None:
        port = stage.master_port()
        if early:
            held = stage.pid("worker-1")
            os.kill(held, signal.SIGSTOP)
        else:
            stage.at(2.0)
        stage.falls()
        command = [*_worker(port), "-f", str(LOCUSTFILE), "--emr-run", str(stage.out.resolve())]
        stranger = stage.helper(command, **environment)
        if early:
            _wait_until_connected(stranger.pid, port)
            time.sleep(1.0)
            os.kill(held, signal.SIGCONT)

    return harm


def foreign_worker(stage: Stage) -> None:
    """Somebody else's Locust, with another locustfile, at this master's port."""
    file = stage.folder / "foreign.py"
    file.write_text("from locust import User, task\n\nclass Foreign(User):\n    @task\n    def idle(self): pass\n")
    port = stage.master_port()
    stage.at(2.0)
    stage.falls()
    stage.helper([*_worker(port), "-f", str(file)])


def _worker(port: int) -> list[str]:
    return [sys.executable, "-m", "locust", "--worker", "--master-host", "127.0.0.1", "--master-port", str(port)]


def _wait_until_connected(pid: int, port: int) -> None:
    def connected() -> bool:
        with suppress(psutil.Error):
            return any(one.raddr and one.raddr.port == port for one in psutil.Process(pid).net_connections("tcp"))
        return False

    wait_for(connected, 60, 0.05)


ANOTHER_VERSION = """
import harness.plan.roster as roster
real = roster.roster_digest
roster.roster_digest = lambda slots: real(slots[1:])
"""


def worker_of_another_version(stage: Stage) -> None:
    """In the place of the second: its plan comes out otherwise."""
    folder = stage.folder / "another-version"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(ANOTHER_VERSION)
    path = f"{folder}:{os.environ.get('PYTHONPATH', '')}"
    another_worker(early=True, PYTHONPATH=path)(stage)


# ---- the line between worker and master


def garbage(stage: Stage) -> None:
    """Bytes that are no message of anybody's, and half an HTTP request."""
    port = stage.master_port()
    stage.at(2.0)
    stage.falls()
    for words in (os.urandom(4000), b"GET / HTTP/1.1\r\nHost: x\r\n", b"\xff" + b"\0" * 8 + b"\x01\x7f" + b"\0" * 200):
        with socket.create_connection(("127.0.0.1", port), 5) as line:
            line.sendall(words)
            time.sleep(0.2)


def garbage_as_a_message(stage: Stage) -> None:
    """What the master's own protocol lets through, and no message all the same."""
    import zmq

    port = stage.master_port()
    stage.at(2.0)
    stage.falls()
    with zmq.Context() as context, context.socket(zmq.DEALER) as line:
        line.setsockopt(zmq.IDENTITY, b"stranger")
        line.setsockopt(zmq.LINGER, 1000)
        line.connect(f"tcp://127.0.0.1:{port}")
        for words in (b"garbage", b"\xc1\xc1\xc1", b"\x93\xa8emr-done\xc0\xa8stranger", b"\x90"):
            line.send(words)


def cut_off(who: str, *, for_good: bool) -> Harm:
    """Shut down the worker's connection to the master; `for_good`: and the master lets nobody in any more."""

    def harm(stage: Stage) -> None:
        require_root("take hold of another process's sockets")
        worker, master, port = stage.pid(who), stage.pid("leader"), stage.master_port()
        stage.at(MIDDLE_S)
        stage.falls()
        if for_good:
            with _taken(master, lambda one: one.laddr.port == port and one.status == psutil.CONN_LISTEN) as listener:
                _drop_everything(listener)
        with _taken(worker, lambda one: bool(one.raddr) and one.raddr.port == port) as line:
            line.shutdown(socket.SHUT_RDWR)

    return harm


@contextmanager
def _taken(pid: int, which: Callable[[Any], bool]) -> Iterator[socket.socket]:
    """Another process's socket, as if it were ours: what is done to it is done to the connection itself."""
    (found,) = [one for one in psutil.Process(pid).net_connections("tcp") if which(one)]
    process = os.pidfd_open(pid)
    try:
        handle = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, process, found.fd, 0)
        assert handle >= 0, os.strerror(ctypes.get_errno())
        with socket.socket(fileno=handle) as taken:
            yield taken
    finally:
        os.close(process)


def _drop_everything(listener: socket.socket) -> None:
    """A filter of one instruction, "let nothing through": whoever wants to connect hears nothing (socket(7))."""
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(instruction)))
