import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from harness.report.tables import LATENCY_COLUMNS, write_concurrency_csv, write_latency_csv


def test_every_scope_of_the_summary_is_one_row_of_latency_csv(run_of: Callable[..., Any], tmp_path: Path) -> None:
    summary = run_of(3).analysis.summary
    write_latency_csv(summary, tmp_path / "latency.csv")
    with (tmp_path / "latency.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == LATENCY_COLUMNS
    scopes = {(row["dimension"], row["name"]) for row in rows}
    expected = {("overall", "")}
    for dimension in ("site", "time_zone", "template", "workflow", "operation", "lane", "persona"):
        expected |= {(dimension, name) for name in summary[f"by_{dimension}"]}
    assert scopes == expected
    assert len(rows) == len(expected)
    river = next(row for row in rows if row["name"] == "river")
    assert float(river["p95_ms"]) == summary["by_site"]["river"]["p95_ms"]
    low_ms, high_ms = summary["by_site"]["river"]["intervals"]["p95_ms"]
    assert (float(river["p95_low_ms"]), float(river["p95_high_ms"])) == (low_ms, high_ms)


def test_a_figure_that_was_not_computed_is_an_empty_cell_not_a_zero(run_of: Callable[..., Any], tmp_path: Path) -> None:
    write_latency_csv(run_of(3).analysis.summary, tmp_path / "latency.csv")
    with (tmp_path / "latency.csv").open(encoding="utf-8", newline="") as file:
        rare = next(row for row in csv.DictReader(file) if row["name"] == "Patient.read")
    assert (rare["p99_ms"], rare["p999_ms"]) == ("", "")


def test_a_name_that_a_spreadsheet_would_run_as_a_formula_is_quoted(run_of: Callable[..., Any], tmp_path: Path) -> None:
    run = run_of(3)
    run.analysis.summary["by_site"]["=HYPERLINK(0)"] = run.analysis.summary["by_site"].pop("lake")
    write_latency_csv(run.analysis.summary, tmp_path / "latency.csv")
    assert "site,'=HYPERLINK(0)," in (tmp_path / "latency.csv").read_text(encoding="utf-8")
    timeline = run.analysis.timeline.assign(site="@cmd")
    write_concurrency_csv(timeline, tmp_path / "concurrency.csv")
    assert "'@cmd" in (tmp_path / "concurrency.csv").read_text(encoding="utf-8")


def test_concurrency_csv_holds_the_whole_timeline(run_of: Callable[..., Any], tmp_path: Path) -> None:
    timeline = run_of(3).analysis.timeline
    write_concurrency_csv(timeline, tmp_path / "concurrency.csv")
    read = pd.read_csv(tmp_path / "concurrency.csv", keep_default_na=True)
    assert list(read.columns) == list(timeline.columns)
    assert len(read) == len(timeline)
    assert read["p99_ms"].isna().sum() == timeline["p99_ms"].isna().sum()


def test_a_summary_of_an_earlier_version_has_no_intervals_and_empty_cells(
    run_of: Callable[..., Any], tmp_path: Path
) -> None:
    summary = run_of(3).analysis.summary
    for rows in ({"": summary["overall"]}, *(rows for name, rows in summary.items() if name.startswith("by_"))):
        for row in rows.values():
            row.pop("intervals")
    write_latency_csv(summary, tmp_path / "latency.csv")
    with (tmp_path / "latency.csv").open(encoding="utf-8", newline="") as file:
        assert {(row["p95_low_ms"], row["p95_high_ms"]) for row in csv.DictReader(file)} == {("", "")}
