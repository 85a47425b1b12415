"""A prepared run's load, from a look at this machine to its end; what is imported here is there all the while.

try_machine ─▶ play            or gather ─▶ play, where the load comes from other hosts
self-test      Locust, watched
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.cli.keeping import keeping, require_folder
from harness.cli.outlook import Outlook
from harness.cli.saying import say
from harness.cli.signals import ending_signals, handled_by
from harness.engine import is_stale
from harness.fleet import LocalFleet, Watch, try_generator
from harness.machine import ClockWatch
from harness.report.generator import asks_too_much, self_test_sentence
from harness.report.live_view import LiveFigures, LiveView
from harness.rundir import RunDir, rfc3339

if TYPE_CHECKING:
    from harness.cli.gathering import Gathering

__all__ = ["Performance", "Played"]

LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True)
class Played:
    """How the load ended. `ended_by`: what ended it before its time, as far as it is known here."""

    closed_early: bool
    stopped_at_once: bool
    ended_by: str


class Performance:
    """A run under way; with a gathering its load comes from other hosts."""

    def __init__(self, run_dir: RunDir, outlook: Outlook, workers: int, gathering: Gathering | None = None) -> None:
        self._run_dir = run_dir
        self._outlook = outlook
        self._workers = workers
        self._gathering = gathering

    def try_machine(self) -> None:
        """Before the load, tell whether this machine can generate what the plan asks for; a second, and none of it goes
        to the target."""
        log = self._run_dir.logs / "self-test.log"
        told = try_generator(log, self._workers, self._outlook.busiest_per_s).to_manifest()
        self._run_dir.update_manifest(self_test=told)
        said = "warning" if asks_too_much(told) or "failed" in told else "machine"
        say(f"{said:<9}{self_test_sentence(told)}")
        if is_stale():
            say(
                "warning  what was compiled of the hot path is of other sources, so Python interprets it: make compiled"
            )

    def gather(self, stack: ExitStack, connections: int) -> None:
        """Wait until every worker of another host has joined; inside `stack` they are heard."""
        assert self._gathering is not None  # noqa: S101 (asked for by whoever gave one)
        if self._outlook.target_on_loopback and not self._gathering.on_loopback:
            say(f"warning  {self._outlook.target} is each host itself; every worker sends to its own machine")
        stack.enter_context(self._gathering.open(self._run_dir, connections)).gather()

    def play(self) -> Played:
        """Run the load and watch it; the first Ctrl-C ends it early, the second stops it."""
        run_dir, gathering = self._run_dir, self._gathering
        run_dir.update_manifest(
            state="running",
            started_at=rfc3339(time.time()),
            under_way=True,
            **({"fleet": gathering.facts()} if gathering else {}),
        )
        fleet = self._fleet()
        view, clock = LiveView(self._outlook.scenario), ClockWatch()
        interrupts = 0

        def on_interrupt(*_: object) -> None:
            nonlocal interrupts
            interrupts += 1
            if interrupts == 1:
                fleet.end_early()
            else:
                fleet.stop_at_once()

        with handled_by(on_interrupt, *ending_signals()):
            try:
                fleet.start()
                view.start()
                self._watch(fleet, view, clock)
            except BaseException:
                fleet.stop_at_once()
                raise
            finally:
                view.stop()
            try:
                fleet.join()
            finally:
                ended_by = interrupts
                if gathering is not None:
                    gathering.fetch(lambda: ended_by > 1 or interrupts > ended_by)
                    require_folder(run_dir)
                    with keeping(run_dir):
                        run_dir.update_manifest(fleet=gathering.facts())
        require_folder(run_dir)
        if fleet.ended_by:
            say(f"stopped  {fleet.ended_by}")
        with keeping(run_dir):
            host = run_dir.read_manifest()["host"] | clock.facts()
            run_dir.update_manifest(host=host, leader_silent_s=round(fleet.silent_s, 3))
        return Played(ended_by > 0, ended_by > 1, fleet.ended_by)

    def _fleet(self) -> LocalFleet:
        if self._gathering is not None:
            return self._gathering.fleet(self._outlook.target)
        return LocalFleet(self._run_dir, self._outlook.target, self._workers)

    def _watch(self, fleet: LocalFleet, view: LiveView, clock: ClockWatch) -> None:
        outlook = self._outlook
        watch = Watch(self._run_dir.streams, self._workers)
        while fleet.running:
            time.sleep(LOOK_EVERY_S)
            glance = watch.look()
            if glance is None:
                continue
            if self._gathering is None:  # else it is not this machine whose CPUs matter
                clock.look()
            now_s = min(max(glance.elapsed_s, 0.0), outlook.length_s)
            view.update(
                LiveFigures(
                    elapsed_s=now_s,
                    length_s=outlook.length_s,
                    phase=outlook.phase_at(now_s),
                    on_duty=glance.on_duty,
                    planned=outlook.planned_at(now_s),
                    requests_per_s=glance.requests_per_s,
                    p95_ms=glance.p95_ms,
                    requests=glance.requests,
                    errors=glance.errors,
                    in_flight=glance.in_flight,
                )
            )
