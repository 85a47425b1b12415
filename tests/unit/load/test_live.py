"""What others watch of a run under way: the console's lines, Locust's own table, other people's listeners."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import gevent
import numpy as np
import pytest
from locust.env import Environment
from locust.stats import RequestStats

from harness.load.clock import RunClock
from harness.load.live import ProgressReport
from harness.load.locust_table import feed_locust_table, foreign_listeners
from harness.load.recorder import Recorder
from harness.samples.progress import progress_path, read_progress

FINE = ("ok", "expected_refusal")


@pytest.fixture
def recorder(tmp_path) -> Iterator[Recorder]:
    made = Recorder(tmp_path, 0, RunClock(time.time()))
    yield made
    made.close()


def write(recorder: Recorder, latency_ms: float, operation: str, outcome: str, size: int = 100) -> None:
    code = recorder.names.code
    names = [code(name) for name in ("river", "nurse", "medication-pass", operation, "orders", "", "GET", outcome)]
    recorder.samples.append(
        1.0, 1.5, latency_ms, latency_ms, 0.0, 0.0, True, *names, False, 0, 1, 1, 200, 100, size, 1, 0
    )


def some_samples(count: int) -> list[tuple[float, str, str, int]]:
    draws = np.random.default_rng(11)
    return [
        (
            float(draws.lognormal(5.0, 1.8)),
            str(draws.choice(["Patient.read", "Observation.search[patient]"])),
            str(draws.choice(["ok", "ok", "ok", "expected_refusal", "http_error", "timeout"])),
            int(draws.integers(0, 5000)),
        )
        for _ in range(count)
    ]


def test_locusts_table_is_what_locust_itself_would_have_made_of_the_same_samples(recorder):
    samples = some_samples(6000)  # more than one batch
    environment = Environment(user_classes=[])
    recorder.samples.on_batch(lambda rows: feed_locust_table(environment, recorder.names, rows))
    expected = RequestStats()
    for latency_ms, operation, outcome, size in samples:
        write(recorder, latency_ms, operation, outcome, size)
        expected.log_request("GET", operation, latency_ms, size)
        if outcome not in FINE:
            expected.log_error("GET", operation, outcome)
    recorder.flush()

    pairs = [(environment.stats.total, expected.total)]
    pairs += [(environment.stats.get(name, "GET"), expected.get(name, "GET")) for name in OPERATIONS]
    for ours, theirs in pairs:
        for figure in ("num_requests", "num_failures", "total_content_length", "response_times"):
            assert getattr(ours, figure) == getattr(theirs, figure), figure
        for figure in ("total_response_time", "min_response_time", "max_response_time"):
            assert getattr(ours, figure) == pytest.approx(getattr(theirs, figure)), figure
        for p in (0.5, 0.9, 0.95, 0.99, 1.0):
            assert ours.get_response_time_percentile(p) == theirs.get_response_time_percentile(p)
        assert sum(ours.num_reqs_per_sec.values()) == theirs.num_requests
        assert sum(ours.num_fail_per_sec.values()) == theirs.num_failures
    told = {key: error.occurrences for key, error in environment.stats.errors.items()}
    assert told == {key: error.occurrences for key, error in expected.errors.items()}
    assert all(error.first_seen for error in environment.stats.errors.values())


OPERATIONS = ("Patient.read", "Observation.search[patient]")


def test_locusts_own_listeners_are_nobody_else():
    environment = Environment(user_classes=[])
    environment.create_local_runner()
    assert not foreign_listeners(environment)
    environment.events.request.add_listener(lambda **_: None)
    assert foreign_listeners(environment)


def test_a_listener_written_as_locusts_manual_has_it_hears_of_every_request(recorder, tmp_path):
    environment = Environment(user_classes=[])
    heard: list[tuple] = []

    def listener(
        request_type, name, response_time, response_length, response, context, exception, start_time, url, **kwargs
    ):
        heard.append((request_type, name, round(response_time), response_length, str(exception or ""), context["site"]))
        assert start_time == pytest.approx(recorder.clock.t0_epoch_s + 1.5)

    environment.events.request.add_listener(listener)
    report = ProgressReport(tmp_path, recorder, lambda: 0)
    recorder.samples.on_batch(lambda rows: report.fire_requests(environment, rows))
    samples = some_samples(300)
    for sample in samples:
        write(recorder, *sample)
    recorder.flush()
    report.close()
    assert heard == [
        ("GET", operation, round(latency_ms), size, "" if outcome in FINE else outcome, "river")
        for latency_ms, operation, outcome, size in samples
    ]


def test_a_listener_that_takes_its_time_neither_misses_nor_repeats_a_request(recorder, tmp_path):
    """It writes over a network, so others run meanwhile, and write samples of their own."""
    environment = Environment(user_classes=[])
    heard: list[str] = []

    def listener(name: str, **_: object) -> None:
        heard.append(name)
        gevent.sleep(0.001)

    environment.events.request.add_listener(listener)
    report = ProgressReport(tmp_path, recorder, lambda: 0)
    recorder.samples.on_batch(lambda rows: report.fire_requests(environment, rows))

    def clinician(number: int) -> None:
        for step in range(20):
            write(recorder, 5.0, f"operation-{number}-{step}", "ok")
            gevent.sleep(0.002)

    people = [gevent.spawn(clinician, number) for number in range(5)]
    while not all(person.ready() for person in people):
        recorder.flush()
        gevent.sleep(0.001)
    recorder.flush()
    report.close()
    assert Counter(heard) == Counter(f"operation-{number}-{step}" for number in range(5) for step in range(20))


def test_the_progress_lines_add_up_to_the_samples(recorder, tmp_path):
    samples = some_samples(500)
    report = ProgressReport(tmp_path, recorder, lambda: 7, lambda: 4)
    recorder.samples.on_batch(report.note)
    for sample in samples[:200]:
        write(recorder, *sample)
    recorder.flush()
    writing = gevent.spawn(report.keep_writing)
    until = time.monotonic() + 60
    while not read_progress(progress_path(tmp_path, 0), 0)[0]:
        assert time.monotonic() < until
        gevent.sleep(0.05)
    for sample in samples[200:]:
        write(recorder, *sample)
    writing.kill()
    recorder.close()  # shows the last batch
    report.close()
    report.close()
    lines, _ = read_progress(progress_path(tmp_path, 0), 0)
    assert [line.requests for line in lines if line.requests] == [200, 300]
    assert sum(line.errors for line in lines) == sum(outcome not in FINE for _, _, outcome, _ in samples)
    assert sum(sum(line.latencies.values()) for line in lines) == 500
    assert {(line.worker, line.on_duty, line.visitors, line.in_flight) for line in lines} == {(0, 7, 4, 0)}
