"""Does this host let a load process hold as many connections as its plan needs?"""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from harness.errors import InputError
from harness.fleet import require_file_handles, require_sandbox_handles
try:
    {require}({connections})
except InputError as error:
    print(error)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def ask(soft: int, hard: int, connections: int, require: str = "require_file_handles") -> list[str]:
    program = PROGRAM.format(soft=soft, hard=hard, connections=connections, require=require)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "then"), [(1024, 4096, 100, 1024), (1024, 4096, 3000, 3200), (256, 256, 56, 256)]
)
def test_the_soft_limit_is_raised_as_far_as_is_needed(soft, hard, connections, then):
    assert ask(soft, hard, connections) == [str(then)]


def test_a_limit_that_is_too_low_is_said_with_the_number_to_ask_for():
    told = ask(256, 512, 8000)
    assert told[0] == "ulimit -n is 512, but this plan has 8000 connections open in one process and needs 8200"
    assert "ulimit -n 8200" in told[1]
    assert "--workers" in told[1]
    assert told[-1] == "256"


def test_the_sandbox_raises_its_own_soft_limit_so_only_the_hard_one_counts():
    assert ask(256, 4096, 3000, "require_sandbox_handles") == ["256"]


def test_more_workers_are_no_way_out_where_the_sandbox_is_the_one_that_holds_them_all():
    told = ask(256, 512, 8000, "require_sandbox_handles")
    assert told[0] == "ulimit -n is 512, but the sandbox will hold 8000 connections in one process and needs 8200"
    assert "ulimit -n 8200" in told[1]
    assert "fewer sites" in told[1]
    assert "--workers" not in told[1]
