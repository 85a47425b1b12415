"""Ids that nobody else in any run gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.load.posting import IdSource

run_ids = st.integers(0, 2**32 - 1).map(lambda number: f"{number:08x}")
workers = st.integers(0, 511)


@given(run_ids, workers)
def test_a_request_id_is_positive_and_fits_a_signed_64_bit_integer(run_id, worker):
    ids = IdSource(run_id, worker)
    drawn = [ids.next_request() for _ in range(5)]
    assert all(0 < number < 2**63 for number in drawn)
    assert all(len(f"{number:016x}") == 16 for number in drawn)


@given(run_ids, st.sets(workers, min_size=2, max_size=5))
def test_no_id_is_given_twice_in_a_run(run_id, numbers):
    sources = [IdSource(run_id, worker) for worker in numbers]
    requests = [source.next_request() for source in sources for _ in range(50)]
    runs = [source.next_workflow_run() for source in sources for _ in range(50)]
    assert len(set(requests)) == len(requests)
    assert len(set(runs)) == len(runs)


def test_two_runs_give_different_ids():
    first, second = IdSource("00c0ffee", 0), IdSource("00c0ffef", 0)
    assert first.next_request() != second.next_request()
