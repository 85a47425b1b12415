"""Whoever shares a pipe gets an equal part of it, and all of it when alone."""

from __future__ import annotations

import math

import pytest

from harness.network import SharedPipe

KILO = 1000.0


def pipe() -> SharedPipe:
    return SharedPipe(KILO)


def test_alone_a_transfer_has_the_whole_bandwidth():
    line = pipe()
    ticket = line.begin(5.0, 2000)
    assert line.next_completion_s() == 7.0
    assert line.advance(6.9) == []
    assert line.advance(7.0) == [(ticket, 7.0)]
    assert line.next_completion_s() == math.inf


def test_two_share_it_until_the_first_is_through():
    line = pipe()
    long, short = line.begin(0.0, 3000), line.begin(0.0, 1000)
    assert line.advance(10.0) == [(short, 2.0), (long, 4.0)]


def test_whoever_comes_later_slows_down_whoever_is_there():
    line = pipe()
    first = line.begin(0.0, 2000)
    second = line.begin(1.0, 2000)
    assert line.remaining_bits(2.0, first) == 500
    assert line.remaining_bits(2.0, second) == 1500
    assert line.advance(10.0) == [(first, 3.0), (second, 4.0)]


def test_equals_are_through_together_in_the_order_they_came():
    line = pipe()
    tickets = [line.begin(0.0, 1000) for _ in range(3)]
    assert line.advance(3.0) == [(ticket, 3.0) for ticket in tickets]


def test_what_somebody_who_leaves_did_not_use_is_shared_by_the_others():
    line = pipe()
    staying, leaving = line.begin(0.0, 2000), line.begin(0.0, 2000)
    line.cancel(2.0, leaving)
    assert line.transfers == 1
    assert line.advance(10.0) == [(staying, 3.0)]


def test_whoever_leaves_when_it_is_over_is_not_told():
    line = pipe()
    over = line.begin(0.0, 1000)
    line.cancel(2.0, over)
    assert line.next_completion_s() == math.inf
    assert line.advance(3.0) == []


def test_a_completion_is_told_even_where_somebody_began_after_it():
    line = pipe()
    first = line.begin(0.0, 1000)
    second = line.begin(5.0, 1000)
    assert line.next_completion_s() == 1.0
    assert line.advance(5.0) == [(first, 1.0)]
    assert line.advance(6.0) == [(second, 6.0)]


def test_nothing_to_send_is_through_at_once():
    line = pipe()
    busy, nothing = line.begin(0.0, 1000), line.begin(0.5, 0)
    assert line.advance(0.5) == [(nothing, 0.5)]
    assert line.advance(2.0) == [(busy, 1.0)]


def test_nothing_remains_of_what_is_over():
    line = pipe()
    over, other = line.begin(0.0, 100), line.begin(0.0, 900)
    assert line.remaining_bits(0.5, over) == 0
    assert line.remaining_bits(0.5, other) == 500


def test_after_an_idle_time_it_begins_anew():
    line = pipe()
    line.begin(0.0, 1e15)
    line.advance(1e12)
    ticket = line.begin(1e12, 1)
    assert line.remaining_bits(1e12, ticket) == 1


def test_time_never_goes_back():
    line = pipe()
    line.begin(2.0, 100)
    with pytest.raises(ValueError, match="forward"):
        line.advance(1.0)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.inf, math.nan])
def test_a_pipe_has_a_bandwidth(rate):
    with pytest.raises(ValueError, match="bandwidth"):
        SharedPipe(rate)


@pytest.mark.parametrize("bits", [-1.0, math.nan])
def test_nobody_sends_less_than_nothing(bits):
    with pytest.raises(ValueError, match="0 bits"):
        pipe().begin(0.0, bits)
