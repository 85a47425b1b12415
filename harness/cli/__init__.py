"""The `emrload` program: one file a command, loaded only when it is called, so that `--help` answers at once.

The only place that joins stages; nothing imports it.
"""

from __future__ import annotations

import sys

from harness.cli.program import run_program
from harness.cli.reader import outlive_the_terminal, show_what_it_can

__all__ = ["main"]


def main() -> None:
    """Entry point of the console script; exits with the program's code."""
    outlive_the_terminal()
    show_what_it_can()
    sys.exit(run_program())
