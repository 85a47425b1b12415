"""Ticks of a logarithmic axis: few, apart, those that must be there, and where a picture cannot be written."""

from __future__ import annotations

from itertools import pairwise
from math import log
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from harness.errors import OutputError
from harness.report.ratio_axis import ratio_ticks, save_figure

TICKS = (0.1, 0.5, 0.9, 1.0, 1.1, 2.0, 5.0, 10.0)


@given(st.floats(0.05, 0.95), st.floats(1.05, 20.0), st.floats(0.02, 0.5))
def test_ticks_lie_between_and_do_not_crowd_each_other(low: float, high: float, apart: float) -> None:
    found = ratio_ticks(low, high, TICKS, apart, (1.0,))
    assert 1.0 in found
    assert all(low <= tick <= high for tick in found)
    assert all(log(right / left) >= apart * log(high / low) - 1e-12 for left, right in pairwise(found))


def test_what_must_be_there_is_kept_however_close() -> None:
    assert ratio_ticks(0.5, 20.0, TICKS, 0.2, (1.0, 1.1)) == [1.0, 1.1, 5.0]


def test_a_picture_that_cannot_be_written_says_how_to_mend_it(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="give a file in a folder that exists"):
        save_figure(Figure(), tmp_path / "nowhere" / "a.png")
    save_figure(Figure(), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 0
