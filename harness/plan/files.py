"""The plan on disk: `plan.parquet` (the roster, each slot with its worker), `arrivals.json`, `expected.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import RunError
from harness.plan.arrivals import expected_arrivals
from harness.plan.duty import duty_steps_by_site
from harness.plan.model import ExpectedLoad, Plan, Slot
from harness.plan.objectives import required_objectives
from harness.plan.partition import worker_of_process
from harness.rundir import RunDir, write_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["expected_json", "read_roster", "write_plan"]

COLUMNS = ("slot", "site", "persona", "clinician", "start_s", "end_s", "worker")


def write_plan(plan: Plan, worker_of_slot: Sequence[int], expected: ExpectedLoad, run_dir: RunDir) -> None:
    """Write the three files. Raises ValueError unless `worker_of_slot` holds one worker for each slot."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if len(worker_of_slot) != len(plan.slots):
        raise ValueError(f"{len(plan.slots)} slots, but workers for {len(worker_of_slot)}")
    slots = plan.slots
    name = pa.dictionary(pa.int32(), pa.string())
    table = pa.table(
        {
            "slot": pa.array([slot.slot for slot in slots], pa.int32()),
            "site": pa.array([slot.site for slot in slots], pa.string()).cast(name),
            "persona": pa.array([slot.persona for slot in slots], pa.string()).cast(name),
            "clinician": pa.array([slot.clinician for slot in slots], pa.int32()),
            "start_s": pa.array([slot.start_s for slot in slots], pa.float64()),
            "end_s": pa.array([slot.end_s for slot in slots], pa.float64()),
            "worker": pa.array(worker_of_slot, pa.int16()),
        },
        metadata={"roster_digest": plan.roster_digest},
    )
    pq.write_table(table, run_dir.plan, compression="zstd")
    write_json(run_dir.arrivals, arrivals_json(plan, worker_of_slot))
    write_json(run_dir.expected, expected_json(plan, expected))


def read_roster(path: Path, plan: Plan) -> tuple[int, ...]:
    """The worker of each slot, as `write_plan` wrote them beside this very roster.

    Raises RunError where the file holds another roster than `plan`.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    columns: dict[str, list[Any]] = {name: table.column(name).to_pylist() for name in COLUMNS}
    rows = zip(*columns.values(), strict=True)
    workers = tuple(columns["worker"])
    if [row[:-1] for row in rows] != [_row(slot) for slot in plan.slots]:
        raise RunError(f"{path.name} holds another roster than the scenario beside it compiles to")
    return workers


def expected_json(plan: Plan, expected: ExpectedLoad) -> dict[str, Any]:
    """What the run expects, as `expected.json` holds it. Counts are means, so they have decimals."""
    return {
        "length_s": plan.length_s,
        "requests": [
            {
                "site": site,
                "lane": lane,
                "requests": _rounded(count),
                "peak_per_s": _rounded(expected.peak_per_s[site, lane]),
            }
            for (site, lane), count in expected.requests.items()
        ],
        "by_operation": [
            {"site": site, "operation": operation, "requests": _rounded(count)}
            for (site, operation), count in expected.by_operation.items()
        ],
        "by_workflow": [
            {
                "site": site,
                "persona": persona,
                "workflow": workflow,
                "runs": _rounded(count),
                "finished": _rounded(expected.by_workflow_finished[site, persona, workflow]),
            }
            for (site, persona, workflow), count in expected.by_workflow.items()
        ],
        "on_duty": [
            {"site": site, "time_s": times_s, "heads": heads}
            for site, (times_s, heads) in duty_steps_by_site(plan).items()
        ],
        "objectives": [
            {
                "id": objective.id,
                "scope": dict(objective.scope),
                "required": objective.required,
                "expected_samples": _rounded(objective.expected_samples),
            }
            for objective in required_objectives(plan, expected)
        ],
    }


def arrivals_json(plan: Plan, worker_of_slot: Sequence[int]) -> list[dict[str, Any]]:
    """Who comes at a rate, as `arrivals.json` holds it."""
    homes = worker_of_process(plan, worker_of_slot)
    return [
        {
            "site": process.site,
            "persona": process.persona,
            "worker": worker,
            "expected": _rounded(float(expected_arrivals(process, np.array([plan.length_s]))[0])),
            "time_s": [time_s for time_s, _ in process.points],
            "per_s": [rate for _, rate in process.points],
        }
        for process, worker in zip(plan.arrivals, homes, strict=True)
    ]


def _row(slot: Slot) -> tuple[Any, ...]:
    return slot.slot, slot.site, slot.persona, slot.clinician, slot.start_s, slot.end_s


def _rounded(value: float) -> float:
    return round(value, 4)
