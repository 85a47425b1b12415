"""What the leader of a run knows of workers on other hosts, and what it says to them; without HTTP, which is around it.

    join ─▶ the plan's files ─▶ ready ─▶ sync … ─▶ begin ─▶ sync … ─▶ ended ─▶ offer ─▶ pieces ─▶ handed in
     └── refused: other version, no seat left (it may try again), the run has begun; counted, and told

Workers only ever connect to it, so one address is enough, also behind NAT or in a cluster.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from harness.errors import RunError, shortened
from harness.fleet.clock_offset import ClockReading
from harness.fleet.handover import Handover, differing
from harness.fleet.intake import Intake, Offered, RefusedFile
from harness.fleet.refusal import Refusals, Refused
from harness.fleet.seat import Seat, free_name
from harness.fleet.silence import awaited, given_up, who_is_gone
from harness.rundir import RunDir

__all__ = ["Depot"]

FETCHED_WITHIN_S: Final = 900.0
"""However often a worker gives a sign. source: assumption"""


class Depot:
    """For the threads of a server, and the one of `emrload run`."""

    def __init__(
        self,
        run_dir: RunDir,
        handover: Handover,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
        epoch_s: Callable[[], float] = time.time,
    ) -> None:
        self._run_dir = run_dir
        self._handover = handover
        self._intake = Intake(run_dir)
        self._monotonic_s, self._epoch_s = monotonic_s, epoch_s
        self._lock = threading.RLock()
        self._pieces_under_way = 0
        self._no_piece_under_way = threading.Condition(self._lock)
        self._seats: dict[str, Seat] = {}
        self._locust_port: int | None = None
        self._began_epoch_s: float | None = None
        self._ended_epoch_s: float | None = None
        self._ended_s: float | None = None
        self._closed = False
        self._last_gone = ""
        """Who gave up a seat last, and why."""
        self.notes: deque[str] = deque()
        """What a person should read, in the order in which it happened; taken out by whoever prints it."""
        self._refusals = Refusals(self.notes)

    # ---- workers

    def join(self, worker: str, told: dict[str, Any], address: str) -> dict[str, Any]:
        """Give a seat and say what there is to fetch; the same again to a worker that did not hear the first answer."""
        with self._at(worker) as seat:
            self._drop_the_silent()
            name, refuse = str(told.get("name", "")), partial(self._refusals.refuse, worker)
            who = f"{shortened(name)} at {address}"
            if other := differing(told.get("versions") or {}):
                refuse("version", f"{who} is of another version: {other}")
            if seat is None and (self._locust_port is not None or self._closed):
                refuse("late", f"{who} came after the run had begun")
            if seat is None:
                if len(self._seats) >= self._handover.workers:
                    refuse("surplus", f"{who} came too many: the run has all of its {self._handover.workers} workers")
                free = free_name(name, {each.name for each in self._seats.values()})
                machine = dict(told.get("machine") or {})
                seat = self._seats[worker] = Seat(worker, free, address, machine, self._monotonic_s())
                self._refusals.forget(worker)
            return {"name": seat.name, **self._handover.to_json()}

    def plan_file(self, worker: str, path: str) -> bytes:
        """A file of the hand-over."""
        with self._at(worker) as seat:
            self._seated(seat)
            if path not in self._handover.files:
                raise Refused("file", f"the run has no '{shortened(path)}' to hand over")
            return self._handover.files[path]

    def ready(self, worker: str, told: dict[str, Any]) -> dict[str, Any]:
        """The worker has compiled the plan, and compared its clock."""
        with self._at(worker) as found:
            seat = self._seated_while_open(found)
            if told.get("roster_digest") != self._handover.roster_digest:
                self._vacate(seat, "came to another roster")
                why = f"{seat.name} at {seat.address} comes to another roster from the same plan"
                self._refusals.refuse(worker, "digest", why)
            self._note_clocks(seat, [told["clock"]])
            if seat.phase == "preparing":
                seat.phase = "waiting"
                many, apart = f"{self._ready_count} of {self._handover.workers}", seat.readings[-1].apart
                self.notes.append(f"joined   {seat.name} from {seat.address} ({many}), its clock {apart} from ours")
            return {}

    def sync(self, worker: str, told: dict[str, Any]) -> dict[str, Any]:
        """A worker's sign of life, with what it has to tell; how the run stands is the answer. Once nothing more is
        taken in, it is told that the run is over, and nothing that it tells is noted."""
        with self._at(worker) as found:
            seat = self._seated(found)
            if self._closed:
                return {"state": self._state, "locust_port": self._locust_port, "progress": {}}
            self._note_clocks(seat, told.get("clocks") or [])
            held = {
                path: self._intake.add_live(seat.name, path, int(lines["offset"]), str(lines["text"]).encode())
                for path, lines in (told.get("progress") or {}).items()
            }
            seat.indexes |= {int(number) for path in held for number in re.findall(r"-w(\d+)\.", path)}
            if told.get("load_code") is not None:
                seat.load_code = int(told["load_code"])
                seat.end(self._monotonic_s())
            elif self._locust_port is not None and seat.phase == "waiting":
                seat.phase = "working"
            return {"state": self._state, "locust_port": self._locust_port, "progress": held}

    def offer(self, worker: str, told: dict[str, Any]) -> dict[str, Any]:
        """The worker's load is over, and these are its files; for each, how many bytes are here."""
        with self._at(worker) as found:
            seat = self._seated_while_open(found)
            seat.end(self._monotonic_s())
            seat.load_code = told.get("load_code", seat.load_code)
            files = [Offered.from_json(each) for each in told.get("files") or []]
            have = self._intake.offer(seat.name, files)
            seat.indexes |= {one.worker_index for one in files if one.worker_index is not None}
            seat.handed_in = bool(files) and not self._intake.lacking(seat.name)
            whole = [one.path for one in self._intake.whole(seat.name)]
            return {"have": have, "whole": whole, "handed_in": seat.handed_in}

    def piece(self, worker: str, path: str, offset: int, data: bytes) -> dict[str, Any]:
        """A piece of a file that was offered. Not under the lock: a disk takes its time."""
        with self._at(worker) as found:
            seat = self._seated_while_open(found)
            self._pieces_under_way += 1
        try:
            have, whole = self._intake.piece(seat.name, path, offset, data)
        except RefusedFile as refused:
            raise Refused("file", str(refused)) from refused
        finally:
            with self._at(worker):
                seat.files = len(self._intake.whole(seat.name))
                seat.handed_in = seat.handed_in or (seat.files > 0 and not self._intake.lacking(seat.name))
                self._pieces_under_way -= 1
                self._no_piece_under_way.notify_all()
        return {"have": have, "whole": whole, "handed_in": seat.handed_in}

    def leave(self, worker: str, why: str) -> dict[str, Any]:
        """The worker goes, for a reason of its own; before the load its seat is free again."""
        with self._at(worker) as found:
            seat = self._seated(found)
            seat.left = shortened(why, 200) or "for no reason that it told"
            self.notes.append(f"left     {seat.name} from {seat.address}: {seat.left}")
            if self._locust_port is None:
                self._vacate(seat, f"left: {seat.left}")
            else:
                seat.end(self._monotonic_s())
            return {}

    def count_refusal(self, kind: str, address: str) -> None:
        """Somebody was turned away before she was heard."""
        with self._lock:
            self._refusals.count(kind, address)

    # ---- the leader

    @property
    def gathered(self) -> bool:
        """As many workers as the plan is for are ready."""
        with self._lock:
            self._drop_the_silent()
            return self._ready_count == self._handover.workers

    @property
    def missing(self) -> int:
        with self._lock:
            return self._handover.workers - self._ready_count

    def begin(self, locust_port: int) -> None:
        """Have every worker start its Locust, which finds its master at this port of the address it knows.

        Raises RunError unless all are ready: one may have left since they were gathered, and nobody comes after this.
        """
        with self._lock:
            if not self.gathered:
                why = self._last_gone or f"{self.missing} of {self._handover.workers} workers are not ready"
                raise RunError(f"the load did not begin: {why}", "start as many workers as before, and the run again")
            self._locust_port, self._began_epoch_s = locust_port, self._epoch_s()
            for seat in self._seats.values():
                seat.begin(self._monotonic_s())

    def end(self) -> None:
        """The load is over. A second call does nothing."""
        with self._lock:
            if self._ended_s is None:
                self._ended_s, self._ended_epoch_s = self._monotonic_s(), self._epoch_s()

    def gone(self) -> str:
        """A worker whose load ended, or that fell silent or left, in words; empty where all are at work."""
        with self._lock:
            gone = who_is_gone(self._seats.values(), self._monotonic_s())
            return gone or (self._last_gone if len(self._seats) < self._handover.workers else "")

    def awaited(self) -> list[str]:
        """Whose files may still come, each with when it was last heard of; empty once nothing is worth waiting for."""
        with self._lock:
            now_s = self._monotonic_s()
            if self._ended_s is not None and now_s - self._ended_s > FETCHED_WITHIN_S:
                return []
            return awaited(self._seats.values(), now_s)

    def facts(self) -> dict[str, Any]:
        """For a manifest: each worker, what came of it, how its clock was; and who was turned away, by kind."""
        with self._lock:
            to_s = self._ended_epoch_s or self._epoch_s()
            for seat in self._seats.values():
                if seat.phase != "ended" and self._ended_s is not None:  # it was never heard of again
                    seat.silent_s = max(seat.silent_s, self._ended_s - seat.seen_s)
            workers = [
                seat.facts(self._began_epoch_s or to_s, to_s) | {"lacking": self._intake.lacking_paths(seat.name)}
                for seat in self._seats.values()
            ]
            return {"workers": workers, "refused": self._refusals.counts()}

    def close(self) -> list[str]:
        """Write nothing more, once the pieces under way are there; gives the parts of files that are left."""
        with self._lock:
            self._closed = True
            self._no_piece_under_way.wait_for(lambda: not self._pieces_under_way)
        return self._intake.close()

    # ---- within

    @contextmanager
    def _at(self, worker: str) -> Iterator[Seat | None]:
        """The lock, and the worker's seat, which hears a sign of life; files that are refused are refused as all is."""
        with self._lock:
            seat = self._seats.get(worker)
            if seat is not None:
                seat.heard(self._monotonic_s())
            try:
                yield seat
            except RefusedFile as refused:
                raise Refused("file", str(refused)) from refused

    @property
    def _state(self) -> str:
        if self._ended_s is not None or self._closed:
            return "over"
        return "waiting" if self._locust_port is None else "begun"

    @property
    def _ready_count(self) -> int:
        return sum(seat.phase != "preparing" for seat in self._seats.values())

    def _drop_the_silent(self) -> None:
        if self._locust_port is not None:
            return
        now_s = self._monotonic_s()
        for seat in given_up(self._seats.values(), now_s):
            silent = f"no sign for {now_s - seat.seen_s:.0f} s"
            self.notes.append(f"left     {seat.name} from {seat.address}: {silent}")
            self._vacate(seat, f"has given {silent}")

    def _vacate(self, seat: Seat, why: str) -> None:
        """Before the load: its seat is free for another."""
        del self._seats[seat.worker]
        self._last_gone = f"{seat.name} {why}"

    def _seated(self, seat: Seat | None) -> Seat:
        if seat is None:
            raise Refused("unknown", "this worker has no seat in this run")
        return seat

    def _seated_while_open(self, seat: Seat | None) -> Seat:
        if self._closed:
            raise Refused("closed", "the run is being judged without them: its leader waits no longer")
        return self._seated(seat)

    def _note_clocks(self, seat: Seat, told: list[dict[str, Any]]) -> None:
        try:
            readings = [ClockReading.from_json(each, seat.name) for each in told]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused("clock", f"{seat.name} told a reading of a clock that is none: {error}") from error
        seat.readings += readings
        with self._run_dir.clocks.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(each.to_json()) + "\n" for each in readings)
