"""The load process watches itself."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import gevent
import pyarrow as pa
import pytest

from harness.load import health
from harness.load.clock import RunClock
from harness.load.health import HealthProbe
from harness.load.recorder import Recorder


@pytest.fixture
def recorder(tmp_path) -> Iterator[Recorder]:
    made = Recorder(tmp_path, 4, RunClock(time.time()))
    yield made
    made.close()


@pytest.fixture
def watch(recorder) -> Iterator[Callable[..., HealthProbe]]:
    """A probe of the recorder's process."""
    made: list[HealthProbe] = []

    def start(*counts: Callable[..., int | None]) -> HealthProbe:
        made.append(HealthProbe(recorder, *counts))
        return made[-1]

    yield start
    for probe in made:
        probe.close()


def rows_of(recorder: Recorder, tmp_path) -> list[dict]:
    recorder.close()
    return pa.ipc.open_stream((tmp_path / "health-w4.arrows").read_bytes()).read_all().to_pylist()


def test_a_stall_of_the_generator_is_seen(recorder, watch, tmp_path, monkeypatch):
    """A stalled generator shows no slow answer at all, only fewer requests: its pulse is all there is."""
    monkeypatch.setattr(health, "ROW_EVERY_S", 0.1)
    watching = gevent.spawn(watch(lambda: 3, lambda: 2, lambda: 5).watch)
    gevent.sleep(0.3)
    time.sleep(0.6)  # stalls this thread, and every clinician in it
    gevent.sleep(0.3)
    watching.kill()
    rows = rows_of(recorder, tmp_path)
    assert max(row["loop_lag_ms"] for row in rows) >= 500
    assert {(row["worker"], row["users"], row["on_duty"], row["visitors"]) for row in rows} == {(4, 3, 2, 5)}
    assert [row["time_s"] for row in rows] == sorted(row["time_s"] for row in rows)


def test_a_stall_is_told_in_its_own_second_and_no_other(recorder, watch, tmp_path, monkeypatch):
    now_s = 0.0
    pulses = iter([health.PULSE_S] * 120 + [0.6 + health.PULSE_S] + [health.PULSE_S] * 120)

    def sleep(_: float) -> None:
        nonlocal now_s
        now_s += next(pulses)

    recorder.clock = SimpleNamespace(now_s=lambda: now_s)
    monkeypatch.setattr(health, "gevent", SimpleNamespace(sleep=sleep))
    with pytest.raises(StopIteration):
        watch(lambda: 0, lambda: 0).watch()
    lags_ms = [row["loop_lag_ms"] for row in rows_of(recorder, tmp_path)]
    assert lags_ms == pytest.approx([0, 0, 600, 0, 0], abs=0.01)


def test_what_it_does_each_second_itself_is_no_blind_spot(recorder, watch, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "ROW_EVERY_S", 0.1)
    takes_s = iter([0.3])

    def told(_mb: float, _people: int) -> None:
        time.sleep(next(takes_s, 0.0))

    watching = gevent.spawn(watch(lambda: 0, lambda: 0, lambda: 0, told).watch)
    gevent.sleep(0.7)
    watching.kill()
    lags_ms = [row["loop_lag_ms"] for row in rows_of(recorder, tmp_path)]
    assert lags_ms[1] >= 300


def test_its_own_work_shows_as_cpu(recorder, watch, tmp_path):
    probe = watch(lambda: 0, lambda: 0)
    began = time.process_time()
    while time.process_time() - began < 0.2:
        pass
    probe.write_row()
    (row,) = rows_of(recorder, tmp_path)
    assert 0.0 < row["cpu"] <= 1.5
    assert row["memory_mb"] > 10
    assert 0.0 <= row["steal"] <= 1.0


def test_it_tells_what_the_recorder_counts(recorder, watch, tmp_path):
    probe = watch(lambda: 0, lambda: 0)
    for _ in range(3):
        recorder.request_starts(recorder.clock.now_s())
    recorder.request_ends(recorder.clock.now_s())
    gevent.sleep(0.05)
    probe.write_row()
    (row,) = rows_of(recorder, tmp_path)
    assert (row["started"], row["finished"], row["in_flight"]) == (3, 1, 2)
    assert row["in_flight_s"] >= 0.1


def test_a_host_that_does_not_tell_its_ticks_has_no_steal(recorder, watch, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "_PROC_STAT", tmp_path / "nothing")
    watch(lambda: 0, lambda: 0).write_row()
    (row,) = rows_of(recorder, tmp_path)
    assert row["steal"] == 0.0


def test_stolen_ticks_are_told_from_all(watch, tmp_path, monkeypatch):
    stat = tmp_path / "stat"
    monkeypatch.setattr(health, "_PROC_STAT", stat)
    stat.write_text("cpu  100 0 50 800 20 5 5 20 7 0\ncpu0 1 2 3\n")
    probe = watch(lambda: 0, lambda: 0)
    assert probe._host_ticks() == (1000, 20)
    stat.write_text("cpu  100 0 50 800\n")
    assert probe._host_ticks() == (950, 0)


def test_it_goes_on_where_no_file_can_be_opened_any_more(recorder, watch, tmp_path):
    """A process that ran out of descriptors must still tell that it lives."""
    probe = watch(lambda: 0, lambda: 0)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            (tmp_path / "one more").open("w")
        probe.write_row()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    (row,) = rows_of(recorder, tmp_path)
    assert row["memory_mb"] > 10
