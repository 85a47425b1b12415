"""A locustfile: what a clinician of emrload sends with, and all that runs beside her in a load process.

BENCH_FOLDER   where the samples go
BENCH_IDLE     one request, then nothing: what a clinician weighs
BENCH_CHECK    the answer's content is judged as that of a search, too
"""

from __future__ import annotations

import gc
import math
import os
import time
from pathlib import Path
from typing import Any

import gevent
from locust import User, events, task
from locust.env import Environment
from locust.exception import StopUser

from harness.clinic.world import SlotOver
from harness.fhir import checks, requests
from harness.fhir.call import Answer
from harness.load.client import Connection, Endpoint
from harness.load.clock import RunClock
from harness.load.health import HealthProbe
from harness.load.live import ProgressReport
from harness.load.locust_table import feed_locust_table
from harness.load.posting import IdSource, Posting, shared_head
from harness.load.recorder import Recorder
from harness.load.wire import Wire
from harness.plan import compile_plan, phase_at
from harness.scenario import load_scenario, resolve

CALL = requests.search("Observation", "1", {"category": "laboratory", "_count": "5"})


def _any_content(_: Answer) -> str:
    return ""


def _a_search_result(answer: Answer) -> str:
    return checks.is_search_result(answer, "Observation", "1", 5)


class Load:
    """The part of harness.load.crew.Crew that costs something while clinicians work."""

    def __init__(self, environment: Environment) -> None:
        folder = Path(os.environ["BENCH_FOLDER"])
        spec = resolve(load_scenario("morning-rush", ()), sites=1, seed=7, duration_s=None, window=None)
        plan = compile_plan(spec)
        self.recorder = recorder = Recorder(folder, 0, RunClock(time.time()))
        report = ProgressReport(folder, recorder, lambda: len(self.wires))
        recorder.on_batch(report.note)
        recorder.on_batch(lambda rows: feed_locust_table(environment, recorder.names, rows))
        probe = HealthProbe(recorder, lambda: len(self.wires), lambda: len(self.wires))
        self.background = [gevent.spawn(loop) for loop in (recorder.keep_flushing, report.keep_writing, probe.watch)]
        self.ids = IdSource("c0ffee00", 0)
        self.endpoint = Endpoint.from_url(f"{environment.host}/fhir")
        self.phase_at = phase_at(plan, plan.spec.sites[0].name)
        self.wires: list[tuple[Wire, Any]] = []
        gc.collect()
        gc.freeze()

    def wire(self) -> Wire:
        posting = Posting(
            site="river",
            persona="nurse",
            clinician=len(self.wires),
            site_code=self.recorder.names.code("river"),
            persona_code=self.recorder.names.code("nurse"),
            endpoint=self.endpoint,
            connect_timeout_s=5.0,
            answer_timeout_s=30.0,
            head=shared_head(self.endpoint, "river", "X-Site"),
            trace="00000000c0ffee00",
            phase_at=self.phase_at,
            ids=self.ids,
        )
        connection = Connection(posting.endpoint, posting.connect_timeout_s)
        wire = Wire(posting, connection, self.recorder, self.recorder.clock.now_s(), math.inf)
        self.wires.append((wire, gevent.getcurrent()))
        return wire

    def end(self, **_: Any) -> None:
        """Everybody finishes the request at hand and leaves; all is written then."""
        for wire, greenlet in self.wires:
            wire.end_now(greenlet)
        while self.recorder.in_flight:
            gevent.sleep(0.01)
        gevent.killall(self.background)
        self.recorder.close()


class Reader(User):
    load: Load

    @task
    def read(self) -> None:
        wire = self.load.wire()
        perform, check = wire.perform, _a_search_result if os.environ.get("BENCH_CHECK") else _any_content
        try:
            wire.workflow_begins("review-results", "labs")
            perform(CALL, check)
            if os.environ.get("BENCH_IDLE"):
                wire.wait(1e6)
            while True:
                perform(CALL, check)
        except SlotOver:
            raise StopUser from None
        finally:
            wire.close()


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust's hooks carry no types
def _init(environment: Environment, **_: Any) -> None:
    Reader.load = load = Load(environment)
    environment.events.quitting.add_listener(load.end)  # type: ignore[no-untyped-call]  # as above
