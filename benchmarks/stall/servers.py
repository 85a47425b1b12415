"""A sandbox that answers any number of requests in 5 ms each, holds one patient, and stands still once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from benchmarks.stall.truths import LENGTH_S, QUEUE_SERVICE_S, SERVICE_S, STALL_S
from harness.fleet import SandboxProcess

__all__ = ["ANY_NUMBER", "ONE_AT_A_TIME", "Server", "stalling_server", "stand_still"]

_FIXED = ("--distribution", "fixed")
ANY_NUMBER = ("--servers", "1000", "--service", f"{1000 * SERVICE_S:g}ms", *_FIXED)
ONE_AT_A_TIME = ("--servers", "1", "--service", f"{1000 * QUEUE_SERVICE_S:g}ms", *_FIXED, "--architecture", "per-site")


@dataclass(frozen=True)
class Server:
    """Where it is, and what everybody asks of it."""

    root: str
    path: str


@contextmanager
def stalling_server(log: Path) -> Iterator[Server]:
    """A fresh one; it stands still in the middle of a run of `LENGTH_S` that begins now. Raises RunError."""
    with SandboxProcess(log, ANY_NUMBER) as sandbox:
        patient = {"resourceType": "Patient", "name": [{"family": "Stall"}]}
        asked = Request(
            f"{sandbox.url}/Patient", json.dumps(patient).encode(), {"Content-Type": "application/fhir+json"}
        )
        with urlopen(asked) as answer:
            number = json.load(answer)["id"]
        stand_still(sandbox, LENGTH_S / 2)
        yield Server(sandbox.url.removesuffix("/fhir"), f"/fhir/Patient/{number}")


def stand_still(sandbox: SandboxProcess, after_s: float) -> None:
    """So many seconds from now the server stands still for `STALL_S`. Raises RunError."""
    sandbox.plant({"name": "stall", "after": f"{after_s:g}s", "for": f"{STALL_S:g}s"})
