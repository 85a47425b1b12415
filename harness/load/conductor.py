"""Leads a run in the master (or the only) process: who does which slots, when t0 is, when all are done.

begin ──prepare──▶ crews ──ready──▶ t0 named ──start──▶ crews at work ──done──▶ finished
                                            ├──close (Ctrl-C)──▶ everybody leaves
                                            └──a worker cannot write──▶ all break off at once
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import gevent
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner

from harness.errors import RunError
from harness.load.clock import RunClock
from harness.load.desk import UserCount
from harness.load.wire import DRAIN_S
from harness.plan.model import Plan, Slot
from harness.rundir import ARRIVAL_FATES, RunDir, conductor_path, write_json

__all__ = ["Conductor"]

log = logging.getLogger(__name__)

READY_WITHIN_S: Final = 60.0
"""Workers compile the plan for themselves; one that needs longer is lost."""
START_LEAD_S: Final = 3.5
"""Between naming t0 and t0: two ticks of the shape."""
SPAWN_PER_S: Final = 2000.0
"""Users that a process creates a second, with room to spare."""
DONE_WITHIN_S: Final = 5.0
"""Beyond the last drain, a worker that has not said it is done is lost."""


@dataclass
class Conductor:
    """State of one run as its leader knows it. `workers` are Locust's ids, in the order of their index.

    `run` is what the run is called, wherever a process of it stands: messages about another are not for us. `run_dir`
    is where it stands here.
    """

    run: str
    run_dir: RunDir
    runner: LocalRunner | MasterRunner
    plan: Plan
    worker_of_slot: tuple[int, ...]
    workers: tuple[str, ...]
    ready: dict[int, str] = field(default_factory=dict)
    """Worker → why it cannot take part, "" where it can."""
    done: dict[int, float] = field(default_factory=dict)
    """Worker → how far its system clock was moved against its own while it worked, in seconds."""
    arrivals: dict[int, Mapping[str, int]] = field(default_factory=dict)
    """Worker → what became of arrivals that no row tells of (harness.load.visitors)."""
    clock: RunClock | None = None
    """From the moment that t0 is named."""
    closed: bool = False
    over: bool = False
    broken_off: str = ""
    """Why the load could not go on; "" where it could."""
    unwritten: dict[int, int] = field(default_factory=dict)
    """Worker → rows that it could not write down."""
    strangers: set[str] = field(default_factory=set)
    """Locust's ids of workers that came and are none of the run's."""

    def __post_init__(self) -> None:
        self._counts = [UserCount(self.slots_of(index)) for index in range(len(self.workers))]
        self._index = {worker: index for index, worker in enumerate(self.workers)}
        self._last_end_s = max([self.plan.length_s, *(slot.end_s for slot in self.plan.slots)])

    def slots_of(self, index: int) -> tuple[Slot, ...]:
        pairs = zip(self.plan.slots, self.worker_of_slot, strict=True)
        return tuple(slot for slot, worker in pairs if worker == index)

    def begin(self, target: str) -> None:
        """Have every crew prepare, then name t0. Raises RunError where a worker is late or compiled another plan."""
        for index, worker in enumerate(self.workers):
            folder = str(self.run_dir.path.resolve())  # for whoever works on this machine
            part = {"run": self.run, "folder": folder, "target": target, "index": index, "workers": len(self.workers)}
            part["digest"] = self.plan.roster_digest
            self.runner.send_message("emr-prepare", part, worker)
        given_up = time.monotonic() + READY_WITHIN_S
        while len(self.ready) < len(self.workers) and time.monotonic() < given_up:
            gevent.sleep(0.05)
        self._require_ready()
        opening = sum(slot.start_s <= 0.0 for slot in self.plan.slots)
        self.clock = RunClock(time.time() + START_LEAD_S + opening / SPAWN_PER_S)
        for worker in self.workers:
            self.runner.send_message("emr-start", {"t0_epoch_s": self.clock.t0_epoch_s}, worker)
        self._write()
        if self.closed:  # meanwhile, and some crews were not there yet to hear it
            self._send_close(at_once=bool(self.broken_off))

    def users_of(self, worker: str) -> int:
        """How many users a worker should run now; none for a late one, none before t0 is named."""
        if self.closed:
            return self._running_on(worker)
        index = self._index.get(worker)
        return 0 if index is None or self.clock is None else self._counts[index].at(self.clock.now_s())

    def users_now(self) -> int:
        if isinstance(self.runner, MasterRunner):
            self.strangers |= {client.id for client in self.runner.clients.all} - set(self.workers)
        return sum(self.users_of(worker) for worker in self.workers)

    def close(self) -> None:
        """End the run early."""
        if not self.closed and not self.over:
            self.closed = True
            self._last_moment(0.0)
            self._send_close()

    def break_off(self, problem: str) -> None:
        """A load process cannot write down what happens any more: all stop at once. The first problem counts."""
        if not self.broken_off and not self.over:
            self.closed, self.broken_off = True, problem
            self._last_moment(-DRAIN_S)
            self._send_close(at_once=True)

    def _last_moment(self, from_now_s: float) -> None:
        """Nobody is waited for as long as the plan would have it."""
        if self.clock is not None:
            self._last_end_s = min(self._last_end_s, self.clock.now_s() + from_now_s)

    @property
    def finished(self) -> bool:
        """Every crew is done, or lost when the run's last moment is over, or so long overdue that it must be."""
        if self.clock is None:
            return False
        late_s = self.clock.now_s() - self._last_end_s
        missing = [worker for index, worker in enumerate(self.workers) if index not in self.done]
        if not missing or late_s > DRAIN_S + DONE_WITHIN_S or (late_s > 0 and all(map(self._is_lost, missing))):
            self.end()
        return self.over

    def end(self) -> None:
        """The load is over, however it went: say so to those who read the run directory. A second call does nothing."""
        if not self.over:
            self.over = True
            self._write()

    def _write(self) -> None:
        facts = {
            "t0_epoch_s": self.clock.t0_epoch_s if self.clock else None,
            "ended_epoch_s": time.time() if self.over else None,
            "workers": len(self.workers),
            "workers_reported": sorted(self.done),
            "clock_offset_s": max(self.done.values(), key=abs, default=None),
            **{f"arrivals_{fate}": sum(told[fate] for told in self.arrivals.values()) for fate in ARRIVAL_FATES},
            "closed_early": self.closed,
            "broken_off": self.broken_off,
            "rows_unwritten": sum(self.unwritten.values()),
            "strangers": len(self.strangers),
            "roster_digest": self.plan.roster_digest,
        }
        try:
            write_json(conductor_path(self.run_dir.streams), facts)
        except OSError as error:  # a run whose leader did not see the end counts as one that was ended early
            log.error("%s cannot be written (%s)", conductor_path(self.run_dir.streams), error.strerror)

    def _is_lost(self, worker: str) -> bool:
        """Locust has not heard from it for some seconds, or has forgotten it."""
        if not isinstance(self.runner, MasterRunner):
            return False
        client = self.runner.clients.get(worker)
        return client is None or client.state == STATE_MISSING

    def _send_close(self, *, at_once: bool = False) -> None:
        for worker in self.workers:
            self.runner.send_message("emr-close", {"run": self.run, "at_once": at_once}, worker)

    def _running_on(self, worker: str) -> int:
        """While everybody leaves, ask Locust for what it has: fewer would make it stop people within a step."""
        if isinstance(self.runner, MasterRunner):
            client = self.runner.clients.get(worker)
            return client.user_count if client is not None else 0
        return self.runner.user_count

    def _require_ready(self) -> None:
        late = [index for index in range(len(self.workers)) if index not in self.ready]
        if late:
            raise RunError(f"worker {late[0]} was not ready within {READY_WITHIN_S:g} s")
        for index, problem in self.ready.items():
            if problem:
                raise RunError(f"worker {index} cannot take part: {problem}")
