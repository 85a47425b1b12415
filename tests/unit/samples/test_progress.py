"""What a console reads of a run under way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fleet import Watch
from harness.samples.progress import Progress, count_by_bucket, progress_path, quantile_of, read_progress

latencies = st.lists(st.floats(0.05, 120_000), min_size=1, max_size=300)


def second(time_s: float, worker: int, values: list[float], errors: int = 0, on_duty: int = 3) -> Progress:
    return Progress(time_s, worker, on_duty, 1, len(values), errors, count_by_bucket(np.array(values)))


@given(latencies, st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_quantile_is_within_five_percent(values, p):
    exact = float(np.quantile(values, p, method="inverted_cdf"))
    parts = [second(1.0, 0, values[::2]), second(1.0, 1, values[1::2])] if len(values) > 1 else [second(1, 0, values)]
    assert quantile_of(parts, p) == pytest.approx(exact, rel=0.05)


def test_no_answers_have_no_quantile():
    assert quantile_of([], 0.95) is None
    assert quantile_of([second(1.0, 0, [])], 0.95) is None


def test_an_answer_in_no_time_counts_too():
    assert quantile_of([second(1.0, 0, [0.0])], 0.5) == pytest.approx(0.01, rel=0.05)


def test_lines_are_read_once_and_only_when_whole(tmp_path):
    path = progress_path(tmp_path, 0)
    assert read_progress(path, 0) == ([], 0)
    first, other = second(1.0, 0, [10.0, 20.0]), second(2.0, 0, [30.0])
    path.write_bytes(first.line() + other.line()[:20])
    told, offset = read_progress(path, 0)
    assert told == [first]
    path.write_bytes(first.line() + other.line())
    assert read_progress(path, offset) == ([other], len(path.read_bytes()))


def test_a_glance_adds_the_workers_up(tmp_path):
    watch = Watch(tmp_path, 2)
    assert watch.look() is None
    progress_path(tmp_path, 0).write_bytes(second(1.0, 0, [10.0] * 10, errors=1).line())
    assert watch.look().on_duty == 3
    progress_path(tmp_path, 1).write_bytes(second(2.0, 1, [100.0] * 10, errors=2, on_duty=4).line())
    glance = watch.look()
    assert (glance.elapsed_s, glance.on_duty, glance.in_flight) == (2.0, 7, 2)
    assert (glance.requests, glance.errors, glance.requests_per_s) == (20, 3, 10.0)
    assert glance.p95_ms == pytest.approx(100, rel=0.05)


def test_rates_are_of_the_last_seconds_and_counts_of_the_whole_run(tmp_path):
    watch = Watch(tmp_path, 1)
    lines = [second(float(time_s), 0, [10.0] * 20 if time_s < 50 else [500.0] * 5) for time_s in range(1, 101)]
    progress_path(tmp_path, 0).write_bytes(b"".join(line.line() for line in lines))
    glance = watch.look()
    assert glance.requests == 49 * 20 + 51 * 5
    assert glance.requests_per_s == 5.0
    assert glance.p95_ms == pytest.approx(500, rel=0.05)
