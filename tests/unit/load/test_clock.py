"""One clock for a run, whatever happens to the system's."""

from __future__ import annotations

import time

import pytest

from harness.load.clock import RunClock


def test_it_counts_from_the_moment_that_was_named():
    clock = RunClock(time.time() + 10.0)
    assert -10.0 <= clock.now_s() < -5.0
    assert RunClock(time.time() - 3.0).now_s() == pytest.approx(3.0, abs=1.0)


def test_moving_the_system_clock_moves_nothing_and_is_told(monkeypatch):
    clock = RunClock(time.time())
    before_s = clock.now_s()
    monkeypatch.setattr("harness.load.clock.time", lambda: time.time() + 3600.0)
    assert clock.now_s() - before_s < 60.0
    assert clock.wall_drift_s() == pytest.approx(3600.0, abs=1.0)
