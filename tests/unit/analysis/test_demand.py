from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.demand import Demand, growth_of

SITES = ("river", "lake", "hill")
LANES = ("orders", "labs", "billing")


def demand(
    more: Mapping[str, float] | None = None,
    *,
    lanes: Mapping[str, float] | None = None,
    arrivals: Mapping[str, float] | None = None,
    greedy: Mapping[str, float] | None = None,
) -> Demand:
    """Three sites alike; `more` multiplies a site's people and requests, `lanes` a lane's requests everywhere."""
    times, by_lane, came = more or {}, lanes or {}, arrivals or {}
    return Demand(
        sites=SITES,
        on_duty_s={(site, "nurse"): 3600.0 * times.get(site, 1.0) for site in SITES},
        arrivals={(site, "patient"): 10.0 * came.get(site, 1.0) for site in SITES},
        requests={
            (site, lane): 100.0 * times.get(site, 1.0) * by_lane.get(lane, 1.0) for site in SITES for lane in LANES
        },
        greedy=greedy or {},
    )


@given(st.sampled_from(SITES), st.floats(1.01, 50))
def test_the_site_that_grew_is_found_with_how_many_times(site: str, times: float) -> None:
    found = growth_of(demand(), demand({site: times}))
    assert list(found.more) == [site]
    assert found.more[site] == pytest.approx(times)
    assert found.dose == pytest.approx(times)
    assert (found.less, found.everywhere, found.again) == ((), False, False)


def test_what_the_option_says_goes_before_what_averages_make_of_it() -> None:
    moved = demand({"river": 4.19, "lake": 1.0}, greedy={"river": 4.0})
    assert growth_of(demand(), moved).more == {"river": 4.0}
    assert growth_of(demand({"river": 2.0}, greedy={"river": 2.0}), moved).more == {"river": 2.0}


def test_expected_requests_that_move_with_the_same_people_are_no_growth() -> None:
    drifted = demand(lanes=dict.fromkeys(LANES, 1.05), greedy={"river": 1.0})
    found = growth_of(demand(), drifted)
    assert (dict(found.more), found.less, found.again) == ({}, (), True)


def test_the_same_load_again_must_be_said() -> None:
    assert not growth_of(demand(), demand()).again
    assert growth_of(demand(), demand(greedy={"lake": 1.0})).again


def test_more_of_one_persona_and_less_of_another_is_less() -> None:
    traded = demand({"river": 2.0}, arrivals={"river": 0.5})
    assert growth_of(demand(), traded).less == ("river",)
    assert growth_of(demand({"lake": 2.0}), demand()).less == ("lake",)


def test_arrivals_alone_are_growth_and_the_lanes_that_grew_most_name_it() -> None:
    came = demand(arrivals=dict.fromkeys(SITES, 2.0), lanes={"orders": 3.0, "labs": 1.6})
    found = growth_of(demand(), came)
    assert found.everywhere
    assert found.lanes == ("orders",)
    assert found.grown_lanes == {"orders", "labs"}
    assert found.dose == pytest.approx((3 + 1.6 + 1) / 3)
