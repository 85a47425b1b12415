"""A run's folder as a load leaves it, of exactly so many requests, from known distributions: what a report is made of.

The plan is a real one (a morning rush over 50 sites expects about a million requests), of the staff alone: nobody comes
at a rate. Who does what how often follows it, answers take a lognormal time, nobody is late and nothing fails. Rows
stand as a load leaves them: one worker's after the other's, each in the order of its answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.fabricated_rows import WORKERS, Column, Requests, Runs, Task, duty, health, samples, workflows
from harness.plan import compile_plan, costs_of, expected_load, partition, write_plan
from harness.plan.model import ExpectedLoad, Plan
from harness.rundir import RunDir, create_run_dir
from harness.samples import FORMAT_VERSION
from harness.samples.schemas import DUTY, HEALTH, SAMPLES, coded_columns
from harness.samples.schemas import WORKFLOWS as WORKFLOW_RUNS
from harness.scenario import dump_spec, habits_of, load_scenario, resolve
from harness.scenario.model import RunSpec

__all__ = ["fabricate"]

SEED: Final = 7
MEDIAN_MS: Final = 80.0
SIGMA: Final = 0.5
ROWS_AT_ONCE: Final = 16 * 65_536
"""So many are in memory with all their columns while they are written."""


def fabricate(path: Path, requests: int, sites: int) -> RunDir:
    """Write a finished run with `requests` samples to the new folder `path`; neither summary nor verdict is there."""
    spec = _without_arrivals(resolve(load_scenario("morning-rush", ()), sites=sites, seed=SEED))
    plan = compile_plan(spec)
    expected = expected_load(plan)
    run_dir = create_run_dir(spec.scenario.name, path)
    dump_spec(spec, run_dir.scenario)
    workers = np.array(partition(plan, WORKERS, expected))
    write_plan(plan, workers.tolist(), expected, run_dir)
    draws = np.random.default_rng(SEED)
    tasks = _tasks(plan, expected)
    runs = _draw_runs(plan, tasks, requests, draws)
    latency_ms = draws.lognormal(np.log(MEDIAN_MS), SIGMA, requests)
    sent = _requests(runs, latency_ms)
    written = _order_of_answers(runs, sent, workers)
    chunks = (written[begin : begin + ROWS_AT_ONCE] for begin in range(0, requests, ROWS_AT_ONCE))
    _write(run_dir.samples, SAMPLES, (samples(plan, tasks, runs, sent, rows, workers) for rows in chunks))
    waited_ms = np.add.reduceat(latency_ms, runs.first)
    _write(run_dir.workflows, WORKFLOW_RUNS, [workflows(plan, tasks, runs, waited_ms, workers)])
    _write(run_dir.duty, DUTY, [duty(plan, runs, waited_ms, workers)])
    _write(run_dir.health, HEALTH, [health(plan, runs, sent, workers)])
    run_dir.update_manifest(
        state="finished",
        started_at="2026-11-23T06:30:00+00:00",
        ended_at="2026-11-23T10:30:00+00:00",
        seed=SEED,
        sites=sites,
        roster_digest=plan.roster_digest,
        target={"url": "http://127.0.0.1:8090/fhir", "software": "none: fabricated", "fhir_version": "4.0.1"},
        workers=WORKERS,
        workers_reported=list(range(WORKERS)),
        time_lapse=1.0,
        rehearsal=False,
        think_factor=1.0,
        duration_s=plan.length_s,
        window=None,
        unsupported={},
        torn_streams=[],
    )
    return run_dir


def _without_arrivals(spec: RunSpec) -> RunSpec:
    templates = spec.scenario.templates
    staffed = {name: template.model_copy(update={"arrivals": {}}) for name, template in templates.items()}
    return spec.model_copy(update={"scenario": spec.scenario.model_copy(update={"templates": staffed})})


def _tasks(plan: Plan, expected: ExpectedLoad) -> list[Task]:
    personas = plan.spec.scenario.personas
    costs = {name: costs_of(habits_of(persona)) for name, persona in personas.items()}
    return [
        Task(site, persona, workflow, runs, _operations(costs[persona][workflow].requests))
        for (site, persona, workflow), runs in expected.by_workflow_finished.items()
        if runs
    ]


def _operations(mean_calls: Any) -> tuple[str, ...]:
    """The calls of one run, each as often as on the average, rounded, and at least once."""
    return tuple(operation for operation, mean in mean_calls.items() for _ in range(max(1, round(mean))))


def _draw_runs(plan: Plan, tasks: list[Task], requests: int, draws: np.random.Generator) -> Runs:
    """Runs of all tasks, as often as expected, until they make `requests`; the last one is as short as need be."""
    sizes = np.array([len(task.operations) for task in tasks])
    shares = np.array([task.runs for task in tasks])
    chosen = draws.choice(
        len(tasks), requests, p=shares / shares.sum()
    )  # more than enough: a run has a request or more
    ends = np.cumsum(sizes[chosen])
    count = int(np.searchsorted(ends, requests)) + 1
    task, size = chosen[:count], sizes[chosen[:count]]
    size[-1] -= ends[count - 1] - requests
    slot = _slots_for(plan, tasks, task, draws)
    order = np.argsort(slot, kind="stable")
    slot, task, size = slot[order], task[order], size[order]
    start_s, length_s = _times(plan, slot, draws)
    return Runs(slot, task, start_s, length_s, np.concatenate(([0], np.cumsum(size)[:-1])), size)


def _slots_for(plan: Plan, tasks: list[Task], task: Column, draws: np.random.Generator) -> Column:
    """Somebody of the task's persona at its site, likelier the longer she is on duty."""
    slots_of: dict[tuple[str, str], list[int]] = {}
    for slot in plan.slots:
        slots_of.setdefault((slot.site, slot.persona), []).append(slot.slot)
    length_s = np.array([slot.end_s - slot.start_s for slot in plan.slots])
    found = np.empty(len(task), np.int64)
    for number, one in enumerate(tasks):
        mine = np.flatnonzero(task == number)
        people = np.array(slots_of[one.site, one.persona])
        found[mine] = draws.choice(people, len(mine), p=length_s[people] / length_s[people].sum())
    return found


def _times(plan: Plan, slot: Column, draws: np.random.Generator) -> tuple[Column, Column]:
    """A clinician's runs follow each other evenly; each takes up to four fifths of its stretch. Start and length."""
    begin_s, end_s = (np.array([getattr(one, edge) for one in plan.slots])[slot] for edge in ("start_s", "end_s"))
    new = np.flatnonzero(np.diff(slot, prepend=-1))
    counts = np.diff(new, append=len(slot))
    nth = np.arange(len(slot)) - np.repeat(new, counts)
    stretch_s = (end_s - begin_s) / np.repeat(counts, counts)
    return begin_s + (nth + draws.uniform(0.0, 0.2, len(slot))) * stretch_s, stretch_s * 0.8


def _requests(runs: Runs, latency_ms: Column) -> Requests:
    """A run's requests follow each other evenly."""
    run = np.repeat(np.arange(len(runs.slot), dtype=np.int32), runs.requests)
    nth = np.arange(len(run)) - runs.first[run]
    return Requests(run, runs.start_s[run] + nth * (runs.length_s / runs.requests)[run], latency_ms)


def _order_of_answers(runs: Runs, sent: Requests, workers: Column) -> Column:
    """Which request stands in each row of the file."""
    done_s = sent.start_s + sent.latency_ms / 1000
    worker = workers[runs.slot][sent.run]
    shares = [np.flatnonzero(worker == one) for one in range(WORKERS)]
    return np.concatenate([own[np.argsort(done_s[own])] for own in shares])


def _write(path: Path, schema: pa.Schema, chunks: Iterable[dict[str, Any]]) -> None:
    """A chunk's column is an array, one value for all rows, or codes with their names."""
    schema = schema.with_metadata({"format_version": str(FORMAT_VERSION)})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for columns in chunks:
            writer.write_table(_table(schema, columns), row_group_size=4096 * 16)


def _table(schema: pa.Schema, columns: dict[str, Any]) -> pa.Table:
    coded = set(coded_columns(schema))
    rows = max(len(column) for column in columns.values() if isinstance(column, np.ndarray))
    arrays: list[Any] = []
    for field in schema:
        column = columns[field.name]
        if field.name in coded:
            codes, names = column
            arrays.append(pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names, pa.string())))
        else:
            values = column if isinstance(column, np.ndarray) else np.full(rows, column)
            arrays.append(pa.array(values).cast(field.type, safe=False))
    return pa.table(arrays, schema=schema)
