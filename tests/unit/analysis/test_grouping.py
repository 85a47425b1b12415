"""Values of groups side by side are what a stable sort by the group would give."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis import grouping
from harness.analysis.grouping import code_type, side_by_side


@given(st.lists(st.integers(0, 5), max_size=200), st.integers(1, 50))
def test_each_group_has_its_values_in_the_order_they_had(codes: list[int], stretch: int) -> None:
    values = np.arange(len(codes)) * 1.5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grouping, "STRETCH", stretch)
        edges, (moved,) = side_by_side(np.array(codes, np.uint8), 5, values)
    assert [moved[begin:end].tolist() for begin, end in pairwise(edges)] == [
        [value for value, code in zip(values.tolist(), codes, strict=True) if code == group] for group in range(5)
    ]


def test_many_values_over_many_stretches_and_groups() -> None:
    draws = np.random.default_rng(7)
    code = draws.integers(0, 3001, 200_000).astype(np.uint16)
    edges, (values, others) = side_by_side(code, 3000, np.arange(200_000), draws.random(200_000))
    order = np.argsort(code, kind="stable")[: edges[-1]]
    assert (values == order).all()
    assert len(others) == edges[-1] == np.count_nonzero(code < 3000)


@pytest.mark.parametrize(("highest", "kind"), [(0, "uint8"), (255, "uint8"), (256, "uint16"), (65_536, "uint32")])
def test_codes_are_as_small_as_they_can_be(highest: int, kind: str) -> None:
    assert np.dtype(code_type(highest)) == kind
