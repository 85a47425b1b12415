"""Heads are whole, and none is lost or made up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.scenario import apportion

WEIGHTS = st.dictionaries(st.text(max_size=3), st.floats(0, 1e9), min_size=1, max_size=12).filter(
    lambda weights: any(weights.values())
)


@settings(deadline=None)
@given(st.integers(0, 100_000), WEIGHTS)
def test_the_parts_sum_to_the_whole(total: int, weights: dict[str, float]) -> None:
    parts = apportion(total, weights)
    assert sum(parts.values()) == total
    assert list(parts) == list(weights)


@settings(deadline=None)
@given(st.integers(0, 10_000), WEIGHTS)
def test_every_part_is_within_one_of_its_exact_share(total: int, weights: dict[str, float]) -> None:
    whole = math.fsum(weights.values())
    for key, heads in apportion(total, weights).items():
        assert abs(heads - total * weights[key] / whole) < 1 + 1e-6


@settings(deadline=None)
@given(st.integers(0, 10_000), WEIGHTS)
def test_nobody_without_weight_gets_a_head(total: int, weights: dict[str, float]) -> None:
    assert all(heads == 0 for key, heads in apportion(total, weights).items() if weights[key] == 0)


@settings(deadline=None)
@given(st.integers(0, 1000), WEIGHTS, st.sampled_from([0.25, 0.5, 2.0, 1024.0]))
def test_only_the_proportions_count(total: int, weights: dict[str, float], factor: float) -> None:
    scaled = {key: weight * factor for key, weight in weights.items()}
    # Subnormal numbers lose digits when they are halved.
    if all(weight == 0 or weight > 1e-300 for weight in weights.values()):
        assert apportion(total, scaled) == apportion(total, weights)


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(0, 500))
def test_among_equals_the_earlier_get_what_is_left(count: int, total: int) -> None:
    heads = list(apportion(total, dict.fromkeys(range(count), 0.1)).values())
    assert heads == sorted(heads, reverse=True)
    assert heads[0] - heads[-1] <= 1


@pytest.mark.parametrize(
    ("total", "weights"),
    [
        (-1, {"a": 1.0}),
        (3, {}),
        (3, {"a": 0.0}),
        (3, {"a": 1.0, "b": -1.0}),
        (3, {"a": math.nan}),
        (3, {"a": math.inf}),
    ],
)
def test_what_cannot_be_shared_out_is_refused(total: int, weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"negative|finite|zero"):
        apportion(total, weights)
