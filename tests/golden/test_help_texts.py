"""What a newcomer reads first: every command's help, pinned; each with two examples that the program takes."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import click
import pytest

from harness.cli.program import COMMANDS

Golden = Callable[[str, str], None]
HEAVY = {
    *("locust", "gevent", "pandas", "matplotlib", "pyarrow", "duckdb", "scipy", "numpy", "faker", "httpx", "pydantic"),
    *("rich", "plotext", "granian", "starlette", "jinja2", "yaml"),
}


def examples_of(text: str) -> list[list[str]]:
    """Each line under `Examples:` that is a command, without the words that explain it."""
    _, heading, below = text.partition("Examples:\n")
    assert heading, text
    lines = re.findall(r"^ +(emrload .+)$", below, re.MULTILINE)
    return [shlex.split(re.split(r" {3,}", line)[0])[1:] for line in lines]


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_help_is_as_it_was_read_last(name: str, emrload: Callable[..., Any], golden: Golden) -> None:
    told = emrload(*([name] if name else []), "--help")
    assert (told.code, told.err) == (0, "")
    golden(f"help/{name or 'emrload'}.txt", told.out)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_two_examples_that_the_program_takes(name: str, emrload: Callable[..., Any]) -> None:
    command: click.Command = importlib.import_module(f"harness.cli.{name}").command
    examples = examples_of(emrload(name, "--help").out)
    assert len(examples) == 2
    for called, *arguments in examples:
        assert called == name
        with command.make_context(name, arguments):  # raises where an option or a value would be refused
            pass


def test_the_commands_are_listed_with_what_they_do(emrload: Callable[..., Any]) -> None:
    text = " ".join(emrload("--help").out.split())
    for name, sentence in COMMANDS.items():
        assert f"{name} {sentence}" in text
    assert emrload("-h").out == emrload("--help").out


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["rnu"]])
def test_help_comes_at_once_because_nothing_heavy_is_imported(arguments: list[str]) -> None:
    program = (
        "import sys; from harness.cli.program import run_program; run_program(sys.argv[1:]);"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    # Without coverage, which imports gevent to measure it.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=alone)
    assert not HEAVY & set(done.stderr.splitlines()[-1].split())
