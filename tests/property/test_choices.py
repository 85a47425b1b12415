"""The command that is proposed next plays what was chosen: its options read back as they were given."""

from __future__ import annotations

import shlex

from hypothesis import assume, given
from hypothesis import strategies as st

from harness.cli.greedy import GreedyType
from harness.cli.options import Choice, DurationType, Window, WindowType
from harness.units import DAY_S, moment_text, parse_window

EDGES = st.integers(0, 14 * int(DAY_S))
DAYS = st.sampled_from(["", "0d", "1d", "13d"])


def option(choice: Choice, name: str) -> str:
    words = shlex.split(choice.arguments())
    return words[words.index(name) + 1]


@given(EDGES, EDGES)
def test_a_window_with_days_reads_back(start_s: int, end_s: int) -> None:
    assume(start_s < end_s)
    text = f"{moment_text(start_s)}..{moment_text(end_s)}"
    window = Window(*parse_window(text), has_day=True)
    assert WindowType().convert(option(Choice("rush", window=window), "--window"), None, None) == window


@given(DAYS, st.integers(0, 1439), st.integers(0, 1440))
def test_a_window_reads_back_with_or_without_its_day(day: str, start_min: int, end_min: int) -> None:
    assume(start_min < end_min)
    text = "..".join(f"{day}{minute // 60:02d}:{minute % 60:02d}" for minute in (start_min, end_min))
    window = WindowType().convert(text, None, None)
    assert WindowType().convert(option(Choice("rush", window=window), "--window"), None, None) == window


@given(st.integers(1_000_000, 7 * int(DAY_S) * 1_000_000))
def test_a_duration_reads_back(microseconds: int) -> None:
    seconds = round(microseconds / 1e6, 6)
    printed = option(Choice("rush", duration_s=seconds), "--duration")
    assert abs(DurationType().convert(printed, None, None) - seconds) < 1e-6


@given(st.integers(1, 1_000_000_000))
def test_a_greedy_site_reads_back(millionths: int) -> None:
    greedy = ("saint-mary", millionths / 1e6)
    printed = option(Choice("rush", greedy=(greedy,)), "--greedy")
    assert GreedyType().convert(printed, None, None) == greedy
