"""The main job against HAPI: seed, run, clean up, as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.control import ControlClient, parse_target
from harness.control.cleanup import KINDS
from harness.fhir.systems import SYNTHETIC, TAG_SYSTEM

pytestmark = pytest.mark.real

RUSH = ("morning-rush", "--sites", "2", "--seed", "7")


def emrload(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


def run(
    folder: Path, hapi: str, duration: str, settings: tuple[str, ...] = ()
) -> tuple[subprocess.CompletedProcess[str], Path]:
    rush = (*RUSH, "--target", hapi, *(word for setting in settings for word in ("--set", setting)))
    seeded = emrload(folder, "seed", *rush)
    assert seeded.returncode == 0, seeded.stderr
    out = folder / "run"
    return emrload(folder, "run", *rush, "--out", str(out), "--duration", duration), out


def clean_up(folder: Path, hapi: str) -> None:
    """Nothing tagged is left, as a search that is not answered from a cache says."""
    done = emrload(folder, "cleanup", "--target", hapi)
    assert done.returncode == 0, done.stderr
    tag = {"_tag": f"{TAG_SYSTEM}|{SYNTHETIC}"}
    with ControlClient(parse_target(hapi)) as client:
        assert {kind: len(list(client.find(kind, tag))) for kind in KINDS} == dict.fromkeys(KINDS, 0)


def test_two_sites_for_two_minutes_without_one_unexpected_error(hapi: str, tmp_path: Path) -> None:
    done, out = run(tmp_path, hapi, "2m")

    assert done.returncode in (0, 1, 3), done.stderr
    summary: dict[str, Any] = json.loads((out / "summary.json").read_bytes())
    assert summary["overall"]["errors"] == 0, (out / "failures.jsonl").read_text()
    assert summary["overall"]["requests"] > 300
    assert (out / "report.html").stat().st_size > 50_000
    assert json.loads((out / "manifest.json").read_bytes())["target"]["software"].startswith("HAPI FHIR")
    clean_up(tmp_path, hapi)


def test_every_workflow_of_every_persona_comes_to_its_end(hapi: str, tmp_path: Path) -> None:
    done, out = run(tmp_path, hapi, "1m", ("think_factor=0.02", "templates.clinic.peak=12"))

    assert done.returncode in (0, 1, 3), done.stderr
    workflows = pq.read_table(out / "workflows.parquet").to_pandas()
    assert set(workflows.outcome) <= {"ok", "cut"}, (out / "failures.jsonl").read_text()
    ended_well = set(workflows[workflows.outcome == "ok"].workflow)
    planned = {row["workflow"] for row in json.loads((out / "expected.json").read_bytes())["by_workflow"]}
    assert ended_well == planned
    clean_up(tmp_path, hapi)
