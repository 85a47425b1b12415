"""Leads a run in the master (or the only) process: who does which slots, when t0 is, when all are done.

begin ──prepare──▶ crews ──ready──▶ t0 named ──start──▶ crews at work ──done──▶ finished
                                            └──close (Ctrl-C)──▶ everybody leaves
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import gevent
from locust.runners import LocalRunner, MasterRunner

from harness.errors import RunError
from harness.load.desk import UserCount
from harness.load.wire import DRAIN_S
from harness.plan.model import Plan, Slot

__all__ = ["Conductor", "conductor_path"]

log = logging.getLogger(__name__)

READY_WITHIN_S: Final = 60.0
"""Workers compile the plan for themselves; one that needs longer is lost."""
START_LEAD_S: Final = 3.5
"""Between naming t0 and t0: two ticks of the shape."""
SPAWN_PER_S: Final = 2000.0
"""Users that a process creates a second, with room to spare."""
DONE_WITHIN_S: Final = 5.0
"""Beyond the last drain, a worker that has not said it is done is lost."""


def conductor_path(streams: Path) -> Path:
    return streams / "conductor.json"


@dataclass
class Conductor:
    """State of one run as its leader knows it. `workers` are Locust's ids, in the order of their index."""

    runner: LocalRunner | MasterRunner
    plan: Plan
    worker_of_slot: tuple[int, ...]
    workers: tuple[str, ...]
    streams: Path
    ready: dict[int, str] = field(default_factory=dict)
    done: dict[int, float] = field(default_factory=dict)
    """Worker → how far its system clock was moved against its own while it worked, in seconds."""
    t0_epoch_s: float = 0.0
    closed: bool = False

    def __post_init__(self) -> None:
        self._counts = [UserCount(self.slots_of(index)) for index in range(len(self.workers))]
        self._index = {worker: index for index, worker in enumerate(self.workers)}
        self._last_end_s = max((slot.end_s for slot in self.plan.slots), default=0.0)
        self._written = False

    def slots_of(self, index: int) -> tuple[Slot, ...]:
        pairs = zip(self.plan.slots, self.worker_of_slot, strict=True)
        return tuple(slot for slot, worker in pairs if worker == index)

    def begin(self, order: dict[str, Any]) -> None:
        """Have every crew prepare, then name t0. Raises RunError where a worker is late or compiled another plan."""
        for index, worker in enumerate(self.workers):
            part = {**order, "index": index, "count": len(self.workers), "digest": self.plan.roster_digest}
            self.runner.send_message("emr-prepare", part, worker)
        given_up = time.monotonic() + READY_WITHIN_S
        while len(self.ready) < len(self.workers) and time.monotonic() < given_up:
            gevent.sleep(0.05)
        self._require_ready()
        opening = sum(slot.start_s <= 0.0 for slot in self.plan.slots)
        self.t0_epoch_s = time.time() + START_LEAD_S + opening / SPAWN_PER_S
        for worker in self.workers:
            self.runner.send_message("emr-start", {"t0_epoch_s": self.t0_epoch_s}, worker)
        self.write(finished=False)

    def users_of(self, worker: str) -> int:
        """How many users a worker should run now; none for a late one, none before t0 is named."""
        index = self._index.get(worker)
        if index is None or not self.t0_epoch_s or self.closed:
            return self._running_on(worker) if self.closed else 0
        return self._counts[index].at(self._now_s())

    def users_now(self) -> int:
        return sum(self.users_of(worker) for worker in self.workers)

    def close(self) -> None:
        """End the run early."""
        if self.closed:
            return
        self.closed = True
        for worker in self.workers:
            self.runner.send_message("emr-close", {}, worker)

    @property
    def finished(self) -> bool:
        """Every crew is done, or so long overdue that it is lost."""
        if not self.t0_epoch_s:
            return False
        over = len(self.done) == len(self.workers) or self._now_s() > self._last_end_s + DRAIN_S + DONE_WITHIN_S
        if over:
            self.write(finished=True)
        return over

    def write(self, *, finished: bool) -> None:
        """Tell those who read the run directory how the load went."""
        if self._written:
            return
        self._written = finished
        facts = {
            "t0_epoch_s": self.t0_epoch_s,
            "ended_epoch_s": time.time() if finished else None,
            "workers": len(self.workers),
            "workers_reported": sorted(self.done),
            "clock_offset_s": max(self.done.values(), key=abs, default=None),
            "closed_early": self.closed,
            "roster_digest": self.plan.roster_digest,
        }
        conductor_path(self.streams).write_text(json.dumps(facts, indent=2) + "\n")

    def _running_on(self, worker: str) -> int:
        """While everybody leaves, ask Locust for what it has: fewer would make it stop people in the middle of a step."""
        if isinstance(self.runner, MasterRunner):
            client = self.runner.clients.get(worker)
            return client.user_count if client is not None else 0
        return self.runner.user_count

    def _now_s(self) -> float:
        return time.time() - self.t0_epoch_s

    def _require_ready(self) -> None:
        late = [index for index in range(len(self.workers)) if index not in self.ready]
        if late:
            raise RunError(f"worker {late[0]} was not ready within {READY_WITHIN_S:g} s")
        for index, problem in self.ready.items():
            if problem:
                raise RunError(f"worker {index} cannot take part: {problem}")
