"""The command group and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from harness import __version__
from harness.cli.reader import keep_standard_places, reader_may_leave, write_to_nobody
from harness.errors import EXIT_BAD_INPUT, EXIT_INTERNAL, EXIT_INVALID, EXIT_PASS, HarnessError, InputError, shortened
from harness.units import count_text

__all__ = ["emrload", "run_program"]

# The order a newcomer needs them in; the sentence stands in `emrload --help` without importing the command.
COMMANDS: dict[str, str] = {
    "scenarios": "List what ships; with NAME its story, sites, personas, curve and sources.",
    "plan": "Preview with no traffic: who is on duty where and when, expected requests/s.",
    "run": "The main job: plan, preflight, load, samples, analysis, verdict, report.",
    "worker": "One load process for a run that is led on another host.",
    "report": "Render again from what a run left; several runs in one report.",
    "compare": "What changed between two runs, or two groups of runs, with intervals.",
    "isolation": "Whether the load of one site hurts the others, and how far.",
    "calibrate": "Hold the instrument to known truths on the calibrated sandbox.",
    "sandbox": "The embedded FHIR R4 server, with known capacity and planted faults.",
    "check": "Preflight: scenario, capabilities, data, round trips; no load.",
    "seed": "Create the synthetic patients and staff that a run needs, tagged.",
    "cleanup": "Delete all that a run or seeding created.",
}


class LazyGroup(click.Group):
    """Knows the commands' names and sentences; imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"harness.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 (a programming error, caught by the first test)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = get_close_matches(args[0], COMMANDS, n=1)
            meant = f" Did you mean '{close[0]}'?" if close else ""
            raise click.UsageError(f"unknown command '{shortened(args[0])}'.{meant}  Known: {', '.join(COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)


EPILOG = """\b
Examples:
  emrload run morning-rush --sites 3 --duration 60s
  emrload run morning-rush --sites 3 --target https://ehr.example.org/fhir --i-own ehr.example.org

\b
Exit codes: 0 pass, 1 an objective failed, 2 bad input or target, 3 invalid (cannot be trusted), 4 internal error.
"""


@click.group(
    cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="emrload")
def emrload() -> None:
    """Find out before go-live whether an EMR holds a morning rush over N sites.

    Synthetic clinicians work real shifts at N sites against a FHIR R4 endpoint; what happened becomes a report and a
    verdict, site by site: pass, fail, or invalid where the run cannot be trusted.
    """


def run_program(arguments: list[str] | None = None) -> int:
    """Run `emrload` and give its exit code; every expected error is one message on stderr and no traceback."""
    keep_standard_places()
    with reader_may_leave():
        return _run(arguments)
    return EXIT_PASS


def _run(arguments: list[str] | None) -> int:
    try:
        Path.cwd()
        result: Any = emrload.main(args=arguments, prog_name="emrload", standalone_mode=False)
        sys.stdout.flush()  # here, where an error can still be explained
    except click.ClickException as error:
        error.show()
        return EXIT_BAD_INPUT
    except HarnessError as error:
        explain(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("\nstopped: nothing more is sent", file=sys.stderr)
        return EXIT_INVALID
    except BrokenPipeError:
        raise  # not an error: see `reader_may_leave`
    except OSError as error:
        return _explain_system(error)
    except Exception as error:  # noqa: BLE001 (the last resort: anything else is a bug of ours, and is said so)
        return _explain_bug(error)
    return result if isinstance(result, int) else 0


def explain(error: HarnessError) -> None:
    """Print an error: the problems, then how many and the way out."""
    print(error, file=sys.stderr)
    tail = []
    if isinstance(error, InputError):
        tail.append(f"{count_text(len(error.problems), 'problem')}, nothing was sent.")
    if error.hint:
        tail.append(error.hint)
    if tail:
        print(" ".join(tail), file=sys.stderr)


def _explain_system(error: OSError) -> int:
    """What the machine refuses, wherever it happens, is no fault of ours; everything else that it says is."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        write_to_nobody()
        print("no space left to write to: free some, then give the command again", file=sys.stderr)
        return EXIT_INTERNAL
    if isinstance(error, FileNotFoundError) and not error.filename:
        print("the working folder is gone: cd to one that exists", file=sys.stderr)
        return EXIT_BAD_INPUT
    return _explain_bug(error)


def _explain_bug(error: Exception) -> int:
    if os.environ.get("EMRLOAD_TRACEBACK"):
        raise error
    print(f"internal error: {type(error).__name__}: {error}", file=sys.stderr)
    print("This is a fault in emrload, not in your input. EMRLOAD_TRACEBACK=1 shows where.", file=sys.stderr)
    return EXIT_INTERNAL
