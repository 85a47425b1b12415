import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis import analyse
from harness.analysis.between_sites import between_sites, jain_index, max_over_median

SHARES = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=40)


@given(SHARES)
def test_jains_index_lies_between_one_nth_and_one(shares: list[float]) -> None:
    index = jain_index(shares)
    assert index is not None
    assert 1 / len(shares) - 1e-12 <= index <= 1


@given(SHARES, st.floats(1e-200, 1e200))
def test_jains_index_does_not_depend_on_the_unit(shares: list[float], scale: float) -> None:
    assert jain_index([share * scale for share in shares]) == pytest.approx(jain_index(shares), rel=1e-9)


@given(SHARES)
def test_jains_index_is_one_only_where_all_are_equal(shares: list[float]) -> None:
    assert jain_index([shares[0]] * len(shares)) == pytest.approx(1.0, abs=1e-12)
    uneven = [*shares, 2 * max(shares)]
    index = jain_index(uneven)
    assert index is not None
    # 1 − J is the variance over the mean square, so that it is far from rounding where one is twice as much
    mean = sum(uneven) / len(uneven)
    spread = sum((share - mean) ** 2 for share in uneven) / sum(share**2 for share in uneven)
    assert 1 - index == pytest.approx(spread, rel=1e-6)
    assert index < 1


@given(st.integers(1, 200), st.floats(0.1, 10))
def test_one_site_that_gets_everything_is_one_nth(others: int, share: float) -> None:
    assert jain_index([share, *[0.0] * others]) == pytest.approx(1 / (others + 1))


def test_the_published_example_of_a_shared_part_of_the_users() -> None:
    """Jain, Chiu and Hawe: a share k of the users served alike and the others not at all gives k."""
    assert jain_index([1.0] * 20 + [0.0] * 80) == pytest.approx(0.2)
    assert jain_index([]) is None
    assert jain_index([0.0, 0.0]) is None


@given(SHARES)
def test_the_greatest_is_never_below_the_middle(shares: list[float]) -> None:
    ratio = max_over_median(shares)
    assert ratio is not None
    assert ratio >= 1


def test_one_starved_site_among_many_shows_beside_the_index() -> None:
    assert max_over_median([1.0, 1.0, 4.0]) == 4.0
    assert max_over_median([1.0, 3.0]) == 1.5
    assert max_over_median([]) is None
    assert max_over_median([0.0, 0.0, 5.0]) is None


def row(requests: int, errors: int = 0, cancelled: int = 0, p95_ms: float | None = None) -> dict[str, Any]:
    return {"requests": requests, "errors": errors, "cancelled": cancelled, "p95_ms": p95_ms}


def test_what_failed_or_was_cut_off_is_not_delivered_and_who_asks_nothing_is_left_out() -> None:
    asked = [
        {"site": "river", "lane": "orders", "requests": 60.0},
        {"site": "river", "lane": "labs", "requests": 40.0},
        {"site": "lake", "lane": "labs", "requests": 50.0},
        {"site": "night", "lane": "labs", "requests": 0.0},
    ]
    rows = {"river": row(55, errors=3, cancelled=2, p95_ms=300.0), "lake": row(50, p95_ms=100.0), "night": row(0)}
    found = between_sites(rows, {"requests": asked})
    assert found["by_site"] == {
        "lake": {"demanded": 50.0, "delivered": 50, "share": 1.0},
        "river": {"demanded": 100.0, "delivered": 50, "share": 0.5},
    }
    assert found["jain"] == pytest.approx(1.5**2 / (2 * 1.25))
    assert found["max_over_median_delivered"] == pytest.approx(1 / 0.75)
    assert found["max_over_median_p95"] == pytest.approx(300 / 200)
    assert (found["sites"], found["without_demand"], found["sites_with_p95"]) == (2, 1, 2)
    assert (found["least_delivered"], found["slowest"]) == ("river", "river")


def test_a_run_of_nobody_has_no_figures() -> None:
    found = between_sites({}, {"requests": []})
    assert (found["jain"], found["max_over_median_p95"], found["least_delivered"]) == (None, None, None)


def test_every_run_has_it_in_its_summary(fabricate: Callable[..., Any]) -> None:
    run = fabricate(sites=("river", "lake", "hill"), requests=3000)
    run.expected["requests"] = [
        {"site": site, "lane": "orders", "requests": asked}
        for site, asked in (("river", 4000.0), ("lake", 1000.0), ("hill", 1000.0))
    ]
    run.samples.loc[run.at(site="river"), ["latency_ms", "server_ms"]] *= 3
    found = analyse(*run.write()).summary["between_sites"]
    assert found["by_site"]["river"]["share"] == pytest.approx(0.25)
    assert found["jain"] == pytest.approx(2.25**2 / (3 * (2 + 0.25**2)))
    assert found["max_over_median_p95"] == pytest.approx(3, rel=0.15)
    assert math.isclose(found["max_over_median_delivered"], 1.0)
