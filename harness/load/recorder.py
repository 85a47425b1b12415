"""What one load process writes down: samples, workflows, duty, health and the first failures of each kind.

Counts what it started and what it finished by itself, and integrates requests in flight over time, so that the analysis
can hold the samples against something that was not made from them (Little's law).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import gevent
import orjson

from harness.load.clock import RunClock
from harness.samples.columns import DUTY, HEALTH, SAMPLES, WORKFLOWS
from harness.samples.sink import Sink
from harness.samples.writer import FAILURES_OF_A_KIND, Names, StreamWriter, names_path, stream_path

__all__ = ["Recorder"]

FLUSH_EVERY_S: Final = 0.8
"""Below a second, so that a killed process loses no more than one, however late its loop was for the flush before."""


class Recorder:
    """Owns the streams of one worker.

    `workflow`, `duty` and `health` take a row's values in the order of harness.samples.columns; `samples` is a stream.
    """

    def __init__(self, streams: Path, worker: int, clock: RunClock) -> None:
        self.worker = worker
        self.clock = clock
        self.sink = sink = Sink()
        """What all files of this worker are written through, those of others who write about it included."""
        self.names = Names(sink, names_path(streams, worker))
        self.samples = StreamWriter(sink, stream_path(streams, "samples", worker), SAMPLES)
        self._workflows = StreamWriter(sink, stream_path(streams, "workflows", worker), WORKFLOWS)
        self._duty = StreamWriter(sink, stream_path(streams, "duty", worker), DUTY)
        self._health = StreamWriter(sink, stream_path(streams, "health", worker), HEALTH)
        self.workflow = self._workflows.append
        self.duty = self._duty.append
        self.health = self._health.append
        self._failures = sink.open(streams / f"failures-w{worker}.jsonl", append=True)
        self.own_limits: Counter[str] = Counter()
        """Limit of this machine → requests that could not be sent for it (harness.load.own_limits)."""
        self._failure_counts: Counter[tuple[str, ...]] = Counter()
        self.started = 0
        self.finished = 0
        self.in_flight = 0
        self._in_flight_s = 0.0
        self._in_flight_since_s = clock.now_s()

    def request_starts(self, now_s: float) -> None:
        self._in_flight_s += self.in_flight * (now_s - self._in_flight_since_s)
        self._in_flight_since_s = now_s
        self.in_flight += 1
        self.started += 1

    def request_ends(self, now_s: float) -> None:
        self._in_flight_s += self.in_flight * (now_s - self._in_flight_since_s)
        self._in_flight_since_s = now_s
        self.in_flight -= 1
        self.finished += 1

    def in_flight_s(self, now_s: float) -> float:
        """∫ requests in flight dt from the start of the run to `now_s`."""
        return self._in_flight_s + self.in_flight * (now_s - self._in_flight_since_s)

    def failure(self, kind: tuple[str, ...], facts: dict[str, Any]) -> None:
        """Keep the first hundred failures of a kind; `facts` hold `time_s`, and no content of an answer."""
        self._failure_counts[kind] += 1
        if self._failure_counts[kind] <= FAILURES_OF_A_KIND:
            self._failures.write(orjson.dumps({**facts, "kind": ".".join(kind)}) + b"\n")

    def fault(self, site: str, persona: str, error: Exception) -> None:
        """A fault of ours or of a workflow ended somebody's work: kept with the failures, without what it says."""
        name = type(error).__name__
        facts = {"time_s": round(self.clock.now_s(), 3), "site": site, "persona": persona, "outcome": "error"}
        self.failure(("error", name), {**facts, "detail": name})

    def keep_flushing(self) -> None:
        """Write everything about once a second, until killed; and see whether it is still where it was written."""
        while True:
            gevent.sleep(FLUSH_EVERY_S)
            self.flush()
            self.sink.look()

    def flush(self) -> None:
        for stream in (self.samples, self._workflows, self._duty, self._health):
            stream.flush()

    def close(self) -> None:
        """Flush and end every stream; a second call does nothing."""
        if self._failures.closed:
            return
        for stream in (self.samples, self._workflows, self._duty, self._health):
            stream.close()
        self._failures.close()
        self.names.close()
