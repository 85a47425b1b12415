"""`emrload run`: plan, preflight, load, samples, analysis, verdict, report."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from harness.cli.channel_options import Address, AddressType, secret_option
from harness.cli.options import MOST_WORKERS, Choice, PathType, WholeNumber, scenario_options, workers_option
from harness.cli.reader import reader_may_leave
from harness.cli.target_options import patients_from, patients_option, target_from, target_options
from harness.errors import EXIT_INVALID, InputError, Problem, TargetError, shortened

if TYPE_CHECKING:
    from harness.cli.hosting import Hosting
    from harness.cli.performance import Performance
    from harness.control import Destinations, Target
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
@patients_option
@workers_option("Load processes on this machine.")
@click.option(
    "--expect-workers",
    metavar="N",
    type=WholeNumber("number of workers", 1, MOST_WORKERS, 4),
    help="Load processes on other hosts instead, each started there with `emrload worker`.",
)
@click.option(
    "--bind",
    metavar="ADDR[:PORT]",
    type=AddressType(own=True),
    help="Where they find this one; Locust's own channel, which asks nobody who she is, is on the next port.  "
    "[default: 127.0.0.1:5556]",
)
@secret_option
@click.option(
    "--label", "labels", metavar="K=V", multiple=True, help="A fact for the manifest, such as build=4711. Repeatable."
)
@click.option("--out", type=PathType("new folder"), metavar="DIR", help="A new folder.  [default: in reports/]")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    choice: Choice,
    target: str | None,
    i_own: tuple[str, ...],
    allow_list: Path | None,
    patients: Path | None,
    workers: int,
    expect_workers: int | None,
    bind: Address | None,
    secret_file: Path | None,
    labels: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> int:
    """Play SCENARIO against a FHIR server and say whether it holds.

    The report, and everything it was made from, is left in a folder of its own.
    """
    facts = _labels(labels)
    if expect_workers is not None and _is_given("workers"):
        raise click.UsageError("--workers is for this machine, --expect-workers for other hosts: give one of them")
    from harness.cli.hosting import hosting_from

    hosting = hosting_from(expect_workers, bind, secret_file)
    if hosting is not None:
        workers = hosting.expected
        if target in (None, SANDBOX) and not hosting.address.loopback:
            what = "the built-in server listens on loopback only, where no other host reaches it"
            start = f"start `emrload sandbox --host {hosting.address.host}`, or a server of yours, and give its URL"
            raise InputError(Problem(what, "--target", start))
    with reader_may_leave():
        return _perform(choice, target, i_own, allow_list, patients, workers, hosting, facts, out, as_json)
    return EXIT_INVALID  # left before there was a verdict: nobody can say that the run passed


def _perform(
    choice: Choice,
    target: str | None,
    i_own: tuple[str, ...],
    allow_list: Path | None,
    patients: Path | None,
    workers: int,
    hosting: Hosting | None,
    facts: dict[str, str],
    out: Path | None,
    as_json: bool,
) -> int:
    where = _destinations(choice, target, i_own, allow_list)
    if patients is not None and where.target is None:
        what = "the built-in server holds nobody but whom it is seeded with"
        raise InputError(Problem(what, "--patients", "name the server that holds them with --target URL"))
    file = patients_from(patients, where.spec)
    from harness.cli.performance import Performance
    from harness.rundir import create_run_dir

    performance = Performance(where.spec, workers, own_sandbox=where.target is None, hosting=hosting)
    run_dir = create_run_dir(performance.spec.scenario.name, out)
    try:
        with ExitStack() as stack:
            performance.announce()
            if where.target is None:
                where = where.with_target(_start_sandbox(stack, run_dir, performance))
            performance.prepare(run_dir, where, choice, facts, file)
            performance.gather(stack) if hosting else performance.try_machine()
            outcome = performance.play()
    except (InputError, TargetError, KeyboardInterrupt, BrokenPipeError):
        run_dir.discard_if_unplayed()
        raise
    if outcome.stopped_at_once:
        print(f"stopped: what was measured is in {run_dir.path}", file=sys.stderr)
        print(f"next     emrload report {shlex.quote(str(run_dir.path))}", file=sys.stderr)
        return EXIT_INVALID
    return performance.conclude(as_json)


def _is_given(option: str) -> bool:
    return click.get_current_context().get_parameter_source(option) is not ParameterSource.DEFAULT


def _destinations(choice: Choice, target: str | None, i_own: tuple[str, ...], allow_list: Path | None) -> Destinations:
    """Where the run goes; its target is None where that is the built-in server."""
    vetted = None if target in (None, SANDBOX) else target_from(str(target), i_own, allow_list)
    from harness.control import destinations_of

    where = destinations_of(choice.spec(), vetted, i_own=i_own, allow_list=allow_list)
    if vetted is not None or where.at_target:
        return where
    if target is not None:
        what = f"no site goes to the {SANDBOX}: each has an endpoint of its own"
        raise InputError(Problem(what, "--target", "leave --target out"))
    # Nobody would come to a sandbox: the run's target is the first of the sites' own endpoints.
    first = next(iter(where.own.values()))
    return destinations_of(where.spec, first, i_own=i_own, allow_list=allow_list)


def _start_sandbox(stack: ExitStack, run_dir: RunDir, performance: Performance) -> Target:
    """The built-in server with the run's people in it."""
    from harness.control import parse_target
    from harness.fleet import SandboxProcess

    sandbox = stack.enter_context(SandboxProcess(run_dir.logs / "sandbox.log"))
    target = parse_target(sandbox.url)
    performance.seed_sandbox(target)
    return target


def _labels(texts: tuple[str, ...]) -> dict[str, str]:
    """Raises InputError for a text that is not KEY=VALUE, and for a key that is given twice."""
    problems = [
        Problem(f"'{shortened(text)}' is not a label", "--label", "write KEY=VALUE, such as build=4711")
        for text in texts
        if not text.partition("=")[0] or "=" not in text
    ]
    keys = Counter(text.partition("=")[0] for text in texts)
    problems += [
        Problem(f"'{shortened(key)}' is given {times} times", "--label", "give each key once")
        for key, times in keys.items()
        if times > 1 and not problems
    ]
    if problems:
        raise InputError(problems)
    return dict(text.split("=", 1) for text in texts)
