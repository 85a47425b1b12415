"""The `emrload` program: one file a command, loaded only when it is called, so that `--help` answers at once.

The only place that joins stages; nothing imports it.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper

from harness.cli.program import run_program

__all__ = ["main"]


def main() -> None:
    """Entry point of the console script; exits with the program's code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Where a terminal's character set lacks a dash or a bar, a question mark is better than an error.
            stream.reconfigure(errors="replace")
    sys.exit(run_program())
