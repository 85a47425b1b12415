"""Turns batches of samples into what others watch live.

A progress line a second, and Locust's request event where somebody listens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment

from harness.load.recorder import Recorder
from harness.samples.progress import Progress, count_by_bucket, progress_path
from harness.samples.writer import Rows

__all__ = ["ProgressReport"]


class ProgressReport:
    """Collects between two lines what the recorder has written; writes a line a second."""

    def __init__(
        self,
        streams: Path,
        recorder: Recorder,
        on_duty: Callable[[], int],
        visitors: Callable[[], int] = lambda: 0,
    ) -> None:
        self._file = recorder.sink.open(progress_path(streams, recorder.worker), append=True)
        self._recorder = recorder
        self._on_duty = on_duty
        self._visitors = visitors
        self._latencies: Counter[int] = Counter()
        self._requests = 0
        self._errors = 0

    def note(self, rows: Rows) -> None:
        """Count a batch."""
        code = self._recorder.names.code
        self._requests += len(rows)
        outcome = rows["outcome"]
        self._errors += int(((outcome != code("ok")) & (outcome != code("expected_refusal"))).sum())
        self._latencies.update(count_by_bucket(rows["latency_ms"]))

    def keep_writing(self) -> None:
        """A line a second, until killed."""
        while True:
            gevent.sleep(1.0)
            self._write()

    def close(self) -> None:
        """Write what came since the last line; a second call does nothing."""
        if not self._file.closed:
            self._write()
            self._file.close()

    def fire_requests(self, environment: Environment, rows: Rows) -> None:
        """Fire `events.request` for each sample, with all that Locust promises a listener, and the site.

        There is no answer to show any more, and no URL (an operation stands for many): both are None.
        """
        name, t0_epoch_s = self._recorder.names.name, self._recorder.clock.t0_epoch_s
        for row in rows:
            outcome = name(int(row["outcome"]))
            fine = outcome in ("ok", "expected_refusal")
            context: dict[str, Any] = {key: name(int(row[key])) for key in ("site", "persona", "workflow", "lane")}
            environment.events.request.fire(
                request_type=name(int(row["method"])),
                name=name(int(row["operation"])),
                response_time=float(row["latency_ms"]),
                response_length=int(row["bytes_received"]),
                response=None,
                exception=None if fine else RuntimeError(outcome),
                context=context,
                start_time=t0_epoch_s + float(row["start_s"]),
                url=None,
            )

    def _write(self) -> None:
        second = Progress(
            time_s=round(self._recorder.clock.now_s(), 3),
            worker=self._recorder.worker,
            on_duty=self._on_duty(),
            in_flight=self._recorder.in_flight,
            requests=self._requests,
            errors=self._errors,
            visitors=self._visitors(),
            latencies=dict(self._latencies),
            own_limits=dict(self._recorder.own_limits),
        )
        self._file.write(second.line())
        self._requests = self._errors = 0
        self._latencies.clear()
