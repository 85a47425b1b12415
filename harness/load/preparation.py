"""What has to be known before anybody works: the plan, and who is at the target.

`emrload run` has prepared a run folder already; under plain Locust the load compiles the plan itself, finds the people
at the target by their record numbers, and leaves a run folder that `emrload report` finishes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson
from locust.env import Environment

from harness.clinic.register import SiteRegister, read_register, write_register
from harness.errors import InputError, Problem, RunError, TargetError
from harness.fhir.capabilities import Capabilities
from harness.load.discovery import discover
from harness.plan import compile_plan, expected_load, manifest_facts, partition, read_roster, write_plan
from harness.plan.model import Plan
from harness.rundir import RunDir, create_run_dir, environment_facts, open_run_dir, rfc3339
from harness.scenario import dump_spec, load_scenario, read_spec, resolve, unsupported_workflows
from harness.scenario.model import RunSpec
from harness.units import parse_duration, parse_window

__all__ = ["Prepared", "load_prepared", "prepare_run"]

_OPTION: Final = r"--(sites|seed|duration|window|set)\b"


@dataclass(frozen=True)
class Prepared:
    """A run that can begin."""

    run_dir: RunDir
    run_id: str
    target: str
    plan: Plan
    register: dict[str, SiteRegister]
    capabilities: Capabilities
    planned: bool
    """`emrload run` has written the plan already, workers and all."""

    def share_out(self, workers: int) -> tuple[int, ...]:
        """The worker of each slot. Under plain Locust the plan is written only now that the workers are counted.

        Raises RunError where the plan that was written before needs more of them.
        """
        if self.planned:
            planned = read_roster(self.run_dir.plan, self.plan)
            if max(planned, default=0) >= workers:
                raise RunError(f"the plan is for {max(planned) + 1} load processes, but only {workers} take part")
            return planned
        expected = expected_load(self.plan)
        worker_of_slot = partition(self.plan, workers, expected)
        write_plan(self.plan, worker_of_slot, expected, self.run_dir)
        self.run_dir.update_manifest(workers=workers)
        return worker_of_slot


def load_prepared(folder: Path, target: str) -> Prepared:
    """Read a prepared run folder. Raises InputError, OSError or ValueError where it is not whole."""
    run_dir = open_run_dir(folder)
    plan = compile_plan(read_spec(run_dir.scenario))
    return Prepared(
        run_dir,
        run_dir.read_manifest()["run_id"],
        target,
        plan,
        read_register(run_dir.register),
        Capabilities.from_json(orjson.loads(run_dir.capabilities.read_bytes())),
        planned=True,
    )


def prepare_run(environment: Environment) -> Prepared:
    """The run that the command line asks for. Raises HarnessError where it cannot be."""
    options: Any = environment.parsed_options
    target = (environment.host or "").rstrip("/")
    if not target:
        raise TargetError("no target", "give the FHIR base URL with --host")
    if not options.emr_run:
        return _prepare_alone(options, target)
    try:
        return load_prepared(Path(options.emr_run), target)
    except (OSError, ValueError) as error:
        raise RunError(f"{options.emr_run} is not a run that was prepared: {error}") from error


def _prepare_alone(options: Any, target: str) -> Prepared:
    """Plain Locust: compile, discover, and lay the folder out as `emrload run` would."""
    spec = _spec(options)
    plan = compile_plan(spec)
    found = discover(spec, target)
    run_dir = create_run_dir(spec.scenario.name)
    run_id = run_dir.read_manifest()["run_id"]
    dump_spec(spec, run_dir.scenario)
    write_register(run_dir.register, found.register)
    run_dir.capabilities.write_bytes(orjson.dumps(found.capabilities.to_json()))
    run_dir.update_manifest(
        **manifest_facts(plan),
        **environment_facts(),
        state="running",
        started_at=rfc3339(time.time()),
        asked={"scenario": options.emr_scenario, "sets": list(options.emr_set)},
        target={
            "url": target,
            "software": found.capabilities.software,
            "fhir_version": found.capabilities.fhir_version,
        },
        unsupported=unsupported_workflows(spec, found.capabilities),
    )
    return Prepared(run_dir, run_id, target, plan, found.register, found.capabilities, planned=False)


def _spec(options: Any) -> RunSpec:
    """Raises InputError with every option that cannot be read."""
    problems: list[Problem] = []

    def read(name: str, parse: Callable[[str], Any]) -> Any:
        text = getattr(options, f"emr_{name}")
        try:
            return parse(text) if text else None
        except ValueError as error:
            what, _, how = str(error).rpartition(": ")
            problems.append(Problem(what, f"--emr-{name}", how))
            return None

    sites = read("sites", _whole)
    seed = read("seed", _whole)
    duration_s = read("duration", parse_duration)
    window = read("window", parse_window)
    if problems:
        raise InputError(problems)
    try:
        scenario = load_scenario(options.emr_scenario, options.emr_set)
        return resolve(scenario, sites=sites, seed=seed or 0, duration_s=duration_s, window=window)
    except InputError as error:
        raise _as_typed(error) from error


def _as_typed(error: InputError) -> InputError:
    """The scenario speaks of `emrload`'s options; here they are called `--emr-sites` and so on."""
    problems = [
        replace(problem, where=re.sub(f"^{_OPTION}", r"--emr-\1", problem.where), help=_renamed(problem.help))
        for problem in error.problems
    ]
    return type(error)(problems, _renamed(error.hint))


def _renamed(text: str) -> str:
    return re.sub(_OPTION, r"--emr-\1", text)


def _whole(text: str) -> int:
    if text.isascii() and text.removeprefix("-").isdigit():
        return int(text)
    raise ValueError(f"'{text}' is not a whole number: write digits, such as 3")
