"""What a wire leaves behind: a row for each request and each workflow run, and the first failures of each kind.

Values stand in the order of harness.samples.columns; names are codes, asked for once where they stay the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.clinic.world import WorkflowOutcome
from harness.fhir.call import Answer, Call
from harness.load.client import Exchange
from harness.load.posting import Posting
from harness.load.recorder import Recorder

__all__ = ["WorkflowRun", "note_failed_request", "note_failed_workflow", "write_request", "write_workflow"]


@dataclass(slots=True)
class WorkflowRun:
    """A workflow under way."""

    name: str
    run: int
    intended_s: float
    start_s: float
    name_code: int
    lane_code: int
    trace: str
    """Version and trace id of the `traceparent` that all its requests carry."""
    back_entry: bool
    think_s: float = 0.0


def write_workflow(
    recorder: Recorder, posting: Posting, run: WorkflowRun, outcome: WorkflowOutcome, now_s: float
) -> None:
    code = recorder.names.code
    duration_ms, think_ms = (now_s - run.start_s) * 1000, run.think_s * 1000
    recorder.workflow(
        run.intended_s,
        run.start_s,
        duration_ms,
        duration_ms - think_ms,
        think_ms,
        posting.site_code,
        posting.persona_code,
        posting.clinician,
        run.name_code,
        run.lane_code,
        code(posting.phase_at(run.start_s)),
        posting.open,
        run.back_entry,
        code(outcome),
        run.run,
        recorder.worker,
    )


def write_request(
    recorder: Recorder,
    posting: Posting,
    run: WorkflowRun | None,
    call: Call,
    request_bytes: int,
    request_id: int,
    intended_s: float,
    start_s: float,
    total_s: float,
    link_s: float,
    exchange: Exchange | None,
    status: int,
    outcome: str,
    attempt: int,
) -> None:
    """`link_s` of `total_s` went by on an emulated link; `exchange` is None where no whole answer came."""
    code = recorder.names.code
    latency_ms = total_s * 1000
    samples = recorder.samples
    samples.pack(  # not by `append`: what goes through it is put together twice more
        samples.buffer,
        samples.used_bytes,
        intended_s,
        start_s,
        latency_ms,
        latency_ms - link_s * 1000,
        exchange.connect_s * 1000 if exchange else 0.0,
        exchange.ttfb_s * 1000 if exchange else 0.0,
        exchange.reused if exchange else False,
        posting.site_code,
        posting.persona_code,
        run.name_code if run else code(""),
        code(call.operation),
        run.lane_code if run else code(""),
        code(posting.phase_at(start_s)),
        code(call.method),
        code(outcome),
        posting.open,
        posting.clinician,
        run.run if run else 0,
        request_id,
        status,
        request_bytes,
        exchange.bytes_received if exchange else 0,
        attempt,
        recorder.worker,
    )
    samples.packed()


def note_failed_request(
    recorder: Recorder, posting: Posting, run: WorkflowRun | None, call: Call, answer: Answer, request_id: int
) -> None:
    facts = {
        "time_s": round(recorder.clock.now_s(), 3),
        "site": posting.site,
        "persona": posting.persona,
        "workflow": run.name if run else answer.outcome,
        "workflow_run": run.run if run else 0,
        "operation": call.operation,
        "outcome": answer.outcome,
        "status": answer.status,
        "detail": answer.detail,
        "request_id": f"{request_id:016x}",
    }
    recorder.failure((call.operation, answer.outcome, str(answer.status)), facts)


def note_failed_workflow(
    recorder: Recorder, posting: Posting, run: WorkflowRun, outcome: WorkflowOutcome, detail: str
) -> None:
    facts = {
        "time_s": round(recorder.clock.now_s(), 3),
        "site": posting.site,
        "persona": posting.persona,
        "workflow": run.name,
        "workflow_run": run.run,
        "operation": "",
        "outcome": outcome,
        "status": 0,
        "detail": detail,
        "request_id": "",
    }
    recorder.failure(("workflow", run.name, detail), facts)
