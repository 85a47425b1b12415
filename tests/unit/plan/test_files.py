"""A plan on disk reads back as it was, with the columns that programs rely on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.errors import RunError
from harness.plan import ExpectedLoad, compile_plan, read_shares, write_plan
from harness.rundir import RunDir
from harness.scenario.model import RunSpec

Make = Callable[..., RunSpec]
KEY = ("lake", "nurse", "chart")
EXPECTED = ExpectedLoad(
    requests={("lake", "charting"): 12.34567},
    peak_per_s={("lake", "charting"): 0.5},
    busiest_per_s={},
    by_operation={("lake", "Patient.read"): 12.34567},
    by_workflow={KEY: 4.0},
    by_workflow_finished={KEY: 3.5},
    by_workflow_requests={KEY: 12.34567},
)
P95 = {"id": "network-p95", "scope": "network", "metric": "p95_ms", "bound": 1000.0}


def test_the_roster_has_exactly_these_columns(make_spec: Make, tmp_path: Path) -> None:
    plan, run_dir = compile_plan(make_spec()), RunDir(tmp_path)
    write_plan(plan, [0] * len(plan.slots), EXPECTED, run_dir)
    table = pq.read_table(run_dir.plan)
    assert table.column_names == ["slot", "site", "persona", "clinician", "start_s", "end_s", "worker"]
    assert table.num_rows == len(plan.slots)


def test_the_workers_read_back_beside_the_same_roster(make_spec: Make, tmp_path: Path) -> None:
    plan, run_dir = compile_plan(make_spec(duration_s=97.0)), RunDir(tmp_path)
    workers = tuple(slot.slot % 3 for slot in plan.slots)
    write_plan(plan, workers, EXPECTED, run_dir)
    assert read_shares(run_dir, plan) == workers


def test_another_roster_is_refused(make_spec: Make, tmp_path: Path) -> None:
    plan, run_dir = compile_plan(make_spec()), RunDir(tmp_path)
    write_plan(plan, [0] * len(plan.slots), EXPECTED, run_dir)
    with pytest.raises(RunError, match=r"shares\.json is of another roster"):
        read_shares(run_dir, compile_plan(make_spec(seed=8)))


@pytest.mark.parametrize("damage", [b"{", b"{}", b"[]", b'{"roster_digest": "", "worker_slots": [[0, 1]]}'])
def test_shares_that_are_damaged_are_refused(make_spec: Make, tmp_path: Path, damage: bytes) -> None:
    plan, run_dir = compile_plan(make_spec()), RunDir(tmp_path)
    run_dir.shares.write_bytes(
        damage.replace(b'"roster_digest": ""', b'"roster_digest": "%s"' % plan.roster_digest.encode())
    )
    with pytest.raises(ValueError):
        read_shares(run_dir, plan)


def test_every_slot_needs_a_worker(make_spec: Make, tmp_path: Path) -> None:
    plan = compile_plan(make_spec())
    with pytest.raises(ValueError, match="30 slots, but workers for 2"):
        write_plan(plan, [0, 0], EXPECTED, RunDir(tmp_path))


def test_what_is_expected_is_written_beside_it(make_spec: Make, tmp_path: Path) -> None:
    plan, run_dir = compile_plan(make_spec(objectives=[P95])), RunDir(tmp_path)
    write_plan(plan, [0] * len(plan.slots), EXPECTED, run_dir)
    written = json.loads(run_dir.expected.read_bytes())
    assert written["length_s"] == 7200.0
    assert written["requests"] == [{"site": "lake", "lane": "charting", "requests": 12.3457, "peak_per_s": 0.5}]
    assert written["by_operation"] == [{"site": "lake", "operation": "Patient.read", "requests": 12.3457}]
    assert written["by_workflow"] == [
        {"site": "lake", "persona": "nurse", "workflow": "chart", "runs": 4.0, "finished": 3.5}
    ]
    assert written["objectives"] == [{"id": "network-p95", "scope": {}, "required": True, "expected_samples": 12.3457}]
    assert [entry["site"] for entry in written["on_duty"]] == ["lake", "river"]
    assert max(written["on_duty"][0]["heads"]) == 15
    assert json.loads(run_dir.arrivals.read_bytes()) == []
