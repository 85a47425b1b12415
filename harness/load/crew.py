"""A worker's clinicians: prepared from the plan, started at t0, watched, and counted out at the end.

prepare(order) ──▶ ready ──▶ start(t0) ──▶ users claim slots, work them, leave ──▶ done
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gevent
from greenlet import greenlet
from locust.env import Environment
from locust.exception import StopUser

from harness.clinic.clinician import Clinician, Habits, Post
from harness.clinic.register import SiteRegister
from harness.clinic.shift import first_wait_s, work_shift
from harness.clinic.world import SlotOver
from harness.fhir.capabilities import Capabilities
from harness.load.client import Endpoint
from harness.load.clock import RunClock
from harness.load.desk import Desk
from harness.load.health import HealthProbe
from harness.load.live import ProgressReport
from harness.load.locust_table import feed_locust_table, foreign_listeners
from harness.load.posting import IdSource, Posting
from harness.load.recorder import Recorder
from harness.load.wire import DRAIN_S, Wire
from harness.plan import SiteClock, costs_of, mean_run_s, phase_at, timeline_of, weights_at
from harness.plan.model import Plan, Slot
from harness.population.identity import patient_identity
from harness.scenario import habits_of, unsupported_workflows
from harness.scenario.model import Site

__all__ = ["Crew", "CrewOrder"]

log = logging.getLogger(__name__)

WATCH_EVERY_S: Final = 0.2


@dataclass(frozen=True)
class CrewOrder:
    """What a worker needs to know to do its part of a run."""

    plan: Plan
    slots: tuple[Slot, ...]
    worker: int
    run_id: str
    target: str
    streams: Path
    register: dict[str, SiteRegister]
    capabilities: Capabilities


class Crew:
    """All clinicians of one load process."""

    def __init__(self, order: CrewOrder, environment: Environment) -> None:
        self.order = order
        self.desk = Desk(order.slots)
        self.closing = False
        self._environment = environment
        scenario = order.plan.spec.scenario
        self._habits: dict[str, Habits] = {
            name: habits_of(persona, scenario.think_factor) for name, persona in scenario.personas.items()
        }
        self._costs = {name: costs_of(habits) for name, habits in self._habits.items()}
        self._unsupported = unsupported_workflows(order.plan.spec, order.capabilities)
        self._endpoint = Endpoint.from_url(order.target)
        self._phases: dict[str, Callable[[float], str]] = {
            site.name: phase_at(order.plan, site.name) for site in order.plan.spec.sites
        }
        clocks = timeline_of(order.plan.spec).clocks
        self._posts = {site.name: self._post(site, clocks[site.name]) for site in order.plan.spec.sites}
        self._warm_up()
        self._weights: dict[tuple[str, str], Callable[[float], Any]] = {}
        self._at_work: dict[int, tuple[Wire, greenlet]] = {}
        self._background: list[gevent.Greenlet[..., object]] = []
        self._ids = IdSource(order.run_id, order.worker)
        self.on_duty = 0
        self.recorder: Recorder | None = None
        self._probe: HealthProbe | None = None
        self._report: ProgressReport | None = None

    def start(self, t0_epoch_s: float) -> None:
        """Open the streams and set the clock; users may claim slots from now on."""
        recorder = Recorder(self.order.streams, self.order.worker, RunClock(t0_epoch_s))
        report = ProgressReport(self.order.streams, recorder, lambda: self.on_duty)
        recorder.on_batch(report.note)
        if foreign_listeners(self._environment):
            recorder.on_batch(lambda rows: report.fire_requests(self._environment, rows))
        else:
            recorder.on_batch(lambda rows: feed_locust_table(self._environment, recorder.names, rows))
        self._probe = HealthProbe(recorder, self._users_alive, lambda: self.on_duty)
        self.recorder, self._report = recorder, report
        for loop in (recorder.keep_flushing, report.keep_writing, self._probe.watch):
            self._background.append(gevent.spawn(loop))

    def _warm_up(self) -> None:
        """What is slow only the first time must not be so under load: a locale's names take 0.2 s to load."""
        spec = self.order.plan.spec
        for locale in {site.locale for site in spec.sites}:
            patient_identity(spec.seed, spec.sites[0].name, 0, locale)
        gc.collect()
        gc.freeze()  # the plan never becomes garbage: no collection needs to look at it again

    @property
    def started(self) -> bool:
        return self.recorder is not None

    def work_next_slot(self) -> None:
        """What a user does: claim a slot, work it, leave. Raises StopUser at the end."""
        recorder = self.recorder
        if recorder is not None and not self.closing:
            slot = self.desk.claim(recorder.clock.now_s())
            if slot is not None:
                self._work(slot, recorder)
        raise StopUser

    def close(self) -> None:
        """End the run early: nobody starts any more, everybody on duty finishes the step and leaves."""
        if self.closing:
            return
        self.closing = True
        self.desk.close()
        for wire, whose in list(self._at_work.values()):
            wire.end_now(whose)
        gevent.spawn_later(DRAIN_S, self._give_up)

    def close_if_early(self) -> None:
        """Locust stops the test: where that comes before the plan's end, it is an early end."""
        if self.started and not self.desk.all_ended:
            self.close()

    def wait_until_done(self) -> float:
        """Return when every slot has been worked, or the last drain is over whatever is left; all is written then.

        Gives how far the system clock was moved against ours meanwhile, in seconds.
        """
        recorder = self.recorder
        assert recorder is not None  # noqa: S101 (started before it is waited for)
        deadline_s = self.desk.last_end_s + DRAIN_S + 1.0
        while not self.desk.all_ended and recorder.clock.now_s() < deadline_s:
            gevent.sleep(WATCH_EVERY_S)
        self.finish()
        return recorder.clock.wall_drift_s()

    def finish(self) -> None:
        """Write everything that is still in memory and close the streams; a second call does nothing."""
        if self.recorder is None or not self._background:
            return
        gevent.killall(self._background)
        self._background = []
        if self._probe is not None:
            self._probe.write_row()
        self.recorder.close()
        if self._report is not None:  # last, since closing shows it the last samples
            self._report.close()

    def _users_alive(self) -> int:
        runner = self._environment.runner
        return runner.user_count if runner is not None else 0

    def _give_up(self) -> None:
        for wire, whose in list(self._at_work.values()):
            wire.give_up(whose)

    def _work(self, slot: Slot, recorder: Recorder) -> None:
        claimed_s = recorder.clock.now_s()
        wire = Wire(self._posting(slot, recorder), recorder, slot.start_s, slot.end_s)
        self._at_work[slot.slot] = (wire, gevent.getcurrent())
        reason = "error"
        started_s = claimed_s
        try:
            started_s = self._wait_for_start(slot, wire, recorder)
            self._on_the_job(slot, wire)
            reason = "closed" if self.closing and recorder.clock.now_s() < slot.end_s else "slot_end"
        except SlotOver:
            reason = "closed"  # the run was ended before the slot began
        except gevent.GreenletExit:
            reason = "killed"
            raise
        except Exception as error:  # noqa: BLE001 (a fault of ours or of a workflow: counted, named, and the others go on)
            self._note_error(slot, error, recorder)
        finally:
            wire.abandon()
            wire.close()
            del self._at_work[slot.slot]
            self.desk.release()
            ended_s = recorder.clock.now_s()
            recorder.duty(
                slot.slot,
                recorder.worker,
                claimed_s,
                started_s,
                ended_s,
                recorder.names.code(reason),
                wire.waiting_s,
                wire.thinking_s,
                wire.idle_s,
            )

    def _wait_for_start(self, slot: Slot, wire: Wire, recorder: Recorder) -> float:
        """Sleep until the slot begins; return the moment in run seconds."""
        wire.sleep_until(slot.start_s)
        return recorder.clock.now_s()

    def _on_the_job(self, slot: Slot, wire: Wire) -> None:
        habits = self._habits[slot.persona]
        clinician = Clinician(self._posts[slot.site], habits, slot.clinician, wire, slot.slot)
        weights_of = self._weights_of(slot.site, slot.persona)
        run_s = mean_run_s(self._costs[slot.persona], weights_of(slot.start_s))
        wait_s = first_wait_s(clinician.draws, habits, opening=slot.opening, run_s=run_s)
        self.on_duty += 1
        try:
            work_shift(clinician, wait_s, weights_of, self._unsupported)
        finally:
            self.on_duty -= 1

    def _weights_of(self, site: str, persona: str) -> Callable[[float], Any]:
        key = (site, persona)
        if key not in self._weights:
            self._weights[key] = weights_at(self.order.plan, site, persona)
        return self._weights[key]

    def _post(self, site: Site, clock: SiteClock) -> Post:
        spec = self.order.plan.spec
        return Post(
            site.name,
            site.locale,
            spec.seed,
            spec.scenario.date,
            self.order.run_id,
            self.order.register[site.name],
            opens_at_s=clock.local_s(0.0),
            utc_offset_s=site.utc_offset_s,
        )

    def _posting(self, slot: Slot, recorder: Recorder) -> Posting:
        scenario = self.order.plan.spec.scenario
        head = (
            f"Host: {self._endpoint.authority}\r\nUser-Agent: emr-load-harness\r\n"
            "Accept: application/fhir+json\r\nAccept-Encoding: gzip\r\n"
        )
        if scenario.site_header:
            head += f"{scenario.site_header}: {slot.site}\r\n"
        return Posting(
            site=slot.site,
            persona=slot.persona,
            clinician=slot.clinician,
            site_code=recorder.names.code(slot.site),
            persona_code=recorder.names.code(slot.persona),
            endpoint=self._endpoint,
            connect_timeout_s=scenario.connect_timeout_s,
            answer_timeout_s=scenario.answer_timeout_s,
            head=head,
            trace=f"{int(self.order.run_id, 16):016x}",
            phase_at=self._phases[slot.site],
            ids=self._ids,
        )

    def _note_error(self, slot: Slot, error: Exception, recorder: Recorder) -> None:
        log.exception("slot %d (%s at %s) ended by an error", slot.slot, slot.persona, slot.site)
        facts = {
            "time_s": round(recorder.clock.now_s(), 3),
            "site": slot.site,
            "persona": slot.persona,
            "outcome": "error",
            "detail": type(error).__name__,
        }
        recorder.failure(("error", type(error).__name__), facts)
