"""What is said of a stall: read from what each tool leaves, and never from requests that failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.stall import by_k6, by_locust, side_by_side
from benchmarks.stall.side_by_side import Line
from benchmarks.stall.truths import Told, told_by_theory, told_of

LOCUST = """Type,Name,Request Count,Failure Count,50%,95%,98%,99%,100%
GET,Patient.read,11413,{failed},6,8,9,11,6000
,Aggregated,11413,{failed},6,8,9,11,6000
"""


@pytest.mark.parametrize(("case", "p99_ms"), [("open", 4805.0), ("queue", 5450.0)])
def test_theory_is_the_length_of_the_stall_less_what_the_first_hundredth_slept_through(case: str, p99_ms: float):
    assert told_by_theory(case).p99_ms == pytest.approx(p99_ms, abs=0.1)


@given(st.lists(st.floats(0.1, 1e5), min_size=1, max_size=200))
def test_what_was_measured_is_told_by_its_quantiles(latencies_ms: list[float]):
    told = told_of(np.array(latencies_ms), never_sent=0)
    assert [told.p50_ms, told.p95_ms, told.p99_ms] == pytest.approx(np.quantile(latencies_ms, [0.5, 0.95, 0.99]))
    assert (told.max_ms, told.sent) == (max(latencies_ms), len(latencies_ms))


def test_what_is_not_known_is_not_told():
    assert Told(5.0, 5.2, 4805.0, 6005.0).text() == "p50 5 ms, p95 5 ms, p99 4.80 s, longest 6.00 s"
    assert Told(5.0, 5.0, 5.0, 6000.0, 11450, 550).text().endswith("longest 6.00 s, 11,450 sent, 550 never sent")


def test_locust_is_read_of_all_its_requests(tmp_path: Path):
    table = tmp_path / "told_stats.csv"
    table.write_text(LOCUST.format(failed=0))
    assert by_locust.told_in(table) == Told(6.0, 8.0, 11.0, 6000.0, 11413, never_sent=None)


def k6_export(path: Path, **more: Any) -> Path:
    times = {"med": 6.1, "p(95)": 7.4, "p(99)": 4810.0, "max": 6005.0}
    metrics = {"http_req_duration": times, "http_reqs": {"count": 11998}, "http_req_failed": {"value": 0}, **more}
    path.write_text(json.dumps({"metrics": metrics}))
    return path


def test_k6_tells_of_nothing_dropped_by_silence(tmp_path: Path):
    export = k6_export(tmp_path / "told.json")
    assert by_k6.told_in(export, counts_dropped=True) == Told(6.1, 7.4, 4810.0, 6005.0, 11998, 0)
    assert by_k6.told_in(export, counts_dropped=False).never_sent is None
    dropping = k6_export(tmp_path / "told.json", dropped_iterations={"count": 550})
    assert by_k6.told_in(dropping, counts_dropped=True).never_sent == 550


def test_times_of_requests_that_failed_are_refused(tmp_path: Path):
    table = tmp_path / "told_stats.csv"
    table.write_text(LOCUST.format(failed=3))
    with pytest.raises(RuntimeError, match="3 requests of Locust failed"):
        by_locust.told_in(table)
    with pytest.raises(RuntimeError, match=r"50\.0% of the requests of k6 failed"):
        by_k6.told_in(k6_export(tmp_path / "told.json", http_req_failed={"value": 0.5}), counts_dropped=True)


def test_who_is_far_from_theory_is_not_true():
    told = told_by_theory("open")
    assert Line("somebody", "open", told).is_true
    assert not Line("somebody", "open", Told(5.0, 5.0, 5.0, 6000.0)).is_true
    assert not Line("somebody", "open", None).is_true


def test_where_k6_is_not_installed_its_lines_are_there_and_say_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(side_by_side, "k6_path", lambda: None)
    said = told_by_theory("open")

    class Run:
        def told(self, kind: str) -> Told:
            return said

    monkeypatch.setattr(side_by_side.by_emrload, "measure", lambda folder: Run())
    monkeypatch.setattr(side_by_side.by_locust, "measure", lambda folder: [said] * 3)
    lines = list(side_by_side.lines(tmp_path))
    assert [line.told is None for line in lines if line.who.startswith("k6")] == [True] * 3
    assert all(line.told is not None for line in lines if not line.who.startswith("k6"))
