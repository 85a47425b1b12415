"""The wire as a clinician's world: gevent for time, the lean client for calls, a row in the samples for each request.

intended ── (lateness) ── start ───────────── done
  │                         └─ latency_ms ──────┘
  └ previous done + the pause that was drawn
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import gevent
from greenlet import greenlet

from harness.clinic.world import SlotOver, StepFailed, WorkflowOutcome
from harness.fhir.call import Answer, Call, Check
from harness.load.client import Connection, Exchange, ExchangeFailed
from harness.load.judging import ATTEMPTS, THROTTLED, judge_answer, judge_failure, retry_pause_s
from harness.load.posting import Posting
from harness.load.recorder import Recorder

__all__ = ["DRAIN_S", "Wire"]

DRAIN_S: Final = 30.0
"""At the end of a slot a clinician finishes her step; after this long the request is given up as `cancelled`."""


@dataclass(slots=True)
class _WorkflowRun:
    name: str
    lane: str
    run: int
    intended_s: float
    start_s: float
    name_code: int
    lane_code: int
    trace: str
    """Version and trace id of the `traceparent` that all its requests carry."""
    think_s: float = 0.0


class Wire:
    """One clinician's line to the target during one slot (harness.clinic.world.World)."""

    def __init__(self, posting: Posting, recorder: Recorder, start_s: float, end_s: float) -> None:
        self._posting = posting
        self._recorder = recorder
        self._clock = recorder.clock.now_s
        self._connection = Connection(posting.endpoint, posting.connect_timeout_s)
        self._run: _WorkflowRun | None = None
        self._sleeping = False
        self._asking = False
        self.end_s = end_s
        self.intended_s = start_s
        self.waiting_s = 0.0
        self.thinking_s = 0.0
        self.idle_s = 0.0

    @property
    def now_s(self) -> float:
        return self._clock()

    def wait(self, seconds: float) -> None:
        """Think, or pause between two workflows. Raises SlotOver when the slot ends meanwhile."""
        begun_s = self._clock()
        self.intended_s += seconds
        remaining_s = min(self.intended_s, self.end_s) - begun_s
        try:
            self._sleeping = True
            gevent.sleep(max(0.0, remaining_s))
        finally:  # SlotOver is thrown in where the run is ended early
            self._sleeping = False
            spent_s = self._clock() - begun_s
            if self._run is None:
                self.idle_s += spent_s
            else:
                self.thinking_s += spent_s
                self._run.think_s += spent_s
        self._leave_if_over()

    def sleep_until(self, start_s: float) -> None:
        """Wait for the slot to begin. Raises SlotOver where the run is ended before."""
        self._sleeping = True
        try:
            gevent.sleep(max(0.0, start_s - self._clock()))
        finally:
            self._sleeping = False

    def end_now(self, whose: greenlet) -> None:
        """The run is ended early: whoever sleeps wakes up and leaves, whoever waits for an answer gets it first."""
        self.end_s = min(self.end_s, self._clock())

        def wake() -> None:
            if self._sleeping:
                whose.throw(SlotOver)

        gevent.get_hub().loop.run_callback(wake)

    def give_up(self, whose: greenlet) -> None:
        """The drain of an early end is over: a request still under way is cancelled."""

        def wake() -> None:
            if self._asking:
                whose.throw(ExchangeFailed("cancelled", "no whole answer before the run was over"))

        gevent.get_hub().loop.run_callback(wake)

    def workflow_begins(self, name: str, lane: str) -> None:
        now_s, code, run = self._clock(), self._recorder.names.code, self._posting.ids.next_workflow_run()
        self._run = _WorkflowRun(name, lane, run, self.intended_s, now_s, code(name), code(lane), self._trace(run))

    def workflow_ends(self, outcome: WorkflowOutcome, detail: str) -> None:
        run, posting, code = self._run, self._posting, self._recorder.names.code
        assert run is not None  # noqa: S101 (the shift begins a workflow before it ends one)
        now_s = self._clock()
        self._run = None
        self.intended_s = now_s
        duration_ms, think_ms = (now_s - run.start_s) * 1000, run.think_s * 1000
        self._recorder.workflow(
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
            False,
            code(outcome),
            run.run,
            self._recorder.worker,
        )
        if outcome == "failed":
            self._note_failure(("workflow", run.name, detail), run.run, detail, "", outcome, 0, 0)

    def perform(self, call: Call, check: Check) -> Answer:
        """Send `call`, again where the target throttles or had hung up before it.

        Raises SlotOver once the slot has ended, StepFailed for a call that cannot be written as a request.
        """
        self._leave_if_over()
        for attempt in range(1, ATTEMPTS + 1):
            answer, again_s = self._attempt(call, check, attempt)
            if again_s is None or attempt == ATTEMPTS or self._clock() + again_s >= self.end_s + DRAIN_S:
                break
            self._pause(again_s)
        return answer

    def abandon(self) -> None:
        """Whoever works here is killed or met a fault of ours: a workflow under way is written down as `abandoned`."""
        if self._run is not None:
            self.workflow_ends("abandoned", "")

    def close(self) -> None:
        self._connection.close()

    def _attempt(self, call: Call, check: Check, attempt: int) -> tuple[Answer, float | None]:
        """One request on the line, one row in the samples; and how long to pause before the next try, None for none."""
        posting, recorder = self._posting, self._recorder
        request_id = posting.ids.next_request()
        request = self._request_bytes(call, request_id)
        start_s = self._clock()
        recorder.request_starts(start_s)
        exchange: Exchange | None = None
        again_s: float | None = None
        self._asking = True
        try:
            exchange = self._connection.exchange(request, posting.answer_timeout_s, self.end_s + DRAIN_S - start_s)
        except ExchangeFailed as failure:
            answer, again_s = judge_failure(failure, call, attempt)
        except BaseException:
            # killed from outside in the middle of a request: it is written down as what it is
            total_s = self._request_over(start_s)
            self._sample(call, request, request_id, start_s, total_s, None, 0, "cancelled", attempt)
            raise
        total_s = self._request_over(start_s)
        if exchange is not None:
            answer = judge_answer(exchange, call, check)
            if answer.status in THROTTLED:
                again_s = retry_pause_s(exchange.headers.get("retry-after", ""), attempt)
        self._sample(call, request, request_id, start_s, total_s, exchange, answer.status, answer.outcome, attempt)
        if answer.outcome not in ("ok", "expected_refusal"):
            kind = (call.operation, answer.outcome, str(answer.status))
            self._note_failure(
                kind, self._run_number, answer.detail, call.operation, answer.outcome, answer.status, request_id
            )
        self.intended_s = start_s + total_s
        return answer, again_s

    def _request_over(self, start_s: float) -> float:
        """Count a request as finished; gives how long it took in seconds."""
        self._asking = False
        done_s = self._clock()
        self._recorder.request_ends(done_s)
        total_s = done_s - start_s
        self.waiting_s += total_s
        return total_s

    def _pause(self, seconds: float) -> None:
        """Wait for a throttled target: the clinician waits, so it counts as waiting."""
        begun_s = self._clock()
        try:
            gevent.sleep(seconds)
        finally:
            self.waiting_s += self._clock() - begun_s
        self.intended_s = begun_s + seconds

    def _request_bytes(self, call: Call, request_id: int) -> bytes:
        """Raises StepFailed where a header holds what a header cannot: versions and links come from the server."""
        posting, run = self._posting, self._run
        named = f"{request_id:016x}"
        trace = run.trace if run is not None else self._trace(0)
        head = (
            f"{call.method} {posting.endpoint.request_target(call.path)} HTTP/1.1\r\n{posting.head}"
            f"X-Request-Id: {named}\r\ntraceparent: {trace}-{named}-01\r\n"
        )
        for name, value in call.headers:
            if not value.isprintable():
                raise StepFailed(f"{call.operation}: not sent, {name} would hold a control character")
            head += f"{name}: {value}\r\n"
        if call.body:
            head += f"Content-Length: {len(call.body)}\r\n"
        elif call.method not in ("GET", "HEAD", "DELETE"):
            head += "Content-Length: 0\r\n"
        try:
            return f"{head}\r\n".encode("latin-1") + call.body
        except UnicodeEncodeError:
            raise StepFailed(f"{call.operation}: not sent, a header would hold letters beyond Latin-1") from None

    def _trace(self, run: int) -> str:
        return f"00-{self._posting.trace}{run:016x}"

    @property
    def _run_number(self) -> int:
        return self._run.run if self._run is not None else 0

    def _sample(
        self,
        call: Call,
        request: bytes,
        request_id: int,
        start_s: float,
        total_s: float,
        exchange: Exchange | None,
        status: int,
        outcome: str,
        attempt: int,
    ) -> None:
        posting, run, code = self._posting, self._run, self._recorder.names.code
        latency_ms = total_s * 1000
        self._recorder.sample(
            self.intended_s,
            start_s,
            latency_ms,
            latency_ms,
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
            False,
            posting.clinician,
            run.run if run else 0,
            request_id,
            status,
            len(request),
            exchange.bytes_received if exchange else 0,
            attempt,
            self._recorder.worker,
        )

    def _note_failure(
        self, kind: tuple[str, ...], run: int, detail: str, operation: str, outcome: str, status: int, request_id: int
    ) -> None:
        posting = self._posting
        facts = {
            "time_s": round(self._clock(), 3),
            "site": posting.site,
            "persona": posting.persona,
            "workflow": self._run.name if self._run else kind[1],
            "workflow_run": run,
            "operation": operation,
            "outcome": outcome,
            "status": status,
            "detail": detail,
            "request_id": f"{request_id:016x}" if request_id else "",
        }
        self._recorder.failure(kind, facts)

    def _leave_if_over(self) -> None:
        if self._clock() >= self.end_s:
            raise SlotOver
