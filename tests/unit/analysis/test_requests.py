"""Requests as columns in the order of time, and every figure made of them, against slow and plain reckoning row by row.

Many begin at one moment; workers stand in any order; arrivals are late; some time out; some names are empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.analysis import Analysis, analyse
from harness.analysis.latencies import Latencies
from harness.analysis.requests import Requests, read_requests
from harness.analysis.tables import DIMENSIONS, open_tables

Fabricate = Callable[..., Any]

NOT_ERRORS: Final = {"ok", "expected_refusal", "cancelled"}
UNTIMED: Final = {"connection", "cancelled"}
ZONE_OF: Final = {"river": "America/New_York", "lake": "America/Denver", "": ""}
LENGTH_S: Final = 30.0
FEWEST_FOR_P50: Final = 20

rows = st.fixed_dictionaries(
    {
        "start_s": st.integers(-1, 12).map(lambda halves: halves * 2.5),
        "latency_ms": st.sampled_from([20.0, 20.0, 35.5, 80.25, 1000.0, 6000.0]),
        "way": st.sampled_from([0.0, 0.25, 0.5]),
        "late_s": st.sampled_from([-0.001, 0.0, 0.5, 2.0]),
        "site": st.sampled_from(["river", "lake", ""]),
        "persona": st.sampled_from(["nurse", "patient"]),
        "workflow": st.sampled_from(["ask", "find-history"]),
        "operation": st.sampled_from(["Patient.read", "Patient.search[name]"]),
        "lane": st.sampled_from(["labs", "orders"]),
        "phase": st.sampled_from(["", "clinics-open"]),
        "outcome": st.sampled_from([*["ok"] * 5, "timeout", "connection", "cancelled", "http_error", "content"]),
        "status": st.sampled_from([0, 200, 200, 500, 503]),
        "open": st.booleans(),
        "workflow_run": st.integers(1, 4),
        "attempt": st.sampled_from([1, 1, 1, 2]),
        "worker": st.integers(0, 2),
    }
)


def written(fabricate: Fabricate, told: list[dict[str, Any]], *, linked: bool) -> tuple[Any, Any]:
    """A run of these requests, in row groups of seven."""
    run = fabricate(sites=["river", "lake"], heads=2, requests=40, length_s=LENGTH_S)
    frame = pd.DataFrame(told)
    frame["intended_s"] = frame["start_s"] - frame["late_s"]
    frame["server_ms"] = frame["latency_ms"] * (1 - frame["way"])
    usual = {"connect_ms": 0.0, "reused": True, "method": "GET", "clinician": 0, "bytes_sent": 1, "bytes_received": 1}
    run.samples = frame.assign(ttfb_ms=frame["latency_ms"], request_id=range(len(frame)), **usual)
    run.places = {site: {"time_zone": ZONE_OF[site]} for site in ("river", "lake")}
    if linked:
        run.places["river"]["link"] = "rural-dsl"
    run_dir, spec = run.write()
    pq.write_table(pq.read_table(run_dir.samples), run_dir.samples, row_group_size=7)
    return run_dir, spec


def in_time(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the columns should hold, with the headline latency worked out for each row."""
    first: dict[tuple[int, int], float] = {}
    for row in told:
        if row["open"]:
            key = row["worker"], row["workflow_run"]
            first[key] = min(first.get(key, np.inf), row["start_s"])
    found = []
    for row in sorted(told, key=lambda row: float(row["start_s"])):
        is_arrival = row["open"] and row["start_s"] == first[row["worker"], row["workflow_run"]]
        # as the program has it, to the last bit: what is late is the difference of what is written down
        late_ms = (row["start_s"] - (row["start_s"] - row["late_s"])) * 1000
        headline_ms = row["latency_ms"] + late_ms if is_arrival else row["latency_ms"]
        found.append({**row, "headline_ms": headline_ms, "late_ms": late_ms, "time_zone": ZONE_OF[row["site"]]})
    return found


def names_of(requests: Requests, name: str) -> list[str]:
    return [(*requests.names[name], "")[code] for code in requests.codes[name].tolist()]


def groups(wanted: list[dict[str, Any]], *dimensions: str) -> Iterator[tuple[tuple[str, ...], list[float]]]:
    keys = sorted({tuple(row[name] for name in dimensions) for row in wanted})
    for key in keys:
        yield (
            key,
            [row["headline_ms"] for row in wanted if tuple(row[name] for name in dimensions) == key],
        )


@given(told=st.lists(rows, min_size=1, max_size=60), linked=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=20)
def test_columns_and_groups_hold_what_the_rows_say_in_the_order_of_time(
    fabricate: Fabricate, told: list[dict[str, Any]], linked: bool
) -> None:
    run_dir, spec = written(fabricate, told, linked=linked)
    wanted = in_time(told)
    with open_tables(run_dir, spec.sites) as tables:
        requests = read_requests(tables, run_dir.samples)
    for name in ("start_s", "latency_ms", "headline_ms", "open", "status"):
        assert getattr(requests, name).tolist() == [row[name] for row in wanted], name
    for name in (*(name for name in DIMENSIONS if name != "template"), "outcome"):
        assert names_of(requests, name) == [row[name] for row in wanted], name
    if requests.server_ms is not None:
        assert requests.server_ms.tolist() == [row["latency_ms"] * (1 - row["way"]) for row in wanted]
    lags_ms = [max(0.0, row["late_ms"]) for row in wanted]
    assert requests.start_lag_p99_ms == pytest.approx(np.quantile(lags_ms, 0.99))
    timed = [row for row in wanted if row["outcome"] not in UNTIMED]
    latencies = Latencies.of_requests(requests)
    for dimensions in ((), ("site",), ("operation",), ("time_zone",), ("site", "workflow"), ("phase", "lane", "site")):
        split = {names: values.tolist() for names, values in latencies.split(*dimensions)}
        assert split == dict(groups(timed, *dimensions)), dimensions
    arrivals = {names: values.tolist() for names, values in Latencies.of_arrivals(requests).split("persona")}
    assert arrivals == dict(groups([row for row in timed if row["open"]], "persona"))


@given(told=st.lists(rows, min_size=1, max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=12)
def test_every_figure_is_that_of_plain_reckoning(fabricate: Fabricate, told: list[dict[str, Any]]) -> None:
    analysis = analyse(*written(fabricate, told, linked=True))
    wanted = in_time(told)
    summary = analysis.summary
    for section, name in (("by_site", "site"), ("by_workflow", "workflow"), ("by_time_zone", "time_zone")):
        for label, row in summary[section].items():
            check_row(row, [each for each in wanted if each[name] == label])
    check_row(summary["overall"], wanted)
    assert summary["overall"]["outcomes"] == pd.DataFrame(wanted)["outcome"].value_counts().to_dict()
    check_in_flight(summary["concurrency"], wanted)
    check_timeline(analysis, wanted)
    workers = {each.worker: each for each in analysis.instrument.workers}
    for worker in {row["worker"] for row in wanted}:
        own = [row["latency_ms"] / 1000 for row in wanted if row["worker"] == worker]
        assert (workers[worker].rows, workers[worker].latency_s) == (len(own), pytest.approx(sum(own)))


def check_row(row: dict[str, Any], own: list[dict[str, Any]]) -> None:
    timed = [each for each in own if each["outcome"] not in UNTIMED]
    headline_ms = [each["headline_ms"] for each in timed]
    assert row["requests"] == len(own)
    assert row["errors"] == sum(each["outcome"] not in NOT_ERRORS for each in own)
    assert row["retries"] == sum(each["attempt"] > 1 for each in own)
    assert (row["timed"], row["max_ms"]) == (len(timed), max(headline_ms, default=None))
    carried = len(timed) >= FEWEST_FOR_P50
    assert row["p50_ms"] == (pytest.approx(np.quantile(headline_ms, 0.5)) if carried else None)
    if any(each["site"] == "river" for each in own) and timed:
        way_ms = sum(each["latency_ms"] * each["way"] for each in timed)
        assert row["link_share"] == pytest.approx(way_ms / sum(each["latency_ms"] for each in timed))
    else:
        assert row["link_share"] is None


def check_in_flight(concurrency: dict[str, Any], wanted: list[dict[str, Any]]) -> None:
    spans = [(row["start_s"], row["start_s"] + row["latency_ms"] / 1000) for row in wanted]
    # whoever ends where another starts does not overlap it; the most are open at somebody's start
    most = max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)
    assert concurrency["peak_in_flight"] == most
    assert concurrency["mean_in_flight"] == pytest.approx(sum(end - begin for begin, end in spans) / LENGTH_S)


def check_timeline(analysis: Analysis, wanted: list[dict[str, Any]]) -> None:
    """Bins of 2 s or more; what began before the first or after the last belongs to it."""
    frame = analysis.timeline
    for site in ("", "river", "lake"):
        curve = frame[frame["site"] == site].reset_index(drop=True)
        begins_s = curve["time_s"].tolist()
        own = [row for row in wanted if site in ("", row["site"])]
        for at, (begin_s, row) in enumerate(zip(begins_s, curve.to_dict("records"), strict=True)):
            first, last = at == 0, at == len(begins_s) - 1
            inside = [
                each
                for each in own
                if (first or each["start_s"] >= begin_s) and (last or each["start_s"] < begins_s[at + 1])
            ]
            timed = [each["headline_ms"] for each in inside if each["outcome"] not in UNTIMED]
            assert row["errors"] == sum(each["outcome"] not in NOT_ERRORS for each in inside)
            drawn = np.quantile(timed, 0.5) if len(timed) >= 4 else np.nan
            assert row["p50_ms"] == pytest.approx(drawn, nan_ok=True)
            end_s = LENGTH_S if last else begins_s[at + 1]
            spent_s = sum(
                max(0.0, min(end_s, each["start_s"] + each["latency_ms"] / 1000) - max(begin_s, each["start_s"]))
                for each in own
            )
            assert row["in_flight"] == pytest.approx(spent_s / (end_s - begin_s), abs=1e-9)
