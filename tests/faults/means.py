"""Ways to do harm: each takes the stage of a run and returns once the harm is done."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
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
_GET_FLAGS, _SET_FLAGS, _IMMUTABLE = 0x80086601, 0x40086602, 0x10
_CGROUP = Path("/sys/fs/cgroup/memory")


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


def kill_emrload_when_there_is(*names: str) -> Harm:
    """As soon as one of these files stands in the run's folder."""

    def harm(stage: Stage) -> None:
        wait_for(lambda: any((stage.out / name).exists() for name in names), 120, 0.0005)
        stage.falls()
        os.kill(stage.process.pid, signal.SIGKILL)

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


# ---- disks


def small_disk(stage: Stage) -> None:
    """The run's folder is on a disk of eight megabytes."""
    require_root("mount")
    disk = stage.desk / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)], check=True)
    stage.at_the_end.callback(lambda: (subprocess.run(["umount", "-l", str(disk)], check=True), disk.rmdir()))
    stage.desk, stage.out = disk, disk / "run"


def full_disk(stage: Stage) -> None:
    small_disk(stage)
    _fill(stage)


def fill_the_disk(stage: Stage) -> None:
    stage.at(MIDDLE_S)
    _fill(stage)
    stage.falls()


def _fill(stage: Stage) -> None:
    filler = stage.desk / "filler"
    stage.undo.callback(filler.unlink)
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        size = 1 << 16
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2


def read_only_disk(stage: Stage) -> None:
    small_disk(stage)
    subprocess.run(["mount", "-o", "remount,ro", str(stage.desk)], check=True)


def limit(which: int, size: Callable[[int], int], who: str = "leader") -> Harm:
    """A resource limit of one process, set from outside in the middle."""

    def harm(stage: Stage) -> None:
        pid = stage.pid(who)
        stage.at(MIDDLE_S)
        stage.falls()
        most = size(pid)
        resource.prlimit(pid, which, (most, most))

    return harm


def make_read_only(stage: Stage) -> None:
    """No file may be made or renamed in the run's folder any more; those that are open go on."""
    require_root("make a folder immutable")
    stage.at(MIDDLE_S)
    stage.falls()
    folders = [stage.out, stage.out / "streams", stage.out / "logs"]
    for folder in folders:
        _immutable(folder, on=True)
        stage.undo.callback(_immutable, folder, on=False)


def _immutable(folder: Path, *, on: bool) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        flags = struct.unpack("i", fcntl.ioctl(handle, _GET_FLAGS, struct.pack("i", 0)))[0]
        flags = flags | _IMMUTABLE if on else flags & ~_IMMUTABLE
        fcntl.ioctl(handle, _SET_FLAGS, struct.pack("i", flags))
    except OSError as error:
        pytest.skip(f"this file system knows no immutable folders ({error.strerror})")
    finally:
        os.close(handle)


def take_the_folder_away(stage: Stage) -> None:
    stage.at(MIDDLE_S)
    stage.falls()
    shutil.rmtree(stage.out)


def move_the_folder(stage: Stage) -> None:
    stage.at(MIDDLE_S)
    stage.falls()
    elsewhere = stage.folder / "elsewhere"
    stage.out.rename(elsewhere)
    stage.undo.callback(lambda: elsewhere.rename(stage.out))


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


# ---- what a machine runs out of


def with_a_name(stage: Stage) -> None:
    """The target has a name, which stands in a hosts file of the run's own."""
    require_root("mount")
    stage.host = "ehr.faults.test"
    stage.more = ["--i-own", stage.host]
    hosts, switch = stage.folder / "hosts", stage.folder / "nsswitch.conf"
    hosts.write_text(f"127.0.0.1 localhost {stage.host}\n")
    switch.write_text("hosts: files\n")
    mounts = f"mount --bind {hosts} /etc/hosts && mount --bind {switch} /etc/nsswitch.conf"
    stage.wrapper = ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh"]


def lose_the_name(stage: Stage) -> None:
    """And everybody's connection, so that each must look the name up again."""
    stage.at(MIDDLE_S)
    stage.falls()
    (stage.folder / "hosts").write_text("127.0.0.1 localhost\n")
    hang_up(stage)


def hang_up(stage: Stage) -> None:
    stage.sandbox.plant({"name": "down", "after": "0s", "for": "100ms"})


def exhaust_descriptors(stage: Stage) -> None:
    limit(resource.RLIMIT_NOFILE, lambda _: 10)(stage)
    hang_up(stage)


def virtual_memory(pid: int) -> int:
    return psutil.Process(pid).memory_info().vms + (1 << 20)


def kill_for_memory(stage: Stage) -> None:
    """Into a group that may take two pages more: the kernel kills it (the out-of-memory killer)."""
    require_root("limit a group's memory")
    group = _CGROUP / f"emrload-{stage.mark}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("8k")
    except OSError as error:
        pytest.skip(f"no memory group can be made here ({error.strerror})")
    stage.at_the_end.callback(group.rmdir)
    pid = stage.pid("leader")
    stage.at(MIDDLE_S)
    stage.falls()
    (group / "cgroup.procs").write_text(str(pid))


STEPPED_CLOCK = """
import os, time
if os.readlink("/proc/self/fd/1").endswith("{log}"):
    real, moved = time.time, {flag!r}
    time.time = lambda: real() + (2.0 if os.path.exists(moved) else 0.0)
"""


def clock_that_can_step(log: str) -> Harm:
    """The wall clock of the process that writes this log runs two seconds ahead from when a file is there."""

    def prepare(stage: Stage) -> None:
        folder = stage.folder / "clock"
        folder.mkdir()
        flag = str(stage.folder / "step")
        (folder / "sitecustomize.py").write_text(STEPPED_CLOCK.format(log=log, flag=flag))
        stage.environment["PYTHONPATH"] = f"{folder}:{stage.environment.get('PYTHONPATH', '')}"

    return prepare


def step_the_clock(stage: Stage) -> None:
    stage.at(MIDDLE_S)
    stage.falls()
    (stage.folder / "step").touch()
