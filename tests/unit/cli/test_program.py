"""The one place where an error becomes a message and an exit code."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable

import click
import pytest

from harness.cli import program
from harness.errors import HarnessError, InputError, Problem, RunError, TargetError


@pytest.fixture
def ends_with(monkeypatch, capsys) -> Callable[[BaseException | int | None], tuple[int, str]]:
    """Run `emrload` with a command that raises or returns this: its exit code and what stands on stderr."""

    def run(outcome: BaseException | int | None) -> tuple[int, str]:
        @click.command()
        def command() -> int | None:
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        monkeypatch.setattr(program.LazyGroup, "get_command", lambda *_: command)
        return program.run_program(["run"]), capsys.readouterr().err

    return run


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1), (3, 3)])
def test_a_command_says_its_exit_code(ends_with, returned, code):
    assert ends_with(returned) == (code, "")


def test_bad_input_is_told_with_every_problem_and_nothing_else(ends_with):
    problems = [Problem("unknown persona 'nurze'", "mine.yaml:14", "did you mean 'nurse'?"), Problem("no sites")]
    code, told = ends_with(InputError(problems, "`emrload scenarios` lists what ships."))
    assert code == 2
    assert told == (
        "mine.yaml:14: unknown persona 'nurze'\n    did you mean 'nurse'?\nno sites\n"
        "2 problems, nothing was sent. `emrload scenarios` lists what ships.\n"
    )


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (TargetError("the target does not answer", "is it up?"), 2, "the target does not answer\nis it up?\n"),
        (RunError("the load ended"), 4, "the load ended\n"),
        (HarnessError("odd"), 4, "odd\n"),
    ],
)
def test_an_error_is_told_with_its_way_out(ends_with, error, code, told):
    assert ends_with(error) == (code, told)


def test_a_bug_is_said_to_be_one(ends_with, monkeypatch):
    monkeypatch.delenv("EMRLOAD_TRACEBACK", raising=False)
    code, told = ends_with(ZeroDivisionError("division by zero"))
    assert code == 4
    assert "internal error: ZeroDivisionError" in told
    assert "EMRLOAD_TRACEBACK=1" in told
    monkeypatch.setenv("EMRLOAD_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        ends_with(ZeroDivisionError("division by zero"))


def test_an_interrupt_is_not_a_bug(ends_with):
    code, told = ends_with(KeyboardInterrupt())
    assert code == 3
    assert "nothing more is sent" in told


def test_an_unknown_command_is_answered_with_the_known_ones(capsys):
    assert program.run_program(["scenarois"]) == 2
    told = capsys.readouterr().err
    assert "unknown command 'scenarois'. Did you mean 'scenarios'?" in told
    assert all(name in told for name in program.COMMANDS)


def test_every_command_in_the_help_is_there_and_documented(capsys):
    assert program.run_program(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in program.COMMANDS:
        command = program.emrload.get_command(None, name)
        assert name in shown
        assert command.help
        assert "Examples:" in (command.epilog or "")


def test_whoever_reads_only_the_first_lines_sees_no_complaint():
    listing = f"{sys.executable} -m harness.cli scenarios morning-rush"
    done = subprocess.run(f"{listing} | head -n 1", shell=True, capture_output=True, text=True)
    assert done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            ["from harness.cli.reader import leave_the_terminal"],
            ["leave_the_terminal()", "print('to nobody', file=sys.stderr, flush=True)"],
        ),
        (  # no SIGHUP came, as after `disown`
            [
                "from harness.cli.reader import outlive_the_terminal, show_what_it_can",
                "outlive_the_terminal()",
                "show_what_it_can()",
            ],
            ["print('to nobody', file=sys.stderr)", "print('to nobody', file=sys.stderr, flush=True)"],
        ),
    ],
    ids=["left", "outlived"],
)
def test_a_terminal_that_was_closed_is_no_error(before, after):
    """Each word to it would be refused; what goes to a file still goes there."""
    ours, theirs = pty.openpty()
    lines = ["import sys", *before, "print('to the terminal', file=sys.stderr)", "sys.stdin.readline()", *after]
    child = subprocess.Popen(
        [sys.executable, "-c", "\n".join([*lines, "print('to a pipe')"])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    with os.fdopen(ours, "rb") as terminal:
        assert terminal.readline() == b"to the terminal\r\n"
    told, _ = child.communicate(b"go on\n", timeout=60)
    assert (child.returncode, told) == (0, b"to a pipe\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_a_standard_channel_that_is_closed_is_no_error(closed, tmp_path):
    words = "import sys; from harness.cli.program import run_program; sys.exit(run_program(['plan', 'morning-rush']))"
    done = subprocess.run(["sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, words], cwd=tmp_path, timeout=60)
    assert done.returncode == 0
