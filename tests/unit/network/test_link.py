"""A link's figures: what no link can have is refused, and a worker's part has its share of the bandwidth."""

from __future__ import annotations

import math

import pytest

from harness.network import LinkProfile

CABLE = LinkProfile("cable", 0.03, 0.004, 100e6, 10e6, 0.001, ((60.0, 90.0),))


def test_a_link_of_which_nothing_is_set_is_ideal():
    assert LinkProfile("office").ideal


@pytest.mark.parametrize(
    "figure",
    [
        {"round_trip_s": 0.02},
        {"jitter_s": 0.002},
        {"down_bits_per_s": 1e6},
        {"up_bits_per_s": 1e6},
        {"loss": 0.01},
        {"outages_s": ((10.0, 20.0),)},
    ],
)
def test_a_link_of_which_anything_is_set_is_not(figure):
    assert not LinkProfile("office", **figure).ideal


@pytest.mark.parametrize(
    "figure",
    [
        {"round_trip_s": -0.001},
        {"jitter_s": math.nan},
        {"down_bits_per_s": math.inf},
        {"up_bits_per_s": -1.0},
        {"loss": 1.0},
        {"loss": -0.1},
        {"loss": math.nan},
        {"outages_s": ((20.0, 10.0),)},
        {"outages_s": ((10.0, 10.0),)},
        {"outages_s": ((10.0, 30.0), (20.0, 40.0))},
        {"outages_s": ((10.0, math.inf),)},
    ],
)
def test_figures_that_no_link_has_are_refused_by_its_name(figure):
    with pytest.raises(ValueError, match="link 'office'"):
        LinkProfile("office", **figure)


def test_a_part_of_a_site_has_its_share_of_the_bandwidth_and_everything_else_as_it_is():
    assert CABLE.divided(0.25) == LinkProfile("cable", 0.03, 0.004, 25e6, 2.5e6, 0.001, ((60.0, 90.0),))
    assert CABLE.divided(1.0) == CABLE


def test_the_parts_of_an_unlimited_link_are_unlimited():
    assert LinkProfile("office", 0.02).divided(0.5) == LinkProfile("office", 0.02)


@pytest.mark.parametrize("share", [0.0, -0.5, 1.01, math.nan])
def test_a_link_is_not_divided_into_what_is_no_part_of_it(share):
    with pytest.raises(ValueError, match="no share"):
        CABLE.divided(share)


def test_a_lost_packet_is_missed_after_200_ms_or_later_where_the_way_is_long():
    assert LinkProfile("office", 0.02, 0.01).retransmission_timeout_s == 0.2
    assert LinkProfile("satellite", 0.6, 0.05).retransmission_timeout_s == pytest.approx(0.7)
