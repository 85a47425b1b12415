"""How many requests one load process can send on this machine, told by sending them for a second.

    this process     64 clinicians ──▶ Wire ──▶ Connection ──┐ loopback
                     recorder, health; its own CPU seconds   └──▶ canned_server, a process of its own

Nobody thinks, so all that is left is what a request costs: written, sent, read, judged, recorded. It is told in
requests a CPU second of the sender alone: what answers, and who else works here, is not in it (docs/decisions/0022).
"""

from __future__ import annotations

import gc
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

from harness.clinic.world import SlotOver
from harness.errors import RunError
from harness.fhir import checks, requests
from harness.fhir.call import Answer
from harness.load.canned_server import ENTRIES, KIND, PATIENT
from harness.load.client import Connection, Endpoint
from harness.load.clock import RunClock
from harness.load.health import HealthProbe
from harness.load.posting import IdSource, Posting
from harness.load.recorder import Recorder
from harness.load.wire import Wire

__all__ = ["Sent", "main", "send_for_a_second"]

CONNECTIONS: Final = 64
"""As many as the benchmark of the wire keeps open; enough that the sender never waits for the one who answers."""
WARM_UP_S: Final = 0.2
WINDOW_S: Final = 0.8
"""Together the one second."""
LEAST_REQUESTS: Final = 200
"""Fewer tell nothing: something else is wrong."""
LEAVE_WITHIN_S: Final = 0.3
_CALL: Final = requests.search(KIND, PATIENT, {"category": "laboratory", "_count": str(ENTRIES)})
_TIMEOUT_S: Final = 1.0


@dataclass(frozen=True)
class Sent:
    """What was sent within the window, and what the sender took for it."""

    requests: int
    cpu_s: float
    wall_s: float


def send_for_a_second(folder: Path) -> Sent:
    """Send to a server of our own and write the samples to `folder`.

    Raises RunError where an answer is not what was to come, or too little was sent; OSError where there is no port, no
    process or no room for the samples.
    """
    with _canned_server() as url:
        return _measured(folder, url)


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


def _measured(folder: Path, url: str) -> Sent:
    recorder = Recorder(folder, 0, RunClock(time.time()))
    posting = _posting(recorder, Endpoint.from_url(url))
    wrong: list[Answer] = []
    wires = [
        Wire(posting, Connection(posting.endpoint, _TIMEOUT_S), recorder, 0.0, math.inf) for _ in range(CONNECTIONS)
    ]
    background = [gevent.spawn(loop) for loop in (recorder.keep_flushing, HealthProbe(recorder, int, int).watch)]
    gc.collect()
    gc.freeze()  # as a load process does before its load
    crowd = [gevent.spawn(_keep_asking, wire, wrong) for wire in wires]
    try:
        gevent.sleep(WARM_UP_S)
        began_s, cpu_s, finished = time.perf_counter(), time.process_time(), recorder.finished
        gevent.sleep(WINDOW_S)
        sent = Sent(recorder.finished - finished, time.process_time() - cpu_s, time.perf_counter() - began_s)
    finally:
        for wire, whose in zip(wires, crowd, strict=True):
            wire.end_now(whose)
        gevent.joinall(crowd, LEAVE_WITHIN_S)
        gevent.killall([*crowd, *background])
        recorder.close()
    if wrong:
        raise RunError(f"an answer came as '{wrong[0].outcome}': {wrong[0].detail or wrong[0].status}")
    if sent.requests < LEAST_REQUESTS:
        raise RunError(f"only {sent.requests} requests were sent within {sent.wall_s:.1f} s")
    return sent


def _keep_asking(wire: Wire, wrong: list[Answer]) -> None:
    """Ask until told to leave, or until an answer is not what was to come."""
    try:
        wire.workflow_begins("review-results", "labs")
        while True:
            answer = wire.perform(_CALL, _is_right)
            if answer.outcome != "ok":
                wrong.append(answer)
                return
    except SlotOver:
        return
    finally:
        wire.close()


def _is_right(answer: Answer) -> str:
    return checks.is_search_result(answer, KIND, PATIENT, ENTRIES)


def _posting(recorder: Recorder, endpoint: Endpoint) -> Posting:
    site, persona = "self-test", "nurse"
    return Posting(
        site=site,
        persona=persona,
        clinician=0,
        site_code=recorder.names.code(site),
        persona_code=recorder.names.code(persona),
        endpoint=endpoint,
        connect_timeout_s=_TIMEOUT_S,
        answer_timeout_s=_TIMEOUT_S,
        head=(
            f"Host: {endpoint.authority}\r\nUser-Agent: emr-load-harness\r\nAccept: application/fhir+json\r\n"
            f"Accept-Encoding: gzip\r\nX-Site: {site}\r\n"
        ),
        trace="0" * 16,
        phase_at=lambda _: "",
        ids=IdSource("0", 0),
    )


def main() -> int:
    """`python -m harness.load.self_test FOLDER`: print what was sent as one line of JSON, or say why that failed."""
    try:
        print(json.dumps(asdict(send_for_a_second(Path(sys.argv[1])))))
    except (RunError, OSError, MemoryError) as error:
        print(str(error) or type(error).__name__, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
