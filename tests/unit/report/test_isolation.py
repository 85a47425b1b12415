import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from rich.console import Console

from harness.analysis.compare import ComparedRow
from harness.analysis.demand import Growth
from harness.analysis.isolation import Isolation
from harness.errors import OutputError
from harness.report.canvas import WIDE, drawing
from harness.report.isolation import interference_text, isolation_headline, load_name, print_isolation
from harness.report.isolation_figure import MOST_SITES_DRAWN, draw_isolation, isolation_figure

Row = Callable[..., ComparedRow]
Make = Callable[..., Isolation]


def growth(more: dict[str, float], *, everywhere: bool = False) -> Growth:
    dose = max(more.values(), default=1.0)
    return Growth(more, (), ("orders", "labs"), frozenset({"orders"}), dose, everywhere, not more)


@pytest.fixture
def made(row: Row) -> Make:
    """River grew `times`; each other site of `ratios` has that ratio, and is hurt above 1.2."""

    def make(
        times: float, ratios: dict[str, float | None], hurt: dict[str, tuple[str, ...]] | None = None
    ) -> Isolation:
        rows = tuple(
            row("site", name, ratio or 1.0, None if ratio is None else 0.001 if ratio > 1.2 else 0.9)
            for name, ratio in ratios.items()
        )
        slow = {one.key.name: ("slower",) for one in rows if one.outcome == "slower"}
        return Isolation(
            name=f"river-{times:g}",
            growth=growth({"river": times} if times > 1 else {}),
            together=row("network", "", max(filter(None, ratios.values()), default=1.0), 0.001),
            sites=rows,
            lanes=(row("lane", "orders", 1.4, 0.001), row("lane", "labs")),
            aggressors=(row("site", "river", 3.0, 0.001),) if times > 1 else (),
            hurt=slow if hurt is None else hurt,
            silent=0,
        )

    return make


def printed(found: list[Isolation], width: int = 150) -> str:
    file = io.StringIO()
    fair = ({"jain": 1.0, "max_over_median_p95": 1.02}, {"jain": 0.91, "max_over_median_p95": None})
    print_isolation(found, [fair] * len(found), {"baseline": "usual"}, ["One run."], Console(file=file, width=width))
    return file.getvalue()


@pytest.mark.parametrize(
    ("grew", "name"),
    [
        (growth({}), "the same load again"),
        (growth({"river": 4.0}), "river ×4"),
        (growth({"river": 1.5, "lake": 2.0}), "river ×1.5, lake ×2"),
        (growth({"river": 2.0, "lake": 2.0, "hill": 2.0}), "river ×2, lake ×2 and 1 more"),
        (growth({"river": 1.25}, everywhere=True), "all sites ×1.25: orders, labs"),
    ],
)
def test_a_load_is_named_by_where_more_is_asked(grew: Growth, name: str) -> None:
    assert load_name(grew) == name


def test_a_ratio_has_its_interval_beside_it(row: Row) -> None:
    assert interference_text(row("site", "lake", 1.5)) == "1.50 (1.44–1.56)"
    assert interference_text(row("site", "lake", 1.5), interval=False) == "1.50"
    assert interference_text(row("site", "lake", p=None)) == interference_text(None) == "–"


def test_the_worst_load_is_the_sentence(made: Make) -> None:
    found = [made(2, {"lake": 1.0, "hill": 1.3}), made(4, {"lake": 1.6, "hill": 1.7})]
    assert isolation_headline(found) == ("HURT", "2 of 2 other sites by river ×4: hill, lake")
    word, sentence = isolation_headline([made(2, {"lake": 1.0})])
    assert (word, sentence[:8]) == ("NOBODY ELSE HURT", "in 1 run")


def test_rows_are_loads_and_sites_and_lanes(made: Make) -> None:
    text = printed([made(1, {"lake": 1.0, "hill": 1.0, "river": 1.0}), made(4, {"lake": 1.6, "hill": None})])
    (lake,) = [line for line in text.splitlines() if line.startswith("lake")]
    assert lake.split() == ["lake", "1.00", "1.60", "hurt"]
    (hill,) = [line for line in text.splitlines() if line.startswith("hill")]
    assert hill.split() == ["hill", "1.00", "–"]
    (river,) = [line for line in text.splitlines() if line.startswith("river  ")]
    assert river.split()[-2:] == ["asks", "more"]
    (four,) = [line for line in text.splitlines() if line.startswith("river ×4")]
    assert "1 of 2, 1 unknown" in four
    assert "1.000 → 0.910" in four
    (cascade,) = [line for line in text.splitlines() if line.startswith("orders, labs (river ×4)")]
    assert "1.40 hurt" in cascade


def test_who_is_hurt_otherwise_than_by_waiting_is_said_in_words(made: Make) -> None:
    found = made(4, {"lake": 1.0, "hill": 1.0}, {"lake": ("more errors", "misses site-p95"), "hill": ("slower",)})
    assert "river ×4: lake has more errors and newly misses site-p95." in printed([found])


def test_of_many_sites_the_worst_are_named_and_the_rest_counted(made: Make) -> None:
    ratios: dict[str, float | None] = {f"site-{at:02d}": 1.0 + at / 50 for at in range(40)}
    text = printed([made(4, ratios)])
    assert "site-39" in text
    (others,) = [line for line in text.splitlines() if "28 others" in line]
    assert others.split()[-2:] == ["17", "hurt"]


@pytest.mark.parametrize("width", [60, 100, 150])
def test_a_narrow_terminal_loses_columns_and_says_so(made: Make, width: int) -> None:
    text = printed([made(4, {"lake": 1.6})], width)
    (row,) = [line for line in text.splitlines() if line.startswith("river ×4")]
    assert "1.60 (1.53–1.67)" in row
    assert ("columns left out" in text or "column left out" in text) == (width < 150)


def test_the_picture_has_a_row_a_site_and_a_mark_a_load_that_needs_no_colour(made: Make) -> None:
    found = [made(2, {"lake": 1.0, "hill": 1.3}), made(8, {"lake": 1.6, "hill": 2.4})]
    with drawing(WIDE):
        figure = isolation_figure(found)
        figure.canvas.draw()
    (panel,) = figure.axes
    assert [label.get_text() for label in panel.get_yticklabels()] == ["all others together", "hill", "lake"]
    marks = [line for line in panel.get_lines() if line.get_marker() not in ("None", None)]
    assert [line.get_marker() for line in marks] == ["o", "^"] * 3
    filled = [line.get_markerfacecolor() != "white" for line in marks[2:]]
    assert filled == [True, True, False, True]
    low, high = panel.get_xlim()
    assert low < 1 < 1.1 < 2.4 < high
    assert panel.get_title(loc="left") == "2 of 2 other sites hurt by river ×8"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["river ×2: 1 of 2 hurt", "river ×8: 2 of 2 hurt"]


def test_of_many_sites_the_worst_are_drawn_and_the_title_says_so(made: Make) -> None:
    ratios: dict[str, float | None] = {f"site-{at:02d}": 1.3 + at / 50 for at in range(MOST_SITES_DRAWN + 6)}
    with drawing(WIDE):
        (panel,) = isolation_figure([made(4, ratios)]).axes
    assert len(panel.get_yticklabels()) == MOST_SITES_DRAWN + 1
    assert f"the {MOST_SITES_DRAWN} worst of {MOST_SITES_DRAWN + 6} sites" in panel.get_title(loc="left")


def test_the_picture_is_a_png_and_a_folder_that_is_not_there_is_said(made: Make, tmp_path: Path) -> None:
    draw_isolation([made(4, {"lake": 1.6, "hill": None})], tmp_path / "river.png")
    pixels = imread(tmp_path / "river.png")
    assert pixels.shape[1] == 1500
    assert np.ptp(pixels[..., :3]) > 0.8
    with pytest.raises(OutputError, match="cannot write"):
        draw_isolation([made(4, {"lake": 1.6})], tmp_path / "nowhere" / "river.png")
