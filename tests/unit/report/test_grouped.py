"""The run by zone, kind of site and persona, what came by itself, and what a lapse distorts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.report.cells import Table
from harness.report.facts import lapse_sentences
from harness.report.grouped import arrivals_table, kinds_table, personas_table, zones_table
from harness.report.timescale import time_scale

ARRIVALS = {
    "expected": 7.4,
    "begun": 10,
    "sites": 6,
    "ok": 8,
    "failed": 1,
    "cut": 0,
    "abandoned": 1,
    "skipped": 0,
    "p50_ms": 120.0,
    "p95_ms": None,
    "start_lag_p50_ms": 1.0,
    "start_lag_max_ms": 1.3,
}


def texts(table: Table) -> list[dict[str, str]]:
    heads = [head.text for head in table.heads]
    return [dict(zip(heads, (cell.text for cell in row), strict=True)) for row in table.rows]


def link(row: dict[str, Any]) -> None:
    row.update(link_share=0.62, server_p95_ms=80.0, server_p50_ms=30.0)


def test_a_zone_tells_what_its_clocks_showed(run_of: Callable[..., Any]) -> None:
    run = run_of(3, zones=("America/New_York", "America/Denver"))
    rows = texts(zones_table(run.analysis.summary, time_scale(run.spec)))
    assert [(row["time zone"], row["its clocks showed"], row["sites"]) for row in rows] == [
        ("America/New_York", "06:30 to 10:30", "2"),
        ("America/Denver", "04:30 to 08:30", "1"),
    ]


def test_a_link_is_a_bar_and_beside_it_stands_what_the_server_alone_takes(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    without = kinds_table(run.analysis.summary, run.spec)
    assert "link’s share" not in [head.text for head in without.heads]
    link(run.analysis.summary["by_template"]["clinic"])
    table = kinds_table(run.analysis.summary, run.spec)
    (row,) = texts(table)
    assert (row["kind of site"], row["link’s share"], row["p95 without link"]) == ("Clinic", "62.0%", "80 ms")
    assert table.rows[0][-1].bar == 0.62


def test_personas_come_in_the_scenarios_order_and_arrivals_have_nobody_on_duty(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    summary = run.analysis.summary
    summary["by_persona"]["portal-patient"] = {**summary["by_persona"]["nurse"]}
    summary["open"] = {"overall": ARRIVALS, "by_persona": {"portal-patient": ARRIVALS}}
    rows = texts(personas_table(summary, run.spec))
    assert [row["persona"] for row in rows][-2:] == ["lab-technician", "portal-patient"]
    assert rows[-1]["on duty at peak"] == "come by themselves"
    assert (rows[0]["ok"], rows[0]["cut"]) == ("2,000", "12")
    (came,) = texts(arrivals_table(summary))
    assert came["sites where somebody came"] == "6"
    assert (came["who"], came["expected"], came["came"], came["late at most"]) == (
        "portal-patient",
        "7.4",
        "10",
        "1.3 ms",
    )


def test_what_a_lapse_distorts_is_told_in_figures(run_of: Callable[..., Any]) -> None:
    said = lapse_sentences(run_of(3).analysis.summary)
    assert len(said) == 4
    assert "came 60 times faster" in said[0]
    assert "212 of 640 came within the busiest minute of the run" in said[1]
    assert "in the busiest minute of life it would be 9" in said[1]
    assert "cut 14.0% of the workflows (most of all nurse: 21.0%), and 41 of 800 shifts" in said[2]
    # 3 in 10 with a sixtieth of all other work: 0.3 / (0.3 + 0.7 × 60)
    assert "it made up 30.0% of the workflows, in life about 0.71%" in said[3]


def test_at_true_speed_nothing_is_distorted(run_of: Callable[..., Any]) -> None:
    summary = run_of(3).analysis.summary
    summary["time_lapse"]["factor"] = 1.0
    assert lapse_sentences(summary) == []
