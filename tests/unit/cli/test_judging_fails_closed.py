"""Whatever goes wrong while a run is judged, nobody reads a pass: no exit code 0, no such verdict, no traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.cli import concluding
from harness.cli.program import run_program
from harness.rundir import RunDir
from harness.scenario import dump_spec
from harness.verdict import judge as judge_module

MOUNTS = shutil.which("unshare") is not None and os.geteuid() == 0


@pytest.fixture
def left(fabricate: Callable[..., Any]) -> RunDir:
    """A healthy run as the load left it: it would pass."""
    run = fabricate(requests=1000)
    run_dir, spec = run.write()
    dump_spec(spec.model_copy(update={"duration_s": run.length_s}), run_dir.scenario)
    run_dir.seal()
    assert isinstance(run_dir, RunDir)
    return run_dir


def judged(run_dir: RunDir, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = run_program(["report", str(run_dir.path)])
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert "PASS" not in told.out
    assert not run_dir.verdict.exists()
    return code, told.err


def without_a_column(path: Path, column: str) -> None:
    pq.write_table(pq.read_table(path).drop_columns([column]), path)


def of_another_type(path: Path, column: str) -> None:
    table = pq.read_table(path)
    at = table.schema.get_field_index(column)
    pq.write_table(table.set_column(at, column, pa.array(["?"] * len(table))), path)


DAMAGE: dict[str, Callable[[RunDir], object]] = {
    "samples are missing": lambda run: run.samples.unlink(),
    "samples are torn": lambda run: run.samples.write_bytes(run.samples.read_bytes()[:2000]),
    "samples are of another kind": lambda run: run.samples.write_bytes(b"PAR1" + b"?" * 500 + b"PAR1"),
    "a column is missing": lambda run: without_a_column(run.samples, "latency_ms"),
    "a column is of another type": lambda run: of_another_type(run.samples, "latency_ms"),
    "workflows are missing": lambda run: run.workflows.unlink(),
    "health is missing": lambda run: run.health.unlink(),
    "the plan is missing": lambda run: run.plan.unlink(),
    "what was required is missing": lambda run: run.expected.unlink(),
    "what was required is no JSON": lambda run: run.expected.write_text("{"),
    "the scenario is missing": lambda run: run.scenario.unlink(),
    "the summary is damaged": lambda run: run.summary.write_text('{"overall": '),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_folder_that_is_damaged_is_never_a_pass(damage: str, left: RunDir, capsys: Any) -> None:
    DAMAGE[damage](left)
    code, told = judged(left, capsys)
    assert code in (2, 4), told
    assert told


@pytest.mark.parametrize("error", [ZeroDivisionError("?"), MemoryError(), KeyError("site"), RecursionError()])
def test_a_judge_that_crashes_is_never_a_pass(error: Exception, left: RunDir, capsys: Any, monkeypatch: Any) -> None:
    def crash(*_: object) -> None:
        raise error

    monkeypatch.setattr(judge_module, "judge", crash)
    code, told = judged(left, capsys)
    assert code == 4, told


def test_a_judge_that_is_interrupted_is_never_a_pass(left: RunDir, capsys: Any, monkeypatch: Any) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(judge_module, "judge", interrupt)
    assert judged(left, capsys)[0] == 3


def test_a_verdict_that_cannot_be_written_is_never_a_pass(left: RunDir, capsys: Any, monkeypatch: Any) -> None:
    write = concluding.write_json

    def refuse(path: Path, value: object) -> None:
        if path == left.verdict:
            raise PermissionError(13, "Permission denied", str(path))
        write(path, value)

    monkeypatch.setattr(concluding, "write_json", refuse)
    assert judged(left, capsys)[0] == 4


@pytest.mark.skipif(not MOUNTS, reason="a disk of its own is mounted by root only")
@pytest.mark.parametrize("free_kb", [0, 4, 40])
def test_a_disk_that_fills_while_a_run_is_judged_is_never_a_pass(free_kb: int, left: RunDir, tmp_path: Path) -> None:
    """On a real disk of its own, full but for so many kilobytes, in a mount namespace that ends with the process."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = """
        mount -t tmpfs -o size=4m tmpfs "$1" && cp -r "$2" "$1/run" || exit 99
        dd if=/dev/zero of="$1/filler" bs=1k 2>/dev/null
        truncate -s -"$3"k "$1/filler"
        "$4" -m harness.cli report "$1/run"; code=$?
        grep -q '"verdict": *"pass"' "$1/run/verdict.json" 2>/dev/null && test "$code" = 0 && exit 98
        exit "$code"
    """
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(disk), str(left.path), str(free_kb), sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode == 99:
        pytest.skip("this container may mount nothing")
    assert done.returncode in (2, 4), (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert "space" in done.stderr
