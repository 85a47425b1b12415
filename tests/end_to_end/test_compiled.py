"""The compiled hot path is the same engine: its tests hold, and a run on it is the run that it would have been."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.engine import ENGINE_VARIABLE, compiled_folder
from harness.engine.build import compile_hot_path

pytestmark = [pytest.mark.end_to_end, pytest.mark.prove]

TESTS = Path(__file__).parents[1]
WHOLE_SUITES = (
    "unit/load/test_byte_streams.py",
    "unit/load/test_answer.py",
    "unit/load/test_cookies.py",
    "unit/load/test_judging.py",
    "unit/load/test_posting.py",
    "unit/load/test_tls.py",
    "unit/fhir",
    "unit/population",
    "property/test_http_against_h11.py",
    "property/test_searchsets.py",
)
"""None of these changes anything inside a module, which cannot be done in a compiled one."""
PYTEST = """\
import sys
import harness.load, harness.load.client, pytest
assert harness.load.client.__file__.endswith(".so"), harness.load.client.__file__
sys.exit(pytest.main(["-q", "-m", "not prove", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    compile_hot_path(compiled_folder())


@pytest.mark.timeout(600)
def test_what_is_tested_of_the_sources_holds_of_what_was_compiled():
    suites = [str(TESTS / name) for name in WHOLE_SUITES]
    done = subprocess.run(
        [sys.executable, "-c", PYTEST, *suites],
        cwd=TESTS.parent,
        env=os.environ | {ENGINE_VARIABLE: "compiled"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.timeout(300)
def test_a_run_on_it_is_the_same_run(tmp_path: Path):
    runs = {name: played(tmp_path / name, name) for name in ("compiled", "interpreted")}
    for name, (manifest, verdict, _) in runs.items():
        assert manifest["engine"] == name
        assert verdict["verdict"] == "pass", verdict
    one, other = (asked for _, _, asked in runs.values())
    assert one.keys() == other.keys()
    both = [(mine, other[who]) for who, mine in one.items()]
    assert sum(len(mine) for mine, _ in both) > 300
    for mine, others in both:
        shared = min(len(mine), len(others))
        assert mine[:shared] == others[:shared]


def played(folder: Path, engine: str) -> tuple[dict[str, Any], dict[str, Any], dict[Any, list[str]]]:
    """Manifest and verdict of a demo, and what each clinician asked for, in her order."""
    command = [sys.executable, "-m", "harness.cli", "run", "morning-rush", "--sites", "3", "--duration", "60s"]
    subprocess.run(
        [*command, "--seed", "7", "--out", str(folder)],
        env=os.environ | {ENGINE_VARIABLE: engine},
        capture_output=True,
        check=False,
        timeout=200,
    )
    samples = pq.read_table(folder / "samples.parquet").to_pandas().sort_values("start_s")
    people = samples.groupby(["site", "persona", "clinician"], observed=True)["operation"]
    manifest, verdict = (json.loads((folder / f"{name}.json").read_bytes()) for name in ("manifest", "verdict"))
    return manifest, verdict, {who: list(asked) for who, asked in people}
