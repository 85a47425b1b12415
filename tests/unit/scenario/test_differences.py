from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scenario.differences import ABSENT, differences

TREES = st.recursive(
    st.none() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "a", "b"]), inner, max_size=3),
    max_leaves=12,
)


@given(TREES, TREES)
def test_nothing_differs_only_where_all_is_equal(a: Any, b: Any) -> None:
    assert (list(differences(a, b)) == []) == (a == b)
    assert list(differences(a, a)) == []


@given(TREES, TREES)
def test_the_other_way_round_the_same_differs(a: Any, b: Any) -> None:
    forth = [(path, str(left), str(right)) for path, left, right in differences(a, b)]
    back = [(path, str(right), str(left)) for path, left, right in differences(b, a)]
    assert sorted(forth) == sorted(back)


@pytest.mark.parametrize(
    ("a", "b", "found"),
    [
        ({"x": {"y": 1}}, {"x": {"y": 2}}, [("x.y", 1, 2)]),
        ({"x": 1}, {}, [("x", 1, ABSENT)]),
        (
            [{"name": "lake", "n": 1}, {"name": "hill"}],
            [{"name": "hill"}, {"name": "lake", "n": 2}],
            [("lake.n", 1, 2)],
        ),
        ({"mix": [{"w": 1}, {"w": 2}]}, {"mix": [{"w": 1}, {"w": 3}]}, [("mix.1.w", 2, 3)]),
        ({"mix": [{"w": 1}]}, {"mix": [{"w": 1}, {"w": 3}]}, [("mix", [{"w": 1}], [{"w": 1}, {"w": 3}])]),
        ({"window": [1, 2]}, {"window": [1, 3]}, [("window", [1, 2], [1, 3])]),
    ],
)
def test_each_leaf_has_its_path(a: Any, b: Any, found: list[tuple[str, Any, Any]]) -> None:
    assert list(differences(a, b)) == found
