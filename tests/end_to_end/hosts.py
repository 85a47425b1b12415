"""Several hosts for a test: two network namespaces joined by a veth pair, or loopback alone; a run led on one of them,
workers on the other."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

QUICK = Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml"


@dataclass(frozen=True)
class Host:
    """Where commands run. `namespace` empty: this machine itself."""

    address: str
    namespace: str = ""
    device: str = ""

    def command(self, *words: str) -> list[str]:
        return [*(["ip", "netns", "exec", self.namespace] if self.namespace else []), *words]

    def set_link(self, state: str) -> None:
        subprocess.run(self.command("ip", "link", "set", self.device, state), check=True)


LOOPBACK = Host("127.0.0.1")


@contextmanager
def two_namespaces() -> Iterator[tuple[Host, Host]]:
    """Skips visibly where the machine does not let us make them."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("network namespaces need root and `ip`")
    mark = secrets.token_hex(2)
    ours, theirs = (
        Host(f"10.97.0.{number}", f"emrload-{side}-{mark}", f"veth-{side}-{mark}")
        for number, side in ((1, "a"), (2, "b"))
    )
    try:
        for host in (ours, theirs):
            made = subprocess.run(["ip", "netns", "add", host.namespace], capture_output=True, text=True, check=False)
            if made.returncode:
                pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
        pair = ("type", "veth", "peer", "name", theirs.device, "netns", theirs.namespace)
        subprocess.run(["ip", "link", "add", ours.device, "netns", ours.namespace, *pair], check=True)
        for host in (ours, theirs):
            subprocess.run(host.command("ip", "address", "add", f"{host.address}/24", "dev", host.device), check=True)
            subprocess.run(host.command("ip", "link", "set", "lo", "up"), check=True)
            host.set_link("up")
        yield ours, theirs
    finally:
        for host in (ours, theirs):
            subprocess.run(["ip", "netns", "delete", host.namespace], capture_output=True, check=False)


@dataclass
class Ended:
    """A run over several hosts, and what it left."""

    code: int
    said: str
    folder: Path
    workers: list[tuple[int, str]] = field(default_factory=list)
    """Exit code and words of each."""

    def json(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.folder / name).read_bytes())
        return value

    def table(self, name: str) -> Any:
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / f"{name}.parquet").to_pandas()

    def check(self, name: str) -> dict[str, Any]:
        (found,) = [each for each in self.json("verdict.json")["validity"] if each["check"] == name]
        return found

    @property
    def failed_checks(self) -> set[str]:
        return {each["check"] for each in self.json("verdict.json")["validity"] if each["outcome"] == "fail"}

    @property
    def hosts(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self.json("manifest.json")["fleet"]["workers"]
        return told


class Stage:
    """A sandbox and a leader on one host, workers on another; every process is ended with it."""

    def __init__(self, folder: Path, here: Host = LOOPBACK, there: Host = LOOPBACK) -> None:
        self.folder, self.here, self.there = folder, here, there
        self.secret = folder / "fleet.secret"
        self.secret.write_text(secrets.token_hex(32))
        self._started: list[subprocess.Popen[str]] = []
        sandbox = self.start(here, "sandbox", "--host", here.address)
        assert sandbox.stdout is not None
        self.url: str = json.loads(sandbox.stdout.readline())["url"]

    def start(self, host: Host, *words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            host.command(sys.executable, "-m", "harness.cli", *words),
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if words[0] != "sandbox" else subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def seed(self, sites: int) -> None:
        words = ("seed", str(QUICK), "--sites", str(sites), "--seed", "7", *self.target)
        process = self.start(self.here, *words)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said

    def lead(self, workers: int, *options: str, name: str = "run") -> tuple[subprocess.Popen[str], Path]:
        """A run on this host that waits for workers on the other; gives its process and its folder."""
        out = self.folder / name
        bind = f"{self.here.address}:{self._port}"
        hosts = ("--expect-workers", str(workers), "--bind", bind, "--secret-file", str(self.secret))
        words = ("run", str(QUICK), "--seed", "7", "--out", str(out), *self.target, *hosts, *options)
        return self.start(self.here, *words), out

    def join(self, number: int) -> list[subprocess.Popen[str]]:
        folders = [self.folder / f"host-{each}" for each in range(number)]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        where = ("--master", f"{self.here.address}:{self._port}", "--secret-file", str(self.secret))
        return [self.start(self.there, "worker", *where, cwd=folder) for folder in folders]

    def end_of(
        self, leader: subprocess.Popen[str], out: Path, workers: list[subprocess.Popen[str]], timeout_s: float = 240
    ) -> Ended:
        said, _ = leader.communicate(timeout=timeout_s)
        told = []
        for worker in workers:
            words, _ = worker.communicate(timeout=timeout_s)
            told.append((worker.returncode, words))
        return Ended(leader.returncode, said, out, told)

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    @property
    def target(self) -> tuple[str, ...]:
        own = () if self.here is LOOPBACK else ("--i-own", self.here.address)
        return ("--target", self.url, *own)

    @property
    def _port(self) -> int:
        """The same each time, and hardly anybody else's where several stages share this machine."""
        return 5556 if self.here.namespace else 20_000 + 2 * (os.getpid() % 5000)


def wait_for_load(out: Path, leader: subprocess.Popen[str], requests: int = 20) -> None:
    """Return once the leader's console could show so many requests."""
    give_up_s = time.monotonic() + 120
    while time.monotonic() < give_up_s:
        assert leader.poll() is None, leader.stdout.read() if leader.stdout else ""
        lines = [line for path in out.glob("streams/progress-w*.jsonl") for line in path.read_text().splitlines()]
        if sum(json.loads(line)["requests"] for line in lines if line.endswith("}")) >= requests:
            return
        time.sleep(0.1)
    raise AssertionError("no load within 120 s")
