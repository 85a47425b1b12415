from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from harness.analysis.compare import ComparedRow
from harness.errors import OutputError
from harness.report.canvas import WIDE, drawing
from harness.report.forest import MOST_ROWS, draw_forest, forest_figure
from harness.report.palette import BLUE, GREY, VERMILION

Row = Callable[..., ComparedRow]


@pytest.fixture
def rows(row: Row) -> list[ComparedRow]:
    return [
        row("network", ""),
        row("site", "lake", 0.8, 0.01),
        row("site", "river", 1.5, 0.01),
        row("site", "empty", p=None),
    ]


def figure_of(rows: list[ComparedRow]) -> Figure:
    with drawing(WIDE):
        figure = forest_figure(rows)
        figure.canvas.draw()
    return figure


def test_the_worst_row_is_on_top_and_only_what_is_known_is_drawn(rows: list[ComparedRow]) -> None:
    (panel,) = figure_of(rows).axes
    names = [label.get_text() for label in panel.get_yticklabels()]
    assert names == ["river", "the network", "lake"]
    assert panel.get_ylim()[0] > panel.get_ylim()[1]  # the first is on top


def test_each_outcome_has_a_mark_of_its_own_that_needs_no_colour(rows: list[ComparedRow]) -> None:
    (panel,) = figure_of(rows).axes
    marks = [line.get_marker() for line in panel.get_lines() if line.get_marker() != "None"]
    assert marks == [">", "o", "<"]


def test_the_colours_differ_in_grey() -> None:
    def grey(colour: str) -> float:
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    greys = sorted(map(grey, (VERMILION, GREY, BLUE)))
    assert greys[-1] - greys[0] > 20  # the marks tell what is left


def test_the_line_of_no_change_is_within_the_picture_with_the_intervals(rows: list[ComparedRow], row: Row) -> None:
    for shown in (rows, [row("network", "", 1.5, 0.01)], [row("network", "", 0.001, 0.01)]):
        (panel,) = figure_of(shown).axes
        low, high = panel.get_xlim()
        assert low < 1 < high
        assert "0%" in [label.get_text() for label in panel.get_xticklabels()]


def test_ticks_do_not_run_into_each_other(row: Row) -> None:
    for ratio in (1.001, 1.3, 2.0, 18.0):
        figure = figure_of([row("network", "", ratio, 0.01), row("site", "river", 1 / ratio)])
        boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_of_many_rows_the_worst_are_drawn_and_the_title_says_so(row: Row) -> None:
    rows = [row("site", f"site-{at}", 1 + at / 100) for at in range(MOST_ROWS + 5)]
    (panel,) = figure_of(rows).axes
    assert len(panel.get_yticklabels()) == MOST_ROWS
    assert panel.get_yticklabels()[0].get_text() == f"site-{MOST_ROWS + 4}"
    assert f"the {MOST_ROWS} slowest changes of {MOST_ROWS + 5}" in panel.get_title(loc="left")


@pytest.mark.parametrize("first", [0, 3], ids=["three", "none"])
def test_the_picture_is_a_png_with_something_on_it(first: int, rows: list[ComparedRow], tmp_path: Path) -> None:
    draw_forest(rows[first:], tmp_path / "change.png")
    pixels = imread(tmp_path / "change.png")
    assert pixels.shape[1] == 1500
    assert np.ptp(pixels[..., :3]) > 0.8


def test_a_folder_that_is_not_there_is_said(rows: list[ComparedRow], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        draw_forest(rows, tmp_path / "nowhere" / "change.png")
