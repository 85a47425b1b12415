"""What happens, line by line, on standard error."""

from __future__ import annotations

import sys

__all__ = ["say"]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
