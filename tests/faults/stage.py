"""One run of `emrload run` against a sandbox of its own, something done to it, and what is left when all is over.

sandbox ◀── emrload run ──▶ leader, workers        each carries a mark in its environment, so that whoever is left
   │             ▲               ▲                  over is found in /proc
journal       a fault: killed, stopped, cut off, without space …
   └── answered − in the samples = lost, and from which second on
"""

from __future__ import annotations

import json
import os
import pty
import re
import secrets
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from harness.rundir import RunDir, conductor_path
from tests.faults.server import QUICK, SEED, SITES, Sandbox, emrload

LENGTH_S = 14.0
PATIENCE_S = 200.0
MARK = "EMRLOAD_FAULT_ROW"


def wait_for(condition: Callable[[], Any], within_s: float = 90.0, every_s: float = 0.005) -> Any:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(every_s)
    raise AssertionError(f"did not come about within {within_s:g} s")


class Stage:
    """What a fault may get hold of while the run goes on; what it sets up is undone by `undo` or `at_the_end`."""

    def __init__(self, folder: Path, seeded: Path) -> None:
        self.folder, self.desk, self.temporary = folder, folder / "desk", folder / "tmp"
        self.desk.mkdir()
        self.temporary.mkdir()
        self.out = self.desk / "run"
        self.mark = secrets.token_hex(8)
        self.environment = os.environ | {MARK: self.mark, "TMPDIR": str(self.temporary)}
        self.wrapper: list[str] = []
        self.terminal = False
        self.host = "127.0.0.1"
        self.more: list[str] = []
        self.fell_epoch_s: float | None = None
        self.over, self.hung_up = threading.Event(), threading.Event()
        self.undo, self.at_the_end = ExitStack(), ExitStack()
        shutil.copytree(seeded, folder / "data")
        self.sandbox = Sandbox(folder / "data", folder / "sandbox.log")
        self.at_the_end.callback(self.sandbox.end)

    # ---- playing

    def start(self, workers: int) -> None:
        target = self.sandbox.url.replace("127.0.0.1", self.host)
        command = emrload("run", str(QUICK), "--sites", SITES, "--seed", SEED, "--duration", f"{LENGTH_S:g}s")
        command += ["--target", target, "--out", str(self.out), "--workers", str(workers), *self.more]
        self.said = self.folder / "said.txt"
        with self.said.open("wb") as sink:
            ends: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": sink, "stderr": subprocess.STDOUT}
            if self.terminal:
                self.screen, slave = pty.openpty()
                ends = {"stdin": slave, "stdout": slave, "stderr": slave, "preexec_fn": lambda: os.login_tty(slave)}
            else:
                ends["start_new_session"] = True
            self.process = subprocess.Popen([*self.wrapper, *command], cwd=self.desk, env=self.environment, **ends)
            if self.terminal:
                os.close(slave)
                self._watching = threading.Thread(target=self._watch_the_screen, daemon=True)
                self._watching.start()

    def _watch_the_screen(self) -> None:
        """Somebody must read along, or whoever writes to a terminal waits."""
        with self.said.open("ab") as file:
            while not self.hung_up.is_set():
                if select.select([self.screen], [], [], 0.05)[0]:
                    with suppress(OSError):
                        file.write(os.read(self.screen, 4096))
                        file.flush()

    def close_the_screen(self) -> None:
        self.hung_up.set()
        self._watching.join()
        os.close(self.screen)

    def wait(self) -> int:
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.over.set()
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()

    # ---- moments

    def t0_epoch_s(self) -> float:
        def named() -> float | None:
            with suppress(OSError, ValueError):
                t0: float | None = json.loads(conductor_path(self.out / "streams").read_bytes())["t0_epoch_s"]
                return t0
            return None

        return float(wait_for(named))

    def at(self, run_s: float) -> None:
        """Wait for this moment of the run."""
        time.sleep(max(0.0, self.t0_epoch_s() + run_s - time.time()))

    # ---- whom and what

    def marked(self) -> Iterator[psutil.Process]:
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"{MARK}={self.mark}".encode() in (path / "environ").read_bytes().split(b"\0"):
                    yield psutil.Process(int(path.name))

    def pid(self, who: str) -> int:
        """`emrload`, `backstage` (what prepares or judges), `sandbox`, `leader` (the only load process or the master),
        `worker-0`, `worker-1`."""
        if who == "sandbox":
            return self.sandbox.pid
        if who == "emrload":
            return self.process.pid

        def found() -> int | None:
            for process in self.marked():
                with suppress(psutil.Error, OSError):
                    words = process.cmdline()
                    if who == "backstage" and "harness.cli.backstage" in words:
                        return process.pid
                    if "locust" not in words:
                        continue
                    if who == "leader" and "--worker" not in words:
                        return process.pid
                    if Path(f"/proc/{process.pid}/fd/1").readlink().name == f"{who}.log":
                        return process.pid
            return None

        return int(wait_for(found))

    def signal(self, who: str, number: signal.Signals) -> None:
        pid = self.pid(who)
        self.falls()
        os.kill(pid, number)

    def falls(self) -> None:
        """It is now that the fault comes."""
        if self.fell_epoch_s is None:
            self.fell_epoch_s = time.time()

    def master_port(self) -> int:
        words = psutil.Process(self.pid("leader")).cmdline()
        return int(words[words.index("--master-bind-port") + 1])

    def helper(self, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        """A process that is none of the run's."""
        own = {name: value for name, value in self.environment.items() if name != MARK} | environment
        with (self.folder / "helpers.log").open("ab") as sink:
            process = subprocess.Popen(
                command, cwd=self.folder, env=own, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL
            )

        def end() -> None:
            process.kill()
            process.wait()

        self.at_the_end.callback(end)
        return process

    # ---- afterwards

    def report(self) -> subprocess.CompletedProcess[str]:
        """`emrload report` on what is left; it refuses while streams are fresh and nobody said that the load ended."""
        until = time.monotonic() + 20
        while True:
            done = subprocess.run(
                emrload("report", str(self.out)),
                cwd=self.desk,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                env=self.environment,
            )
            if "still going" not in done.stderr or time.monotonic() > until:
                return done
            time.sleep(1.0)

    def left_processes(self) -> list[str]:
        """Given a moment: who was told that its leader is gone takes a second to hear it."""
        with suppress(AssertionError):
            wait_for(lambda: not list(self.marked()), 5.0, 0.1)
        found = []
        for process in self.marked():
            with suppress(psutil.Error):
                found.append(" ".join(process.cmdline())[-120:])
        return found

    def left_sockets(self) -> list[str]:
        """Anything but TIME_WAIT that has to do with the sandbox's port, the sandbox's own ends apart."""
        states = {psutil.CONN_ESTABLISHED, psutil.CONN_LISTEN, psutil.CONN_CLOSE_WAIT}
        return [
            f"{one.laddr.port}→{one.raddr.port}"
            for one in psutil.net_connections("tcp")
            if one.status in states and one.raddr and one.raddr.port == self.sandbox.port and one.pid != os.getpid()
        ]

    def left_files(self) -> list[str]:
        """Everything beside the run's folder, and half-written files in it."""
        beside = [path.name for path in self.desk.iterdir() if path != self.out]
        temporary = [f"tmp/{path.name}" for path in self.temporary.iterdir()]
        parts = [path.name for path in self.out.rglob("*.part")] if self.out.is_dir() else []
        return beside + temporary + parts

    def lost(self) -> tuple[int, float]:
        """Answers of the sandbox that are not in the samples; and how long before the fault the first of them left."""
        journal = self.sandbox.journal()
        answered = {int(i, 16): one.t for i, one in journal.answers.items() if not i.startswith("control-")}
        samples = RunDir(self.out).samples
        kept = (
            set(pq.read_table(samples, columns=["request_id"])["request_id"].to_pylist()) if samples.exists() else set()
        )
        missing = [t for request, t in answered.items() if request not in kept]
        fell_s = self.fell_epoch_s if self.fell_epoch_s is not None else time.time()
        return len(missing), max(0.0, fell_s - min(missing)) if missing else 0.0

    def went_on_s(self, words: str) -> float:
        """Seconds from when the load noticed (as it said itself) to the last request that arrived."""
        found = re.search(r"([\d.]+) s into the run", words)
        assert found, words
        noticed_s = self.t0_epoch_s() + float(found[1])
        arrivals = [one.t for i, one in self.sandbox.journal().arrivals.items() if not i.startswith("control-")]
        return max(arrivals) - noticed_s
