"""What went wrong at the server's end, and where: outages, operations that fail more than others, work that came out
wrong or was given up.

An outage is time in which requests were sent and (nearly) none succeeded, because nobody answered or a gateway said so:

    ok ok ok │ refused refused timeout refused │ ok ok
             from                              to
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.analysis.requests import Requests

__all__ = ["GivenUp", "Incidents", "OperationErrors", "Outage", "WorkflowFailures", "find_incidents"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

UNREACHABLE_STATUS: Final = (502, 503, 504)
"""What a gateway or a server that is shutting down answers in the place of the application."""
_REFUSED: Final = f"(outcome IN ('timeout', 'connection') OR status IN {UNREACHABLE_STATUS})"
OUTAGE_SHARE: Final = 0.9
"""Share of a second's requests that must have found nobody. source: assumption"""
SHORTEST_OUTAGE_S: Final = 0.5
FEWEST_REFUSED: Final = 5
"""Requests that must have found nobody, so that one lost connection is no outage. source: assumption"""


@dataclass(frozen=True)
class Outage:
    """Nobody answered `site` ("" = any site) from `from_s` to `to_s`; `to_s` is None where nothing succeeded
    afterwards."""

    site: str
    from_s: float
    to_s: float | None
    failed: int
    seconds: float
    """Up to the last failed request where nothing succeeded afterwards."""


@dataclass(frozen=True)
class OperationErrors:
    """Requests of one operation that were answered, and how many of them with an error or wrong content."""

    operation: str
    answered: int
    errors: int
    by_status: Mapping[str, int]


@dataclass(frozen=True)
class WorkflowFailures:
    """Runs of one workflow that failed; `wrong_content` of them met an answer that said success and was wrong."""

    workflow: str
    runs: int
    failed: int
    wrong_content: int
    skipped: int
    own_fault: str = ""
    """What its own code did, and where: `ValueError at mine.py:10`; empty where that is not why it failed."""


@dataclass(frozen=True)
class GivenUp:
    """Workflow runs in which somebody lost patience, and those that were done again later; `by_site`: most first."""

    runs: int
    abandoned: int
    back_entries: int
    by_site: Mapping[str, int]


@dataclass(frozen=True)
class Incidents:
    """All of it; each tuple in a fixed order."""

    outages: tuple[Outage, ...]
    operations: tuple[OperationErrors, ...]
    workflows: tuple[WorkflowFailures, ...]
    given_up: GivenUp
    server_errors_by_status: Mapping[str, int]
    server_errors_by_site: Mapping[str, int]
    conflicts: int


def find_incidents(tables: duckdb.DuckDBPyConnection, requests: Requests, own_faults: Mapping[str, str]) -> Incidents:
    """`own_faults`: workflow → what its own code did."""
    return Incidents(
        outages=tuple(_outages(tables, requests)),
        operations=_operation_errors(tables),
        workflows=_workflow_failures(tables, own_faults),
        given_up=_given_up(tables),
        server_errors_by_status=_counted(tables, "status::VARCHAR", "status >= 500"),
        server_errors_by_site=_counted(tables, "site::VARCHAR", "status >= 500"),
        conflicts=sum(_counted(tables, "status::VARCHAR", "outcome = 'expected_refusal'").values()),
    )


def _outages(tables: duckdb.DuckDBPyConnection, requests: Requests) -> Iterator[Outage]:
    """Outages of the network; then those of single sites that are not part of one of these."""
    affected = tables.execute(
        f"""SELECT site FROM counted WHERE {_REFUSED} AND site <> ''
            GROUP BY 1 HAVING sum(requests) >= {FEWEST_REFUSED} ORDER BY 1"""  # noqa: S608 (constants of ours)
    ).fetchall()
    if not sum(_counted(tables, "outcome::VARCHAR", _REFUSED).values()) >= FEWEST_REFUSED:
        return
    waited = requests.has_outcome("timeout")
    good = requests.has_outcome("ok", "expected_refusal")
    refused = waited | requests.has_outcome("connection") | np.isin(requests.status, UNREACHABLE_STATUS)
    # Somebody who ran into a timeout found nobody when she asked; any other request shows the server's state when it
    # ended.
    moment_s = np.where(waited, requests.start_s, requests.done_s)

    def spans(own: Bools) -> Iterator[tuple[float, float | None, int, float]]:
        return _outage_spans(moment_s[own], requests.start_s[own], refused[own], good[own])

    asked = ~requests.has_outcome("cancelled")
    sites = requests.codes["site"]
    network = [Outage("", *span) for span in spans(asked)]
    yield from network
    several = len(np.unique(sites[asked])) > 1
    for (site,) in affected if several else ():
        for span in spans(asked & (sites == requests.names["site"].index(site))):
            outage = Outage(site, *span)
            if not any(_overlap(outage, other) for other in network):
                yield outage


def _outage_spans(
    moment_s: Floats, start_s: Floats, refused: Bools, good: Bools
) -> Iterator[tuple[float, float | None, int, float]]:
    """(from, to, failed requests, seconds) of each outage, from one group's requests in any order."""
    if refused.sum() < FEWEST_REFUSED:
        return
    second = np.floor(moment_s - moment_s.min()).astype(np.int64)
    asked = np.bincount(second)
    lost = np.bincount(second, refused, minlength=len(asked))
    down = (asked > 0) & (lost >= OUTAGE_SHARE * asked)
    moments_of_success = np.sort(moment_s[good])
    moments_of_refusal = np.sort(moment_s[refused])
    for first, last in _stretches(down, asked):
        inside = moment_s.min() + np.array([first, last + 1])
        # The edges lie within the seconds before and after: from the first refusal that no success comes after …
        before = np.searchsorted(moments_of_success, inside[0])
        earliest = moments_of_success[before - 1] if before else -np.inf
        begin = moments_of_refusal[np.searchsorted(moments_of_refusal, earliest, side="right")]
        # … up to the start of the first request that succeeded again.
        again = np.sort(start_s[good & (start_s >= begin) & (moment_s >= inside[1])])
        refusals = moments_of_refusal[
            (moments_of_refusal >= begin) & (moments_of_refusal <= (again[0] if len(again) else np.inf))
        ]
        end = float(again[0]) if len(again) else None
        seconds = float((end if end is not None else refusals[-1]) - begin)
        if seconds >= SHORTEST_OUTAGE_S and len(refusals) >= FEWEST_REFUSED:
            yield float(begin), end, len(refusals), seconds


def _stretches(down: Bools, asked: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """First and last second of each run of seconds that are down; seconds in which nobody asked do not end one."""
    begun = last = -1
    for second in np.flatnonzero(asked > 0).tolist():
        if down[second]:
            begun = second if begun < 0 else begun
            last = second
        elif begun >= 0:
            yield begun, last
            begun = -1
    if begun >= 0:
        yield begun, last


def _overlap(one: Outage, other: Outage) -> bool:
    ends = [outage.to_s if outage.to_s is not None else np.inf for outage in (one, other)]
    return one.from_s < ends[1] and other.from_s < ends[0]


def _operation_errors(tables: duckdb.DuckDBPyConnection) -> tuple[OperationErrors, ...]:
    """Only what a server answered; unanswered requests and gateways in an outage blame no operation."""
    answered = f"status > 0 AND status NOT IN {UNREACHABLE_STATUS}"
    found = tables.execute(
        f"""SELECT operation, status, sum(requests)::BIGINT, coalesce(sum(requests) FILTER (is_error), 0)::BIGINT
            FROM counted WHERE {answered} GROUP BY ALL ORDER BY ALL"""  # noqa: S608 (constants of ours)
    ).fetchall()
    totals: dict[str, tuple[int, int, dict[str, int]]] = {}
    for operation, status, requests, errors in found:
        before_answered, before_errors, by_status = totals.get(operation, (0, 0, {}))
        if errors:
            by_status = {**by_status, str(status): errors}
        totals[operation] = (before_answered + requests, before_errors + errors, by_status)
    return tuple(OperationErrors(operation or "", *figures) for operation, figures in totals.items())


def _workflow_failures(
    tables: duckdb.DuckDBPyConnection, own_faults: Mapping[str, str]
) -> tuple[WorkflowFailures, ...]:
    found = tables.execute(
        """WITH wrong AS (SELECT DISTINCT worker, workflow_run FROM requests WHERE outcome = 'content')
           SELECT workflow::VARCHAR, count(*) FILTER (outcome <> 'skipped'),
                  count(*) FILTER (outcome = 'failed'),
                  count(*) FILTER (outcome = 'failed' AND wrong.workflow_run IS NOT NULL),
                  count(*) FILTER (outcome = 'skipped')
           FROM workflows LEFT JOIN wrong
                ON workflows.worker = wrong.worker AND workflows.workflow_run = wrong.workflow_run
           GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    return tuple(
        WorkflowFailures(workflow, runs, failed, wrong_content, skipped, own_faults.get(workflow, ""))
        for workflow, runs, failed, wrong_content, skipped in found
    )


def _given_up(tables: duckdb.DuckDBPyConnection) -> GivenUp:
    runs, abandoned, back_entries = tables.execute(
        """SELECT count(*) FILTER (outcome <> 'skipped'), count(*) FILTER (outcome = 'abandoned'),
                  count(*) FILTER (back_entry)
           FROM workflows"""
    ).fetchall()[0]
    by_site = tables.execute(
        """SELECT site::VARCHAR, count(*) FROM workflows WHERE outcome = 'abandoned' GROUP BY 1 ORDER BY 2 DESC, 1"""
    ).fetchall()
    return GivenUp(runs, abandoned, back_entries, dict(by_site))


def _counted(tables: duckdb.DuckDBPyConnection, column: str, where: str) -> dict[str, int]:
    query = f"SELECT {column}, sum(requests) FROM counted WHERE {where} GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608 (ours)
    return {str(name): int(count) for name, count in tables.execute(query).fetchall()}
