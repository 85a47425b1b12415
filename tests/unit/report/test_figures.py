import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from harness.report.canvas import NARROW, WIDE, Format, drawing
from harness.report.charts import draw_concurrency, draw_heat_map, draw_timeline
from harness.report.figures import phase_letters, timeline_figure
from harness.report.heat import heat_map, heat_share, heat_tables, ordered_workflows, requests_lacking
from harness.report.palette import BLUE, ORANGE, PHASES, SLOW, VERMILION, heat_colour, ink_on
from harness.report.scatter import concurrency_figure
from harness.report.svg import inline_svg
from harness.report.timescale import time_scale

TEXT = "{http://www.w3.org/2000/svg}text"


@pytest.fixture(scope="module")
def drawn(run_of: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Both charts of one run, drawn once: Chart by name, and the folder of the PNGs."""
    run = run_of(10)
    folder = tmp_path_factory.mktemp("figures")
    network = run.analysis.timeline.query("site == ''")
    return {
        "timeline": draw_timeline(network, time_scale(run.spec), folder),
        "concurrency": draw_concurrency(run.analysis.concurrency, folder),
        "folder": folder,
    }


@pytest.mark.parametrize("name", ["timeline", "concurrency"])
@pytest.mark.parametrize("form", ["wide", "narrow"])
def test_a_chart_is_an_image_with_a_title_and_a_description(drawn: dict[str, Any], name: str, form: str) -> None:
    root = ET.fromstring(getattr(drawn[name], form))
    assert root.get("role") == "img"
    named = {element.get("id"): element.text for element in root}
    labels = (root.get("aria-labelledby") or "").split()
    assert len(labels) == 2
    assert all(named[label] for label in labels)
    assert "–" not in (named[labels[1]] or "")


def test_no_id_is_used_twice_on_the_page_and_every_reference_finds_its_own(drawn: dict[str, Any]) -> None:
    page = "".join(getattr(drawn[name], form) for name in ("timeline", "concurrency") for form in ("wide", "narrow"))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    referred = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', page))
    assert {name for pair in referred for name in pair if name} <= set(ids)


def test_texts_are_texts_so_that_they_can_be_searched_and_read_aloud(drawn: dict[str, Any]) -> None:
    words = [element.text for element in ET.fromstring(drawn["timeline"].wide).iter(TEXT)]
    assert {"Clinicians on duty", "Requests per second", "Response time", "Errors", "p95", "planned"} <= set(words)
    assert {"results-read", "clinics-open", "medication-pass"} <= set(words)
    assert {"0:30", "07:00"} <= {word.strip() for text in words if text for word in text.split("\n")}


def test_the_same_run_is_drawn_the_same_to_the_byte(run_of: Callable[..., Any], tmp_path: Path) -> None:
    charts = [draw_concurrency(run_of(3).analysis.concurrency, tmp_path) for _ in range(2)]
    assert charts[0] == charts[1]


def test_a_phone_gets_letters_for_phases_that_do_not_fit_and_the_caption_explains_them(drawn: dict[str, Any]) -> None:
    words = [element.text for element in ET.fromstring(drawn["timeline"].narrow).iter(TEXT)]
    assert {"A", "B", "C"} <= set(words)
    assert "A results-read (07:00–08:00), B clinics-open" in drawn["timeline"].narrow_caption
    assert "A results-read" not in drawn["timeline"].caption


def test_pictures_stand_beside_the_page_too(drawn: dict[str, Any]) -> None:
    for name in ("timeline.png", "concurrency.png"):
        assert (drawn["folder"] / name).read_bytes().startswith(b"\x89PNG")


def test_drawing_leaves_the_callers_settings_as_they_were() -> None:
    before = dict(mpl.rcParams)
    with drawing(NARROW):
        assert mpl.rcParams["svg.fonttype"] == "none"
    assert dict(mpl.rcParams) == before


def network(run_of: Callable[..., Any], **columns: Any) -> pd.DataFrame:
    frame: pd.DataFrame = run_of(3).analysis.timeline.query("site == ''")
    return frame.assign(**columns)


def test_an_outage_puts_response_times_on_a_log_scale_and_says_so(run_of: Callable[..., Any]) -> None:
    p99 = np.where(np.arange(120) == 60, 60_000.0, 200.0)
    scale = time_scale(run_of(3).spec)
    with drawing(WIDE):
        figure = timeline_figure(network(run_of, p50_ms=40.0, p95_ms=120.0, p99_ms=p99), scale, WIDE)
    assert figure.axes[2].get_yscale() == "log"
    assert figure.axes[2].get_title("left") == "Response time (log scale)"


def test_a_curve_is_not_flattened_by_another_far_above_it(run_of: Callable[..., Any]) -> None:
    with drawing(WIDE):
        frame = network(run_of, p50_ms=2.0, p95_ms=1300.0, p99_ms=1400.0)
        figure = timeline_figure(frame, time_scale(run_of(3).spec), WIDE)
    assert figure.axes[2].get_yscale() == "log"


def test_a_run_without_a_single_percentile_is_still_drawn(run_of: Callable[..., Any], tmp_path: Path) -> None:
    nothing = network(run_of, p50_ms=np.nan, p95_ms=np.nan, p99_ms=np.nan, errors=0)
    draw_timeline(nothing, time_scale(run_of(3).spec), tmp_path)
    chart = draw_concurrency(nothing, tmp_path)
    assert chart.caption == "No stretch of this run holds the 40 requests that a p95 takes here."
    assert chart.wide == chart.narrow == ""


def test_a_run_of_which_nothing_was_recorded_is_still_drawn(run_of: Callable[..., Any], tmp_path: Path) -> None:
    empty = network(run_of).iloc[:0]
    assert "No second of this run was recorded." in draw_timeline(empty, time_scale(run_of(3).spec), tmp_path).wide
    draw_concurrency(empty, tmp_path)


def test_a_run_that_ended_early_is_drawn_on_the_axis_of_the_whole_plan(run_of: Callable[..., Any]) -> None:
    with drawing(WIDE):
        figure = timeline_figure(network(run_of).iloc[:10], time_scale(run_of(3).spec), WIDE)
    assert figure.axes[0].get_xlim() == (0.0, 240.0)


def test_who_is_on_duty_is_drawn_to_the_end_of_the_run(run_of: Callable[..., Any]) -> None:
    with drawing(WIDE):
        whole = timeline_figure(network(run_of), time_scale(run_of(3).spec), WIDE)
        # bins of 50 s: the last one is shorter
        coarse = timeline_figure(network(run_of).iloc[::25], time_scale(run_of(3).spec), WIDE)
    for figure in (whole, coarse):
        assert [np.asarray(line.get_xdata())[-1] for line in figure.axes[0].lines] == [240.0, 240.0]
        assert figure.axes[0].get_xlim() == (0.0, 240.0)


def legend_words(panel: Any) -> list[str]:
    return [text.get_text() for text in panel.get_legend().get_texts()] if panel.get_legend() else []


def test_a_legend_names_only_what_is_drawn_and_the_caption_says_why_the_rest_is_not(
    run_of: Callable[..., Any], tmp_path: Path
) -> None:
    frame, scale = network(run_of, p99_ms=np.nan), time_scale(run_of(3).spec)
    with drawing(WIDE):
        some = timeline_figure(frame, scale, WIDE)
        none = timeline_figure(frame.assign(p50_ms=np.nan, p95_ms=np.nan), scale, WIDE)
    assert legend_words(some.axes[2]) == ["p95", "p50"]
    assert legend_words(none.axes[2]) == []
    assert [text.get_text() for text in none.axes[2].texts] == ["too few requests for a percentile"]
    caption = draw_timeline(frame, scale, tmp_path).caption
    assert "Not drawn for want of requests: p99 (takes 200 in a stretch of 2 s)." in caption
    assert "Not drawn" not in draw_timeline(network(run_of), scale, tmp_path).caption


def test_a_percentile_known_in_one_stretch_only_is_a_dot_not_an_invisible_line(run_of: Callable[..., Any]) -> None:
    once = np.where(np.arange(120) == 60, 200.0, np.nan)
    with drawing(WIDE):
        figure = timeline_figure(network(run_of, p99_ms=once), time_scale(run_of(3).spec), WIDE)
    by_name = {line.get_label(): line for line in figure.axes[2].lines}
    assert by_name["p99"].get_marker() == "o"
    assert by_name["p99"].get_markevery() == [60]
    assert by_name["p50"].get_marker() == "None"


def test_a_run_without_errors_says_so_in_words(run_of: Callable[..., Any]) -> None:
    scale = time_scale(run_of(3).spec)
    with drawing(WIDE):
        none = timeline_figure(network(run_of, errors=0), scale, WIDE)
        some = timeline_figure(network(run_of), scale, WIDE)
    assert [text.get_text() for text in none.axes[3].texts] == ["No errors"]
    assert list(none.axes[3].get_yticks()) == []
    assert [text.get_text() for text in some.axes[3].texts] == []


class TestSlowSite:
    """The worst of the sites that fail by their response time has a curve of its own."""

    def drawn(self, run_of: Callable[..., Any], form: Format = WIDE, **columns: Any) -> Any:
        slow = network(run_of).assign(**{"site": "river", "p50_ms": 800.0, "p95_ms": np.nan, **columns})
        with drawing(form):
            return timeline_figure(network(run_of), time_scale(run_of(3).spec), form, slow).axes[2]

    def test_it_is_named_at_its_curve_which_shows_what_its_requests_suffice_for(
        self, run_of: Callable[..., Any]
    ) -> None:
        few, many = self.drawn(run_of), self.drawn(run_of, p95_ms=900.0)
        assert [text.get_text() for text in few.texts] == ["river p50"]
        assert [text.get_text() for text in many.texts] == ["river p95"]
        (own,) = [line for line in many.lines if line.get_color() == SLOW]
        assert set(own.get_ydata()) == {900.0}
        assert few.get_title("left") == "Response time, all sites"
        assert self.drawn(run_of, p50_ms=9000.0).get_title("left") == "Response time, all sites (log scale)"
        assert legend_words(few) == ["p99", "p95", "p50"]

    def test_its_curve_lies_within_the_panel(self, run_of: Callable[..., Any]) -> None:
        near = self.drawn(run_of, p50_ms=600.0)
        assert near.get_yscale() == "linear"
        assert near.get_ylim()[1] > 600.0
        outage = self.drawn(run_of, p50_ms=90_000.0)
        assert outage.get_yscale() == "log"
        assert outage.get_ylim()[1] > 90_000.0

    def test_its_name_stands_over_its_highest_last_stretches_and_to_the_right_where_the_run_ended_early(
        self, run_of: Callable[..., Any]
    ) -> None:
        p50 = np.where(np.arange(120) == 110, 990.0, 800.0)
        (late,) = self.drawn(run_of, p50_ms=p50).texts
        (early,) = self.drawn(run_of, p50_ms=np.where(np.arange(120) < 8, 800.0, np.nan)).texts
        assert late.xy == (239.0, 990.0)
        assert early.xy == (15.0, 800.0)
        assert (late.get_ha(), early.get_ha()) == ("right", "left")

    def test_a_few_known_p95_do_not_make_a_curve(self, run_of: Callable[..., Any]) -> None:
        few = np.where(np.arange(120) < 3, 2600.0, np.nan)
        assert [text.get_text() for text in self.drawn(run_of, p95_ms=few).texts] == ["river p50"]

    def test_without_a_single_percentile_it_has_no_curve_and_the_caption_says_so(
        self, run_of: Callable[..., Any], tmp_path: Path
    ) -> None:
        nothing: dict[str, Any] = {"p50_ms": np.nan, "p95_ms": np.nan}
        assert list(self.drawn(run_of, **nothing).texts) == []
        slow = network(run_of, site="river", **nothing)
        caption = draw_timeline(network(run_of), time_scale(run_of(3).spec), tmp_path, slow).caption
        assert "river has too few requests in a stretch for a curve of its own." in caption

    def test_the_caption_and_the_description_tell_what_the_curve_shows(
        self, run_of: Callable[..., Any], tmp_path: Path
    ) -> None:
        slow = network(run_of, site="river", p50_ms=1300.0, p95_ms=np.nan)
        chart = draw_timeline(network(run_of), time_scale(run_of(3).spec), tmp_path, slow)
        assert "river, the worst of the sites that fail by their response time, has a curve of its own" in chart.caption
        assert "highest p50 of river 1.30 s" in chart.wide

    def test_a_long_name_is_shortened_in_the_middle_so_that_a_phone_can_show_it(
        self, run_of: Callable[..., Any]
    ) -> None:
        name = "saint-elisabeth-memorial-hospital-north-campus-12"
        (text,) = self.drawn(run_of, NARROW, site=name).texts
        assert text.get_text().startswith("saint-")
        assert text.get_text().endswith("-12 p50")
        assert len(text.get_text()) < 30

    def test_its_colour_is_told_from_the_ground_and_from_the_other_curves(self) -> None:
        assert contrast(SLOW, PHASES[1]) > 4.5
        assert all(contrast(SLOW, other) > 2 for other in (BLUE, ORANGE, VERMILION))


def test_phases_that_overlap_are_named_in_two_rows(run_of: Callable[..., Any]) -> None:
    spec = run_of(3).spec
    later = spec.scenario.phases[2].model_copy(update={"start_s": 30_600.0})
    scenario = spec.scenario.model_copy(update={"phases": (*spec.scenario.phases[:2], later)})
    scale = time_scale(spec.model_copy(update={"scenario": scenario}))
    with drawing(WIDE):
        figure = timeline_figure(network(run_of), scale, WIDE)
    heights = {text.get_text(): text.xyann[1] for text in figure.axes[0].texts}  # type: ignore[attr-defined]
    assert heights["clinics-open"] != heights["medication-pass"]


def test_no_trend_is_drawn_through_a_handful_of_points_and_none_is_spoken_of(
    run_of: Callable[..., Any], tmp_path: Path
) -> None:
    windows = run_of(3).analysis.concurrency
    with drawing(WIDE):
        few = concurrency_figure(windows.tail(10), WIDE)
        many = concurrency_figure(windows, WIDE)
    assert [len(figure.axes[0].lines) for figure in (few, many)] == [0, 1]
    assert [legend_words(figure.axes[0]) for figure in (few, many)] == [[], ["median"]]
    assert "the line joins" in draw_concurrency(windows, tmp_path).caption
    caption = draw_concurrency(windows.tail(10), tmp_path).caption
    assert "the line" not in caption
    assert "10 stretches of the run" in caption


def test_where_sites_have_links_nothing_is_concluded_about_the_server(
    run_of: Callable[..., Any], tmp_path: Path
) -> None:
    windows = run_of(3).analysis.concurrency
    assert "the server runs out of something" in draw_concurrency(windows, tmp_path).caption
    caption = draw_concurrency(windows, tmp_path, linked=True).caption
    assert "runs out" not in caption
    assert "hold the time on the sites’ links" in caption


def test_a_single_stretch_reads_as_one_value_not_as_a_range(run_of: Callable[..., Any], tmp_path: Path) -> None:
    one = run_of(3).analysis.concurrency.iloc[50:51].assign(on_duty=213.0, p95_ms=120.0)
    caption = draw_concurrency(one, tmp_path).caption
    assert "1 stretch of the run: 213 clinicians on duty, p95 120 ms." in caption


def test_each_panel_of_the_concurrency_chart_has_a_title_of_its_own_and_holds_all_its_points(
    run_of: Callable[..., Any],
) -> None:
    windows = run_of(3).analysis.concurrency
    for form in (WIDE, NARROW):
        with drawing(form):
            left, right = concurrency_figure(windows, form).axes
        assert left.get_title("left") != right.get_title("left")
        for panel, column in ((left, "on_duty"), (right, "in_flight")):
            assert panel.get_xlim()[1] > windows[column].max() * 1.02
            assert panel.get_ylim()[1] > windows["p95_ms"].max() * 1.02
            assert len(panel.get_xticks()) <= 6


def test_names_from_outside_cannot_become_markup(run_of: Callable[..., Any]) -> None:
    with drawing(WIDE):
        figure = concurrency_figure(run_of(3).analysis.concurrency, WIDE)
    svg = inline_svg(figure, "x", "<script>alert(1)</script>", "a & b")
    assert "<script>" not in svg
    assert ET.fromstring(svg)[0].text == "<script>alert(1)</script>"


class TestTimeScale:
    def test_a_time_lapse_maps_the_run_onto_the_whole_morning(self, run_of: Callable[..., Any]) -> None:
        scale = time_scale(run_of(3).spec)
        assert scale.local_s(0) == 6.5 * 3600
        assert scale.local_s(240) == 10.5 * 3600
        assert [(band.name, band.start_s, band.end_s) for band in scale.bands] == [
            ("results-read", 30.0, 90.0),
            ("clinics-open", 90.0, 150.0),
            ("medication-pass", 150.0, 195.0),
        ]
        assert "as at every site" in scale.sentence

    def test_a_window_shows_its_own_hours_and_only_the_phases_in_it(self, run_of: Callable[..., Any]) -> None:
        spec = run_of(3).spec.model_copy(update={"duration_s": None, "window": (31_500.0, 33_300.0)})
        scale = time_scale(spec)
        assert scale.local_s(0) == 8.75 * 3600
        assert [(band.name, band.start_s, band.end_s) for band in scale.bands] == [
            ("clinics-open", 0.0, 900.0),
            ("medication-pass", 900.0, 1800.0),
        ]

    def test_the_clock_is_that_of_most_clinicians_and_the_others_are_mentioned(
        self, run_of: Callable[..., Any]
    ) -> None:
        spec = run_of(3, zones=("America/New_York", "America/Chicago")).spec
        scale = time_scale(spec)
        assert (scale.reference.zone, scale.reference.sites) == ("America/New_York", 2)
        assert "(2 of 3 sites); at the 1 other site clocks show another time at the same moment" in scale.sentence
        assert scale.length_s == 240.0

    def test_letters_are_given_in_the_order_of_the_day(self, run_of: Callable[..., Any]) -> None:
        letters = phase_letters(time_scale(run_of(3).spec), NARROW)
        assert letters == {"results-read": "A", "clinics-open": "B", "medication-pass": "C"}


class TestHeatMap:
    def test_many_workflows_are_parted_into_tables_of_like_width(self, run_of: Callable[..., Any]) -> None:
        frame = pd.DataFrame({"site": "river", "workflow": [f"w{k}" for k in range(30)], "p95_ms": 100.0})
        tables = heat_tables(frame, ["river"], list(frame["workflow"]), "workflow")
        assert [len(table.columns) for table in tables] == [10, 10, 10]

    def test_more_workflows_than_one_table_holds_are_shown_by_lane_and_folded_by_lane(
        self, run_of: Callable[..., Any]
    ) -> None:
        run = run_of(20)
        names = [f"w{k}" for k in range(30)]
        cells = pd.DataFrame(
            [{"site": row, "workflow": name, "p95_ms": 90.0} for row in ("hill", "lake") for name in names]
        )
        lanes = pd.DataFrame({"site": ["hill", "lake", "river"], "lane": "labs", "p95_ms": [90.0, 80.0, np.nan]})
        run.analysis.summary["by_workflow"] = {name: {"lane": "labs" if name < "w2" else "orders"} for name in names}
        analysis = replace(run.analysis, site_workflow=cells, site_lane=lanes)
        heat = heat_map(analysis, run.spec, ["river", "lake", "hill"], 15, 10)
        assert (heat.by, heat.columns, heat.sites) == ("lane", ("labs",), ("lake", "hill"))
        assert [row.site for row in heat.shown[0].rows] == ["lake", "hill"]
        assert [label for label, _ in heat.folded] == ["labs: 12 workflows at 2 sites"]

    def test_of_many_sites_the_worst_stand_open(self, run_of: Callable[..., Any]) -> None:
        run = run_of(40)
        heat = heat_map(run.analysis, run.spec, sorted(run.analysis.summary["by_site"]), 15, 10)
        assert (heat.by, len(heat.shown[0].rows), heat.folded[0][0]) == ("workflow", 10, "30 other sites")

    def test_a_pair_without_a_percentile_is_an_empty_cell(self, run_of: Callable[..., Any]) -> None:
        run = run_of(10)
        (table,) = heat_tables(
            run.analysis.site_workflow,
            ["hill"],
            ordered_workflows(run.analysis.site_workflow, run.spec),
            "workflow",
        )
        assert [cell.text for cell in table.rows[0].cells].count("") == 1

    def test_workflows_come_in_the_order_of_the_personas_and_unknown_ones_last(
        self, run_of: Callable[..., Any]
    ) -> None:
        run = run_of(3)
        more = pd.DataFrame({"site": "river", "workflow": ["a-new-one", "a-rare-one"], "p95_ms": [80.0, np.nan]})
        frame = pd.concat([run.analysis.site_workflow, more])
        assert ordered_workflows(frame, run.spec)[:2] == ["open-clinic-day", "review-results"]
        assert ordered_workflows(frame, run.spec)[-1] == "a-new-one"

    def test_where_no_cell_can_be_filled_it_says_how_many_requests_and_how_long_a_run_it_takes(self) -> None:
        frame = pd.DataFrame(
            {"site": ["hill", "lake"], "workflow": "medication-pass", "requests": [48, 20], "p95_ms": np.nan}
        )
        assert requests_lacking(frame, 60.0) == (
            "A p95 takes 200 requests of a workflow at a site. At most there were 48 (medication-pass at hill); "
            "a run at this rate fills the first cell after about 4 min 10 s."
        )

    def test_a_run_without_requests_promises_no_length(self) -> None:
        frame = pd.DataFrame({"site": [], "workflow": [], "requests": [], "p95_ms": []})
        assert requests_lacking(frame, 60.0) == "A p95 takes 200 requests of a workflow at a site. There were none."

    def test_requests_that_resemble_each_other_too_much_are_not_told_to_be_too_few(self) -> None:
        frame = pd.DataFrame({"site": ["hill"], "workflow": ["w"], "requests": [900], "p95_ms": [np.nan]})
        assert "w at hill had 900, but they resemble each other: they tell less" in requests_lacking(frame, 60.0)

    def test_the_slower_the_darker_and_close_values_look_close(self) -> None:
        share = heat_share([100.0, 1000.0])
        assert share(100.0) == 0.0 < share(300.0) < share(1000.0) == 1.0
        nearly_the_same = heat_share([100.0, 110.0])
        assert nearly_the_same(110.0) < 0.2
        assert heat_share([])(5.0) == 0.0

    def test_the_picture_says_when_it_shows_only_the_worst_sites(
        self, run_of: Callable[..., Any], tmp_path: Path
    ) -> None:
        frame = pd.DataFrame({"site": [f"s{k}" for k in range(30)], "workflow": "w", "p95_ms": 100.0})
        draw_heat_map(frame, [f"s{k}" for k in range(30)], ["w"], "workflow", tmp_path)
        assert (tmp_path / "heat-map.png").read_bytes().startswith(b"\x89PNG")


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_numbers_in_the_heat_map_can_be_read_on_every_shade() -> None:
    for step in range(101):
        shade = heat_colour(step / 100)
        assert contrast(shade, ink_on(shade)) >= 4.5, (step, shade)


def test_shades_get_darker_all_the_way_so_that_grey_paper_keeps_their_order() -> None:
    greys = [contrast("#ffffff", heat_colour(step / 50)) for step in range(51)]
    assert greys == sorted(greys)
    assert heat_colour(-1) == heat_colour(0) == "#ffffff"
    assert heat_colour(2) == heat_colour(1)


def test_the_two_tints_of_phases_differ() -> None:
    assert contrast(*PHASES) > 1.05
