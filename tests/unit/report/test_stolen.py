"""Seconds that others took the CPU in can be seen in the picture, however short they were and however many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.steal import merged
from harness.report.canvas import NARROW, WIDE, Format
from harness.report.charts import draw_timeline
from harness.report.figures import timeline_figure
from harness.report.marks import TimeMarks
from harness.report.stolen import NARROWEST_SHARE, drawn_spans, stolen_note
from harness.report.timescale import time_scale

LENGTH_S = 600.0
edges = st.floats(0, LENGTH_S).map(lambda moment: round(moment, 3))
spans_of_a_run = st.lists(st.tuples(edges, edges).map(sorted), max_size=60).map(merged)


@given(spans_of_a_run)
def test_what_is_hatched_covers_what_was_marked_stays_in_the_run_and_can_be_seen(spans):
    drawn = drawn_spans(spans, LENGTH_S)
    for begin_s, end_s in spans:
        assert any(left_s <= begin_s and end_s <= right_s for left_s, right_s in drawn)
    for left_s, right_s in drawn:
        assert 0 <= left_s < right_s <= LENGTH_S
        assert right_s - left_s >= LENGTH_S * NARROWEST_SHARE - 1e-9
    assert [begin_s for begin_s, _ in drawn] == sorted(begin_s for begin_s, _ in drawn)


def test_a_marked_second_every_two_over_a_whole_shift_does_not_make_thousands_of_bands():
    spans = [(float(second), second + 1.0) for second in range(0, 14_400, 2)]
    assert len(drawn_spans(spans, 14_400.0)) == 1
    rare = [(float(second), second + 1.0) for second in range(0, 14_400, 150)]
    assert len(drawn_spans(rare, 14_400.0)) <= 1 / NARROWEST_SHARE


@pytest.mark.parametrize("form", [WIDE, NARROW])
def test_every_panel_is_hatched_and_one_legend_says_what_it_means(run_of: Callable[..., Any], form: Format) -> None:
    run = run_of(3)
    network = run.analysis.timeline[run.analysis.timeline["site"] == ""]
    figure = timeline_figure(
        network, time_scale(run.spec), form, marks=TimeMarks(stolen=[[20.0, 30.0], [100.0, 101.0]])
    )
    assert [sum(patch.get_hatch() is not None for patch in panel.patches) for panel in figure.axes] == [2, 2, 2, 2]
    legends = [
        text.get_text() for panel in figure.axes if panel.get_legend() for text in panel.get_legend().get_texts()
    ]
    assert legends.count("others took over 2% of the CPU") == 1


def test_a_run_without_steal_has_neither_hatching_nor_legend_nor_note(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    network = run.analysis.timeline[run.analysis.timeline["site"] == ""]
    figure = timeline_figure(network, time_scale(run.spec), WIDE)
    assert not any(patch.get_hatch() for panel in figure.axes for patch in panel.patches)
    assert figure.axes[1].get_legend() is None
    assert stolen_note([], LENGTH_S) == ""


def test_the_caption_says_what_is_hatched_and_that_a_short_stretch_looks_longer(
    run_of: Callable[..., Any], tmp_path: Path
) -> None:
    run = run_of(3)
    network = run.analysis.timeline[run.analysis.timeline["site"] == ""]
    chart = draw_timeline(network, time_scale(run.spec), tmp_path, marks=TimeMarks(stolen=[[20.0, 21.0]]))
    assert (
        "Cross-hatched: others took more than 2% of the load’s machine (steal); short stretches are drawn wider"
        in chart.caption
    )
    assert "<pattern" in chart.wide
    assert (
        stolen_note([[20.0, 40.0]], LENGTH_S)
        == "Cross-hatched: others took more than 2% of the load’s machine (steal)."
    )
