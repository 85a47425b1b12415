"""The columns of what a run writes down, in one place.

Format history:
  1  first: samples, workflows, duty, health
  2  workflows.back_entry, health.visitors
"""

from __future__ import annotations

import pyarrow as pa

__all__ = ["DUTY", "FORMAT_VERSION", "HEALTH", "SAMPLES", "WORKFLOWS", "coded_columns"]

FORMAT_VERSION = 2

_NAME: pa.DataType = pa.dictionary(pa.int32(), pa.string())


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(columns)


SAMPLES = _schema(
    intended_s=pa.float64(),
    start_s=pa.float64(),
    latency_ms=pa.float64(),
    server_ms=pa.float64(),
    connect_ms=pa.float32(),
    ttfb_ms=pa.float32(),
    reused=pa.bool_(),
    site=_NAME,
    persona=_NAME,
    workflow=_NAME,
    operation=_NAME,
    lane=_NAME,
    phase=_NAME,
    method=_NAME,
    outcome=_NAME,
    open=pa.bool_(),
    clinician=pa.int32(),
    workflow_run=pa.int64(),
    request_id=pa.int64(),
    status=pa.int16(),
    bytes_sent=pa.int32(),
    bytes_received=pa.int32(),
    attempt=pa.int8(),
    worker=pa.int16(),
)
"""One row a request. Seconds since the run's start."""

WORKFLOWS = _schema(
    intended_s=pa.float64(),
    start_s=pa.float64(),
    duration_ms=pa.float64(),
    waited_ms=pa.float64(),
    think_ms=pa.float64(),
    site=_NAME,
    persona=_NAME,
    clinician=pa.int32(),
    workflow=_NAME,
    lane=_NAME,
    phase=_NAME,
    open=pa.bool_(),
    back_entry=pa.bool_(),
    outcome=_NAME,
    workflow_run=pa.int64(),
    worker=pa.int16(),
)
"""One row a workflow run; `waited_ms` is the time spent on requests, `think_ms` on thinking.

`open`: somebody came at a rate of their own, planned for `intended_s`. `back_entry`: it is done again after it was
given up.
"""

DUTY = _schema(
    slot=pa.int32(),
    worker=pa.int16(),
    claimed_s=pa.float64(),
    started_s=pa.float64(),
    ended_s=pa.float64(),
    reason=_NAME,
    waiting_s=pa.float64(),
    thinking_s=pa.float64(),
    idle_s=pa.float64(),
)
"""One row a slot that was worked.

`reason`: `slot_end`, `closed` (the run was ended early), `killed` (by Locust), `error`. `waiting_s + thinking_s +
idle_s` is the clinician's time as actually spent; idle is the first wait and the pauses between workflows.
"""

HEALTH = _schema(
    time_s=pa.float64(),
    worker=pa.int16(),
    loop_lag_ms=pa.float64(),
    cpu=pa.float64(),
    steal=pa.float64(),
    memory_mb=pa.float64(),
    users=pa.int32(),
    on_duty=pa.int32(),
    visitors=pa.int32(),
    in_flight=pa.int32(),
    started=pa.int64(),
    finished=pa.int64(),
    in_flight_s=pa.float64(),
)
"""One row a second and worker.

`loop_lag_ms` is the worst of that second; `cpu` is the process's share of one core, `steal` the host's share of all;
`users` are Locust users alive, `on_duty` clinicians in their slot, `visitors` those who came as open arrivals and are
still there; `started`, `finished` and `in_flight_s` (∫ in flight
dt) count from the start of the run.
"""


def coded_columns(schema: pa.Schema) -> tuple[str, ...]:
    """Names of the columns that hold a code into a dictionary."""
    return tuple(field.name for field in schema if pa.types.is_dictionary(field.type))
