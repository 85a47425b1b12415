"""All that a run needs before its load: the plan, every server looked at, who is worked with, the run's folder filled.

order ─▶ vetted, compiled ─▶ announce ─▶ (seed_sandbox) ─▶ prepare ─▶ Outlook

`emrload run` has it done backstage (harness.cli.backstage): it takes memory that nobody needs under load.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.cli.options import Choice
from harness.cli.order import SANDBOX, Order
from harness.cli.outlook import Outlook
from harness.cli.plan_outlook import likely_invalid
from harness.cli.saying import say
from harness.cli.target_options import patients_from, target_from
from harness.control import (
    ControlClient,
    Destinations,
    destinations_of,
    parse_target,
    read_capabilities,
    seed_command,
    seed_sites,
    survey,
)
from harness.errors import InputError, Problem
from harness.fleet import require_sandbox_handles
from harness.machine import environment_facts
from harness.plan import (
    compile_plan,
    duty_steps,
    expected_load,
    manifest_facts,
    most_visitors,
    partition,
    peak_on_duty,
    required_objectives,
    write_plan,
)
from harness.plan.model import Slot
from harness.rundir import RunDir
from harness.scenario import TARGET, PatientsFile, dump_spec, unsupported_by_site, with_sites_of
from harness.scenario.greedy import greedy_text
from harness.units import count_text, duration_text

__all__ = ["Preparation", "preparation"]


def preparation(order: Order) -> Preparation:
    """Vet what was ordered; nothing is sent. Raises InputError."""
    where = _destinations(order)
    if order.patients is not None and where.target is None:
        what = "the built-in server holds nobody but whom it is seeded with"
        raise InputError(Problem(what, "--patients", "name the server that holds them with --target URL"))
    return Preparation(where, order.choice, order.workers, patients_from(order.patients, where.spec))


class Preparation:
    """A run that is being prepared; on a server of our own where its destinations have no target yet.

    Raises InputError where this machine cannot hold that server.
    """

    def __init__(self, where: Destinations, choice: Choice, workers: int, patients: PatientsFile | None = None) -> None:
        self.where = where
        self._choice = choice
        self._workers = workers
        self._patients = patients
        self._own_sandbox = where.target is None
        self.plan = compile_plan(where.spec)
        self._expected = expected_load(self.plan)
        self._worker_of_slot = partition(self.plan, workers, self._expected)
        if self._own_sandbox:
            require_sandbox_handles(peak_on_duty(self.plan) + most_visitors(self.plan))

    def needs(self) -> tuple[str, int, bool]:
        """The scenario's name, the most connections that one load process holds, and whether it takes a sandbox."""
        return self.where.spec.scenario.name, self.most_connections(), self._own_sandbox

    def announce(self) -> None:
        """Say what will be played, and whether any verdict can come of it."""
        plan, spec = self.plan, self.where.spec
        people = count_text(len({(slot.site, slot.persona, slot.clinician) for slot in plan.slots}), "clinician")
        lapse = f", a {plan.time_lapse:.0f}× time lapse" if plan.time_lapse > 1 else ""
        sites = count_text(len(spec.sites), "site")
        say(f"plan     {spec.scenario.name}: {people} at {sites}, {duration_text(plan.length_s)}{lapse}")
        if spec.greedy:
            say(f"greedy   {greedy_text(spec)}")
        invalid = likely_invalid(plan, required_objectives(plan, self._expected))
        if invalid:
            say(f"warning  {invalid}")

    def seed_sandbox(self, url: str) -> None:
        """Our own server is up: the run goes there, and finds the people of its sites. Raises TargetError."""
        began = time.monotonic()
        self.where = self.where.with_target(target := parse_target(url))
        with ControlClient(target) as client:
            seeded = seed_sites(client, read_capabilities(client), with_sites_of(self.where.spec, TARGET))
        took = duration_text(time.monotonic() - began)
        say(f"sandbox  {url}: {count_text(seeded.resources_created, 'resource')} created in {took}")

    def prepare(self, run_dir: RunDir, labels: Mapping[str, str]) -> Outlook:
        """Look at every server, then write down everything that the load needs. Raises TargetError."""
        where, choice = self.where, self._choice
        assert where.target is not None  # noqa: S101 (the sandbox has been started)
        to_seed = replace(where, target=None) if self._own_sandbox else where
        how = seed_command(choice.scenario, to_seed, choice.sets, choice.sites_file)
        found = survey(where, patients=self._patients, how_to_seed=how)
        found.write(run_dir)
        dump_spec(found.spec, run_dir.scenario)
        unsupported = unsupported_by_site(found.spec, found.capabilities)
        if any(unsupported.values()):
            self._expected = expected_load(self.plan, unsupported)
        plan = replace(self.plan, spec=found.spec)
        write_plan(plan, self._worker_of_slot, self._expected, run_dir)
        facts = found.manifest_facts()
        facts["target"]["sandbox"] = self._own_sandbox
        if self._patients is not None:
            facts["patients"] = {"file": Path(self._patients.name).name, "rows": len(self._patients.rows)}
        run_dir.update_manifest(
            **manifest_facts(self.plan),
            **environment_facts(),
            workers=self._workers,
            labels=dict(labels),
            asked=self._asked(),
            **facts,
        )
        for name, one in found.found.items():
            held = count_text(sum(len(site.patients) for site in one.register.values()), "patient")
            kind = "endpoint" if name else "target"
            say(f"{kind:<9}{one.target.url}: {one.capabilities.software}, {held} found")
            which = "the target" if len(found.found) == 1 else one.target.url
            for workflow, missing in one.unsupported.items():
                say(f"skipped  {workflow}: {which} does not declare {', '.join(missing)}")
        return self._outlook(where.target.url, on_loopback=where.target.loopback)

    def _asked(self) -> dict[str, Any]:
        asked: dict[str, Any] = {"scenario": self._choice.scenario, "sets": list(self._choice.sets)}
        if self._choice.sites_file is not None:
            asked["sites_file"] = str(self._choice.sites_file)
        if self._patients is not None:
            asked["patients"] = self._patients.name
        return asked

    def _outlook(self, target: str, *, on_loopback: bool) -> Outlook:
        plan = self.plan
        stretches = plan.stretches[plan.spec.sites[0].name]
        return Outlook(
            plan.spec.scenario.name,
            target,
            on_loopback,
            plan.length_s,
            self._expected.busiest_per_s["", ""],
            [stretch.end_s for stretch in stretches],
            [stretch.phase for stretch in stretches],
            *duty_steps(plan),
        )

    def most_connections(self) -> int:
        """The largest number of people that one worker has there at once: on duty, and visitors."""
        parts: list[list[Slot]] = [[] for _ in range(self._workers)]
        for slot, worker in zip(self.plan.slots, self._worker_of_slot, strict=True):
            parts[worker].append(slot)
        heads = max((peak_on_duty(replace(self.plan, slots=tuple(part))) for part in parts if part), default=0)
        return heads + most_visitors(self.plan)


def _destinations(order: Order) -> Destinations:
    """Where the run goes; its target is None where that is the built-in server."""
    i_own, allow_list = order.i_own, order.allow_list
    vetted = None if order.target in (None, SANDBOX) else target_from(str(order.target), i_own, allow_list)
    where = destinations_of(order.choice.spec(), vetted, i_own=i_own, allow_list=allow_list)
    if vetted is not None or where.at_target:
        return where
    if order.target is not None:
        what = f"no site goes to the {SANDBOX}: each has an endpoint of its own"
        raise InputError(Problem(what, "--target", "leave --target out"))
    # Nobody would come to a sandbox: the run's target is the first of the sites' own endpoints.
    first = next(iter(where.own.values()))
    return destinations_of(where.spec, first, i_own=i_own, allow_list=allow_list)
