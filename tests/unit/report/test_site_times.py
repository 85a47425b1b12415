"""The picture of the sites: what stands in it, and what it leaves out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes

from harness.report.canvas import NARROW, WIDE, Format, drawing
from harness.report.charts import draw_sites
from harness.report.palette import BLUE, GREY, VERMILION
from harness.report.site_times import SiteTime, site_times_figure
from harness.report.sites import site_rows

LONG = "saint-elisabeth-memorial-hospital-north-campus-of-the-river-valley"


def panel_of(*rows: SiteTime, form: Format = WIDE) -> Axes:
    with drawing(form):
        (panel,) = site_times_figure(rows, form, "p95 by site").axes
    return panel


def points(panel: Axes, marker: str) -> list[Sequence[float]]:
    return [line.get_xdata().tolist() for line in panel.lines if line.get_marker() == marker]


def test_a_site_is_a_dot_with_a_bar_and_a_failing_one_a_square_of_another_colour() -> None:
    panel = panel_of(SiteTime("river", 1260.0, (1180.0, 1360.0), 1000.0, True), SiteTime("lake", 138.0, (129.0, 150.0)))
    assert points(panel, "s") == [[1260.0]]
    assert points(panel, "o") == [[138.0]]
    assert points(panel, "|") == [[1180.0, 1360.0], [129.0, 150.0]]
    assert [line.get_color() for line in panel.lines if line.get_marker() in "so"] == [VERMILION, BLUE]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["river", "lake"]
    assert {"1.26 s", "138 ms"} <= {text.get_text() for text in panel.texts}
    assert panel.yaxis_inverted(), "the worst on top"


def test_an_end_that_is_not_known_has_no_stroke_and_no_interval_no_bar() -> None:
    panel = panel_of(SiteTime("river", 200.0, (180.0, None)), SiteTime("lake", 138.0, None))
    assert points(panel, "|") == [[180.0]]
    assert [
        line.get_xdata().tolist() for line in panel.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2
    ] == [[180.0, 200.0]]


def test_a_bound_far_beyond_every_figure_does_not_press_them_together() -> None:
    near = panel_of(SiteTime("river", 400.0, None, 1000.0), SiteTime("lake", 300.0, None))
    far = panel_of(SiteTime("river", 4.0, None, 1000.0), SiteTime("lake", 3.0, None))
    assert near.get_xlim()[1] > 1000.0
    assert far.get_xlim()[1] < 10.0
    assert [line.get_color() for line in near.lines].count(GREY) == 1
    assert [line.get_color() for line in far.lines].count(GREY) == 0


@pytest.mark.parametrize("form", [WIDE, NARROW])
def test_a_long_name_is_cut_in_its_middle_and_leaves_room_for_the_figures(form: Format) -> None:
    panel = panel_of(SiteTime(LONG, 400.0, None), SiteTime(LONG + "-2", 400.0, None), form=form)
    names = [text.get_text() for text in panel.get_yticklabels()]
    assert names[0] != names[1]
    assert all("…" in name for name in names)
    assert names[1].endswith("-2")
    assert panel.get_position().width > 0.3


def test_each_run_of_several_is_a_ring() -> None:
    panel = panel_of(SiteTime("river", 200.0, (180.0, 222.0), runs_ms=(190.0, 210.0)), SiteTime("lake", 138.0, None))
    assert points(panel, "o") == [[190.0], [210.0], [200.0], [138.0]]


def test_one_site_is_no_comparison_and_those_without_a_p95_are_counted(
    run_of: Callable[..., Any], tmp_path: Path
) -> None:
    run = run_of(5, "fail")
    assert draw_sites(site_rows(run.analysis.summary, run.verdict)[:1], tmp_path).wide == ""
    assert not (tmp_path / "sites.png").exists()
    run.analysis.summary["by_site"]["hill"]["p95_ms"] = None
    chart = draw_sites(site_rows(run.analysis.summary, run.verdict), tmp_path)
    assert "p95 of 4 sites: 123 ms to 1.26 s." in chart.caption
    assert "1 site had too few requests for one." in chart.caption
    assert "A square is a site that fails. An upright stroke is what is allowed." in chart.caption
    assert (tmp_path / "sites.png").exists()


def test_bounds_that_are_not_drawn_are_said_to_lie_further_right(run_of: Callable[..., Any], tmp_path: Path) -> None:
    run = run_of(3, "pass")
    for objective in run.verdict["objectives"]:
        objective["bound"] = 10_000.0
    caption = draw_sites(site_rows(run.analysis.summary, run.verdict), tmp_path).caption
    assert "What is allowed lies further right than is drawn." in caption
    assert "upright" not in caption
