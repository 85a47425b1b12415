"""Joins conductor and crew to a Locust process, whichever it is: the only one, the master, or a worker.

What a locustfile loads:  `from harness.load.session import Clinician, DutyCurve, plays`  and  `plays("morning-rush")`.
"""

from __future__ import annotations

import logging
import os
import shlex
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import gevent
from locust import events
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from harness.errors import EXIT_INVALID, HarnessError
from harness.load.conductor import Conductor
from harness.load.crew import Crew
from harness.load.defects import plant_defect
from harness.load.dispatcher import PlanDispatcher
from harness.load.lifeline import Lifeline
from harness.load.locust_costs import make_locust_cheap
from harness.load.options import add_options
from harness.load.places import CrewOrder
from harness.load.preparation import Prepared, load_prepared, prepare_run
from harness.load.shape import DutyCurve
from harness.load.user import Clinician
from harness.load.visitors import MOST_VISITORS
from harness.load.wire import DRAIN_S
from harness.plan import Plan, link_shares, open_caps, read_shares, worker_of_process
from harness.rundir import PARENT_VARIABLE
from harness.scenario import unsupported_by_site

__all__ = ["Clinician", "DutyCurve", "plays"]

log = logging.getLogger(__name__)
T = TypeVar("T")

make_locust_cheap()


def plays(scenario: str) -> None:
    """Have Locust play `scenario` (by name or file): registers the options and the session."""

    @events.init_command_line_parser.add_listener
    def _options(parser: ArgumentParser, **_: Any) -> None:
        add_options(parser, scenario)

    @events.init.add_listener
    def _init(environment: Environment, **_: Any) -> None:
        Session(environment)


class Session:
    """One Locust process's part in run after run (a web UI can start several)."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.conductor: Conductor | None = None
        self.crew: Crew | None = None
        self._run = ""
        # as it was given to this process: with the first dispatch a worker takes its master's options over
        self._own_folder: str = getattr(environment.parsed_options, "emr_run", "")
        runner = environment.runner
        assert runner is not None  # noqa: S101 (Locust fires init with a runner)
        self.runner = runner
        environment.dispatcher_class = self._dispatcher  # type: ignore[assignment]  # Locust calls it; a class is not needed
        if isinstance(runner, (LocalRunner, WorkerRunner)):
            runner.register_message("emr-prepare", self._on_prepare, concurrent=True)
            runner.register_message("emr-start", self._on_start)
            runner.register_message("emr-close", self._on_close)
            environment.events.test_stopping.add_listener(self._on_stopping)
            environment.events.test_stop.add_listener(self._on_stop)
            environment.events.quitting.add_listener(self._on_stop)
        if isinstance(runner, (LocalRunner, MasterRunner)):
            runner.register_message("emr-ready", self._on_ready)
            runner.register_message("emr-done", self._on_done)
            runner.register_message("emr-broken", self._on_broken)
            self._lifeline = Lifeline()
            DutyCurve.lead_in.append(self._lead_in)
            environment.events.test_stopping.add_listener(self._on_test_stopping)
            environment.events.test_stop.add_listener(self._on_test_over)
            environment.events.quitting.add_listener(self._on_quitting)
        # a run that is stopped from outside lets everybody finish the step at hand, too
        environment.stop_timeout = max(environment.stop_timeout or 0.0, DRAIN_S + 2.0)
        gevent.signal_handler(signal.SIGINT, self._on_interrupt)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # whoever launched this may have held it back
        if environment.parsed_options is not None and environment.parsed_options.headless:
            # Locust listens itself, but not before its shape has ended: without a page, that is never
            gevent.signal_handler(signal.SIGTERM, self._stop_at_once)
        self._has_parent = PARENT_VARIABLE in os.environ
        if self._has_parent:
            gevent.spawn(self._leave_with_parent, int(os.environ[PARENT_VARIABLE]))
            if isinstance(runner, WorkerRunner):
                environment.events.quitting.add_listener(self._on_quitting)

    # ---- leading

    def _lead_in(self) -> Conductor | None:
        """Prepare a run, have every crew ready, name t0; None where that cannot be, with the reason logged."""
        try:
            prepared = prepare_run(self.environment)
            self.conductor = self._conduct(prepared)
            self.conductor.begin(prepared.target)
        except HarnessError as error:
            log.error("%s %s", error, error.hint)
            self.environment.process_exit_code = error.exit_code
            return None
        return self.conductor

    def _conduct(self, prepared: Prepared) -> Conductor:
        runner = self.runner
        assert isinstance(runner, (LocalRunner, MasterRunner))  # noqa: S101 (the shape runs in these only)
        if isinstance(runner, MasterRunner):
            clients = (*runner.clients.ready, *runner.clients.spawning, *runner.clients.running)
            workers = tuple(sorted((client.id for client in clients), key=runner.get_worker_index))
        else:
            workers = ("local",)
        worker_of_slot = prepared.share_out(len(workers))
        return Conductor(prepared.run_id, prepared.run_dir, runner, prepared.plan, worker_of_slot, workers)

    def _dispatcher(self, worker_nodes: Any, user_classes: Any) -> PlanDispatcher:
        conductor = self.conductor
        return PlanDispatcher(conductor.users_of if conductor else lambda _: 0, worker_nodes, user_classes)

    def _on_ready(self, msg: Any, **_: Any) -> None:
        if self.conductor is not None and msg.data["run"] == self.conductor.run:
            self.conductor.ready[msg.data["index"]] = msg.data["problem"]

    def _on_done(self, msg: Any, **_: Any) -> None:
        if self.conductor is not None and msg.data["run"] == self.conductor.run:
            self.conductor.arrivals[msg.data["index"]] = msg.data["arrivals"]
            self.conductor.unwritten[msg.data["index"]] = msg.data["rows_unwritten"]
            self.conductor.done[msg.data["index"]] = msg.data["drift_s"]

    def _on_broken(self, msg: Any, **_: Any) -> None:
        """A load without a record is none: whichever worker cannot go on, all stop at once."""
        if self.conductor is not None and msg.data["run"] == self.conductor.run:
            problem = f"worker {msg.data['index']}: {msg.data['problem']}"
            log.error("the load breaks off: %s", problem)
            self._lifeline.say(problem)
            self.conductor.break_off(problem)

    def _on_test_stopping(self, **_: Any) -> None:
        """Locust stops the test: where that comes before the plan's end (a web UI has a button), it is an early end."""
        if self.conductor is not None and not self.conductor.finished:
            self.conductor.close()

    def _on_test_over(self, **_: Any) -> None:
        if self.conductor is not None:
            self.conductor.end()

    def _on_quitting(self, **_: Any) -> None:
        self._on_test_stopping()  # a SIGTERM comes here at once
        self._on_test_over()
        if self.environment.process_exit_code is None:
            # whether the target did well is said by the verdict, not by Locust's count of failures
            self.environment.process_exit_code = EXIT_INVALID if self._cut_short else 0
        if self.conductor is not None and not self._has_parent:
            folder = str(self.conductor.run_dir.path.resolve())
            print(f"next  emrload report {shlex.quote(folder)}", file=sys.stderr)

    @property
    def _cut_short(self) -> bool:
        """The run, or of a worker its part of it, did not come to its planned end."""
        if isinstance(self.runner, WorkerRunner):
            return self.crew is None or self.crew.closing or not self.crew.all_done
        return self.conductor is None or self.conductor.closed

    # ---- working

    def _on_prepare(self, msg: Any, **_: Any) -> None:
        part = msg.data
        problem = ""
        try:
            folder = self._own_folder or part["folder"]
            plant_defect(folder)
            self.crew, self._run = self._crew(Path(folder), part), part["run"]
            Clinician.crew = self.crew
        except (HarnessError, OSError, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
        self.runner.send_message("emr-ready", {"run": part["run"], "index": part["index"], "problem": problem})

    def _crew(self, folder: Path, part: dict[str, Any]) -> Crew:
        prepared = load_prepared(folder, part["target"])
        if prepared.run_id != part["run"]:
            raise ValueError(f"{folder} holds the run {prepared.run_id}, but the master plays {part['run']}")
        plan, index, workers = prepared.plan, part["index"], part["workers"]
        if plan.roster_digest != part["digest"]:
            raise ValueError("it compiled another roster than the master: are the versions the same?")
        worker_of_slot = read_shares(prepared.run_dir, plan)
        order = CrewOrder(
            plan=plan,
            slots=tuple(_mine(plan.slots, worker_of_slot, index)),
            arrivals=tuple(_mine(plan.arrivals, worker_of_process(plan, worker_of_slot), index)),
            worker=index,
            run_id=prepared.run_id,
            target=prepared.target,
            streams=prepared.run_dir.streams,
            register=prepared.register,
            unsupported=unsupported_by_site(plan.spec, prepared.capabilities),
            most_visitors=_most_visitors(plan, worker_of_slot, workers, index),
            link_shares={line: of[index] for line, of in link_shares(plan, worker_of_slot, workers).items()},
        )
        return Crew(order, self.environment)

    def _on_start(self, msg: Any, **_: Any) -> None:
        crew = self.crew
        if crew is not None and not crew.started:
            gevent.spawn(self._report_if_broken, crew, self._run)
            if crew.start(msg.data["t0_epoch_s"]):
                gevent.spawn(self._report_when_done, crew, self._run)

    def _report_if_broken(self, crew: Crew, run: str) -> None:
        crew.broken_off.wait()
        log.error("the load breaks off: %s", crew.problem)
        said = {"run": run, "index": crew.order.worker, "problem": crew.problem}
        self.runner.send_message("emr-broken", said)

    def _report_when_done(self, crew: Crew, run: str) -> None:
        said = {"run": run, "index": crew.order.worker, "drift_s": crew.wait_until_done()}
        said |= {"arrivals": crew.visitors.counts, "rows_unwritten": crew.rows_unwritten}
        self.runner.send_message("emr-done", said)

    def _on_close(self, msg: Any, **_: Any) -> None:
        if self.crew is not None and msg.data["run"] == self._run:
            self.crew.close(at_once=msg.data["at_once"])

    def _on_stopping(self, **_: Any) -> None:
        if self.crew is not None:
            self.crew.close_if_early()

    def _on_stop(self, **_: Any) -> None:
        if self.crew is not None:
            self.crew.finish()

    # ---- Ctrl-C

    def _leave_with_parent(self, parent: int) -> None:
        """No load without somebody who asked for it: where `emrload run` is killed, the load ends, too."""
        while os.getppid() == parent:
            gevent.sleep(1.0)
        log.error("the process that started this load is gone: ending")
        self._stop_at_once()

    def _on_interrupt(self) -> None:
        """The first ends a run early and keeps everything; the second, or one where nothing runs, ends Locust."""
        conductor, crew = self.conductor, self.crew
        if conductor is not None and not (conductor.closed or conductor.over):
            log.warning("ending the run early: everybody finishes the step at hand (again to stop at once)")
            conductor.close()
        elif conductor is None and crew is not None and not (crew.closing or crew.all_done):
            crew.close()
            if self._has_parent and isinstance(self.runner, WorkerRunner):
                gevent.spawn(self._leave_once_done, crew)  # nobody but `emrload worker` interrupts a worker of ours
        else:
            self._stop_at_once()

    def _leave_once_done(self, crew: Crew) -> None:
        while crew.started and not crew.finished:
            gevent.sleep(0.2)
        self._stop_at_once()

    def _stop_at_once(self) -> None:
        self._on_stop()
        if self.conductor is None or not self.conductor.over:
            self.environment.process_exit_code = EXIT_INVALID
        self.environment.stop_timeout = 0.0
        self.runner.quit()
        if self.environment.web_ui is not None:
            self.environment.web_ui.stop()  # else Locust would go on to serve its page
        if self.conductor is None and self.crew is None:
            raise SystemExit(EXIT_INVALID)  # Locust may still be waiting for workers, and would go on to


def _most_visitors(plan: Plan, worker_of_slot: Sequence[int], workers: int, index: int) -> int:
    cap = plan.spec.scenario.max_open_in_flight
    return MOST_VISITORS if cap is None else min(MOST_VISITORS, open_caps(plan, worker_of_slot, workers, cap)[index])


def _mine(parts: Sequence[T], worker_of: Sequence[int], index: int) -> Iterator[T]:
    return (part for part, worker in zip(parts, worker_of, strict=True) if worker == index)
