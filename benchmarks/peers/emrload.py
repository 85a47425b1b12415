"""emrload itself: an `emrload run`, with the program that watches the load process; measured while it is under load.

What it recorded is held against what nginx answered: a row for each request, every one of them `ok`.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.peers.tool import Load, Start, Tool, settings
from harness.machine import STEAL_MARKED_ABOVE

__all__ = ["TOOL", "due_s", "lags_ms", "require_valid", "roster"]

SCENARIO: Final = Path(__file__).parent / "emrload_scenario" / "bench.yaml"
SEED: Final = 7
SITES_TO_SPREAD: Final = 8
"""Sites go whole to a load process."""


def version() -> str:
    return installed_version("emr-load-harness")


def start(load: Load, folder: Path) -> Start:
    sites = folder / "sites.csv"
    names = [f"bench-{number}" for number in range(SITES_TO_SPREAD)] if load.spread else ["bench"]
    sites.write_text("name,template\n" + "".join(f"{name},{load.kind}\n" for name in names))
    command = [sys.executable, "-m", "harness.cli", "run", str(SCENARIO), "--sites-file", str(sites)]
    command += ["--patients", str(load.workload.patients), "--target", f"{load.url}/fhir", "--seed", str(SEED)]
    command += ["--window", f"08:00..08:{load.lasts_s // 60:02d}:{load.lasts_s % 60:02d}", "--out", str(folder / "run")]
    if load.kind == "arrivals":
        command += ["--set", f"templates.arrivals.arrivals.passer-by.rate={load.rate_per_s}/s"]
    else:
        command += ["--set", f"templates.{load.kind}.peak={load.users // len(names)}"]
    if load.spread:
        command += ["--workers", str(load.spread)]
    if load.think_s:
        command += ["--set", f"personas.thinker.between.mean={load.think_s}s"]
    return Start(command, settings(load))


def has_begun(folder: Path) -> bool:
    """The preflight is over."""
    manifest = folder / "run" / "manifest.json"
    return manifest.exists() and json.loads(manifest.read_bytes()).get("state") == "running"


def judge(folder: Path, answered: int) -> None:
    """Raises RuntimeError unless the samples are exactly what was answered, all of it well."""
    outcomes = _samples(folder, "outcome")["outcome"]
    well = int((outcomes == "ok").sum())
    if not len(outcomes) == well == answered:
        told = f"the samples hold {len(outcomes):,}, of which {well:,} went well"
        raise RuntimeError(f"{answered:,} requests were answered, {told}: {folder}")


def roster(folder: Path) -> tuple[str, frozenset[int]]:
    """The digest of a finished run's roster, and the workers that took part. Raises RuntimeError unless each slot was
    worked once, and to its end."""
    plan, duty = (pq.read_table(folder / "run" / f"{name}.parquet").to_pandas() for name in ("plan", "duty"))
    if sorted(duty.slot) != sorted(plan.slot) or set(duty.reason) != {"slot_end"}:
        raise RuntimeError(f"{len(plan)} slots were planned, {len(duty)} worked, ended by {set(duty.reason)}: {folder}")
    digest: str = json.loads((folder / "run" / "manifest.json").read_bytes())["roster_digest"]
    return digest, frozenset(int(worker) for worker in duty.worker)


def due_s(folder: Path) -> NDArray[np.float64]:
    """When the requests of a finished run were meant to start, in seconds of the run."""
    return _samples(folder, "intended_s")["intended_s"].to_numpy()


def lags_ms(folder: Path, from_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much later than meant each request started, and how late the loop came in each second.

    Of what was meant for `from_s` or later, and of seconds in which nobody else took more than 2% of the CPU.
    """
    seconds = pq.read_table(folder / "run" / "health.parquet", columns=["time_s", "loop_lag_ms", "steal"]).to_pandas()
    ours = seconds[(seconds.steal <= STEAL_MARKED_ABOVE) & (seconds.time_s >= from_s)]
    rows = _samples(folder, "intended_s", "start_s")
    rows = rows[(rows.intended_s >= from_s) & np.ceil(rows.start_s).isin(np.ceil(ours.time_s))]
    return 1000 * (rows.start_s - rows.intended_s).to_numpy(), ours.loop_lag_ms.to_numpy()


def require_valid(folder: Path) -> None:
    """Raises RuntimeError unless a finished run is one to trust."""
    verdict = json.loads((folder / "run" / "verdict.json").read_bytes())
    if verdict["verdict"] == "invalid":
        failed = [f"{check['check']}: {check['detail']}" for check in verdict["validity"] if check["outcome"] == "fail"]
        raise RuntimeError(f"the run is invalid ({'; '.join(failed)}): {folder}")


def _samples(folder: Path, *columns: str) -> pd.DataFrame:
    return pq.read_table(folder / "run" / "samples.parquet", columns=list(columns)).to_pandas()


TOOL: Final = Tool(
    "emrload",
    "make setup",
    frozenset({"bundle", "review", "connected", "on-duty", "arrivals"}),
    version,
    start,
    # a closed loop that takes all of a core is no run to trust (3), and says nothing about the target (1)
    ends_with=frozenset({0, 1, 3}),
    has_begun=has_begun,
    judge=judge,
)
