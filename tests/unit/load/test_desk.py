"""Who takes which slot, and how many users that needs at a moment."""

from __future__ import annotations

from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.load.desk import GRACE_S, LEAD_S, Desk, UserCount
from harness.load.wire import DRAIN_S
from harness.plan.model import Slot

seconds = st.floats(0, 500, allow_nan=False).map(lambda value: round(value, 3))


@st.composite
def rosters(draw) -> list[Slot]:
    spans = draw(st.lists(st.tuples(seconds, st.floats(0.001, 300)), max_size=30))
    return [
        Slot(number, "river", "nurse", number, start, start + round(length, 3), start == 0)
        for number, (start, length) in enumerate(spans)
    ]


@given(rosters(), st.floats(-10, 900, allow_nan=False))
def test_there_is_a_user_for_everybody_on_duty_and_for_nobody_else_but_those_coming_or_going(roster, now_s):
    users = UserCount(roster).at(now_s)
    assert users >= sum(slot.start_s <= now_s < slot.end_s for slot in roster)
    assert users == sum(slot.start_s <= now_s + LEAD_S and slot.end_s > now_s - GRACE_S for slot in roster)


def test_a_user_is_still_counted_when_the_last_drain_of_her_slot_is_over():
    """Or else Locust would stop somebody of its own choice."""
    assert GRACE_S > DRAIN_S
    count = UserCount([Slot(0, "river", "nurse", 0, 10.0, 20.0, False)])
    assert [count.at(now_s) for now_s in (6.9, 7.1, 20.0 + DRAIN_S, 20.0 + GRACE_S + 0.1)] == [0, 1, 1, 0]


@given(rosters(), st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=1, max_size=7))
@settings(max_examples=50)
def test_every_slot_is_claimed_once_in_the_order_of_the_starts(roster, ticks_s):
    """Users come as `UserCount` has them come, one second after the other."""
    desk, count = Desk(roster), UserCount(roster)
    claimed: list[tuple[float, Slot]] = []
    end_s = max((slot.end_s for slot in roster), default=0.0)
    now_s, alive = -5.0, 0
    for tick_s in cycle(ticks_s):
        if now_s >= end_s:
            break
        for _ in range(max(0, count.at(now_s) - alive)):
            slot = desk.claim(now_s)
            if slot is not None:
                claimed.append((now_s, slot))
        alive = sum(now_s < slot.end_s for _, slot in claimed)
        now_s += tick_s
    assert sorted(slot.slot for _, slot in claimed) == [slot.slot for slot in roster]
    assert [slot.start_s for _, slot in claimed] == sorted(slot.start_s for slot in roster)
    assert all(slot.start_s - LEAD_S <= when_s for when_s, slot in claimed)
    assert desk.claim(1e9) is None
    assert desk.working == len(roster)


def test_nobody_is_early_by_more_than_the_lead():
    desk = Desk([Slot(0, "river", "nurse", 0, 100.0, 200.0, False)])
    assert desk.claim(100.0 - LEAD_S - 0.01) is None
    assert desk.claim(100.0 - LEAD_S) is not None


def test_a_closed_desk_hands_out_nothing_and_waits_for_those_at_work_only():
    desk = Desk([Slot(number, "river", "nurse", number, 0.0, 10.0 * (number + 1), True) for number in range(3)])
    desk.claim(0.0)
    assert not desk.all_ended
    desk.close()
    assert desk.claim(0.0) is None
    assert desk.last_end_s == 10.0
    assert not desk.all_ended
    desk.release()
    assert (desk.all_ended, desk.working, desk.ended) == (True, 0, 1)


def test_a_desk_without_slots_has_nothing_to_wait_for():
    assert Desk([]).all_ended
    assert Desk([]).last_end_s == 0.0
