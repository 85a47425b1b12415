"""The instrument held to known truths on this machine: two minutes a calibration, five for its own test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.prove, pytest.mark.timeout(900)]


def calibrate(*arguments: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "harness.cli", "calibrate", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_known_truth_is_measured(workers: int, seed: int, tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, told = calibrate("--workers", str(workers), "--seed", str(seed), "--out", str(out))
    refused = [row for row in told["rows"] if not row["accepted"]]
    assert (code, refused) == (0, [])
    assert (out / "report.html").exists()
    assert json.loads((out / "verdict.json").read_text())["verdict"] == "pass"


def test_every_planted_defect_is_caught() -> None:
    code, told = calibrate("--self-test")
    missed = [each for each in told["defects"] if not each["accepted"]]
    assert (code, missed) == (0, [])
    assert len(told["defects"]) == 6
