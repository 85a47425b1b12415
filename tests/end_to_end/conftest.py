"""Real processes for end-to-end tests: `emrload` as a child, the sandbox as another, as a user would start them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

QUICK = Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml"


@dataclass
class Ended:
    """A finished `emrload run` and what it left."""

    code: int
    out: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:
        return self.json("verdict.json")

    @property
    def manifest(self) -> dict[str, Any]:
        return self.json("manifest.json")

    @property
    def summary(self) -> dict[str, Any]:
        return self.json("summary.json")

    def json(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.folder / name).read_bytes())
        return value

    def table(self, name: str) -> Any:
        return pq.read_table(self.folder / f"{name}.parquet").to_pandas()

    def failed_checks(self) -> set[str]:
        return {check["check"] for check in self.verdict["validity"] if check["outcome"] == "fail"}

    def failed_objectives(self) -> list[dict[str, Any]]:
        return [one for one in self.verdict["objectives"] if one["outcome"] == "fail" and one["required"]]

    def findings(self, kind: str) -> list[dict[str, Any]]:
        return [finding for finding in self.verdict["findings"] if finding["kind"] == kind]


class Sandbox:
    """`emrload sandbox` on a port of its own; may be killed and started again on the same data."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._log = folder / "sandbox.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> Sandbox:
        command = [sys.executable, "-m", "harness.cli", "sandbox", "--end-with-parent"]
        command += ["--port", str(self.port), "--data", str(self.data), *options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
        assert self._process.stdout is not None
        line = json.loads(self._process.stdout.readline())
        self._process.stdout.close()
        self.url: str = line["url"]
        self.pid: int = line["pid"]
        return self

    def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait()

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)

    def truth(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"http://127.0.0.1:{self.port}/_sandbox/truth", timeout=60).json()
        return answer

    def plant(self, *faults: dict[str, Any]) -> None:
        answer = httpx.put(f"http://127.0.0.1:{self.port}/_sandbox/faults", json=list(faults), timeout=60)
        assert answer.status_code == 200, answer.text


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    server = Sandbox(tmp_path)
    try:
        yield server
    finally:
        server.end()


class Emrload:
    """The program, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def call(self, *arguments: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "harness.cli", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=timeout_s, check=False)

    def seed(self, sandbox: Sandbox, sites: int) -> None:
        done = self.call("seed", str(QUICK), "--sites", str(sites), "--seed", "7", "--target", sandbox.url)
        assert done.returncode == 0, done.stderr

    def run(
        self,
        *options: str,
        scenario: str = str(QUICK),
        while_running: Callable[[Path, subprocess.Popen[str]], None] | None = None,
        timeout_s: float = 240,
    ) -> Ended:
        """`emrload run`; `while_running` is called once the load is on, with the run's folder and the process."""
        out = self.folder / f"run-{len(list(self.folder.glob('run-*')))}"
        command = [sys.executable, "-m", "harness.cli", "run", scenario, "--seed", "7", "--out", str(out), *options]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            if while_running is not None:
                wait_for_load(out, process)
                while_running(out, process)
            text, _ = process.communicate(timeout=timeout_s)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return Ended(process.returncode, text, out)


@pytest.fixture
def emrload(tmp_path: Path) -> Emrload:
    return Emrload(tmp_path)


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Callable[[str], tuple[Emrload, Sandbox]]]:
    """The program and a sandbox in a folder of that name, so that several can go side by side."""
    servers: list[Sandbox] = []

    def place(name: str) -> tuple[Emrload, Sandbox]:
        folder = tmp_path / name
        folder.mkdir()
        servers.append(Sandbox(folder))
        return Emrload(folder), servers[-1]

    try:
        yield place
    finally:
        for server in servers:
            server.end()


def wait_for_load(folder: Path, process: subprocess.Popen[str], requests: int = 20) -> None:
    """Return once so many requests have been answered."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        lines = [line for path in folder.glob("streams/progress-w*.jsonl") for line in path.read_text().splitlines()]
        if sum(json.loads(line)["requests"] for line in lines if line.endswith("}")) >= requests:
            return
        time.sleep(0.1)
    raise AssertionError("no load within 120 s")
