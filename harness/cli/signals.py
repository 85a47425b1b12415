"""Signals that mean something else than Python's own reading of them, for a while."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from harness.cli.reader import leave_the_terminal

__all__ = ["ending_signals", "handled_by", "interrupted_by_any_end"]


def ending_signals() -> list[signal.Signals]:
    """SIGINT, SIGTERM and a terminal that is closed all mean: end. (`nohup` has the last one ignored, and so do we.)"""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([] if ignored else [signal.SIGHUP])]


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], object], *numbers: signal.Signals) -> Iterator[None]:
    """Each of `numbers` calls `handler` inside the block, and is as it was before afterwards. A terminal that is closed
    is left first: each word to it would be an error."""

    def handle(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            leave_the_terminal()
        handler(number, frame)

    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def interrupted_by_any_end() -> Iterator[None]:
    """SIGTERM and a terminal that is closed raise KeyboardInterrupt inside the block, as SIGINT does: whoever is ended
    takes away what she made."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with handled_by(interrupt, *(each for each in ending_signals() if each != signal.SIGINT)):
        yield
