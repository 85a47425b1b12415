"""A worker's clinicians: prepared from the plan, started at t0, watched, and counted out at the end.

prepare(order) ──▶ ready ──▶ start(t0) ──▶ users claim slots, work them, leave ──▶ done
                                     └───▶ visitors come at their rates, and go

Without a record there is no load: where it cannot be written any more, or what writes it fails, all of it breaks off.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import gevent
from gevent.event import Event
from greenlet import greenlet
from locust.env import Environment
from locust.exception import StopUser

from harness.clinic.shift import work_shift
from harness.load.clock import RunClock
from harness.load.desk import Desk
from harness.load.garbage import Garbage, set_aside
from harness.load.health import HealthProbe
from harness.load.live import ProgressReport
from harness.load.locust_table import feed_locust_table, foreign_listeners
from harness.load.own_limits import hear_of_memory
from harness.load.places import CrewOrder, Places
from harness.load.recorder import Recorder
from harness.load.visitors import Visitors
from harness.load.watchdog import Watchdog
from harness.load.wire import DRAIN_S, Wire
from harness.plan.model import Slot
from harness.population.identity import patient_identity
from harness.samples.sink import WriteFailure

__all__ = ["Crew"]

log = logging.getLogger(__name__)

WATCH_EVERY_S: Final = 0.2
AWAY_WITHIN_S: Final = 0.5
MORE_MEMORY: Final = "give the load more memory, or spread it over --workers"


class Crew:
    """All clinicians of one load process, and all who come to its sites."""

    def __init__(self, order: CrewOrder, environment: Environment) -> None:
        self.order = order
        self.desk = Desk(order.slots)
        self.closing = False
        self.broken_off = Event()
        """Set where the load cannot go on; `problem` says why."""
        self.problem = ""
        self._environment = environment
        self._places = Places(order)
        self.visitors = Visitors(order, self._places, self._kept_up)
        self._warm_up()
        self._at_work: dict[int, tuple[Wire, greenlet]] = {}
        self._garbage = Garbage()
        self._begun: dict[int, float] = {}
        """Slot → when it began, of those that are on duty."""
        self._background: list[gevent.Greenlet[..., object]] = []
        self._end_hearing: Callable[[], None] = lambda: None
        self.recorder: Recorder | None = None
        self._probe: HealthProbe | None = None
        self._report: ProgressReport | None = None
        # only workflows of one's own can stand still, so nobody else pays for the watch
        self._watchdog = Watchdog() if order.plan.spec.scenario.workflow_files else None

    def start(self, t0_epoch_s: float) -> bool:
        """Open the streams and set the clock; users may claim slots from now on, and visitors come.

        False where the streams cannot be made: the load breaks off before it begins.
        """
        self._background.append(gevent.spawn(self._stop_when_broken))
        try:
            recorder = Recorder(self.order.streams, self.order.worker, RunClock(t0_epoch_s))
            report = ProgressReport(self.order.streams, recorder, lambda: self.on_duty, lambda: self.visitors.there)
        except OSError as error:
            self._break_off(str(WriteFailure.of(f"streams/{Path(error.filename or '').name}", error)))
            return False
        self._places.open(recorder)
        recorder.samples.on_batch(report.note)
        if foreign_listeners(self._environment):
            recorder.samples.on_batch(lambda rows: report.fire_requests(self._environment, rows))
        else:
            recorder.samples.on_batch(lambda rows: feed_locust_table(self._environment, recorder.names, rows))
        self._probe = HealthProbe(
            recorder, self._users_alive, lambda: self.on_duty, lambda: self.visitors.there, self._garbage.look
        )
        self.recorder, self._report = recorder, report
        self._end_hearing = hear_of_memory(self._out_of_memory)
        recorder.sink.on_failure(lambda failure: self._break_off(str(failure), failure.remedy))
        watching = (recorder.keep_flushing, report.keep_writing, self._probe.watch, self._garbage.keep_looking)
        for loop in (*watching, lambda: self._ring(recorder)):
            self._background.append(gevent.spawn(self._kept_up, loop))
        if self._watchdog is not None:
            self._watchdog.start()
        self._garbage.start()
        self.visitors.start(recorder)
        return True

    def _warm_up(self) -> None:
        """What is slow only the first time must not be so under load: a locale's names take 0.2 s to load."""
        spec = self.order.plan.spec
        for locale in {site.locale for site in spec.sites}:
            patient_identity(spec.seed, spec.sites[0].name, 0, locale)
        set_aside()  # the plan never becomes garbage

    @property
    def started(self) -> bool:
        return self.recorder is not None

    @property
    def finished(self) -> bool:
        """Everything is written, and the streams are closed."""
        return self.started and not self._background

    @property
    def on_duty(self) -> int:
        return len(self._begun)

    @property
    def all_done(self) -> bool:
        """Every slot has been worked, and no visitor is there or will come."""
        return self.desk.all_ended and self.visitors.all_gone

    @property
    def rows_unwritten(self) -> int:
        return self.recorder.sink.rows_unwritten if self.recorder is not None else 0

    def work_next_slot(self) -> None:
        """What a user does: claim a slot, work it, leave. Raises StopUser at the end."""
        recorder = self.recorder
        if recorder is not None and not self.closing:
            slot = self.desk.claim(recorder.clock.now_s())
            if slot is not None:
                self._work(slot, recorder)
        raise StopUser

    def close(self, *, at_once: bool = False) -> None:
        """End the run early: nobody starts or comes any more, everybody finishes the step and leaves.

        `at_once`: nobody finishes anything, and requests under way are cancelled.
        """
        if not self.closing:
            self.closing = True
            self.desk.close()
            self.visitors.close()
            for wire, whose in list(self._at_work.values()):
                wire.end_now(whose)
            if not at_once:
                gevent.spawn_later(DRAIN_S, self._give_up)
        if at_once:
            self._give_up()

    def close_if_early(self) -> None:
        """Locust stops the test: where that comes before the plan's end, it is an early end."""
        if self.started and not self.all_done:
            self.close()

    def wait_until_done(self) -> float:
        """Return when everybody is gone, or the last drain is over whoever is left; all is written then.

        Gives how far the system clock was moved against ours meanwhile, in seconds.
        """
        recorder = self.recorder
        assert recorder is not None  # noqa: S101 (started before it is waited for)
        deadline_s = max(self.desk.last_end_s, self.visitors.end_s) + DRAIN_S + 1.0
        while not self.all_done and recorder.clock.now_s() < deadline_s:
            gevent.sleep(WATCH_EVERY_S)
        self.finish()
        return recorder.clock.wall_drift_s()

    def finish(self) -> None:
        """Send whoever is there away, write what is in memory, close the streams; a second call does nothing."""
        if self.recorder is None or not self._background:
            return
        self._send_away()
        self.visitors.finish()
        if self._watchdog is not None:
            self._watchdog.stop()
        self._garbage.stop()
        self._end_hearing()
        gevent.killall(self._background)
        self._background = []
        if self._probe is not None:
            self._probe.write_row()
            self._probe.close()
        self.recorder.close()
        if self._report is not None:  # last, since closing shows it the last samples
            self._report.close()

    def _send_away(self) -> None:
        """What somebody is in the middle of is cut off now, so that it is still written down as what it was."""
        if self._at_work:
            self.close(at_once=True)
            until_s = time.monotonic() + AWAY_WITHIN_S
            while self._at_work and time.monotonic() < until_s:
                gevent.sleep(0.01)

    def _kept_up(self, loop: Callable[[], None]) -> None:
        """What watches, writes or lets people come must not fail without a word: nobody else would do it."""
        try:
            loop()
        except MemoryError:
            self._out_of_memory()
        except Exception as error:  # whatever it is, it must be told, and not only in a log
            log.exception("a part of the load failed")
            self._break_off(f"a part of the load failed ({type(error).__name__}: {error})")

    def _out_of_memory(self) -> None:
        self._break_off("a load process has no memory left", MORE_MEMORY)

    def _break_off(self, problem: str, remedy: str = "") -> None:
        """The first problem counts. Called from within whatever met it, so that nothing is stopped here yet."""
        if not self.problem:
            now_s = self.recorder.clock.now_s() if self.recorder is not None else 0.0
            self.problem = f"{problem}, {now_s:.1f} s into the run{': ' if remedy else ''}{remedy}"
            self.broken_off.set()

    def _stop_when_broken(self) -> None:
        """There from the beginning: when memory runs out, no greenlet can be made any more."""
        self.broken_off.wait()
        self.close(at_once=True)

    def _users_alive(self) -> int:
        runner = self._environment.runner
        return runner.user_count if runner is not None else 0

    def _give_up(self) -> None:
        for wire, whose in list(self._at_work.values()):
            wire.give_up(whose)
        self.visitors.give_up()

    def _work(self, slot: Slot, recorder: Recorder) -> None:
        claimed_s = recorder.clock.now_s()
        places, site, persona, clinician = self._places, slot.site, slot.persona, slot.clinician
        connection = places.connection(site, persona, clinician, slot.slot)
        wire = Wire(places.posting(site, persona, clinician), connection, recorder, slot.start_s, slot.end_s)
        self._at_work[slot.slot] = (wire, gevent.getcurrent())
        reason = "error"
        if claimed_s >= slot.start_s:
            self._begin(slot, claimed_s)  # too late for the bell
        try:
            who = places.on_the_staff(slot, wire)
            wait_s, weights_of = places.first_wait_s(who, slot), places.weights_of(site, persona)
            work_shift(who, wait_s, weights_of, places.unsupported(site), arrives=not slot.opening)
            reason = "closed" if self.closing and recorder.clock.now_s() < slot.end_s else "slot_end"
        except gevent.GreenletExit:
            reason = "killed"
            raise
        except MemoryError:
            self._out_of_memory()
        except Exception as error:  # a fault of ours or of a workflow: counted, named, and the others go on
            log.exception("slot %d (%s at %s) ended by an error", slot.slot, persona, site)
            recorder.fault(site, persona, error)
        finally:
            wire.abandon()
            wire.close()
            del self._at_work[slot.slot]
            self.desk.release()
            ended_s = recorder.clock.now_s()
            started_s = self._begun.pop(slot.slot, claimed_s)
            late_s = max(0.0, started_s - max(claimed_s, slot.start_s))  # the bell rang late: idle, but not yet on duty
            recorder.duty(
                slot.slot,
                recorder.worker,
                claimed_s,
                started_s,
                ended_s,
                recorder.names.code(reason),
                wire.waiting_s,
                wire.thinking_s,
                max(0.0, wire.idle_s - late_s),
            )

    def _ring(self, recorder: Recorder) -> None:
        """The bell that begins the slots.

        Whoever is on time sleeps through it to her first act: if thousands woke up at once only to look at the clock,
        the last of them would begin too late.
        """
        for slot in sorted(self.order.slots, key=lambda slot: slot.start_s):
            early_s = slot.start_s - recorder.clock.now_s()
            if early_s > 0:
                gevent.sleep(early_s)
            if slot.slot in self._at_work:
                self._begin(slot, recorder.clock.now_s())

    def _begin(self, slot: Slot, now_s: float) -> None:
        self._begun.setdefault(slot.slot, now_s)
