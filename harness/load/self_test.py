"""How many requests one load process can send on this machine, told by sending them for a second.

    64 clinicians, every workflow ──▶ Wire ──▶ Connection ──┐ loopback
    recorder, health; this process's own CPU seconds        └──▶ canned_server, a process of its own

Nobody thinks, so all that is left is what a request costs: thought up, written, sent, read, judged, recorded. It is
told in requests a CPU second of the sender alone: what answers, and who else works here, is not in it
(docs/decisions/0022).
"""

from __future__ import annotations

import itertools
import json
import math
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import gevent

from harness.clinic.canned import CannedAnswers, CannedClinician
from harness.clinic.post import Habits, Pace
from harness.clinic.registry import WORKFLOWS
from harness.clinic.virtual import virtual_post
from harness.clinic.world import SlotOver, StepFailed
from harness.errors import RunError
from harness.fhir import checks
from harness.fhir.call import Answer, Call, Check
from harness.load.canned_server import ENTRIES, KIND, PATIENT
from harness.load.client import Connection
from harness.load.clock import RunClock
from harness.load.endpoint import Endpoint
from harness.load.garbage import set_aside
from harness.load.health import HealthProbe
from harness.load.posting import IdSource, Posting, shared_head
from harness.load.recorder import Recorder
from harness.load.wire import Wire

__all__ = ["Sent", "main", "send_for_a_second"]

CONNECTIONS: Final = 64
"""As many as the benchmark beside other tools keeps open."""
WARM_UP_S: Final = 0.2
WINDOW_S: Final = 0.8
"""Together the one second."""
SHORTEST_S: Final = 0.2
"""Where the machine is so busy that starting took the time, less than this tells too little."""
LEAST_REQUESTS: Final = 200
"""Fewer tell nothing, neither that all is warm nor what one costs."""
AT_MOST_LONGER_S: Final = 0.7
LOOK_EVERY_S: Final = 0.02
LEAVE_WITHIN_S: Final = 0.3
_PERSONA: Final = "nurse"
_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True)
class Sent:
    """What was sent within the window, and what the sender took for it."""

    requests: int
    cpu_s: float
    wall_s: float


def send_for_a_second(folder: Path, window_s: float = WINDOW_S) -> Sent:
    """Send to a server of our own for `window_s` after warming up, and write the samples to `folder`.

    Raises RunError where an answer is not what was to come, or too little was sent; OSError where there is no port, no
    process or no room for the samples.
    """
    with _canned_server() as url:
        return _measured(folder, url, window_s)


@contextmanager
def _canned_server() -> Iterator[str]:
    """The base URL of a canned server that runs meanwhile; connections wait in its backlog until it is up."""
    with socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS) as listener:
        handle = listener.fileno()
        command = [sys.executable, "-m", "harness.load.canned_server", str(handle)]
        with subprocess.Popen(  # noqa: S603 (our own program)
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[handle]
        ) as server:
            port = listener.getsockname()[1]
            listener.close()  # a server that died refuses, instead of letting everybody wait
            try:
                yield f"http://127.0.0.1:{port}/fhir"
            finally:
                server.kill()


class _Busy:
    """The world of somebody who never thinks (harness.clinic.world.World). Each call goes over the wire as it is; the
    answer is always the same search result, read and judged as one, and what the workflow goes on with is canned, as on
    the virtual clock."""

    answers = CannedAnswers(0)

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.workflow_begins = wire.workflow_begins
        self.workflow_ends = wire.workflow_ends

    @property
    def now_s(self) -> float:
        return self._wire.now_s

    def perform(self, call: Call, check: Check) -> Answer:
        canned = self.answers(call)
        came = self._wire.perform(call, lambda answer: _is_right(answer) or check(canned))
        if came.outcome != "ok":
            raise StepFailed(f"{call.operation} came as '{came.outcome}': {came.detail or came.status}")
        return canned

    def wait(self, seconds: float) -> None:  # noqa: ARG002 (the pause costs what a pause costs, and takes no time)
        self._wire.wait(0.0)


def _measured(folder: Path, url: str, window_s: float) -> Sent:
    recorder = Recorder(folder, 0, RunClock(time.time()))
    posting, failed = _posting(recorder, Endpoint.from_url(url)), list[str]()
    wires = [
        Wire(posting, Connection(posting.endpoint, _TIMEOUT_S), recorder, 0.0, math.inf) for _ in range(CONNECTIONS)
    ]
    probe = HealthProbe(recorder, int, int)
    background = [gevent.spawn(loop) for loop in (recorder.keep_flushing, probe.watch)]
    set_aside()  # as a load process does before its load
    crowd = [gevent.spawn(_keep_working, number, wire, failed) for number, wire in enumerate(wires)]
    try:
        _send_for(recorder, WARM_UP_S)
        began_s, cpu_s, finished = time.perf_counter(), time.process_time(), recorder.finished
        _send_for(recorder, window_s)
        sent = Sent(recorder.finished - finished, time.process_time() - cpu_s, time.perf_counter() - began_s)
    finally:
        for wire, whose in zip(wires, crowd, strict=True):
            wire.end_now(whose)
        gevent.joinall(crowd, LEAVE_WITHIN_S)
        gevent.killall([*crowd, *background])
        probe.close()
        recorder.close()
    if failed:
        raise RunError(failed[0])
    if sent.requests < LEAST_REQUESTS:
        raise RunError(f"only {sent.requests} requests were sent within {sent.wall_s:.1f} s")
    return sent


def _send_for(recorder: Recorder, seconds: float) -> None:
    """Let the crowd work; longer where the machine is so busy that hardly anybody was answered meanwhile."""
    enough = recorder.finished + LEAST_REQUESTS
    gevent.sleep(seconds)
    given_up_s = time.monotonic() + AT_MOST_LONGER_S
    while recorder.finished < enough and time.monotonic() < given_up_s:
        gevent.sleep(LOOK_EVERY_S)


def _keep_working(number: int, wire: Wire, failed: list[str]) -> None:
    """Do all workflows in turn, each clinician from another one on, until told to leave or until a step fails."""
    at_once = Pace(1.0, 0.0)
    habits = Habits(_PERSONA, at_once, at_once, {})
    clinician = CannedClinician(virtual_post(_PERSONA, number), habits, number, _Busy(wire))
    shipped = [one for one in WORKFLOWS.values() if not one.text]
    try:
        for workflow in itertools.islice(itertools.cycle(shipped), number % len(shipped), None):
            wire.workflow_begins(workflow.name, workflow.lane)
            workflow.play(clinician)
            wire.workflow_ends("ok", "")
    except SlotOver:
        return
    except StepFailed as failure:
        failed.append(str(failure))
    finally:
        wire.close()


def _is_right(answer: Answer) -> str:
    return checks.is_search_result(answer, KIND, PATIENT, ENTRIES)


def _posting(recorder: Recorder, endpoint: Endpoint) -> Posting:
    site = "self-test"
    return Posting(
        site=site,
        persona=_PERSONA,
        clinician=0,
        site_code=recorder.names.code(site),
        persona_code=recorder.names.code(_PERSONA),
        endpoint=endpoint,
        connect_timeout_s=_TIMEOUT_S,
        answer_timeout_s=_TIMEOUT_S,
        head=shared_head(endpoint, site, "X-Site"),
        trace="0" * 16,
        phase_at=lambda _: "",
        ids=IdSource("0", 0),
    )


def main() -> int:
    """`python -m harness.load.self_test FOLDER UNTIL`: print what was sent as one line of JSON, or say why that failed.

    UNTIL is when it should be over, on the system's monotonic clock: where starting took long, it sends for less.
    """
    folder, until_s = Path(sys.argv[1]), float(sys.argv[2])
    window_s = min(WINDOW_S, max(SHORTEST_S, until_s - time.monotonic() - WARM_UP_S - LEAVE_WITHIN_S))
    try:
        print(json.dumps(asdict(send_for_a_second(folder, window_s))))
    except (RunError, OSError, MemoryError) as error:
        print(str(error) or type(error).__name__, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
