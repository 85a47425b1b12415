"""One run from its plan to its verdict: what `emrload run` does between reading its options and ending.

announce ─▶ (seed) ─▶ prepare ─▶ play ─▶ conclude
plan        sandbox   preflight  Locust  samples, analysis, verdict, report
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.cli.collecting import collect
from harness.cli.concluding import conclude
from harness.cli.options import Choice
from harness.cli.reader import reader_may_leave
from harness.control import ControlClient, Target, preflight, seed_command, seed_sites
from harness.fleet import LocalFleet, Watch, require_file_handles, require_sandbox_handles
from harness.plan import (
    compile_plan,
    expected_load,
    manifest_facts,
    on_duty,
    partition,
    peak_on_duty,
    phase_at,
    write_plan,
)
from harness.plan.model import Slot
from harness.report import LiveFigures, LiveView
from harness.rundir import RunDir, environment_facts, rfc3339
from harness.scenario import dump_spec
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

    def __init__(self, spec: RunSpec, workers: int, *, own_sandbox: bool) -> None:
        self.spec = spec
        self.workers = workers
        self.plan = compile_plan(spec)
        self._expected = expected_load(self.plan)
        self._own_sandbox = own_sandbox
        self._worker_of_slot = partition(self.plan, workers, self._expected)
        if own_sandbox:
            require_sandbox_handles(peak_on_duty(self.plan))
        require_file_handles(self._most_connections())

    def announce(self) -> None:
        plan = self.plan
        people = count_text(len({(slot.site, slot.persona, slot.clinician) for slot in plan.slots}), "clinician")
        lapse = f", a {plan.time_lapse:.0f}× time lapse" if plan.time_lapse > 1 else ""
        sites = count_text(len(self.spec.sites), "site")
        _say(f"plan     {self.spec.scenario.name}: {people} at {sites}, {duration_text(plan.length_s)}{lapse}")

    def seed_sandbox(self, target: Target) -> None:
        """Create the run's people on a server of our own."""
        began = time.monotonic()
        with ControlClient(target) as client:
            from harness.control.metadata import read_capabilities

            seeded = seed_sites(client, read_capabilities(client), self.spec)
        took = duration_text(time.monotonic() - began)
        _say(f"sandbox  {target.url}: {count_text(seeded.resources_created, 'resource')} created in {took}")

    def prepare(self, run_dir: RunDir, target: Target, choice: Choice, labels: Mapping[str, str]) -> None:
        """Look at the target, then write down everything that the load needs. Raises TargetError."""
        self.run_dir, self.target = run_dir, target
        how_to_seed = seed_command(choice.scenario, self.spec, target, choice.sets)
        with ControlClient(target) as client:
            found = preflight(client, self.spec, how_to_seed=how_to_seed)
        found.write(run_dir)
        dump_spec(self.spec, run_dir.scenario)
        write_plan(self.plan, self._worker_of_slot, self._expected, run_dir)
        run_dir.update_manifest(
            **manifest_facts(self.plan),
            **environment_facts(),
            workers=self.workers,
            labels=dict(labels),
            asked={"scenario": choice.scenario, "sets": list(choice.sets)},
            target={
                "url": target.url,
                "sandbox": self._own_sandbox,
                "i_own": "" if target.loopback else target.host,
                "software": found.capabilities.software,
                "fhir_version": found.capabilities.fhir_version,
                "volumes": dict(found.volumes),
            },
            unsupported={name: list(missing) for name, missing in found.unsupported.items()},
        )
        patients = sum(len(site.patients) for site in found.register.values())
        _say(f"target   {target.url}: {found.capabilities.software}, {count_text(patients, 'patient')} found")
        for name, missing in found.unsupported.items():
            _say(f"skipped  {name}: the target does not declare {', '.join(missing)}")

    def play(self) -> Played:
        """Run the load and watch it; the first Ctrl-C ends it early, the second stops it."""
        self.run_dir.update_manifest(state="running", started_at=rfc3339(time.time()))
        fleet = LocalFleet(self.run_dir, self.target.url, self.workers)
        view = LiveView(self.spec.scenario.name)
        interrupts = 0

        def on_interrupt(*_: object) -> None:
            nonlocal interrupts
            interrupts += 1
            if interrupts == 1:
                fleet.end_early()
            else:
                fleet.stop_at_once()

        with _on_signals(on_interrupt):
            try:
                fleet.start()
                view.start()
                self._watch(fleet, view)
            finally:
                view.stop()
                if sys.exc_info()[0] is not None:
                    fleet.stop_at_once()
            fleet.join()
        collect(self.run_dir, aborted=interrupts > 0)
        return Played(interrupts > 0, interrupts > 1)

    def conclude(self, as_json: bool) -> int:
        """Analysis, verdict, report, console; gives the exit code. Raises JudgeError."""
        concluded = conclude(self.run_dir, self.run_dir, self.spec)
        with reader_may_leave():  # the verdict stands, read or not
            concluded.tell(as_json=as_json)
        return concluded.exit_code

    def _watch(self, fleet: LocalFleet, view: LiveView) -> None:
        watch = Watch(self.run_dir.streams, self.workers)
        phase_of = phase_at(self.plan, self.spec.sites[0].name)
        while fleet.running:
            time.sleep(LOOK_EVERY_S)
            glance = watch.look()
            if glance is None:
                continue
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
        """The largest number of clinicians that one worker has on duty at once."""
        parts: list[list[Slot]] = [[] for _ in range(self.workers)]
        for slot, worker in zip(self.plan.slots, self._worker_of_slot, strict=True):
            parts[worker].append(slot)
        return max((peak_on_duty(replace(self.plan, slots=tuple(part))) for part in parts if part), default=0)


@contextmanager
def _on_signals(handler: Any) -> Iterator[None]:
    """SIGINT and SIGTERM both mean: end."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
