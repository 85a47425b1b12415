"""The columns of what a run writes down, in one place.

Format history:
  1  first: samples, workflows, duty, health
  2  workflows.back_entry, health.visitors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

__all__ = ["DUTY", "HEALTH", "SAMPLES", "WORKFLOWS", "Columns", "Kind"]

Kind = Literal["bool", "int8", "int16", "int32", "int64", "float32", "float64", "name"]
"""A name is a text of which there are few; streams hold an int32 code for it."""
Columns = Mapping[str, Kind]
"""In their order."""

SAMPLES: Final[Columns] = {
    "intended_s": "float64",
    "start_s": "float64",
    "latency_ms": "float64",
    "server_ms": "float64",
    "connect_ms": "float32",
    "ttfb_ms": "float32",
    "reused": "bool",
    "site": "name",
    "persona": "name",
    "workflow": "name",
    "operation": "name",
    "lane": "name",
    "phase": "name",
    "method": "name",
    "outcome": "name",
    "open": "bool",
    "clinician": "int32",
    "workflow_run": "int64",
    "request_id": "int64",
    "status": "int16",
    "bytes_sent": "int32",
    "bytes_received": "int32",
    "attempt": "int8",
    "worker": "int16",
}
"""One row a request. Seconds since the run's start."""

WORKFLOWS: Final[Columns] = {
    "intended_s": "float64",
    "start_s": "float64",
    "duration_ms": "float64",
    "waited_ms": "float64",
    "think_ms": "float64",
    "site": "name",
    "persona": "name",
    "clinician": "int32",
    "workflow": "name",
    "lane": "name",
    "phase": "name",
    "open": "bool",
    "back_entry": "bool",
    "outcome": "name",
    "workflow_run": "int64",
    "worker": "int16",
}
"""One row a workflow run; `waited_ms` is the time spent on requests, `think_ms` on thinking.

`open`: somebody came at a rate of their own, planned for `intended_s`. `back_entry`: it is done again after it was
given up.
"""

DUTY: Final[Columns] = {
    "slot": "int32",
    "worker": "int16",
    "claimed_s": "float64",
    "started_s": "float64",
    "ended_s": "float64",
    "reason": "name",
    "waiting_s": "float64",
    "thinking_s": "float64",
    "idle_s": "float64",
}
"""One row a slot that was worked.

`reason`: `slot_end`, `closed` (the run was ended early), `killed` (by Locust), `error`. `waiting_s + thinking_s +
idle_s` is the clinician's time as actually spent; idle is the first wait and the pauses between workflows.
"""

HEALTH: Final[Columns] = {
    "time_s": "float64",
    "worker": "int16",
    "loop_lag_ms": "float64",
    "cpu": "float64",
    "steal": "float64",
    "memory_mb": "float64",
    "users": "int32",
    "on_duty": "int32",
    "visitors": "int32",
    "in_flight": "int32",
    "started": "int64",
    "finished": "int64",
    "in_flight_s": "float64",
}
"""One row a second and worker.

`loop_lag_ms` is the worst of that second; `cpu` is the process's share of one core, `steal` the host's share of all;
`users` are Locust users alive, `on_duty` clinicians in their slot, `visitors` those who came as open arrivals and are
still there; `started`, `finished` and `in_flight_s` (∫ in flight
dt) count from the start of the run.
"""
