"""A stream is a name: the same name gives the same draws on every machine."""

from __future__ import annotations

import math
from statistics import fmean, stdev

from harness.population import Stream


def test_the_first_draws_of_a_name_never_change():
    """Whatever changes them changes every population and every plan, so it must be meant."""
    stream = Stream(7, "river", "nurse", 3)
    assert [stream.bits() for _ in range(3)] == [
        2630093386412638997,
        6768651765425212358,
        12076288649451296401,
    ]


def test_a_number_and_its_text_are_two_names():
    assert Stream(1).bits() != Stream("1").bits()
    assert Stream("a", "b").bits() != Stream("ab").bits()


def test_uniform_draws_fill_the_open_interval_evenly():
    stream = Stream("uniform")
    drawn = [stream.uniform() for _ in range(20_000)]
    assert 0 < min(drawn) < 0.001
    assert 0.999 < max(drawn) < 1
    assert abs(fmean(drawn) - 0.5) < 5 * math.sqrt(1 / 12 / 20_000)


def test_whole_numbers_stay_below_their_bound_and_reach_all_below():
    stream = Stream("integers")
    assert {stream.integer(6) for _ in range(500)} == set(range(6))


def test_a_chance_of_nought_never_comes_and_one_always():
    stream = Stream("chance")
    assert not any(stream.chance(0.0) for _ in range(1000))
    assert all(stream.chance(1.0) for _ in range(1000))


def test_choices_follow_their_weights():
    stream = Stream("weights")
    drawn = [stream.weighted({"often": 3.0, "seldom": 1.0, "never": 0.0}) for _ in range(8000)]
    assert abs(drawn.count("often") / 8000 - 0.75) < 0.03
    assert "never" not in drawn
    assert {stream.choose("abc") for _ in range(200)} == set("abc")


def test_a_lognormal_has_the_mean_and_the_spread_it_was_given():
    stream = Stream("think")
    drawn = [stream.lognormal(13.0, 0.6) for _ in range(20_000)]
    assert abs(fmean(drawn) - 13.0) < 0.35
    assert abs(stdev(map(math.log, drawn)) - 0.6) < 0.02
    assert stream.lognormal(13.0, 0.0) == 13.0
