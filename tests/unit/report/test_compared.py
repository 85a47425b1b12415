import io
import math
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from harness.analysis.compare import ComparedRow
from harness.report.compared import change_text, headline_of, print_comparison, ratio_text, worst_first

Row = Callable[..., ComparedRow]


def printed(rows: list[ComparedRow], width: int = 120) -> str:
    file = io.StringIO()
    print_comparison(rows, {"A": "before"}, ["One run."], Console(file=file, width=width, highlight=False))
    return file.getvalue()


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1.0, "0.0%"),
        (0.99999, "0.0%"),
        (1.034, "+3.4%"),
        (0.9, "-10%"),
        (1.0996, "+10%"),
        (2.5, "+150%"),
        (4.21, "×4.2"),
        (1234.0, "×1,234"),
        (math.inf, "–"),
    ],
)
def test_a_ratio_reads_as_a_change(ratio: float, text: str) -> None:
    assert ratio_text(ratio) == text


def test_a_change_has_its_interval_beside_it(row: Row) -> None:
    assert change_text(row("site", "river", 1.5)) == "+50% (+44% to +56%)"
    assert change_text(row("site", "river", p=None)) == "–"


def test_the_worst_change_stands_first_and_what_is_not_known_last(row: Row) -> None:
    rows = [row("site", "a", p=None), row("site", "b", 0.7, 0.01), row("site", "c"), row("site", "d", 1.2, 0.01)]
    assert [one.key.name for one in worst_first([*rows, row("site", "e", 1.5, 0.01)])] == ["e", "d", "c", "b", "a"]


@pytest.mark.parametrize(
    ("rows", "word", "sentence"),
    [
        ([("network", "")], "NO DIFFERENCE SEEN", "in 1 row; a change within the intervals below is possible"),
        ([("network", "", 1.0, None)], "CANNOT TELL", "no row has samples enough for a p95 in both"),
        ([("network", "", 0.5, 0.01)], "FASTER", "1 of 1 row, most of all the network: -50% (-52% to -48%)"),
        (
            [("network", ""), ("waiting", "find-history", 1.5, 0.01), ("site", "lake", 0.8, 0.01, 0.1)],
            "SLOWER",
            "1 of 3 rows, most of all waiting, find-history: +50% (+44% to +56%); 1 faster; more errors: lake",
        ),
        ([("network", "", 1.0, 0.9, 0.02)], "MORE ERRORS", "the network"),
    ],
)
def test_what_changed_is_a_word_and_a_sentence(rows: list[tuple[Any, ...]], word: str, sentence: str, row: Row) -> None:
    assert headline_of([row(*each) for each in rows]) == (word, sentence)


def test_rows_that_do_not_differ_are_counted_and_those_that_do_are_named(row: Row) -> None:
    sites = [row("site", f"site-{at}") for at in range(48)]
    text = printed([row("network", ""), row("site", "river", 1.5, 0.001), row("site", "few", p=None), *sites])
    assert "river" in text
    assert "slower" in text
    assert "48 others" in text
    assert "1 other " in text
    assert "site-7" not in text


def test_more_errors_stand_in_the_row_that_has_them(row: Row) -> None:
    text = printed([row("network", ""), row("site", "lake", errors=0.02), row("site", "hill", 1.5, 0.01, 0.02)])
    (lake,) = [line for line in text.splitlines() if "  lake" in line]
    (hill,) = [line for line in text.splitlines() if "  hill" in line]
    assert "more errors" in lake
    assert "0% → 2.0%" in lake
    assert "slower, more errors" in hill


@pytest.mark.parametrize("width", [50, 80, 120])
def test_a_narrow_terminal_loses_columns_and_never_a_change_or_a_name(width: int, row: Row) -> None:
    text = printed([row("network", ""), row("workflow", "medication-pass", 1.5, 0.01)], width)
    (line,) = [line for line in text.splitlines() if "medication-pass" in line and "most" not in line]
    assert "+50% (+44% to +56%)" in line
    assert ("5,000 → 5,100" in line) == (width == 120)
