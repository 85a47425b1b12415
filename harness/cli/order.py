"""What the command line said of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.cli.options import Choice

__all__ = ["SANDBOX", "Order"]

SANDBOX: Final = "sandbox"
"""What `--target` says for the built-in server."""


@dataclass(frozen=True)
class Order:
    """A run as it was asked for; nothing of it is vetted. `target` is None where nothing was said."""

    choice: Choice
    target: str | None
    i_own: tuple[str, ...]
    allow_list: Path | None
    patients: Path | None
    workers: int
