"""The plan on disk: `plan.parquet` (the roster, each slot with its worker), `shares.json`, `arrivals.json`,
`expected.json`."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from harness.errors import RunError
from harness.plan.arrivals import expected_arrivals
from harness.plan.duty import duty_steps_by_site
from harness.plan.model import ExpectedLoad, Plan, Slot
from harness.plan.objectives import required_objectives
from harness.plan.partition import worker_of_process
from harness.rundir import RunDir, write_json

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["expected_json", "read_shares", "write_plan"]

COLUMNS = ("slot", "site", "persona", "clinician", "start_s", "end_s", "worker")


def write_plan(plan: Plan, worker_of_slot: Sequence[int], expected: ExpectedLoad, run_dir: RunDir) -> None:
    """Write the four files. Raises ValueError unless `worker_of_slot` holds one worker for each slot."""
    import pyarrow.parquet as pq

    if len(worker_of_slot) != len(plan.slots):
        raise ValueError(f"{len(plan.slots)} slots, but workers for {len(worker_of_slot)}")
    table = _table([(*_row(slot), worker) for slot, worker in zip(plan.slots, worker_of_slot, strict=True)])
    table = table.replace_schema_metadata({"roster_digest": plan.roster_digest})
    pq.write_table(table, run_dir.plan, compression="zstd")
    del table
    _give_back()
    run_dir.shares.write_bytes(orjson.dumps(_shares_json(plan, worker_of_slot)))
    write_json(run_dir.arrivals, arrivals_json(plan, worker_of_slot))
    write_json(run_dir.expected, expected_json(plan, expected))


def _table(rows: Sequence[Sequence[Any]]) -> pa.Table:
    """By way of JSON, which is exact: `pa.array` of a list imports pandas, 70 MB for as long as the load lasts."""
    import pyarrow as pa
    import pyarrow.json

    text, whole, real = pa.string(), pa.int32(), pa.float64()
    kinds: tuple[pa.DataType, ...] = (whole, text, text, whole, real, real, pa.int16())
    read_as = pa.schema(list(zip(COLUMNS, kinds, strict=True)))
    written_as = pa.schema(
        [pa.field(field.name, pa.dictionary(whole, text) if field.type == text else field.type) for field in read_as]
    )
    if not rows:
        return written_as.empty_table()
    lines = b"\n".join(orjson.dumps(dict(zip(COLUMNS, row, strict=True))) for row in rows)
    read = pyarrow.json.read_json(
        BytesIO(lines),
        read_options=pyarrow.json.ReadOptions(use_threads=False),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=read_as),
    )
    return read.cast(written_as)


def _give_back() -> None:
    """What Arrow has taken for it, 2 kB a slot, it would keep for as long as the load lasts."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def _shares_json(plan: Plan, worker_of_slot: Sequence[int]) -> dict[str, Any]:
    """The workers once more, for load processes: each compiles the plan itself, and what reads Parquet would take 40 MB
    of it for as long as the load lasts."""
    runs = [[worker, len(list(same))] for worker, same in groupby(worker_of_slot)]
    return {"roster_digest": plan.roster_digest, "worker_slots": runs}


def read_shares(run_dir: RunDir, plan: Plan) -> tuple[int, ...]:
    """The worker of each slot, as `write_plan` wrote them for this very roster.

    Raises RunError where they were written for another roster than `plan`, OSError or ValueError where the file is not
    whole.
    """
    told = orjson.loads(run_dir.shares.read_bytes())
    try:
        if told["roster_digest"] != plan.roster_digest:
            raise RunError(f"{run_dir.shares.name} is of another roster than the scenario beside it compiles to")
        workers = tuple(worker for worker, slots in told["worker_slots"] for _ in range(slots))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{run_dir.shares.name} is damaged") from error
    if len(workers) != len(plan.slots):
        raise ValueError(f"{run_dir.shares.name} is damaged")
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
