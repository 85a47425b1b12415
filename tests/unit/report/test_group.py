"""Several runs in one report: its page, its table in the terminal, its file for a spreadsheet."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.report.group import (
    Group,
    GroupRun,
    enough_text,
    group_headline,
    group_summary,
    half_width_text,
    write_runs_csv,
)
from harness.report.group_console import tell_group
from harness.report.group_page import group_page_of

FACTORS = (1.0, 1.02, 0.99, 1.01, 0.98)


@pytest.fixture
def group_of(run_of: Callable[..., Any]) -> Callable[..., Group]:
    """Runs of the same plan, whose p95 of all sites is 165 ms times a factor each."""

    def make(factors: tuple[float, ...] = FACTORS, sites: int = 3) -> Group:
        runs = []
        for number, factor in enumerate(factors, 1):
            run = run_of(sites, "pass")
            summary = run.analysis.summary
            for row in (summary["overall"], *summary["by_site"].values(), *summary["by_workflow"].values()):
                for name in ("p50_ms", "p95_ms", "p99_ms"):
                    row[name] = row[name] and row[name] * factor
            manifest = {**run.manifest, "seed": number, "run_id": str(number)}
            runs.append(GroupRun(number, Path(f"reports/run-{number}"), manifest, summary, run.verdict))
        return Group(tuple(runs))

    return make


def page(group: Group, run_of: Callable[..., Any], sites: int = 3) -> str:
    return group_page_of(group, run_of(sites).spec, ["Repeat 2 more: `emrload run morning-rush --seed 6`"])


def invalid(run: GroupRun) -> GroupRun:
    return replace(run, verdict={**run.verdict, "verdict": "invalid"})


def test_the_headline_says_what_the_runs_say_together(group_of: Callable[..., Group]) -> None:
    group = group_of()
    over = group.rows()["overall"][""]["p95_ms"]
    assert group_headline(over, 5) == "p95 of all sites is 165 ms over 5 runs; at 95% it lies within 162–168 ms"
    assert enough_text(over) == "yes"


def test_the_page_shows_every_run_the_mean_and_whether_it_is_enough(
    group_of: Callable[..., Group], run_of: Callable[..., Any]
) -> None:
    text = page(group_of(), run_of)
    assert "p95 of all sites is 165 ms over 5 runs" in text
    assert all(f"run-{number}</td>" in text for number in range(1, 6))
    assert '165 ms <span class="within"' in text
    assert "<code>emrload run morning-rush --seed 6</code>" in text
    assert "Before you read on." not in text
    assert text.count('role="img"') == 2, "the sites in a picture, wide and narrow"
    assert "http://" not in text.replace("http://www.w3.org/", "")


def test_an_invalid_run_is_shown_and_left_out(group_of: Callable[..., Group], run_of: Callable[..., Any]) -> None:
    group = group_of((*FACTORS, 50.0))
    group = Group((*group.runs[:5], invalid(group.runs[5])))
    assert group.rows() == group_of().rows()
    text = page(group, run_of)
    assert "Invalid: run 6 (run-6). It is shown below and left out of every mean and interval." in text
    assert "6 runs, 5 of them valid" in text
    summary = group_summary(group)
    assert [run["counts"] for run in summary["runs"]] == [True] * 5 + [False]
    assert len(summary["overall"]["p95_ms"]["figures_ms"]) == summary["runs_counted"] == 5


def test_a_seed_that_was_played_twice_and_too_few_runs_are_told(
    group_of: Callable[..., Group], run_of: Callable[..., Any]
) -> None:
    first, second = group_of((1.0, 1.1)).runs
    again = Group((first, replace(second, manifest={**second.manifest, "seed": 1})))
    text = page(again, run_of)
    assert "Played more than once with seed 1" in text
    assert "2 runs of at least 5" in text
    assert "Played more than once" not in page(group_of((1.0, 1.1)), run_of)


def test_a_percentile_that_one_run_lacks_has_neither_mean_nor_interval(
    group_of: Callable[..., Group], run_of: Callable[..., Any]
) -> None:
    group = group_of()
    group.runs[2].summary["overall"]["p95_ms"] = None
    over = group.rows()["overall"][""]["p95_ms"]
    assert enough_text(over) == "lacking in 1 of 5 runs"
    assert group_headline(over, 5) == "The p95 of all sites is not known: lacking in 1 of 5 runs"
    assert "The p95 of all sites is not known" in page(group, run_of)


def test_a_hundred_sites_show_the_slowest_ten_and_fold_the_rest(
    group_of: Callable[..., Group], run_of: Callable[..., Any]
) -> None:
    text = page(group_of(sites=100), run_of, 100)
    assert "<summary>90 more sites</summary>" in text
    assert "Drawn are the first 16 of the table." in text


def test_a_name_with_markup_in_it_stays_text(group_of: Callable[..., Group], run_of: Callable[..., Any]) -> None:
    group = group_of()
    for run in group.runs:
        run.summary["by_site"]["<b>lake</b>"] = run.summary["by_site"].pop("lake")
    text = page(group, run_of)
    assert "<b>lake" not in text


def test_a_half_width_may_be_more_than_the_whole(group_of: Callable[..., Group]) -> None:
    over = group_of((1.0, 1.3)).rows()["overall"][""]["p95_ms"]
    assert half_width_text(over) == "430%"
    assert half_width_text(replace(over, relative_half_width=0.0432)) == "4.3%"
    assert half_width_text(replace(over, relative_half_width=None)) == "–"


def told(group: Group, width: int = 120) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=False, highlight=False)
    tell_group(group, Path("reports/five/report.html"), ["Repeat: `emrload run`"], console)
    return file.getvalue()


def test_the_terminal_shows_each_percentile_of_all_sites_and_the_p95_of_each(group_of: Callable[..., Group]) -> None:
    lines = told(group_of()).splitlines()
    rows = {line.strip().split("   ")[0]: line for line in lines if line.startswith("  ")}
    assert list(rows) == ["over runs", "p50 of all sites", "p95 of all sites", "p99 of all sites"] + [
        f"p95 of {site}" for site in ("hill", "lake", "river")
    ]
    for shown in ("162 ms to 168 ms", "165 ms", "162–168 ms", "2.0%", "yes"):
        assert f"  {shown}" in rows["p95 of all sites"]
    assert lines[-1] == "next     Repeat: emrload run"
    assert "and 5 more sites" in told(group_of(sites=15))


@pytest.mark.parametrize("width", [50, 80])
def test_in_a_narrow_terminal_columns_are_left_out_and_no_name_is_broken(
    group_of: Callable[..., Group], width: int
) -> None:
    text = told(group_of(), width)
    assert "runs from to" not in text
    assert all(f"  p95 of {site}   " in text for site in ("all sites", "river", "lake", "hill"))
    assert ("162–168 ms   " in text) == (width == 80)


def test_runs_csv_has_a_row_a_scope_and_percentile_and_a_column_a_run(
    group_of: Callable[..., Group], tmp_path: Path
) -> None:
    group = group_of()
    for run in group.runs:
        run.summary["by_site"]["=lake"] = run.summary["by_site"].pop("lake")
    write_runs_csv(group, tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    network = next(row for row in rows if (row["dimension"], row["percentile"]) == ("overall", "p95"))
    assert [float(network[f"run_{number}_ms"]) for number in range(1, 6)] == pytest.approx(
        [165 * factor for factor in FACTORS]
    )
    assert float(network["low_ms"]) < float(network["mean_ms"]) < float(network["high_ms"])
    assert (network["narrow_enough"], network["more_runs"]) == ("yes", "0")
    assert {row["name"] for row in rows if row["dimension"] == "site"} == {"river", "'=lake", "hill"}
    assert len(rows) == 3 * (1 + 3 + len(group.runs[0].summary["by_workflow"]))
