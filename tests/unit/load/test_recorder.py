"""What one load process writes down, and what it counts by itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.clock import RunClock
from harness.load.recorder import Recorder
from harness.samples.writer import FAILURES_OF_A_KIND


@pytest.fixture
def recorder(tmp_path) -> Iterator[Recorder]:
    made = Recorder(tmp_path, 0, RunClock(time.time()))
    yield made
    made.close()


@pytest.fixture(scope="module")
def counting(tmp_path_factory) -> Iterator[Recorder]:
    """One recorder for many examples: only its counters are looked at, as differences."""
    made = Recorder(tmp_path_factory.mktemp("streams"), 0, RunClock(time.time()))
    yield made
    made.close()


def health_row(recorder: Recorder) -> tuple:
    return (1.0, 0, 2.0, 0.1, 0.0, 90.0, 1, 1, 0, 0, 0, 0, 0.0)


@given(
    requests=st.lists(
        st.tuples(st.floats(0, 100, allow_nan=False), st.floats(0, 10, allow_nan=False)), min_size=1, max_size=30
    )
)
def test_the_integral_of_requests_in_flight_is_the_sum_of_their_latencies(counting, requests):
    """Little's law by counting: no sample takes part in it."""
    base_s = counting.clock.now_s() + 1000.0
    events = sorted(
        [(base_s + start, 1) for start, _ in requests] + [(base_s + start + length, -1) for start, length in requests],
        key=lambda event: (event[0], -event[1]),
    )
    before_s = counting.in_flight_s(base_s)
    started, finished = counting.started, counting.finished
    for when_s, change in events:
        (counting.request_starts if change == 1 else counting.request_ends)(when_s)
    assert counting.in_flight_s(base_s + 200) - before_s == pytest.approx(
        sum(length for _, length in requests), abs=1e-6
    )
    assert (counting.started - started, counting.finished - finished) == (len(requests), len(requests))
    assert counting.in_flight == 0


def test_a_request_still_under_way_counts_up_to_now(recorder):
    recorder.request_starts(10.0)
    assert recorder.in_flight_s(13.0) - recorder.in_flight_s(11.0) == pytest.approx(2.0)
    assert (recorder.started, recorder.finished, recorder.in_flight) == (1, 0, 1)


def test_the_first_hundred_failures_of_a_kind_are_kept(recorder, tmp_path):
    for number in range(FAILURES_OF_A_KIND + 20):
        recorder.failure(("Patient.read", "http_error", "500"), {"time_s": number})
    recorder.failure(("Patient.read", "http_error", "503"), {"time_s": 1})
    told = [json.loads(line) for line in (tmp_path / "failures-w0.jsonl").read_text().splitlines()]
    assert [one["time_s"] for one in told] == [*range(FAILURES_OF_A_KIND), 1]
    assert told[0]["kind"] == "Patient.read.http_error.500"


def test_closing_twice_is_the_same_as_once(recorder, tmp_path):
    recorder.health(*health_row(recorder))
    recorder.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    recorder.close()
    assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == sizes
    assert set(sizes) == {
        *(f"{table}-w0.arrows" for table in ("samples", "workflows", "duty", "health")),
        "names-w0.jsonl",
        "failures-w0.jsonl",
    }
