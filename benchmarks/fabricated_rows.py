"""The columns of a fabricated run, from who does what when: as a recorder would have written them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.clinic import WORKFLOWS
from harness.plan import phase_at
from harness.plan.model import Plan

__all__ = ["WORKERS", "Column", "Requests", "Runs", "Task", "duty", "health", "samples", "workflows"]

WORKERS: Final = 2

Column = NDArray[Any]


@dataclass(frozen=True)
class Task:
    """A workflow of a persona at a site: how often the plan expects it, and the requests of one run."""

    site: str
    persona: str
    workflow: str
    runs: float
    operations: tuple[str, ...]


@dataclass(frozen=True)
class Runs:
    """Workflow runs in the order of their slots: one entry each, times in run seconds; `first` is the first request."""

    slot: Column
    task: Column
    start_s: Column
    length_s: Column
    first: Column
    requests: Column


@dataclass(frozen=True)
class Requests:
    """All requests, run by run: the little of them that is needed before they are written."""

    run: Column
    start_s: Column
    latency_ms: Column


def samples(plan: Plan, tasks: list[Task], runs: Runs, sent: Requests, rows: Column, workers: Column) -> dict[str, Any]:
    """Of the requests `rows`: all went well, and were sent half a millisecond after they were meant to be."""
    run, start_s, latency_ms = sent.run[rows], sent.start_s[rows], sent.latency_ms[rows]
    nth = rows - runs.first[run]
    task, slot = runs.task[run], runs.slot[run]
    names = sorted({operation for one in tasks for operation in one.operations})
    longest = max(len(one.operations) for one in tasks)
    table = np.zeros((len(tasks), longest), np.int32)
    for row, one in zip(table, tasks, strict=True):
        row[: len(one.operations)] = [names.index(operation) for operation in one.operations]
    operation = table[task, nth]
    methods = [_method(name) for name in names]
    method_names = sorted(set(methods))
    return {
        **_who(plan, tasks, slot, task, start_s, workers),
        "intended_s": start_s - 0.0005,
        "start_s": start_s,
        "latency_ms": latency_ms,
        "server_ms": latency_ms,
        "connect_ms": 0.0,
        "ttfb_ms": latency_ms,
        "reused": nth > 0,
        "operation": (operation, names),
        "method": (np.array([method_names.index(name) for name in methods])[operation], method_names),
        "outcome": (np.zeros(len(rows), np.int32), ["ok"]),
        "workflow_run": run + 1,
        "request_id": rows + 1,
        "status": 200,
        "bytes_sent": 400,
        "bytes_received": 2400,
        "attempt": 1,
    }


def workflows(plan: Plan, tasks: list[Task], runs: Runs, waited_ms: Column, workers: Column) -> dict[str, Any]:
    """A row a run; what was not waited was thought."""
    duration_ms = np.maximum(runs.length_s * 1000, waited_ms)
    return {
        **_who(plan, tasks, runs.slot, runs.task, runs.start_s, workers),
        "intended_s": runs.start_s,
        "start_s": runs.start_s,
        "duration_ms": duration_ms,
        "waited_ms": waited_ms,
        "think_ms": duration_ms - waited_ms,
        "back_entry": False,
        "outcome": (np.zeros(len(runs.slot), np.int32), ["ok"]),
        "workflow_run": np.arange(1, len(runs.slot) + 1),
    }


def duty(plan: Plan, runs: Runs, waited_ms: Column, workers: Column) -> dict[str, Any]:
    """A row a slot, worked from its beginning to its end."""
    count = len(plan.slots)
    begin_s, end_s = (np.array([getattr(one, edge) for one in plan.slots]) for edge in ("start_s", "end_s"))
    waiting_s = np.bincount(runs.slot, waited_ms / 1000, count)
    thinking_s = np.bincount(runs.slot, np.maximum(runs.length_s - waited_ms / 1000, 0.0), count)
    return {
        "slot": np.arange(count),
        "worker": workers,
        "claimed_s": begin_s - 3.0,
        "started_s": begin_s + 0.0005,
        "ended_s": end_s + 0.0005,
        "reason": (np.zeros(count, np.int32), ["slot_end"]),
        "waiting_s": waiting_s,
        "thinking_s": thinking_s,
        "idle_s": end_s - begin_s - waiting_s - thinking_s,
    }


def health(plan: Plan, runs: Runs, sent: Requests, workers: Column) -> dict[str, Any]:
    """A row a second and worker; the recorder's own counts, as they follow from the samples."""
    time_s = np.arange(0.0, plan.length_s + 5.0)
    parts: list[dict[str, Any]] = []
    for worker in range(WORKERS):
        mine = (workers[runs.slot] == worker)[sent.run]
        starts = np.sort(sent.start_s[mine])
        ends = np.sort(sent.start_s[mine] + sent.latency_ms[mine] / 1000)
        started, finished = np.searchsorted(starts, time_s, "right"), np.searchsorted(ends, time_s, "right")
        begun_s, done_s = (np.concatenate(([0.0], np.cumsum(edges))) for edges in (starts, ends))
        heads = _heads([slot for slot in plan.slots if workers[slot.slot] == worker], time_s)
        parts.append(
            {
                "time_s": time_s,
                "worker": np.full(len(time_s), worker),
                "users": heads,
                "on_duty": heads,
                "in_flight": started - finished,
                "started": started,
                "finished": finished,
                # each request has been in flight for (now, or its end) minus its start
                "in_flight_s": done_s[finished] + (started - finished) * time_s - begun_s[started],
            }
        )
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return columns | {"visitors": 0, "loop_lag_ms": 1.0, "cpu": 0.2, "steal": 0.0, "memory_mb": 90.0}


def _who(plan: Plan, tasks: list[Task], slot: Column, task: Column, start_s: Column, workers: Column) -> dict[str, Any]:
    """What samples and workflow runs have in common."""
    codes: dict[str, Any] = {}
    for column in ("site", "persona", "workflow"):
        values = [getattr(one, column) for one in tasks]
        names = sorted(set(values))
        codes[column] = (np.array([names.index(value) for value in values], np.int32)[task], names)
    lanes = [WORKFLOWS[one.workflow].lane for one in tasks]
    lane_names = sorted(set(lanes))
    phase_of = [phase_at(plan, name) for name in codes["site"][1]]  # each by its own clock
    minutes = [[one(minute * 60.0) for minute in range(int(plan.length_s // 60) + 1)] for one in phase_of]
    phases = sorted({phase for site in minutes for phase in site})
    table = np.array([[phases.index(phase) for phase in site] for site in minutes], np.int32)
    minute = np.clip(start_s // 60, 0, table.shape[1] - 1).astype(int)
    return codes | {
        "lane": (np.array([lane_names.index(lane) for lane in lanes], np.int32)[task], lane_names),
        "phase": (table[codes["site"][0], minute], phases),
        "open": False,
        "clinician": np.array([one.clinician for one in plan.slots])[slot],
        "worker": workers[slot],
    }


def _method(operation: str) -> str:
    if ".update" in operation:
        return "PUT"
    return "GET" if ".read" in operation or ".search" in operation else "POST"


def _heads(slots: list[Any], time_s: Column) -> Column:
    starts, ends = (np.sort([getattr(slot, edge) for slot in slots]) for edge in ("start_s", "end_s"))
    return np.searchsorted(starts, time_s, "right") - np.searchsorted(ends, time_s, "right")
