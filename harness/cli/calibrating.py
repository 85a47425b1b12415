"""Plays the known truths through the whole path of a run: scenario, plan, Locust, samples, analysis, verdict, report.

a sandbox a case, a queue a site ──▶ run ──▶ its samples and verdict ─┐
                └── its journal: how long each answer was inside ─────┴──▶ rows: truth against measurement
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.analysis.calibration import CASES, Case, case_of, repetitions, way_of
from harness.cli.concluding import conclude
from harness.cli.ending import Ending
from harness.cli.options import Choice, Window
from harness.cli.performance import Performance
from harness.cli.preparing import Preparation
from harness.cli.saying import say
from harness.control import ControlClient, Destinations, destinations_of, read_capabilities, seed_sites
from harness.engine import ENGINE_VARIABLE
from harness.errors import EXIT_INVALID, EXIT_PASS
from harness.fleet import SandboxProcess, require_file_handles
from harness.rundir import DEFECT_VARIABLE, RunDir, create_run_dir, write_json
from harness.sandbox.journal import read_journal
from harness.sandbox.server import JOURNAL_NAME
from harness.sandbox.truth import CONTROL_PREFIX
from harness.scenario import read_spec
from harness.scenario.library import shipped_folder
from harness.units import count_text
from harness.verdict.calibration import DEFECTS, CalibrationRow, Defect, caught_by, judge_calibration

__all__ = ["POOLS", "Calibrated", "Tried", "calibrate", "try_defects"]

POOLS: Final = 20
"""Queues of each case side by side: as many independent repetitions."""
STALL_AFTER: Final = "40s"
"""The load begins some seconds from now, and its queues settle for 15 s; the stall falls well into the minute."""
SELF_TEST: Final = Window(8 * 3600.0, 8 * 3600.0 + 40.0, has_day=False)
"""What is played of the timeline with each defect: 15 s to settle, and 25 s."""
_SCENARIO: Final = "calibration/known-truths.yaml"


@dataclass(frozen=True)
class Calibrated:
    """`rows` are none where the run was stopped; `caught` names what refused it."""

    run_dir: RunDir
    rows: list[CalibrationRow]
    caught: list[str]
    exit_code: int


@dataclass(frozen=True)
class Tried:
    """A planted defect, and what refused the run."""

    defect: Defect
    caught: list[str]

    @property
    def accepted(self) -> bool:
        """Everything that must catch it did."""
        return set(self.defect.caught_by) <= set(self.caught)


def calibrate(workers: int, seed: int, out: Path | None) -> Calibrated:
    """Play all cases at once and judge them. Raises InputError, TargetError, RunError or JudgeError."""
    return _play(CASES, workers, seed, out)


def try_defects(seed: int) -> Iterator[Tried]:
    """Play one case with each planted defect, by two load processes, and say what caught it; what they left is removed.

    Stops after one that was interrupted. Raises as `calibrate`.
    """
    with tempfile.TemporaryDirectory(prefix="emrload-self-test-") as folder:
        for defect in DEFECTS:
            done = _play((case_of("twenty"),), 2, seed, Path(folder) / defect.name, defect.name, SELF_TEST)
            if not done.rows:
                return
            yield Tried(defect, done.caught)


def _play(
    cases: Sequence[Case], workers: int, seed: int, out: Path | None, defect: str = "", window: Window | None = None
) -> Calibrated:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emrload-calibrate-")))
        sandboxes = {case.name: _start(stack, folder, case, seed) for case in cases}
        sites_file = _sites_file(folder / "sites.csv", {name: sandbox.url for name, sandbox in sandboxes.items()})
        choice = Choice(str(shipped_folder() / _SCENARIO), seed=seed, sites_file=sites_file, window=window)
        where = _destinations(choice)
        preparation = Preparation(where, choice, workers)
        require_file_handles(preparation.most_connections())
        run_dir = create_run_dir(where.spec.scenario.name, out)
        try:
            preparation.announce()
            _seed(where)
            outlook = preparation.prepare(run_dir, {"planted-defect": defect} if defect else {})
            run_dir.update_manifest(calibration=True)
            performance = Performance(run_dir, outlook, workers)
            performance.try_machine()
            for case in cases:
                if case.stall_s:
                    sandboxes[case.name].plant({"name": "stall", "after": STALL_AFTER, "for": f"{case.stall_s:g}s"})
            with _asking_for(defect, run_dir):
                played = performance.play()
            Ending(run_dir).collect(played.closed_early, played.ended_by)
        except BaseException:
            run_dir.discard_if_unplayed()
            raise
        if played.closed_early:
            return Calibrated(run_dir, [], [], EXIT_INVALID)
        return _judged(run_dir, [folder / case.name / JOURNAL_NAME for case in cases])


def _judged(run_dir: RunDir, journals: Sequence[Path]) -> Calibrated:
    spec = read_spec(run_dir.scenario)
    concluded = conclude(run_dir, run_dir, spec)
    inside: dict[str, float] = {}
    for journal in journals:
        inside.update(_residence_ms(journal))
    validity = concluded.verdict["validity"]
    rows = judge_calibration(repetitions(run_dir, spec), way_of(run_dir, spec, inside), validity)
    write_json(run_dir.path / "calibration.json", [row.to_json() for row in rows])
    run_dir.seal()
    accepted = all(row.accepted for row in rows)
    return Calibrated(run_dir, rows, caught_by(rows, validity), EXIT_PASS if accepted else EXIT_INVALID)


@contextmanager
def _asking_for(defect: str, run_dir: RunDir) -> Iterator[None]:
    """The load processes that are started meanwhile are asked for the defect, in this run only.

    It is put into the sources: nothing can be planted in what is compiled.
    """
    before = os.environ.get(ENGINE_VARIABLE)
    if defect:
        os.environ |= {DEFECT_VARIABLE: f"{defect}@{run_dir.path.resolve()}", ENGINE_VARIABLE: "interpreted"}
    try:
        yield
    finally:
        os.environ.pop(DEFECT_VARIABLE, None)
        os.environ.pop(ENGINE_VARIABLE, None)
        if before is not None:
            os.environ[ENGINE_VARIABLE] = before


def _start(stack: ExitStack, folder: Path, case: Case, seed: int) -> SandboxProcess:
    data = folder / case.name
    data.mkdir()
    options = ["--architecture", "per-site", "--servers", str(case.servers), "--distribution", case.distribution]
    options += ["--service", f"{case.service_s * 1000:g}ms", "--seed", str(seed), "--data", str(data)]
    return stack.enter_context(SandboxProcess(folder / f"{case.name}.log", options))


def _sites_file(path: Path, urls: dict[str, str]) -> Path:
    """A site for each queue, with the endpoint of its case."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("name", "template", "endpoint"))
        for name, url in urls.items():
            writer.writerows((f"{name}-{number:02d}", name, url) for number in range(1, POOLS + 1))
    return path


def _destinations(choice: Choice) -> Destinations:
    """All sites have an endpoint of their own; the first one is the run's target."""
    where = destinations_of(choice.spec(), None)
    return destinations_of(where.spec, next(iter(where.own.values())))


def _seed(where: Destinations) -> None:
    created = 0
    for place in where.places():
        with ControlClient(place.target) as client:
            created += seed_sites(client, read_capabilities(client), place.spec).resources_created
    servers = count_text(len(list(where.places())), "sandbox", "sandboxes")
    say(f"sandbox  {servers}: {count_text(created, 'resource')} created")


def _residence_ms(journal: Path) -> Iterator[tuple[str, float]]:
    """Of every answer to the load; control traffic is not measured."""
    for request_id, answer in read_journal(journal).answers.items():
        if not request_id.startswith(CONTROL_PREFIX):
            yield request_id, answer.residence_ms
