"""A shared pipe loses no capacity, favours nobody, and agrees with a slow account of it; outages only shift time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.network import LinkProfile, SharedPipe, WorkingTime
from harness.network.delays import retransmission_s, round_trip_s
from harness.population import Stream

RATE = 1000.0
ARRIVALS = st.lists(st.tuples(st.floats(0, 20), st.floats(1, 20_000)), min_size=1, max_size=25).map(sorted)
"""(moment in seconds, bits), in order."""
CLOSE = {"rel": 1e-9, "abs": 1e-7}


def completions(arrivals: Sequence[tuple[float, float]]) -> list[float]:
    """When each is over, in the order they came."""
    pipe = SharedPipe(RATE)
    tickets = [pipe.begin(at_s, bits) for at_s, bits in arrivals]
    told = dict(pipe.advance(1e9))
    return [told[ticket] for ticket in tickets]


def slow_account(arrivals: Sequence[tuple[float, float]]) -> list[float]:
    """Processor sharing from first principles: from event to event, everybody's rest goes down alike."""
    rest: dict[int, float] = {}
    over = [math.nan] * len(arrivals)
    now_s, coming = 0.0, 0
    while coming < len(arrivals) or rest:
        next_in_s = arrivals[coming][0] if coming < len(arrivals) else math.inf
        least = min(rest.values(), default=math.inf)
        next_out_s = now_s + least * len(rest) / RATE if rest else math.inf
        until_s = min(next_in_s, next_out_s)
        share = (until_s - now_s) * RATE / len(rest) if rest else 0.0
        leaving = [who for who, bits in rest.items() if next_out_s <= next_in_s and bits == least]
        rest = {who: bits - share for who, bits in rest.items() if who not in leaving}
        for who in leaving:
            over[who] = until_s
        now_s = until_s
        if next_in_s < next_out_s:
            rest[coming] = arrivals[coming][1]
            coming += 1
    return over


@settings(deadline=None)
@given(ARRIVALS)
def test_it_agrees_with_an_account_from_first_principles(arrivals: list[tuple[float, float]]) -> None:
    assert completions(arrivals) == pytest.approx(slow_account(arrivals), rel=1e-6, abs=1e-6)


@settings(deadline=None)
@given(ARRIVALS)
def test_it_works_whenever_there_is_something_to_do(arrivals: list[tuple[float, float]]) -> None:
    """The last bit is through when a single queue of the same rate would be empty: sharing neither loses nor wins."""
    empty_s = 0.0
    for at_s, bits in arrivals:
        empty_s = max(empty_s, at_s) + bits / RATE
    assert max(completions(arrivals)) == pytest.approx(empty_s, **CLOSE)


@settings(deadline=None)
@given(ARRIVALS)
def test_all_that_was_sent_takes_at_least_its_bits_over_the_rate(arrivals: list[tuple[float, float]]) -> None:
    makespan_s = max(completions(arrivals)) - arrivals[0][0]
    assert makespan_s >= sum(bits for _, bits in arrivals) / RATE - 1e-6


@settings(deadline=None)
@given(ARRIVALS)
def test_nobody_is_faster_than_alone_or_slower_than_with_everybody(arrivals: list[tuple[float, float]]) -> None:
    for (at_s, bits), over_s in zip(arrivals, completions(arrivals), strict=True):
        assert bits / RATE - 1e-6 <= over_s - at_s <= len(arrivals) * bits / RATE + 1e-6


@settings(deadline=None)
@given(st.lists(st.floats(1, 20_000), min_size=2, max_size=20))
def test_of_those_that_begin_together_the_shorter_is_through_first(sizes: list[float]) -> None:
    over = completions([(0.0, bits) for bits in sizes])
    by_size = sorted(range(len(sizes)), key=lambda who: sizes[who])
    assert [over[who] for who in by_size] == sorted(over)


@settings(deadline=None)
@given(st.lists(st.floats(1, 20_000), min_size=2, max_size=20), st.floats(0.01, 0.99))
def test_those_under_way_get_equal_parts(sizes: list[float], share: float) -> None:
    pipe = SharedPipe(RATE)
    tickets = [pipe.begin(0.0, bits) for bits in sizes]
    now_s = share * pipe.next_completion_s()
    got = [bits - pipe.remaining_bits(now_s, ticket) for bits, ticket in zip(sizes, tickets, strict=True)]
    assert got == pytest.approx([now_s * RATE / len(sizes)] * len(sizes), **CLOSE)


@settings(deadline=None)
@given(ARRIVALS, st.lists(st.floats(0, 60), max_size=20).map(sorted))
def test_how_often_one_looks_changes_nothing(arrivals: list[tuple[float, float]], looks: list[float]) -> None:
    pipe = SharedPipe(RATE)
    told: dict[int, float] = {}
    tickets = []
    for at_s, bits in sorted([*arrivals, *((look_s, -1.0) for look_s in looks)]):
        if bits < 0:
            told.update(pipe.advance(at_s))
        else:
            tickets.append(pipe.begin(at_s, bits))
    told.update(pipe.advance(1e9))
    assert [told[ticket] for ticket in tickets] == pytest.approx(completions(arrivals), rel=1e-6, abs=1e-6)


@settings(deadline=None)
@given(ARRIVALS, st.data())
def test_whoever_leaves_only_makes_the_others_faster(arrivals: list[tuple[float, float]], data: st.DataObject) -> None:
    pipe = SharedPipe(RATE)
    tickets = [pipe.begin(at_s, bits) for at_s, bits in arrivals]
    leaving = data.draw(st.sampled_from(tickets))
    pipe.cancel(arrivals[-1][0], leaving)
    told = dict(pipe.advance(1e9))
    undisturbed = completions(arrivals)
    assert set(told) == set(tickets) - {leaving}
    assert all(over_s <= undisturbed[tickets.index(ticket)] + 1e-6 for ticket, over_s in told.items())


OUTAGES = st.lists(st.floats(0, 1000), max_size=12, unique=True).map(
    lambda moments: tuple(zip(sorted(moments)[::2], sorted(moments)[1::2], strict=False))
)


@settings(deadline=None)
@given(OUTAGES, st.lists(st.floats(-10, 1100), min_size=2, max_size=20).map(sorted))
def test_a_links_own_time_never_goes_back(outages: tuple[tuple[float, float], ...], moments: list[float]) -> None:
    working = WorkingTime(LinkProfile("any", outages_s=outages).outages_s)
    worked = [working.working_s(moment) for moment in moments]
    assert worked == sorted(worked)
    edges = sorted(edge for outage in outages for edge in outage)
    assert [working.working_s(edge) for edge in edges] == sorted(working.working_s(edge) for edge in edges)


@settings(deadline=None)
@given(OUTAGES, st.floats(-10, 1100))
def test_outside_outages_the_two_times_lead_to_each_other(
    outages: tuple[tuple[float, float], ...], run_s: float
) -> None:
    working = WorkingTime(outages)
    there_and_back_s = working.run_s(working.working_s(run_s))
    inside = [to_s for from_s, to_s in outages if from_s <= run_s < to_s]
    assert there_and_back_s == pytest.approx(inside[0] if inside else run_s, abs=1e-6)


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.9), st.integers(0, 2_000_000), st.integers(0, 1000))
def test_no_delay_is_negative_and_each_is_finite(
    round_trip: float, jitter: float, loss: float, size: int, seed: int
) -> None:
    link, draws = LinkProfile("any", round_trip, jitter, loss=loss), Stream(seed)
    assert 0 <= round_trip_s(link, draws) <= round_trip + jitter
    assert 0 <= retransmission_s(link, size, draws) < math.inf
