"""`emrload run`: plan, preflight, load, samples, analysis, verdict, report.

preparation, backstage ──▶ the load, watched by this process alone ──▶ ending, backstage
"""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from harness.cli.backstage import Backstage
from harness.cli.channel_options import Address, AddressType, secret_option
from harness.cli.options import MOST_WORKERS, Choice, PathType, WholeNumber, scenario_options, workers_option
from harness.cli.order import SANDBOX, Order
from harness.cli.reader import reader_may_leave
from harness.cli.signals import interrupted_by_any_end
from harness.cli.target_options import patients_option, target_options
from harness.errors import EXIT_INVALID, InputError, Problem, TargetError, shortened

if TYPE_CHECKING:
    from harness.cli.hosting import Hosting
    from harness.cli.performance import Played
    from harness.rundir import RunDir

__all__ = ["command"]

EPILOG = """\b
Examples:
  emrload run morning-rush --sites 3 --duration 60s
      a time lapse on the built-in server: a first report in about a minute
  emrload run morning-rush --sites 10 --window 08:45..09:15 --target http://127.0.0.1:8080/fhir --workers 2
      the busiest half hour at true speed against your own server

\b
Exit codes: 0 pass, 1 an objective failed, 2 bad input or target, 3 invalid (cannot be trusted), 4 internal error.
Ctrl-C once ends the run early and keeps all samples; twice stops at once; before the load it leaves nothing behind.
SIGTERM and a terminal that is closed are a Ctrl-C.
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
    order = Order(choice, target, i_own, allow_list, patients, workers)
    with reader_may_leave(), interrupted_by_any_end():
        return _perform(order, hosting, facts, out, as_json)
    return EXIT_INVALID  # left before there was a verdict: nobody can say that the run passed


def _perform(order: Order, hosting: Hosting | None, facts: dict[str, str], out: Path | None, as_json: bool) -> int:
    with ExitStack() as stack:  # the sandbox, and the channel to other hosts: as long as the load needs them
        run_dir, played = _prepare_and_play(stack, order, hosting, facts, out)
    again = f"What was measured is kept: emrload report {shlex.quote(str(run_dir.path))}"
    with Backstage("harness.cli.ending:Ending", run_dir, does="judges the run", hint=again) as ending:
        ending.ask("collect", played.closed_early, played.ended_by)
        if not played.stopped_at_once:
            exit_code: int = ending.ask("conclude", as_json)
            return exit_code
    print(f"stopped: what was measured is in {run_dir.path}", file=sys.stderr)
    print(f"next     emrload report {shlex.quote(str(run_dir.path))}", file=sys.stderr)
    return EXIT_INVALID


def _prepare_and_play(
    stack: ExitStack, order: Order, hosting: Hosting | None, facts: dict[str, str], out: Path | None
) -> tuple[RunDir, Played]:
    from harness.cli.performance import Performance
    from harness.fleet import SandboxProcess, require_file_handles
    from harness.rundir import create_run_dir

    with Backstage("harness.cli.preparing:preparation", order, does="prepares the run") as preparation:
        scenario, connections, takes_sandbox = preparation.ask("needs")
        gathering = None
        if hosting is None:
            require_file_handles(connections)  # here, since the load inherits it from this process
        else:
            from harness.cli.gathering import Gathering

            # before anything is sent: where the address is taken, nothing was begun
            gathering = Gathering(hosting)
        run_dir = create_run_dir(scenario, out)
        stack.enter_context(_leaving_nothing_unplayed(run_dir))
        preparation.ask("announce")
        if takes_sandbox:
            sandbox = stack.enter_context(SandboxProcess(run_dir.logs / "sandbox.log"))
            preparation.ask("seed_sandbox", sandbox.url)
        outlook = preparation.ask("prepare", run_dir, facts)
    performance = Performance(run_dir, outlook, order.workers, gathering)
    performance.gather(stack, connections) if gathering else performance.try_machine()
    return run_dir, performance.play()


@contextmanager
def _leaving_nothing_unplayed(run_dir: RunDir) -> Iterator[None]:
    try:
        yield
    except (InputError, TargetError, KeyboardInterrupt, BrokenPipeError):
        run_dir.discard_if_unplayed()
        raise


def _is_given(option: str) -> bool:
    return click.get_current_context().get_parameter_source(option) is not ParameterSource.DEFAULT


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
