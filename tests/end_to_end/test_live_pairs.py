"""What `emrload compare` says of real runs: equal ones are seldom called different, and one workflow that became 10%
slower is found and named, and no other.

    a server of its own ──▶ seed ──▶ run ──┬─▶ 40 equal runs: twenty pairs, one run against one
                                           └─▶ 100 equal, 100 with a slow operation: twenty trials, five against five

Service is exponential, so that chance moves a p95 as much as in life. Equal and slow runs take turns: a machine that
becomes busier slows both sides.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.fleet import SandboxProcess

pytestmark = [pytest.mark.end_to_end, pytest.mark.prove, pytest.mark.timeout(3 * 3600)]

SCENARIO = str(Path(__file__).parents[1] / "scenarios" / "three-tasks.yaml")
SLOWED = "look-at-results"
SLOW = "slow-operation:operation=Observation.search,factor=1.1"
SERVICE = ("--servers", "1000", "--service", "40ms", "--distribution", "exponential")
TRIALS = 20
A_SIDE = 5
SIDE_BY_SIDE = int(os.environ.get("EMRLOAD_RUNS_SIDE_BY_SIDE", "2"))
ATTEMPTS = 6
"""A run that says itself that it cannot be trusted is played again."""


def emrload(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@dataclass(frozen=True)
class Job:
    """One run, left in `folder`."""

    folder: Path
    seed: int
    faults: tuple[str, ...] = ()


def play(job: Job) -> int:
    """A run against a server of its own; gives how many were invalid before it."""
    for attempt in range(ATTEMPTS):
        log, options = job.folder.with_name(f"{job.folder.name}.log"), (*SERVICE, *job.faults, "--seed", str(job.seed))
        with SandboxProcess(log, options) as it:
            where = ("--seed", str(job.seed), "--target", it.url)
            seeded = emrload("seed", SCENARIO, *where)
            assert seeded.returncode == 0, seeded.stderr
            done = emrload("run", SCENARIO, *where, "--out", str(job.folder))
        if done.returncode == 0:
            return attempt
        assert done.returncode == 3, done.stderr
        shutil.rmtree(job.folder)
    raise AssertionError(f"{ATTEMPTS} runs of seed {job.seed} were invalid")


def play_all(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.folder.parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        repeated = sum(pool.map(play, jobs))
    print(f"\n{len(jobs)} runs, {repeated} more were invalid and played again")


def named(a: Path, b: Path) -> dict[str, list[str]]:
    """Outcome → workflows that the comparison calls so, by their p95 or by their waiting."""
    told = emrload("compare", str(a), str(b), "--json")
    assert told.returncode in (0, 1, 3), told.stderr
    found: dict[str, list[str]] = {}
    for row in json.loads(told.stdout)["rows"]:
        if row["kind"] in ("workflow", "waiting"):
            found.setdefault(row["outcome"], []).append(row["name"])
    return found


def test_equal_runs_are_seldom_called_different(tmp_path: Path) -> None:
    runs = [tmp_path / f"{number:02d}" for number in range(2 * TRIALS)]
    play_all([Job(run, seed) for seed, run in enumerate(runs, 1)])
    pairs = list(zip(runs[::2], runs[1::2], strict=True))
    different = [pair for pair in pairs if set(named(*pair)) & {"slower", "faster"}]
    print(f"\n{len(different)} of {len(pairs)} pairs of equal runs were called different in some workflow")
    assert len(different) <= 4


def test_a_workflow_that_became_a_tenth_slower_is_named_and_no_other(tmp_path: Path) -> None:
    sides = {"equal": (), "slow": ("--fault", SLOW)}
    turns = [(trial, at, side) for trial in range(TRIALS) for at in range(A_SIDE) for side in sides]
    play_all(
        [
            Job(tmp_path / side / f"{trial:02d}" / str(at), seed, sides[side])
            for seed, (trial, at, side) in enumerate(turns, 1)
        ]
    )
    trials = [named(*(tmp_path / side / f"{trial:02d}" for side in ("equal", "slow"))) for trial in range(TRIALS)]
    found = sum(SLOWED in trial.get("slower", ()) for trial in trials)
    others = sum(bool({*trial.get("slower", ()), *trial.get("faster", ())} - {SLOWED}) for trial in trials)
    print(f"\n{SLOWED}, 10% slower, was found in {found} of {TRIALS}; another workflow was named in {others}")
    assert found >= 18
    assert others <= TRIALS - 18
