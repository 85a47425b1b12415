"""Whoever is ended, however, takes away what she made."""

from __future__ import annotations

import os
import signal

import pytest

from harness.cli import signals as module
from harness.cli.signals import ending_signals, handled_by, interrupted_by_any_end


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """That the terminal was left: the one of the tests should not be."""
    told: list[str] = []
    monkeypatch.setattr(module, "leave_the_terminal", lambda: told.append("left"))
    return told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_each_way_to_be_ended_is_an_interrupt(number: signal.Signals, left: list[str]) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interrupted_by_any_end():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before
    assert left == (["left"] if number == signal.SIGHUP else [])


def test_inside_they_may_mean_something_else_for_a_while(left: list[str]) -> None:
    heard: list[int] = []
    with interrupted_by_any_end():
        with handled_by(lambda number, _: heard.append(number), *ending_signals()):
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert heard == [signal.SIGTERM] * 2


def test_where_the_end_of_the_terminal_is_ignored_it_stays_so(left: list[str]) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupted_by_any_end():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert left == []
