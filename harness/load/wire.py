"""The wire as a clinician's world: gevent for time, the lean client for calls, a row in the samples for each request.

intended ── (lateness) ── start ───────────── done
  │                         └─ latency_ms ──────┘
  └ previous done + the pause that was drawn
"""

from __future__ import annotations

import math
from typing import Final

import gevent
from greenlet import greenlet

from harness.clinic.world import GaveUp, SlotOver, WorkflowOutcome
from harness.fhir.call import Answer, Call, Check
from harness.load.client import Connection
from harness.load.exchange_failed import ExchangeFailed
from harness.load.judging import ATTEMPTS, asks_for_another_try, judge_answer, judge_failure, retry_pause_s
from harness.load.linked_connection import LinkedConnection
from harness.load.posting import Posting
from harness.load.recorder import Recorder
from harness.load.rows import (
    WorkflowRun,
    note_failed_request,
    note_failed_workflow,
    write_request,
    write_workflow,
)

__all__ = ["DRAIN_S", "Wire"]

DRAIN_S: Final = 30.0
"""At the end of a slot a clinician finishes her step; after this long the request is given up as `cancelled`."""


class Wire:
    """One clinician's line to the target during one slot, or one visitor's during a visit (harness.clinic.world.World).

    Her first workflow is meant for `start_s`.
    """

    def __init__(
        self,
        posting: Posting,
        connection: Connection | LinkedConnection,
        recorder: Recorder,
        start_s: float,
        end_s: float,
    ) -> None:
        self._posting = posting
        self._recorder = recorder
        self._clock = recorder.clock
        self._connection = connection
        self._run: WorkflowRun | None = None
        self._sleeping = False
        self._asking = False
        self._drained = False
        self._start_s = start_s
        self.end_s = end_s
        self.intended_s = start_s
        self.waiting_s = 0.0
        self.thinking_s = 0.0
        self.idle_s = 0.0

    @property
    def now_s(self) -> float:
        return self._clock.now_s()

    def wait(self, seconds: float) -> None:
        """Think, or pause between two workflows. Raises SlotOver when the slot ends meanwhile.

        Whoever is there before her slot begins waits for that, too; it is not time on duty.
        """
        now_s = self._clock.now_s()
        begun_s = max(now_s, self._start_s)
        self.intended_s += seconds
        remaining_s = min(self.intended_s, self.end_s) - now_s
        try:
            self._sleeping = True
            gevent.sleep(max(0.0, remaining_s))
        finally:  # SlotOver is thrown in where the run is ended early
            self._sleeping = False
            spent_s = max(0.0, self._clock.now_s() - begun_s)
            if self._run is None:
                self.idle_s += spent_s
            else:
                self.thinking_s += spent_s
                self._run.think_s += spent_s
        self._leave_if_over()

    def end_now(self, whose: greenlet) -> None:
        """The run is ended early: whoever sleeps wakes up and leaves, whoever waits for an answer gets it first."""
        self.end_s = min(self.end_s, self._clock.now_s())

        def wake() -> None:
            if self._sleeping:
                whose.throw(SlotOver)

        gevent.get_hub().loop.run_callback(wake)

    def give_up(self, whose: greenlet) -> None:
        """The drain of an early end is over: a request still under way is cancelled, and none is sent any more."""

        def wake() -> None:
            self._drained = True
            if self._asking:
                whose.throw(ExchangeFailed("cancelled", "no whole answer before the run was over"))

        gevent.get_hub().loop.run_callback(wake)

    def workflow_begins(self, name: str, lane: str, *, back_entry: bool = False) -> None:
        now_s, code, run = self._clock.now_s(), self._recorder.names.code, self._posting.ids.next_workflow_run()
        names = code(name), code(lane)
        self._run = WorkflowRun(name, run, self.intended_s, now_s, *names, self._trace(run), back_entry)

    def workflow_ends(self, outcome: WorkflowOutcome, detail: str) -> None:
        run = self._run
        assert run is not None  # noqa: S101 (the shift begins a workflow before it ends one)
        now_s = self._clock.now_s()
        self._run = None
        if outcome != "skipped":  # what was not even begun puts nothing off
            self.intended_s = now_s
        write_workflow(self._recorder, self._posting, run, outcome, now_s)
        if detail and outcome in ("failed", "abandoned"):
            note_failed_workflow(self._recorder, self._posting, run, outcome, detail)

    def perform(self, call: Call, check: Check) -> Answer:
        """Send `call`, again where the target throttles or had hung up before it.

        Raises SlotOver once the slot has ended, GaveUp once her patience has (all tries together), StepFailed for a
        call that cannot be written as a request.
        """
        if self._clock.now_s() >= self.end_s:
            raise SlotOver
        patience_s = self._posting.gives_up_s
        until_s = math.inf if patience_s is None else self._clock.now_s() + patience_s
        attempt = 1
        answer, again_s = self._attempt(call, check, attempt, until_s)
        while again_s is not None and attempt < ATTEMPTS and self._clock.now_s() + again_s < self.end_s + DRAIN_S:
            left_s = until_s - self._clock.now_s()
            self._pause(min(again_s, left_s))
            if self._drained:
                raise SlotOver
            if left_s <= again_s:
                raise GaveUp(f"{call.operation}: {self._impatience()}")
            attempt += 1
            answer, again_s = self._attempt(call, check, attempt, until_s)
        return answer

    def abandon(self) -> None:
        """Whoever works here is killed or met a fault of ours: a workflow under way is written down as `abandoned`."""
        if self._run is not None:
            self.workflow_ends("abandoned", "")

    def close(self) -> None:
        self._connection.close()

    def _attempt(self, call: Call, check: Check, attempt: int, until_s: float) -> tuple[Answer, float | None]:
        """One request on the line, one row in the samples; and how long to pause before the next try, None for none.

        Raises GaveUp where no answer came by `until_s`: somebody waited that long, so the sample is a `timeout`.
        """
        posting, recorder, run, connection = self._posting, self._recorder, self._run, self._connection
        request_id, over_s, intended_s = posting.ids.next_request(), self.end_s + DRAIN_S, self.intended_s
        trace = run.trace if run is not None else self._trace(0)
        request = posting.request(call, request_id, trace, connection.cookies)
        start_s = self._clock.now_s()
        recorder.request_starts(start_s)
        self._asking = True
        try:
            give_up_s = (over_s if over_s < until_s else until_s) - start_s
            if not call.repeatable:
                connection.is_open()  # looked at right after an answer, too: a create that is lost is not sent again
            exchange = connection.exchange(request, posting.answer_timeout_s, give_up_s, posting.first_byte_timeout_s)
        except BaseException as thrown:
            total_s = self._request_over(start_s)
            sent = recorder, posting, run, call, len(request), request_id, intended_s, start_s, total_s
            if isinstance(thrown, ExchangeFailed):
                return self._no_answer(thrown, sent, attempt, until_s)
            # killed from outside in the middle of a request: it is written down as what it is
            write_request(*sent, 0.0, None, 0, "cancelled", attempt)
            raise
        total_s = self._request_over(start_s)
        self.intended_s = start_s + total_s
        try:
            answer = judge_answer(exchange, call, check)
        except BaseException:
            # ended from outside in the middle of a check, or no memory: the request is written down, judged by nobody
            sent = recorder, posting, run, call, len(request), request_id, intended_s, start_s, total_s
            write_request(*sent, exchange.link_s, exchange, exchange.status, "cancelled", attempt)
            raise
        outcome = answer.outcome
        write_request(
            recorder,
            posting,
            run,
            call,
            len(request),
            request_id,
            intended_s,
            start_s,
            total_s,
            exchange.link_s,
            exchange,
            answer.status,
            outcome,
            attempt,
        )
        if outcome == "ok" or outcome == "expected_refusal":
            return answer, None
        note_failed_request(recorder, posting, run, call, answer, request_id)
        if not asks_for_another_try(answer.status, call):
            return answer, None
        return answer, retry_pause_s(exchange.headers.get("retry-after", ""), attempt)

    def _no_answer(
        self,
        failure: ExchangeFailed,
        sent: tuple[Recorder, Posting, WorkflowRun | None, Call, int, int, float, float, float],
        attempt: int,
        until_s: float,
    ) -> tuple[Answer, float | None]:
        """As `_attempt`, where nothing came back of what was sent (what `write_request` asks for first)."""
        recorder, posting, run, call, _, request_id, _, start_s, total_s = sent
        if failure.limit:
            recorder.own_limits[failure.limit] += 1
        answer, again_s = judge_failure(failure, call, attempt)
        gave_up = failure.reason == "cancelled" and until_s <= self.end_s + DRAIN_S and not self._drained
        if gave_up:
            answer = Answer(0, outcome="timeout", detail=self._impatience())
        write_request(*sent, failure.link_s, None, answer.status, answer.outcome, attempt)
        if answer.outcome != "expected_refusal":
            note_failed_request(recorder, posting, run, call, answer, request_id)
        self.intended_s = start_s + total_s
        if gave_up:
            raise GaveUp(f"{call.operation}: {answer.detail}")
        return answer, again_s

    def _impatience(self) -> str:
        return f"no whole answer within {self._posting.gives_up_s:g} s: gave up"

    def _request_over(self, start_s: float) -> float:
        """Count a request as finished; gives how long it took in seconds."""
        self._asking = False
        done_s = self._clock.now_s()
        self._recorder.request_ends(done_s)
        total_s = done_s - start_s
        self.waiting_s += total_s
        return total_s

    def _pause(self, seconds: float) -> None:
        """Wait for a throttled target: the clinician waits, so it counts as waiting."""
        begun_s = self._clock.now_s()
        try:
            gevent.sleep(seconds)
        finally:
            self.waiting_s += self._clock.now_s() - begun_s
        self.intended_s = begun_s + seconds

    def _trace(self, run: int) -> str:
        return f"00-{self._posting.trace}{run:016x}"

    def _leave_if_over(self) -> None:
        if self._clock.now_s() >= self.end_s:
            raise SlotOver
