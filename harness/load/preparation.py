"""What has to be known before anybody works: the plan, and who is at the target.

`emrload run` has prepared a run folder already; under plain Locust the load compiles the plan itself, finds the people
at the target by their record numbers, and leaves a run folder that `emrload report` finishes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from locust.env import Environment

from harness.clinic.register import SiteRegister, read_register, write_register
from harness.errors import InputError, Problem, RunError, TargetError
from harness.fhir.capabilities import Capabilities
from harness.load.discovery import Discovered, discover
from harness.machine import environment_facts
from harness.plan import compile_plan, expected_load, manifest_facts, partition, read_shares, write_plan
from harness.plan.model import Plan
from harness.rundir import RunDir, create_run_dir, open_run_dir, rfc3339
from harness.scenario import (
    TARGET,
    PatientsFile,
    dump_spec,
    load_scenario,
    read_patients_file,
    read_spec,
    resolve,
    scenario_with_sites,
    sites_by_endpoint,
    unsupported_by_site,
    unsupported_facts,
    use_workflows,
    vet_endpoints,
)
from harness.scenario.model import RunSpec, Site
from harness.units import parse_duration, parse_window

__all__ = ["Prepared", "load_prepared", "prepare_run"]

_OPTION: Final = r"--(sites|seed|duration|window|set|patients|i-own)\b"


@dataclass(frozen=True)
class Prepared:
    """A run that can begin."""

    run_dir: RunDir
    run_id: str
    target: str
    plan: Plan
    register: dict[str, SiteRegister]
    capabilities: dict[str, Capabilities]
    """By endpoint: `harness.scenario.TARGET`, or the URL of a site's own."""
    planned: bool
    """`emrload run` has written the plan already, workers and all."""

    def share_out(self, workers: int) -> tuple[int, ...]:
        """The worker of each slot. Under plain Locust the plan is written only now that the workers are counted.

        Raises RunError where the plan that was written before needs more of them, or was written for fewer.
        """
        if self.planned:
            planned = read_shares(self.run_dir, self.plan)
            started = self.run_dir.read_manifest().get("workers", workers)
            if workers > started:
                raise RunError(
                    f"{workers} load processes take part, but only {started} were started: "
                    "another worker has come to the port of this run's master"
                )
            if max(planned, default=0) >= workers:
                raise RunError(f"the plan is for {max(planned) + 1} load processes, but only {workers} take part")
            return planned
        expected = expected_load(self.plan, unsupported_by_site(self.plan.spec, self.capabilities))
        worker_of_slot = partition(self.plan, workers, expected)
        write_plan(self.plan, worker_of_slot, expected, self.run_dir)
        self.run_dir.update_manifest(workers=workers)
        return worker_of_slot


def load_prepared(folder: Path, target: str) -> Prepared:
    """Read a prepared run folder. Raises InputError, OSError or ValueError where it is not whole."""
    run_dir = open_run_dir(folder)
    spec = read_spec(run_dir.scenario)
    use_workflows(spec.scenario)
    plan = compile_plan(spec)
    return Prepared(
        run_dir,
        run_dir.read_manifest()["run_id"],
        target,
        plan,
        read_register(run_dir.register),
        {
            endpoint: Capabilities.from_json(declared)
            for endpoint, declared in orjson.loads(run_dir.capabilities.read_bytes()).items()
        },
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
    spec = _vetted(_spec(options), options, target)
    patients = _patients(options, spec)
    found = discover(spec, target, patients)
    spec = found.spec
    plan = compile_plan(spec)
    run_dir = create_run_dir(spec.scenario.name)
    run_id = run_dir.read_manifest()["run_id"]
    dump_spec(spec, run_dir.scenario)
    write_register(run_dir.register, found.register)
    declared = {endpoint: capabilities.to_json() for endpoint, capabilities in found.capabilities.items()}
    run_dir.capabilities.write_bytes(orjson.dumps(declared))
    asked: dict[str, Any] = {"scenario": options.emr_scenario, "sets": list(options.emr_set)}
    if options.emr_sites_file:
        asked["sites_file"] = options.emr_sites_file
    facts: dict[str, Any] = unsupported_facts(spec, found.capabilities)
    if patients is not None:
        asked["patients"] = patients.name
        facts["patients"] = {"file": Path(patients.name).name, "rows": len(patients.rows)}
    run_dir.update_manifest(
        **manifest_facts(plan),
        **environment_facts(),
        state="running",
        started_at=rfc3339(time.time()),
        asked=asked,
        target=_target_facts(found, target),
        **facts,
    )
    return Prepared(run_dir, run_id, target, plan, found.register, found.capabilities, planned=False)


def _vetted(spec: RunSpec, options: Any, target: str) -> RunSpec:
    """The run with the endpoints of its sites vetted; whoever names a host with `--host` may put load on it."""
    try:
        hosts = {urlsplit(site.endpoint).hostname for site in spec.sites if site.endpoint}
        named = {urlsplit(target).hostname} & hosts - {None}
        return vet_endpoints(spec, None, i_own=[*options.emr_i_own, *map(str, named)])[0]
    except InputError as error:
        raise _as_typed(error) from error
    except ValueError as error:
        raise TargetError(f"'{target}' is no URL: {error}", "give the FHIR base URL with --host") from error


def _patients(options: Any, spec: RunSpec) -> PatientsFile | None:
    if not options.emr_patients:
        return None
    return read_patients_file(Path(options.emr_patients), [site.name for site in spec.sites])


def _target_facts(found: Discovered, target: str) -> dict[str, Any]:
    """What a manifest says of the target, and under `endpoints` of those that sites have of their own."""
    names = {endpoint: [site.name for site in sites] for endpoint, sites in sites_by_endpoint(found.spec).items()}

    def facts(endpoint: str) -> dict[str, Any]:
        declared = found.capabilities.get(endpoint)
        return {
            "url": endpoint or target,
            "sites": names.get(endpoint, []),
            "software": declared.software if declared else "",
            "fhir_version": declared.fhir_version if declared else "",
        }

    return {**facts(TARGET), "endpoints": [facts(endpoint) for endpoint in names if endpoint != TARGET]}


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
    if options.emr_sites and options.emr_sites_file:
        problems.append(Problem("--emr-sites says which sites there are, too", "--emr-sites-file", "give one of them"))
    if problems:
        raise InputError(problems)
    own_sites: Sequence[Site] = ()
    try:
        if options.emr_sites_file:
            sites_file = Path(options.emr_sites_file)
            scenario, own_sites = scenario_with_sites(options.emr_scenario, options.emr_set, sites_file)
        else:
            scenario = load_scenario(options.emr_scenario, options.emr_set)
        return resolve(
            scenario,
            sites=sites,
            own_sites=own_sites,
            seed=seed or 0,
            duration_s=duration_s,
            window=window,
            window_has_day="d" in (options.emr_window or ""),
        )
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
