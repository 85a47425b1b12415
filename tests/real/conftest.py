"""A real FHIR server, started on a free loopback port and stopped by its pid; and clinicians who work on it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.clinic import WORKFLOWS, Clinician, Post
from harness.clinic.register import SiteRegister
from harness.clinic.world import StepFailed, WorkflowOutcome
from harness.control import ControlClient, parse_target
from harness.fhir.call import Answer, Call, Check
from harness.scenario import habits_of, load_scenario, resolve
from harness.scenario.model import RunSpec

START = Path(__file__).parent / "server" / "start.sh"
EVERYONE = Path(__file__).parents[1] / "scenarios" / "everyone.yaml"


@contextmanager
def running_hapi(*flags: str) -> Iterator[str]:
    """The server's base URL; it is stopped at the end."""
    missing = [tool for tool in ("java", "javac", "mvn", "curl") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"the real-server tests need Java 17, Maven and curl; missing: {', '.join(missing)}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    environment = {**os.environ, "LOG_LEVEL": "OFF", "HAPI_HEAP": "-Xms256m -Xmx1g"}
    started = subprocess.run([START, port, *flags], env=environment, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    try:
        yield f"http://127.0.0.1:{port}/fhir"
    finally:
        subprocess.run([START, "--stop", port], check=True, capture_output=True)


@pytest.fixture(scope="session")
def hapi() -> Iterator[str]:
    """HAPI as the launcher has it: a search that is repeated within 60 s is answered from the old list."""
    with running_hapi() as url:
        yield url


@pytest.fixture(scope="session")
def strict_hapi() -> Iterator[str]:
    """HAPI that refuses references to nothing, and to delete what is referred to: the default of HAPI's own starter."""
    with running_hapi("-Dhapi.ri_write=true", "-Dhapi.ri_delete=true") as url:
        yield url


@pytest.fixture(scope="session")
def spec() -> RunSpec:
    """Two little hospitals with two of each persona, and 24 patients."""
    return resolve(load_scenario(str(EVERYONE)), sites=2, seed=7)


@pytest.fixture
def client(hapi: str) -> Iterator[ControlClient]:
    with ControlClient(parse_target(hapi)) as opened:
        yield opened


@dataclass
class Hurried:
    """A world on the wire in which nobody ever waits; keeps what was sent and how each workflow ended."""

    client: ControlClient
    calls: list[Call] = field(default_factory=list)
    ended: list[tuple[str, WorkflowOutcome, str]] = field(default_factory=list)
    now_s: float = 0.0
    _name: str = ""

    def perform(self, call: Call, check: Check) -> Answer:
        self.calls.append(call)
        answer = self.client.send(call, tries=1)
        if answer.status in call.expected:
            return Answer(answer.status, answer.body, answer.headers, "expected_refusal")
        wrong = check(answer) if answer.outcome == "ok" else ""
        return Answer(answer.status, answer.body, answer.headers, "content", wrong) if wrong else answer

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def workflow_begins(self, name: str, lane: str, *, back_entry: bool = False) -> None:
        self._name = name

    def workflow_ends(self, outcome: WorkflowOutcome, detail: str) -> None:
        self.ended.append((self._name, outcome, detail))


@pytest.fixture
def work_everything(spec: RunSpec) -> Callable[[ControlClient, SiteRegister, str], Hurried]:
    """Every workflow of every persona at the first site, three times."""

    def work(client: ControlClient, register: SiteRegister, run_id: str) -> Hurried:
        world, site = Hurried(client), spec.sites[0]
        post = Post(
            site.name, site.locale, spec.seed, spec.scenario.date, run_id, register, 8 * 3600.0, site.utc_offset_s
        )
        for persona in spec.scenario.personas.values():
            clinician = Clinician(post, habits_of(persona), 0, world)
            for name in [*persona.on_arrival, *persona.workflows] * 3:
                world.workflow_begins(name, WORKFLOWS[name].lane)
                try:
                    WORKFLOWS[name].play(clinician)
                except StepFailed as failure:
                    world.workflow_ends("failed", str(failure))
                else:
                    world.workflow_ends("ok", "")
        return world

    return work
