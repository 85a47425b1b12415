"""How long a link holds up what passes: each draw within its bounds, and their means as the figures say."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

import pytest

from harness.network import LinkProfile, handshake_s, retransmission_s, round_trip_s
from harness.population import Stream


class Written:
    """Draws as a test writes them down."""

    def __init__(self, draws: Iterable[float]) -> None:
        self._draws = iter(draws)

    def uniform(self) -> float:
        return next(self._draws)


NOBODY_DRAWS = Written(())


def test_a_link_without_jitter_takes_its_round_trip_and_draws_nothing():
    assert round_trip_s(LinkProfile("office", 0.02), NOBODY_DRAWS) == 0.02


def test_jitter_is_as_likely_more_as_less():
    link, draws = LinkProfile("office", 0.04, 0.01), Stream("jitter")
    drawn = [round_trip_s(link, draws) for _ in range(20_000)]
    assert 0.03 <= min(drawn) < 0.0301
    assert 0.0499 < max(drawn) <= 0.05
    assert fmean(drawn) == pytest.approx(0.04, abs=0.0002)


def test_no_answer_comes_before_it_was_asked_for():
    link, draws = LinkProfile("office", 0.001, 0.01), Stream("jitter")
    assert min(round_trip_s(link, draws) for _ in range(1000)) == 0.0


def test_a_handshake_is_one_round_trip_and_tls_one_more():
    link = LinkProfile("office", 0.02)
    assert handshake_s(link, NOBODY_DRAWS, tls=False) == 0.02
    assert handshake_s(link, NOBODY_DRAWS, tls=True) == 0.04


def test_a_lost_handshake_is_tried_again_after_a_second_then_two():
    link = LinkProfile("office", 0.02, loss=0.5)
    lost, kept = 0.7, 0.8  # a packet there and one back: lost with 1 − ½ × ½
    assert handshake_s(link, Written([lost, lost, kept]), tls=False) == pytest.approx(0.02 + 1 + 2)


def test_the_round_trip_of_tls_knows_how_long_a_round_trip_takes():
    link = LinkProfile("office", 0.02, loss=0.5)
    assert handshake_s(link, Written([0.8, 0.7, 0.8]), tls=True) == pytest.approx(0.04 + 0.2)


def test_without_loss_nothing_is_sent_again_and_nothing_drawn():
    assert retransmission_s(LinkProfile("office", 0.02), 1_000_000, NOBODY_DRAWS) == 0.0


FIRST_LOST, NEXT_KEPT = 0.9, 1e-9
"""At a loss of one half: ln 0.9 / ln 0.5 segments get through before one is lost, that is none; then 29 do."""


def test_a_loss_with_three_segments_behind_it_costs_a_round_trip():
    link = LinkProfile("office", 0.02, loss=0.5)
    draws = Written([FIRST_LOST, 0.6, NEXT_KEPT])
    assert retransmission_s(link, 4 * 1460, draws) == pytest.approx(0.02)


def test_a_loss_near_the_end_costs_the_timeout():
    link = LinkProfile("office", 0.02, loss=0.5)
    draws = Written([FIRST_LOST, 0.6, NEXT_KEPT])
    assert retransmission_s(link, 3 * 1460, draws) == pytest.approx(0.2)


def test_what_is_lost_again_and_again_waits_twice_as_long_each_time():
    link = LinkProfile("office", 0.02, loss=0.5)
    near_the_end = Written([FIRST_LOST, 0.4, 0.4, 0.6, NEXT_KEPT])
    assert retransmission_s(link, 100, near_the_end) == pytest.approx(0.2 + 0.4 + 0.8)
    sent_at_once_first = Written([FIRST_LOST, 0.4, 0.4, 0.6, NEXT_KEPT])
    assert retransmission_s(link, 4 * 1460, sent_at_once_first) == pytest.approx(0.02 + 0.2 + 0.4)


def test_the_doubling_ends_at_two_minutes():
    link = LinkProfile("office", 0.02, loss=0.5)
    draws = Written([FIRST_LOST, *[0.4] * 12, 0.6, NEXT_KEPT])
    doubling = [0.2 * 2**times for times in range(10)]  # 0.2 … 102.4
    assert retransmission_s(link, 100, draws) == pytest.approx(sum(doubling) + 3 * 120.0)


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("loss", [0.001, 0.02, 0.3])
def test_every_segment_is_lost_as_often_as_the_figure_says(loss):
    """100 segments of which the last three cost a timeout, the others a round trip, and more where lost again."""
    link, draws = LinkProfile("office", 0.2, loss=loss), Stream("loss")
    again = sum(loss**times * 0.2 * 2 ** (times - 1) for times in range(1, 40))
    expected = loss * (97 * (0.2 + again) + 3 * (0.2 + 2 * again))
    runs = 20_000
    drawn = fmean(retransmission_s(link, 100 * 1460, draws) for _ in range(runs))
    assert drawn == pytest.approx(expected, rel=0.15 if loss < 0.01 else 0.03)


def test_the_same_clinician_meets_the_same_delays_everywhere():
    link = LinkProfile("office", 0.02, 0.01, loss=0.2)

    def delays() -> list[float]:
        draws = Stream(7, "river", "nurse", 3, "link")
        return [round_trip_s(link, draws) + retransmission_s(link, 30_000, draws) for _ in range(50)]

    assert delays() == delays()
