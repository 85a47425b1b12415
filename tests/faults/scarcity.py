"""What a machine may run out of, as the system itself refuses it: space, names, descriptors, memory, a steady clock."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import struct
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.means import MIDDLE_S, Harm, require_root
from tests.faults.stage import Stage

_GET_FLAGS, _SET_FLAGS, _IMMUTABLE = 0x80086601, 0x40086602, 0x10
_CGROUP = Path("/sys/fs/cgroup/memory")


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


# ---- names, descriptors, memory, clocks


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


def exhaust_memory(stage: Stage) -> None:
    """The process gets no more memory from the system, while most clinicians are still to come."""
    pid = stage.pid("leader")
    stage.at(0.5)
    stage.falls()
    resource.prlimit(pid, resource.RLIMIT_AS, (1 << 20, 1 << 20))


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
