"""emrload itself: a whole `emrload run`, from its plan to its report, with the program that watches the load process.

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

from benchmarks.peers.tool import Load, Start, Tool

__all__ = ["TOOL", "due_s", "start_lag_ms"]

SCENARIO: Final = Path(__file__).parent / "emrload_scenario" / "bench.yaml"
SEED: Final = 7


def version() -> str:
    return installed_version("emr-load-harness")


def start(load: Load, folder: Path) -> Start:
    sites = folder / "sites.csv"
    sites.write_text(f"name,template\nbench,{load.kind}\n")
    command = [sys.executable, "-m", "harness.cli", "run", str(SCENARIO), "--sites-file", str(sites)]
    command += ["--patients", str(load.workload.patients), "--target", f"{load.url}/fhir", "--seed", str(SEED)]
    command += ["--window", f"08:00..08:{load.lasts_s // 60:02d}:{load.lasts_s % 60:02d}", "--out", str(folder / "run")]
    if load.kind == "arrivals":
        command += ["--set", f"templates.arrivals.arrivals.passer-by.rate={load.rate_per_s}/s"]
    else:
        command += ["--set", f"templates.{load.kind}.peak={load.users}"]
    if load.think_s:
        command += ["--set", f"personas.thinker.between.mean={load.think_s}s"]
    return Start(command)


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


def due_s(folder: Path) -> NDArray[np.float64]:
    """When the requests of a finished run were meant to start, in seconds of the run."""
    return _samples(folder, "intended_s")["intended_s"].to_numpy()


def start_lag_ms(folder: Path, from_s: float) -> NDArray[np.float64]:
    """How much later than meant each request started that was meant for `from_s` or later."""
    rows = _samples(folder, "intended_s", "start_s")
    rows = rows[rows.intended_s >= from_s]
    return 1000 * (rows.start_s - rows.intended_s).to_numpy()


def _samples(folder: Path, *columns: str) -> pd.DataFrame:
    return pq.read_table(folder / "run" / "samples.parquet", columns=list(columns)).to_pandas()


TOOL: Final = Tool(
    "emrload",
    "make setup",
    frozenset({"bundle", "review", "connected", "arrivals"}),
    version,
    start,
    # a closed loop that takes all of a core is no run to trust (3), and says nothing about the target (1)
    ends_with=frozenset({0, 1, 3}),
    has_begun=has_begun,
    judge=judge,
)
