"""What works in a process of its own: answers and errors come back whole, and nobody is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.cli.backstage import Backstage
from harness.errors import InputError, Problem, RunError

HERE = "tests.unit.cli.test_backstage:Worker"
PROBLEM = Problem("it is wrong", "--option", "write it well")


class Worker:
    """What is done there."""

    def __init__(self, first: int) -> None:
        if first < 0:
            raise InputError([PROBLEM, PROBLEM], "a hint")
        self.sum = first

    def add(self, number: int) -> int:
        self.sum += number
        return self.sum

    def pid(self) -> int:
        return os.getpid()

    def refuse(self) -> None:
        raise InputError([PROBLEM, PROBLEM], "a hint")

    def fail_with_something_unheard_of(self) -> None:
        raise type("Local", (Exception,), {})("what it says")

    def be_killed(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def say(self, text: str) -> None:
        print(text)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def test_it_keeps_what_it_was_told_and_is_gone_afterwards() -> None:
    with Backstage(HERE, 3, does="adds up") as backstage:
        assert backstage.ask("add", 4) == 7
        assert backstage.ask("add", 5) == 12
        pid = backstage.ask("pid")
        assert pid != os.getpid()
    assert not psutil.pid_exists(pid)


def test_an_error_is_raised_here_as_it_was_there() -> None:
    with Backstage(HERE, 1, does="adds up") as backstage:
        with pytest.raises(InputError) as raised:
            backstage.ask("refuse")
        assert (raised.value.problems, raised.value.hint) == ((PROBLEM, PROBLEM), "a hint")
        assert str(raised.value) == f"{PROBLEM}\n{PROBLEM}"
        assert "in refuse" in raised.value.__notes__[0]
        assert backstage.ask("add", 1) == 2


def test_one_that_is_raised_while_it_is_made_leaves_nobody() -> None:
    before = {child.pid for child in psutil.Process().children()}
    with pytest.raises(InputError, match="it is wrong"), Backstage(HERE, -1, does="adds up"):
        pass
    assert {child.pid for child in psutil.Process().children()} <= before


def test_an_error_that_cannot_be_pickled_is_named() -> None:
    with Backstage(HERE, 1, does="adds up") as backstage, pytest.raises(RuntimeError, match="Local: what it says"):
        backstage.ask("fail_with_something_unheard_of")


def test_one_that_is_killed_is_said_so() -> None:
    told = r"^the process that adds up was killed \(SIGKILL\)$"
    with Backstage(HERE, 1, does="adds up", hint="add yourself") as backstage:
        with pytest.raises(RunError, match=told) as raised:
            backstage.ask("be_killed")
        assert raised.value.hint == "add yourself"


def test_whoever_leaves_by_an_error_leaves_nobody() -> None:
    pids: list[int] = []

    def interrupted() -> None:
        with Backstage(HERE, 1, does="adds up") as backstage:
            pids.append(backstage.ask("pid"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not psutil.pid_exists(pids[0])


def test_it_ends_where_whoever_asked_is_killed(tmp_path: Path) -> None:
    script = f"""
from harness.cli.backstage import Backstage
with Backstage({HERE!r}, 1, does="adds up") as backstage:
    print(backstage.ask("pid"), flush=True)
    backstage.ask("sleep", 600.0)
"""
    asking = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert asking.stdout is not None
    pid = int(asking.stdout.readline())
    asking.kill()
    asking.wait()
    asking.stdout.close()
    until_s = time.monotonic() + 10.0
    while psutil.pid_exists(pid) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)


def test_what_it_prints_comes_out_here(capfd: pytest.CaptureFixture[str]) -> None:
    with Backstage(HERE, 1, does="adds up") as backstage:
        backstage.ask("say", "a word")
    assert capfd.readouterr().out == "a word\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_standard_channels_that_are_closed_are_no_error(closed: str, tmp_path: Path) -> None:
    """What is opened meanwhile is not in their places, where words would be written into it."""
    script = f"""
import os, sys
from pathlib import Path
from harness.cli.backstage import Backstage
from harness.cli.reader import keep_standard_places
keep_standard_places()
with Backstage({HERE!r}, 3, does="adds up") as backstage:
    backstage.ask("say", "a word")
    Path({str(tmp_path / "sum")!r}).write_text(f"{{backstage.ask('add', 4)}} {{os.open('/dev/null', 0) > 2}}")
"""
    done = subprocess.run(["sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, script], check=False, timeout=60)
    assert done.returncode == 0
    assert (tmp_path / "sum").read_text() == "7 True"
