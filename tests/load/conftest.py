"""Locust itself, as a user or `emrload` starts it, against a sandbox that holds the people of the scenarios played."""

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

import psutil
import pyarrow.parquet as pq
import pytest

from harness.fleet import SandboxProcess
from harness.plan import compile_plan
from harness.plan.model import Plan
from harness.rundir import RunDir
from harness.samples.progress import read_progress
from harness.samples.reader import merge_streams
from harness.scenario import load_scenario, resolve
from harness.scenario.model import RunSpec

QUICK = Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml"
VISITORS = QUICK.with_name("quick-visitors.yaml")
LOCUSTFILE = Path(__file__).parents[2] / "locustfiles" / "morning_rush.py"
SITES, SEED, DURATION_S = 2, 5, 8.0
PATIENCE_S = 120.0
"""For what takes a second or two: no test hangs on how busy a machine is, and none waits for ever."""


@dataclass
class Load:
    """One Locust under way (or its master), and the run that it leaves."""

    process: subprocess.Popen[str]
    folder: Path

    @property
    def run_dir(self) -> RunDir:
        (path,) = (self.folder / "reports").iterdir()
        return RunDir(path)

    def under_way(self, workers: int) -> Load:
        """Wait until each of so many workers has written down some requests."""
        until = time.monotonic() + PATIENCE_S
        while self._with_requests() < workers:
            assert time.monotonic() < until
            assert self.process.poll() is None, self.log
            time.sleep(0.05)
        return self

    def _with_requests(self) -> int:
        lines = [read_progress(path, 0)[0] for path in self.folder.glob("reports/*/streams/progress-w*.jsonl")]
        return sum(any(second.requests for second in seconds) for seconds in lines)

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def says(self, text: str) -> None:
        """Wait until its log holds `text`."""
        until = time.monotonic() + PATIENCE_S
        while text not in self.log:
            assert time.monotonic() < until, self.log
            time.sleep(0.05)

    def interrupt(self) -> None:
        os.kill(self.process.pid, signal.SIGINT)

    def left(self) -> int:
        """Wait for its end; gives its exit code."""
        return self.process.wait(PATIENCE_S)

    def ended(self) -> int:
        """As `left`, and merge what it wrote."""
        code = self.left()
        self.torn = merge_streams(self.run_dir).torn
        return code

    @property
    def log(self) -> str:
        return (self.folder / "locust.log").read_text()

    def table(self, name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self.run_dir.path / f"{name}.parquet").to_pylist()
        return rows

    @property
    def leader(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.run_dir.streams / "conductor.json").read_bytes())
        return facts


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def spec() -> RunSpec:
    return resolve(load_scenario(str(QUICK), ()), sites=SITES, seed=SEED, duration_s=DURATION_S, window=None)


@pytest.fixture(scope="session")
def visitors() -> Path:
    """The scenario in which some come at a rate of their own."""
    return VISITORS


@pytest.fixture(scope="session")
def visitors_plan() -> Plan:
    scenario = load_scenario(str(VISITORS), ())
    return compile_plan(resolve(scenario, sites=SITES, seed=SEED, duration_s=DURATION_S))


@pytest.fixture(scope="session")
def seed_people() -> Callable[..., None]:
    """Create a scenario's people at a target, and where its sites go."""

    def seed(scenario: Path, url: str, *more: str) -> None:
        command = ["seed", str(scenario), "--sites", str(SITES), "--seed", str(SEED), "--target", url, *more]
        subprocess.run(
            [sys.executable, "-m", "harness.cli", *command], check=True, capture_output=True, timeout=PATIENCE_S
        )

    return seed


@pytest.fixture(scope="session")
def target(seed_people: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox") / "sandbox.log") as sandbox:
        for scenario in (QUICK, VISITORS):
            seed_people(scenario, sandbox.url)
        yield sandbox.url


@pytest.fixture
def locust(target: str, tmp_path: Path) -> Iterator[Callable[..., Load]]:
    """Start plain Locust on a scenario, in a folder of its own."""
    started: list[Load] = []

    def start(*more: str, headless: bool = True, scenario: Path = QUICK) -> Load:
        port = str(free_port())  # at Locust's own default, two loads on one machine would take each other's workers
        more = (*more, "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port)
        page = (
            ("--headless",) if headless else ("--autostart", "--web-host", "127.0.0.1", "--web-port", str(free_port()))
        )
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *page, "--host", target]
        command += ["--emr-scenario", str(scenario), "--emr-sites", str(SITES), "--emr-seed", str(SEED)]
        with (tmp_path / "locust.log").open("w") as log:
            process = subprocess.Popen(
                [*command, "--emr-duration", f"{DURATION_S:g}s", *more],
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        started.append(Load(process, tmp_path))
        return started[-1]

    yield start
    for load in started:
        if load.process.poll() is None:
            for process in (*load.workers(), psutil.Process(load.process.pid)):
                process.kill()
            load.process.wait(20)
