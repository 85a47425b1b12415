"""Those who come at a rate, whoever is free: each a greenlet of her own, begun at the moment that the plan has for it.

    arrival_times ──sleep──▶ visit ──▶ one workflow, and gone       a slow target delays nobody's coming: more and more
                    └──────▶ visit …                                are there at once; above the order's cap it is said

They are neither Locust's users nor on duty.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from typing import Final

import gevent
from gevent.pool import Group
from greenlet import greenlet

from harness.clinic.shift import visit
from harness.load.client import Connection
from harness.load.linked_connection import LinkedConnection
from harness.load.places import CrewOrder, Places
from harness.load.recorder import Recorder
from harness.load.wire import Wire
from harness.plan import arrival_times
from harness.plan.model import ArrivalProcess
from harness.rundir import ARRIVAL_FATES

__all__ = ["MOST_VISITORS", "KeptLines", "Visitors"]

log = logging.getLogger(__name__)

MOST_VISITORS: Final = 20_000
"""At once on one worker, where the scenario has no bound of its own: some 340 MB at what a connected clinician weighs
(docs/beside-other-tools.md)."""


class Visitors:
    """Everybody who comes to the sites of one worker by an arrival process."""

    def __init__(self, order: CrewOrder, places: Places, kept_up: Callable[[Callable[[], None]], None]) -> None:
        """`kept_up` runs what must not fail without a word."""
        self._processes = order.arrivals
        self._seed = order.plan.spec.seed
        self._most = order.most_visitors
        self._places = places
        self._kept_up = kept_up
        self._recorder: Recorder | None = None
        self._coming: list[gevent.Greenlet[..., None]] = []
        self._there = Group()
        self._wires: dict[greenlet, Wire] = {}
        self._lines: defaultdict[tuple[str, str], KeptLines] = defaultdict(KeptLines)
        self._closed = False
        self.end_s = order.plan.length_s if order.arrivals else 0.0
        """Nobody comes any more, and whoever is there finishes the step at hand."""
        self._seen: Counter[tuple[str, str]] = Counter()
        self._fates: Counter[str] = Counter()

    def start(self, recorder: Recorder) -> None:
        """Let them come; after `close` nobody does."""
        self._recorder = recorder
        if not self._closed:
            self._coming = [
                gevent.spawn(self._kept_up, partial(self._let_in, process, recorder)) for process in self._processes
            ]

    @property
    def there(self) -> int:
        return len(self._there)

    @property
    def all_gone(self) -> bool:
        """Nobody is there and nobody will come: the run's end is past, or the run was ended early."""
        if self._there or not all(process.ready() for process in self._coming):
            return False
        recorder = self._recorder
        return self._closed or not self._processes or (recorder is not None and recorder.clock.now_s() >= self.end_s)

    @property
    def counts(self) -> dict[str, int]:
        """How many met each of ARRIVAL_FATES."""
        return {fate: self._fates[fate] for fate in ARRIVAL_FATES}

    def close(self) -> None:
        """Nobody comes any more; everybody finishes the step at hand."""
        self._closed = True
        gevent.killall(self._coming, block=False)
        for whose, wire in list(self._wires.items()):
            wire.end_now(whose)

    def give_up(self) -> None:
        """The drain of an early end is over: requests still under way are cancelled."""
        for whose, wire in list(self._wires.items()):
            wire.give_up(whose)

    def finish(self) -> None:
        """Whoever is still there is sent away, and all lines are closed; a second call does nothing."""
        if not self._closed:
            came_last = zip(self._processes, self._coming, strict=False)  # nobody was let in before the start
            self._fates["lost"] += sum(self._to_come(process) for process, coming in came_last if not coming.ready())
        self._closed = True
        gevent.killall(self._coming)
        self._there.kill()
        for lines in self._lines.values():
            lines.close()

    def _let_in(self, process: ArrivalProcess, recorder: Recorder) -> None:
        for number, time_s in enumerate(arrival_times(process, self._seed)):
            gevent.sleep(max(0.0, time_s - recorder.clock.now_s()))
            self._seen[process.site, process.persona] += 1
            if len(self._there) < self._most:
                self._there.spawn(self._kept_up, partial(self._visit, process, number, time_s, recorder))
            else:
                self._drop(process, number, recorder)

    def _to_come(self, process: ArrivalProcess) -> int:
        return sum(1 for _ in arrival_times(process, self._seed)) - self._seen[process.site, process.persona]

    def _visit(self, process: ArrivalProcess, number: int, time_s: float, recorder: Recorder) -> None:
        if self._closed:
            return
        site, persona = process.site, process.persona
        weights = self._places.weights_of(site, persona)(time_s)
        self._fates["idle"] += not weights
        places, lines, whose = self._places, self._lines[site, persona], gevent.getcurrent()
        connection = lines.take(lambda line: places.connection(site, persona, "line", line))
        wire = Wire(places.posting(site, persona, number, is_open=True), connection, recorder, time_s, self.end_s)
        self._wires[whose] = wire
        try:
            visitor = places.visitor(process, number, wire)
            visit(visitor, weights, places.unsupported(site))
        except MemoryError:
            raise
        except Exception as error:  # a fault of ours or of a workflow: counted, named, and the others go on
            log.exception("visit %d (%s at %s) ended by an error", number, persona, site)
            self._fates["lost"] += 1
            recorder.fault(site, persona, error)
        finally:
            wire.abandon()
            lines.give_back(connection)
            del self._wires[whose]

    def _drop(self, process: ArrivalProcess, number: int, recorder: Recorder) -> None:
        if not self._fates["dropped"]:
            log.error("%d visitors are there at once: who comes now is turned away and counted", self._most)
        self._fates["dropped"] += 1
        facts = {
            "time_s": round(recorder.clock.now_s(), 3),
            "site": process.site,
            "persona": process.persona,
            "outcome": "dropped",
            "detail": f"arrival {number}: {self._most} visitors were there at once",
        }
        recorder.failure(("arrival", "dropped"), facts)


class KeptLines:
    """The lines of one process at one site: whoever comes takes one that is free and still open, else a new one."""

    def __init__(self) -> None:
        self._free: list[Connection | LinkedConnection] = []
        self._opened = 0

    def take(self, open_new: Callable[[int], Connection | LinkedConnection]) -> Connection | LinkedConnection:
        """`open_new` is told the number of the line."""
        while self._free:
            line = self._free.pop()  # the last one used: the server has had least time to hang up on it
            if line.is_open():
                return line
            line.close()
        self._opened += 1
        return open_new(self._opened)

    def give_back(self, line: Connection | LinkedConnection) -> None:
        line.cookies = None  # they are hers and not the next one's
        self._free.append(line)

    def close(self) -> None:
        """Hang up on all that are free."""
        while self._free:
            self._free.pop().close()
