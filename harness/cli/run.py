"""`emrload run`: plan, preflight, load, samples, analysis, verdict, report."""

from __future__ import annotations

import shlex
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import Choice, scenario_options, workers_option
from harness.cli.target_options import target_from, target_options
from harness.errors import EXIT_INVALID, InputError, Problem, TargetError

if TYPE_CHECKING:
    from harness.cli.performance import Performance
    from harness.control import Target
    from harness.plan.model import Plan
    from harness.rundir import RunDir

__all__ = ["command"]

SANDBOX = "sandbox"

EPILOG = """\b
Examples:
  emrload run morning-rush --sites 3 --duration 60s
      a time lapse on the built-in server: a first report in about a minute
  emrload run morning-rush --sites 10 --window 08:45..09:15 --target http://127.0.0.1:8080/fhir --workers 2
      the busiest half hour at true speed against your own server

\b
Exit codes: 0 pass, 1 an objective failed, 2 bad input or target, 3 invalid (cannot be trusted), 4 internal error.
Ctrl-C once ends the run early and keeps all samples; twice stops at once.
"""


@click.command(epilog=EPILOG)
@scenario_options
@target_options(f"FHIR R4 base URL, or '{SANDBOX}' for the built-in server.  [default: {SANDBOX}]")
@workers_option("Load processes on this machine.")
@click.option("--label", "labels", metavar="K=V", multiple=True, help="A fact for the manifest, such as build=4711.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="A new folder.  [default: in reports/]")
def command(
    choice: Choice,
    target: str | None,
    i_own: tuple[str, ...],
    allow_list: Path | None,
    workers: int,
    labels: tuple[str, ...],
    out: Path | None,
) -> int:
    """Play SCENARIO against a FHIR server and say whether it holds.

    The report, and everything it was made from, is left in a folder of its own.
    """
    facts = _labels(labels)
    vetted = None if target in (None, SANDBOX) else target_from(str(target), i_own, allow_list)
    from harness.control import seed_command
    from harness.rundir import create_run_dir

    plan, performance = _compile(choice, workers)
    given = out is not None and out.is_dir()
    run_dir = create_run_dir(plan.spec.scenario.name, out)
    try:
        with ExitStack() as stack:
            performance.announce()
            vetted = vetted or _start_sandbox(stack, run_dir, performance)
            performance.prepare(run_dir, vetted, seed_command(choice.scenario, plan.spec, vetted, choice.sets), facts)
            outcome = performance.play()
    except (InputError, TargetError, KeyboardInterrupt):
        _discard_if_unplayed(run_dir, keep_folder=given)
        raise
    if outcome.stopped_at_once:
        print(f"stopped: what was measured is in {run_dir.path}", file=sys.stderr)
        print(f"next     emrload report {shlex.quote(str(run_dir.path))}", file=sys.stderr)
        return EXIT_INVALID
    return performance.conclude()


def _compile(choice: Choice, workers: int) -> tuple[Plan, Performance]:
    from harness.cli.performance import Performance

    performance = Performance(choice.spec(), workers)
    return performance.plan, performance


def _start_sandbox(stack: ExitStack, run_dir: RunDir, performance: Performance) -> Target:
    """The built-in server with the run's people in it."""
    from harness.control import parse_target
    from harness.fleet import SandboxProcess

    sandbox = stack.enter_context(SandboxProcess(run_dir.logs / "sandbox.log"))
    target = parse_target(sandbox.url)
    performance.seed_sandbox(target)
    return target


def _discard_if_unplayed(run_dir: RunDir, *, keep_folder: bool) -> None:
    """A run that never began leaves nothing in the folder; one that did keeps all it has."""
    if run_dir.read_manifest()["state"] == "preparing":
        for path in run_dir.path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not keep_folder:
            run_dir.path.rmdir()


def _labels(texts: tuple[str, ...]) -> dict[str, str]:
    """Raises InputError for a text that is not KEY=VALUE."""
    problems = [
        Problem(f"'{text}' is not a label", "--label", "write KEY=VALUE, such as build=4711")
        for text in texts
        if not text.partition("=")[0] or "=" not in text
    ]
    if problems:
        raise InputError(problems)
    return dict(text.split("=", 1) for text in texts)
