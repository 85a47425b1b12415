"""One run from its plan to its verdict: what `emrload run` does between reading its options and ending.

announce ─▶ (seed) ─▶ prepare ─▶ try_machine ─▶ play ─▶ conclude
plan        sandbox   preflight  self-test      Locust  samples, analysis, verdict, report
                                 or gather, where the load comes from other hosts
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from harness.cli.collecting import collect
from harness.cli.concluding import conclude
from harness.cli.gathering import Gathering
from harness.cli.hosting import Hosting
from harness.cli.keeping import keeping, require_folder
from harness.cli.options import Choice
from harness.cli.plan_outlook import likely_invalid
from harness.cli.reader import leave_the_terminal, reader_may_leave
from harness.control import ControlClient, Destinations, Target, read_capabilities, seed_command, seed_sites, survey
from harness.engine import is_stale
from harness.errors import JudgeError
from harness.fleet import LocalFleet, Watch, require_file_handles, require_sandbox_handles, try_generator
from harness.machine import ClockWatch, environment_facts
from harness.plan import (
    compile_plan,
    expected_load,
    manifest_facts,
    most_visitors,
    on_duty,
    partition,
    peak_on_duty,
    phase_at,
    required_objectives,
    write_plan,
)
from harness.plan.model import Slot
from harness.report import LiveFigures, LiveView
from harness.report.generator import asks_too_much, self_test_sentence
from harness.rundir import RunDir, rfc3339
from harness.scenario import TARGET, PatientsFile, dump_spec, unsupported_by_site, with_sites_of
from harness.scenario.greedy import greedy_text
from harness.scenario.model import RunSpec
from harness.units import count_text, duration_text

__all__ = ["Performance", "Played"]

LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True)
class Played:
    """How the load ended."""

    closed_early: bool
    stopped_at_once: bool


class Performance:
    """A run under way. Raises InputError where this machine cannot hold it."""

    def __init__(self, spec: RunSpec, workers: int, *, own_sandbox: bool, hosting: Hosting | None = None) -> None:
        self.spec = spec
        self.workers = workers
        self.plan = compile_plan(spec)
        self._expected = expected_load(self.plan)
        self._own_sandbox = own_sandbox
        self._worker_of_slot = partition(self.plan, workers, self._expected)
        if own_sandbox:
            require_sandbox_handles(peak_on_duty(self.plan) + most_visitors(self.plan))
        # before anything is sent: where the address is taken, nothing was begun
        self._gathering = Gathering(hosting, _say) if hosting is not None else None
        if self._gathering is None:
            require_file_handles(self._most_connections())

    def announce(self) -> None:
        plan = self.plan
        people = count_text(len({(slot.site, slot.persona, slot.clinician) for slot in plan.slots}), "clinician")
        lapse = f", a {plan.time_lapse:.0f}× time lapse" if plan.time_lapse > 1 else ""
        sites = count_text(len(self.spec.sites), "site")
        _say(f"plan     {self.spec.scenario.name}: {people} at {sites}, {duration_text(plan.length_s)}{lapse}")
        if self.spec.greedy:
            _say(f"greedy   {greedy_text(self.spec)}")
        invalid = likely_invalid(plan, required_objectives(plan, self._expected))
        if invalid:
            _say(f"warning  {invalid}")

    def seed_sandbox(self, target: Target) -> None:
        """Create the people of the sites that go there on a server of our own."""
        began = time.monotonic()
        with ControlClient(target) as client:
            seeded = seed_sites(client, read_capabilities(client), with_sites_of(self.spec, TARGET))
        took = duration_text(time.monotonic() - began)
        _say(f"sandbox  {target.url}: {count_text(seeded.resources_created, 'resource')} created in {took}")

    def prepare(
        self,
        run_dir: RunDir,
        where: Destinations,
        choice: Choice,
        labels: Mapping[str, str],
        patients: PatientsFile | None = None,
    ) -> None:
        """Look at every server, then write down everything that the load needs. Raises TargetError."""
        assert where.target is not None  # noqa: S101 (the sandbox has been started)
        self.run_dir, self.target = run_dir, where.target
        to_seed = replace(where, target=None) if self._own_sandbox else where
        found = survey(
            where, patients=patients, how_to_seed=seed_command(choice.scenario, to_seed, choice.sets, choice.sites_file)
        )
        self.spec = found.spec
        found.write(run_dir)
        dump_spec(self.spec, run_dir.scenario)
        unsupported = unsupported_by_site(self.spec, found.capabilities)
        if any(unsupported.values()):
            self._expected = expected_load(self.plan, unsupported)
        write_plan(replace(self.plan, spec=self.spec), self._worker_of_slot, self._expected, run_dir)
        facts = found.manifest_facts()
        facts["target"]["sandbox"] = self._own_sandbox
        asked: dict[str, Any] = {"scenario": choice.scenario, "sets": list(choice.sets)}
        if choice.sites_file is not None:
            asked["sites_file"] = str(choice.sites_file)
        if patients is not None:
            asked["patients"] = patients.name
            facts["patients"] = {"file": Path(patients.name).name, "rows": len(patients.rows)}
        run_dir.update_manifest(
            **manifest_facts(self.plan),
            **environment_facts(),
            workers=self.workers,
            labels=dict(labels),
            asked=asked,
            **facts,
        )
        for name, one in found.found.items():
            held = count_text(sum(len(site.patients) for site in one.register.values()), "patient")
            kind = "endpoint" if name else "target"
            _say(f"{kind:<9}{one.target.url}: {one.capabilities.software}, {held} found")
            which = "the target" if len(found.found) == 1 else one.target.url
            for workflow, missing in one.unsupported.items():
                _say(f"skipped  {workflow}: {which} does not declare {', '.join(missing)}")

    def try_machine(self) -> None:
        """Before the load, tell whether this machine can generate what the plan asks for; a second, and none of it goes
        to the target."""
        peak_per_s = self._expected.busiest_per_s["", ""]
        told = try_generator(self.run_dir.logs / "self-test.log", self.workers, peak_per_s).to_manifest()
        self.run_dir.update_manifest(self_test=told)
        said = "warning" if asks_too_much(told) or "failed" in told else "machine"
        _say(f"{said:<9}{self_test_sentence(told)}")
        if is_stale():
            _say(
                "warning  what was compiled of the hot path is of other sources, so Python interprets it: make compiled"
            )

    def gather(self, stack: ExitStack) -> None:
        """Wait until every worker of another host has joined; inside `stack` they are heard."""
        assert self._gathering is not None  # noqa: S101 (asked for by whoever gave `hosting`)
        if self.target.loopback and not self._gathering.on_loopback:
            _say(f"warning  {self.target.url} is each host itself; every worker sends to its own machine")
        stack.enter_context(self._gathering.open(self.run_dir, self._most_connections())).gather()

    def play(self) -> Played:
        """Run the load and watch it; the first Ctrl-C ends it early, the second stops it."""
        gathering = self._gathering
        self.run_dir.update_manifest(
            state="running",
            started_at=rfc3339(time.time()),
            under_way=True,
            **({"fleet": gathering.facts()} if gathering else {}),
        )
        fleet = self._fleet()
        view, clock = LiveView(self.spec.scenario.name), ClockWatch()
        interrupts = 0

        def on_interrupt(number: int, _frame: object) -> None:
            nonlocal interrupts
            if number == signal.SIGHUP:
                leave_the_terminal()
            interrupts += 1
            if interrupts == 1:
                fleet.end_early()
            else:
                fleet.stop_at_once()

        with _on_signals(on_interrupt):
            try:
                fleet.start()
                view.start()
                self._watch(fleet, view, clock)
            finally:
                view.stop()
                if sys.exc_info()[0] is not None:
                    fleet.stop_at_once()
            try:
                fleet.join()
            finally:
                ended_by = interrupts
                if gathering is not None:
                    gathering.fetch(lambda: ended_by > 1 or interrupts > ended_by)
                    self.run_dir.update_manifest(fleet=gathering.facts())
        require_folder(self.run_dir)
        if fleet.ended_by:
            _say(f"stopped  {fleet.ended_by}")
        with keeping(self.run_dir):
            collect(self.run_dir, aborted=ended_by > 0, ended_by=fleet.ended_by)
            host = self.run_dir.read_manifest()["host"] | clock.facts()
            self.run_dir.update_manifest(host=host, leader_silent_s=round(fleet.silent_s, 3))
        return Played(ended_by > 0, ended_by > 1)

    def conclude(self, as_json: bool) -> int:
        """Analysis, verdict, report, console; gives the exit code. Raises JudgeError."""
        try:
            with keeping(self.run_dir):
                concluded = conclude(self.run_dir, self.run_dir, self.spec)
        except JudgeError:  # said, and nobody died: `emrload report` may judge what is there
            self.run_dir.update_manifest(under_way=False)
            raise
        self.run_dir.update_manifest(under_way=False)
        with reader_may_leave():  # the verdict stands, read or not
            concluded.tell(as_json=as_json)
        return concluded.exit_code

    def _fleet(self) -> LocalFleet:
        if self._gathering is not None:
            return self._gathering.fleet(self.target.url)
        return LocalFleet(self.run_dir, self.target.url, self.workers)

    def _watch(self, fleet: LocalFleet, view: LiveView, clock: ClockWatch) -> None:
        watch = Watch(self.run_dir.streams, self.workers)
        phase_of = phase_at(self.plan, self.spec.sites[0].name)
        while fleet.running:
            time.sleep(LOOK_EVERY_S)
            glance = watch.look()
            if glance is None:
                continue
            if self._gathering is None:  # else it is not this machine whose CPUs matter
                clock.look()
            now_s = min(max(glance.elapsed_s, 0.0), self.plan.length_s)
            view.update(
                LiveFigures(
                    elapsed_s=now_s,
                    length_s=self.plan.length_s,
                    phase=phase_of(now_s),
                    on_duty=glance.on_duty,
                    planned=int(on_duty(self.plan, [now_s])[0]),
                    requests_per_s=glance.requests_per_s,
                    p95_ms=glance.p95_ms,
                    requests=glance.requests,
                    errors=glance.errors,
                    in_flight=glance.in_flight,
                )
            )

    def _most_connections(self) -> int:
        """The largest number of people that one worker has there at once: on duty, and visitors."""
        parts: list[list[Slot]] = [[] for _ in range(self.workers)]
        for slot, worker in zip(self.plan.slots, self._worker_of_slot, strict=True):
            parts[worker].append(slot)
        heads = max((peak_on_duty(replace(self.plan, slots=tuple(part))) for part in parts if part), default=0)
        return heads + most_visitors(self.plan)


@contextmanager
def _on_signals(handler: Any) -> Iterator[None]:
    """SIGINT, SIGTERM and a terminal that is closed all mean: end. (`nohup` has the last one ignored, and so do we.)"""
    heard = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        heard.append(signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
