import re
from collections.abc import Callable
from typing import Any

import pytest

from harness.analysis import analyse
from harness.report.checks import check_bound_text, check_figure_text
from harness.verdict.judge import judge


def row(name: str, figure: float | None, bound: float, unit: str = "") -> dict[str, Any]:
    return {"check": name, "figure": figure, "bound": bound, "unit": unit}


@pytest.mark.parametrize(
    ("check", "figure", "bound"),
    [
        (row("completed", 0.0, 0.0), "to its end", "to its end"),
        (row("completed", 1.0, 0.0), "not to its end", "to its end"),
        (row("too-short", 60.0, 10.0, "s"), "1 min 00 s", "at least 10 s"),
        (row("required", 7.0, 1.0), "7 required objectives", "at least 1"),
        (row("enough-samples", 0.0, 0.0), "0 of 7 undecided", "none"),
        (row("generator-explains", 2.0, 0.0), "2 of 7 in doubt", "none"),
        (row("generator-stall", 18.0, 1000.0, "ms"), "18 ms", "below 1.00 s"),
        (row("cpu", 0.027, 0.9, "of one core"), "2.7% of one core", "at most 90.0%"),
        (row("workers", 1.0, 0.0), "1 worker lost or late", "none"),
        (row("started-finished", 0.0, 0.0, "requests"), "0 requests astray", "none"),
        (row("littles-law", 0.0002, 0.01), "0.02% apart", "at most 1.0%"),
        (row("cpu", None, 0.9, "of one core"), "–", "at most 90.0%"),
    ],
)
def test_a_check_reads_in_words_and_units(check: dict[str, Any], figure: str, bound: str) -> None:
    assert (check_figure_text(check, 7), check_bound_text(check)) == (figure, bound)


def test_where_the_plan_requires_nothing_no_share_of_nothing_is_shown() -> None:
    assert check_figure_text(row("enough-samples", 0.0, 0.0), 0) == "none required"


def test_a_check_that_is_not_known_shows_its_number_and_unit() -> None:
    check = row("a-new-one", 3.0, 5.0, "leaps")
    assert (check_figure_text(check, 7), check_bound_text(check)) == ("3 leaps", "at most 5 leaps")


def test_no_row_of_a_judged_run_shows_a_bare_number(fabricate: Callable[..., Any]) -> None:
    run_dir, spec = fabricate().write()
    verdict = judge(analyse(run_dir, spec), spec, run_dir.read_manifest(), ())
    assert verdict["validity"]
    for check in verdict["validity"]:
        for text in (check_figure_text(check, 7), check_bound_text(check)):
            assert not re.fullmatch(r"[\d.,]*", text), (check, text)
