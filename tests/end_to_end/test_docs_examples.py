"""The example of a workflow of one's own, as the documentation shows it, against the built-in server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end

DOCS = Path(__file__).parents[2] / "docs"
REFILL = DOCS / "examples" / "refill.yaml"


def test_the_documented_workflow_is_done_on_the_built_in_server(emrload: Any) -> None:
    hurry = [word for name in ("refill-nurse", "nurse") for word in ("--set", f"personas.{name}.think.mean=500ms")]
    hurry += [word for name in ("refill-nurse", "nurse") for word in ("--set", f"personas.{name}.between.mean=500ms")]
    run = emrload.run("--duration", "15s", "--target", "sandbox", *hurry, scenario=str(REFILL))
    table = run.table("workflows")
    refills = table[table.workflow == "refill-request"]
    assert (refills.outcome == "ok").sum() >= 5, run.out
    assert set(refills.outcome) <= {"ok", "cut"}


AS_WRITTEN = {
    "your-workflow.md": "emrload run refill.yaml --duration 2m",
    "your-organisation.md": "emrload run morning-rush --sites-file sites.csv --duration 2m",
}


@pytest.mark.prove
@pytest.mark.parametrize("page", AS_WRITTEN)
def test_what_a_page_says_passes_as_it_is_written(page: str, tmp_path: Path) -> None:
    command = AS_WRITTEN[page]
    assert f"\n{command}\n" in (DOCS / page).read_text()
    shutil.copytree(DOCS / "examples", tmp_path / "examples")
    words = [sys.executable, "-m", "harness.cli", *command.split()[1:]]
    done = subprocess.run(words, cwd=tmp_path / "examples", capture_output=True, text=True, timeout=400, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
