"""Keeps Locust's own table true, at little cost a request: each batch of samples is added to it at once.

Locust's statistics never decide anything here (they round and have no sites), but its web UI and CSV files should show
the run.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from locust.env import Environment
from locust.stats import StatsEntry, StatsError

from harness.samples.writer import Names, Rows

__all__ = ["feed_locust_table", "foreign_listeners"]

_METHOD_BITS = 32


def feed_locust_table(environment: Environment, names: Names, rows: Rows) -> None:
    """Add a batch of samples (codes as in `names`) to the statistics of `environment`."""
    latencies, sizes, outcomes = (rows[column].copy() for column in ("latency_ms", "bytes_received", "outcome"))
    failed = (outcomes != names.code("ok")) & (outcomes != names.code("expected_refusal"))
    _add(environment.stats.total, latencies, sizes, int(failed.sum()))
    # both codes in one number: sorting pairs takes milliseconds, in which nobody else runs
    keys = rows["operation"].astype(np.int64) << _METHOD_BITS | rows["method"]
    for key in np.unique(keys).tolist():
        mine = keys == key
        operation, method = names.name(key >> _METHOD_BITS), names.name(key & (1 << _METHOD_BITS) - 1)
        ours_failed = mine & failed
        _add(environment.stats.entries[operation, method], latencies[mine], sizes[mine], int(ours_failed.sum()))
        for outcome, count in zip(*np.unique(outcomes[ours_failed], return_counts=True), strict=True):
            _add_error(environment, method, operation, names.name(int(outcome)), int(count))


def foreign_listeners(environment: Environment) -> bool:
    """Whether somebody besides Locust itself listens to `events.request`."""
    handlers: list[Any] = environment.events.request._handlers
    return any(not str(getattr(handler, "__module__", "")).startswith("locust.") for handler in handlers)


def _add(entry: StatsEntry, latencies: Rows, sizes: Rows, failures: int) -> None:
    """As many calls of `entry.log` and `entry.log_error` would, one after the other at this moment."""
    now = time.time()
    second = int(now)
    if entry.use_response_times_cache and entry.last_request_timestamp and second > int(entry.last_request_timestamp):
        entry._cache_response_times(second - 1)
    entry.num_requests += len(latencies)
    entry.num_failures += failures
    entry.num_reqs_per_sec[second] += len(latencies)
    if failures:
        entry.num_fail_per_sec[second] += failures
    entry.last_request_timestamp = now
    # Locust declares whole milliseconds here, and keeps whatever it is given
    smallest: Any = float(latencies.min())
    largest: Any = float(latencies.max())
    total: Any = float(latencies.sum())
    entry.total_response_time += total
    entry.min_response_time = smallest if entry.min_response_time is None else min(entry.min_response_time, smallest)
    entry.max_response_time = max(entry.max_response_time, largest)
    entry.total_content_length += int(sizes.sum())
    for bucket, count in zip(*np.unique(_buckets(latencies), return_counts=True), strict=True):
        entry.response_times[int(bucket)] += int(count)


def _buckets(latencies: Rows) -> Rows:
    """`locust.stats.bucket_response_time` of each: whole milliseconds below 100, two digits above."""
    step = np.select([latencies < 100, latencies < 1000, latencies < 10_000], [1.0, 10.0, 100.0], 1000.0)
    buckets: Rows = np.rint(latencies / step) * step
    return buckets


def _add_error(environment: Environment, method: str, operation: str, outcome: str, count: int) -> None:
    key = StatsError.create_key(method, operation, outcome)
    known = environment.stats.errors.setdefault(key, StatsError(method, operation, outcome))
    known.occurred()
    known.occurrences += count - 1
