"""The stall as emrload measures it: one run, a sandbox for each site, and one for the twenty queues.

Its figures are taken from `samples.parquet`: the summary prints no percentile that hangs on a single event.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.stall.servers import ANY_NUMBER, ONE_AT_A_TIME, stand_still
from benchmarks.stall.truths import Told, told_of
from harness.fleet import SandboxProcess

__all__ = ["Measured", "measure"]

SCENARIO: Final = Path(__file__).parents[2] / "tests" / "scenarios" / "one-stall.yaml"
QUEUES: Final = 20
SEED: Final = 7
FIRST_STALL_S: Final = 15.0
APART_S: Final = 12.0
"""So long after one stall begins the next, at another server, so that they do not catch up at once on few cores."""
_PLAYS_WITHIN_S: Final = 60.0
_EMRLOAD: Final = (sys.executable, "-m", "harness.cli")


@dataclass(frozen=True)
class Measured:
    """A finished run: its folder, its exit code, and headline latencies (ms) by kind of site."""

    folder: Path
    code: int
    latencies_ms: dict[str, NDArray[np.float64]]
    is_open: dict[str, set[bool]]
    """What the samples say of each kind: whether its requests came at a rate."""

    def told(self, kind: str) -> Told:
        """Whoever came and was not sent is counted by the run's own check of arrivals."""
        return told_of(self.latencies_ms[kind], int(self.checks["arrivals"]["figure"]) if kind != "closed" else None)

    @property
    def checks(self) -> dict[str, dict[str, Any]]:
        """The run's validity checks by name."""
        return {check["check"]: check for check in self.json("verdict.json")["validity"]}

    def json(self, name: str) -> dict[str, Any]:
        """A file of the run."""
        found: dict[str, Any] = json.loads((self.folder / name).read_bytes())
        return found


def measure(folder: Path, copies: int = 1) -> Measured:
    """Play the scenario with so many open and closed sites, each with a server of its own.

    Raises RuntimeError with what emrload said where it leaves no verdict.
    """
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        sandboxes = {
            name: stack.enter_context(SandboxProcess(folder / f"{name}.log", options))
            for name, options in _servers(copies).items()
        }
        chosen = [str(SCENARIO), "--seed", str(SEED), "--sites-file", str(_sites_file(folder, sandboxes))]
        seeded = subprocess.run([*_EMRLOAD, "seed", *chosen], capture_output=True, text=True, check=False)
        if seeded.returncode:
            raise RuntimeError(f"emrload could not seed the sandboxes: {seeded.stderr}")
        run, log = folder / "run", folder / "emrload.log"
        with log.open("wb") as sink:
            process = subprocess.Popen([*_EMRLOAD, "run", *chosen, "--out", str(run)], stdout=sink, stderr=sink)
        try:
            _wait_until_running(run, process)
            for number, sandbox in enumerate(sandboxes.values()):
                stand_still(sandbox, FIRST_STALL_S + number * APART_S)
            code = process.wait()
        finally:
            process.kill()
            process.wait()
    if not (run / "verdict.json").exists():
        raise RuntimeError(f"emrload ended with {code}: {log.read_text()[-500:]}")
    return Measured(run, code, *_by_kind(run))


def _servers(copies: int) -> dict[str, tuple[str, ...]]:
    one_each = {f"{kind}-{number}": ANY_NUMBER for number in range(1, copies + 1) for kind in ("open", "closed")}
    return {**one_each, "queue": ONE_AT_A_TIME}


def _sites_file(folder: Path, sandboxes: dict[str, SandboxProcess]) -> Path:
    rows = [(name, name.partition("-")[0], sandbox.url) for name, sandbox in sandboxes.items() if name != "queue"]
    rows += [(f"queue-{number}", "queue", sandboxes["queue"].url) for number in range(1, QUEUES + 1)]
    path = folder / "sites.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("name", "template", "endpoint"), *rows])
    return path


def _wait_until_running(run: Path, process: subprocess.Popen[bytes]) -> None:
    given_up = time.monotonic() + _PLAYS_WITHIN_S
    manifest = run / "manifest.json"
    while time.monotonic() < given_up and process.poll() is None:
        if manifest.exists() and json.loads(manifest.read_bytes()).get("state") == "running":
            return
        time.sleep(0.1)
    raise RuntimeError("emrload does not play the stall")


def _by_kind(run: Path) -> tuple[dict[str, NDArray[np.float64]], dict[str, set[bool]]]:
    """As it was felt: from when somebody was due where she came at a rate, else from when she asked."""
    rows = pq.read_table(
        run / "samples.parquet", columns=["site", "open", "intended_s", "start_s", "latency_ms"]
    ).to_pandas()
    late_ms = 1000 * (rows.start_s - rows.intended_s) * rows.open
    felt_ms = (rows.latency_ms + late_ms).to_numpy(np.float64)
    kinds = rows.site.astype(str).str.partition("-")[0].to_numpy()
    known = sorted(set(kinds))
    is_open = {kind: set(rows.open.to_numpy()[kinds == kind].tolist()) for kind in known}
    return {kind: felt_ms[kinds == kind] for kind in known}, is_open
