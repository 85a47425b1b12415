"""Keeps Locust's own table true, at no cost a request: each batch of samples is added to it at once.

Locust's statistics never decide anything here (they round and have no sites), but its web UI and CSV files should show the run.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from locust.env import Environment
from locust.stats import StatsEntry, StatsError, bucket_response_time

from harness.load.recorder import Rows
from harness.samples.writer import Names

__all__ = ["feed_locust_table", "foreign_listeners"]


def feed_locust_table(environment: Environment, names: Names, rows: Rows) -> None:
    """Add a batch of samples (codes as in `names`) to the statistics of `environment`."""
    stats = environment.stats
    keys, inverse = np.unique(rows[["operation", "method"]], return_inverse=True)
    ok = np.isin(rows["outcome"], [names.code("ok"), names.code("expected_refusal")])
    for index, key in enumerate(keys):
        mine = rows[inverse == index]
        failed = mine[~ok[inverse == index]]
        operation, method = names.name(int(key["operation"])), names.name(int(key["method"]))
        for entry in (stats.entries[(operation, method)], stats.total):
            _add(entry, mine, len(failed))
        for outcome, count in zip(*np.unique(failed["outcome"], return_counts=True), strict=True):
            _add_error(environment, method, operation, names.name(int(outcome)), int(count))


def foreign_listeners(environment: Environment) -> bool:
    """Whether somebody besides Locust itself listens to `events.request`."""
    handlers: list[Any] = environment.events.request._handlers
    return any(not handler.__module__.startswith("locust.") for handler in handlers)


def _add(entry: StatsEntry, rows: Rows, failures: int) -> None:
    now = time.time()
    second = int(now)
    latencies = rows["latency_ms"]
    if entry.use_response_times_cache and entry.last_request_timestamp and second > int(entry.last_request_timestamp):
        entry._cache_response_times(second - 1)
    entry.num_requests += len(rows)
    entry.num_failures += failures
    entry.num_reqs_per_sec[second] += len(rows)
    if failures:
        entry.num_fail_per_sec[second] += failures
    entry.last_request_timestamp = now
    entry.total_response_time += round(float(latencies.sum()))
    smallest, largest = round(float(latencies.min())), round(float(latencies.max()))
    entry.min_response_time = smallest if entry.min_response_time is None else min(entry.min_response_time, smallest)
    entry.max_response_time = max(entry.max_response_time, largest)
    entry.total_content_length += int(rows["bytes_received"].sum())
    for latency, count in zip(*np.unique(np.rint(latencies), return_counts=True), strict=True):
        entry.response_times[bucket_response_time(float(latency))] += int(count)


def _add_error(environment: Environment, method: str, operation: str, outcome: str, count: int) -> None:
    key = StatsError.create_key(method, operation, outcome)
    known = environment.stats.errors.setdefault(key, StatsError(method, operation, outcome))
    known.occurrences += count
