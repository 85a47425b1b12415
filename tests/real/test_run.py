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

SMALLER = (
    "templates.hospital.peak=80",
    "templates.hospital.patients=80",
    "templates.hospital.arrivals.interface-engine.rate=6/min",
)
"""A hospital that a FHIR server and a load generator on two cores can hold together."""
EVERYONE = Path(__file__).parents[1] / "scenarios" / "everyone.yaml"


def emrload(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


def run(
    folder: Path, hapi: str, scenario: str, duration: str, settings: tuple[str, ...] = ()
) -> tuple[subprocess.CompletedProcess[str], Path]:
    changed = (word for setting in settings for word in ("--set", setting))
    what = (scenario, "--sites", "2", "--seed", "7", "--target", hapi, *changed)
    seeded = emrload(folder, "seed", *what)
    assert seeded.returncode == 0, seeded.stderr
    out = folder / "run"
    return emrload(folder, "run", *what, "--out", str(out), "--duration", duration), out


def clean_up(folder: Path, hapi: str) -> None:
    """Nothing tagged is left, as a search that is not answered from a cache says."""
    done = emrload(folder, "cleanup", "--target", hapi)
    assert done.returncode == 0, done.stderr
    tag = {"_tag": f"{TAG_SYSTEM}|{SYNTHETIC}"}
    with ControlClient(parse_target(hapi)) as client:
        assert {kind: len(list(client.find(kind, tag))) for kind in KINDS} == dict.fromkeys(KINDS, 0)


@pytest.mark.parametrize("scenario", ["morning-rush", "shift-change", "month-end"])
def test_two_sites_for_two_minutes_without_one_unexpected_error(hapi: str, tmp_path: Path, scenario: str) -> None:
    done, out = run(tmp_path, hapi, scenario, "2m", SMALLER if scenario == "shift-change" else ())

    assert done.returncode in (0, 1, 3), done.stderr
    summary: dict[str, Any] = json.loads((out / "summary.json").read_bytes())
    assert summary["overall"]["errors"] == 0, (out / "failures.jsonl").read_text()
    assert summary["overall"]["requests"] > 300
    assert (out / "report.html").stat().st_size > 50_000
    assert json.loads((out / "manifest.json").read_bytes())["target"]["software"].startswith("HAPI FHIR")
    clean_up(tmp_path, hapi)


@pytest.mark.parametrize("server", ["hapi", "strict_hapi"])
def test_every_workflow_of_every_persona_comes_to_its_end(
    request: pytest.FixtureRequest, tmp_path: Path, server: str
) -> None:
    url: str = request.getfixturevalue(server)
    done, out = run(tmp_path, url, str(EVERYONE), "90s", ("think_factor=0.02",))

    assert done.returncode in (0, 1, 3), done.stderr
    workflows = pq.read_table(out / "workflows.parquet").to_pandas()
    skipped = json.loads((out / "manifest.json").read_bytes())["unsupported"]
    assert set(workflows.outcome) <= {"ok", "cut", "skipped"}, (out / "failures.jsonl").read_text()
    assert set(workflows[workflows.outcome == "skipped"].workflow) <= set(skipped)
    ended_well = set(workflows[workflows.outcome == "ok"].workflow)
    planned = {row["workflow"] for row in json.loads((out / "expected.json").read_bytes())["by_workflow"]}
    assert ended_well == planned - set(skipped)
    clean_up(tmp_path, url)
