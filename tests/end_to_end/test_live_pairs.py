"""What `emrload compare` says of two hundred real runs: equal ones are seldom called different, and one workflow that
became 10% slower is found and named, and no other.

    a server of its own ──▶ seed ──▶ run ──▶ 100 equal runs ──┬─▶ twenty pairs, one run against one
                                        └──▶ 100 with a slow operation ─▶ twenty trials, five runs against five
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

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


def play(folder: Path, seed: int, faults: Sequence[str]) -> int:
    """One run against a server of its own, left in `folder`; gives how many were invalid before it."""
    for attempt in range(ATTEMPTS):
        options = [*SERVICE, "--seed", str(seed), *(part for fault in faults for part in ("--fault", fault))]
        with SandboxProcess(folder.with_name(f"{folder.name}.log"), options) as server:
            where = ("--seed", str(seed), "--target", server.url)
            seeded = emrload("seed", SCENARIO, *where)
            assert seeded.returncode == 0, seeded.stderr
            done = emrload("run", SCENARIO, *where, "--out", str(folder))
        if done.returncode == 0:
            return attempt
        assert done.returncode == 3, done.stderr
        shutil.rmtree(folder)
    raise AssertionError(f"{ATTEMPTS} runs of seed {seed} were invalid")


def named(a: Path, b: Path) -> dict[str, list[str]]:
    """Outcome → workflows that the comparison calls so, by their p95 or by their waiting."""
    told = emrload("compare", str(a), str(b), "--json")
    assert told.returncode in (0, 1), told.stderr
    found: dict[str, list[str]] = {}
    for row in json.loads(told.stdout)["rows"]:
        if row["kind"] in ("workflow", "waiting"):
            found.setdefault(row["outcome"], []).append(row["name"])
    return found


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`equal/T/R` and `slow/T/R`: trial T's five runs each."""
    root = tmp_path_factory.mktemp("pairs")
    jobs: list[tuple[Path, int, tuple[str, ...]]] = []
    for trial in range(TRIALS):
        for side, faults in (("equal", ()), ("slow", (SLOW,))):
            (root / side / f"{trial:02d}").mkdir(parents=True)
            for number in range(A_SIDE):
                seed = 1 + len(jobs)
                jobs.append((root / side / f"{trial:02d}" / str(number), seed, faults))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        repeated = sum(pool.map(lambda job: play(*job), jobs))
    print(f"\n{len(jobs)} runs, {repeated} more were invalid and played again")
    return root


def test_equal_runs_are_seldom_called_different(played: Path) -> None:
    runs = [played / "equal" / f"{trial:02d}" / str(number) for trial in range(TRIALS) for number in range(A_SIDE)]
    pairs = list(zip(runs[::2], runs[1::2], strict=True))[:TRIALS]
    different = [pair for pair in pairs if set(named(*pair)) & {"slower", "faster"}]
    print(f"\n{len(different)} of {len(pairs)} pairs of equal runs were called different in some workflow")
    assert len(different) <= 4


def test_a_workflow_that_became_a_tenth_slower_is_named_and_no_other(played: Path) -> None:
    trials: list[dict[str, Any]] = [
        named(played / "equal" / f"{trial:02d}", played / "slow" / f"{trial:02d}") for trial in range(TRIALS)
    ]
    found = sum(SLOWED in trial.get("slower", ()) for trial in trials)
    others = sum(bool({*trial.get("slower", ()), *trial.get("faster", ())} - {SLOWED}) for trial in trials)
    print(f"\n{SLOWED}, 10% slower, was found in {found} of {TRIALS}; another workflow was named in {others}")
    assert found >= 18
    assert others <= TRIALS - 18
