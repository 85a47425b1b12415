"""Clinicians behind one link share its two pipes; whoever gives up leaves its part to the others."""

from __future__ import annotations

import time

import gevent
import pytest

from harness.load.site_link import SiteLink
from harness.network import LinkProfile

KILO = 8000.0
"""A kilobyte a second, in bits."""


class Run:
    """A run's clock that began when the test did."""

    def __init__(self) -> None:
        self._zero = time.perf_counter()

    def now_s(self) -> float:
        return time.perf_counter() - self._zero


def link(**figures) -> SiteLink:
    return SiteLink(LinkProfile("office", **figures), Run().now_s)


def passing(one: SiteLink, size_bytes: int, delay_s: float = 0.0) -> gevent.Greenlet:
    """Send so many bytes up; gives the run second at which they are through."""

    def send() -> float:
        one.pass_through(one.up, size_bytes, delay_s)
        return one.run_now_s()

    return gevent.spawn(send)


def test_bytes_take_their_share_of_the_bandwidth_and_then_the_delay():
    office = link(up_bits_per_s=KILO)
    assert passing(office, 100, 0.05).get() >= 0.15


def test_whoever_passes_through_an_unlimited_link_waits_for_the_delay_only():
    office = link(round_trip_s=0.1)
    assert office.up is None
    assert office.down is None
    assert passing(office, 10**12, 0.05).get() >= 0.05


def test_two_in_one_pipe_slow_each_other_down():
    office = link(up_bits_per_s=KILO)
    short, long = passing(office, 50), passing(office, 100)
    assert short.get() >= 0.1
    assert long.get() >= 0.15


def test_up_and_down_do_not_share():
    office = link(up_bits_per_s=1.0, down_bits_per_s=KILO)
    stuck = passing(office, 100)
    gevent.sleep(0)
    office.pass_through(office.down, 50, 0.0)
    assert not stuck.ready()
    stuck.kill()


def test_whoever_gives_up_leaves_the_bandwidth_to_the_others():
    """Both together would take more than a minute."""
    office = link(up_bits_per_s=KILO)
    leaving, staying = passing(office, 60_000), passing(office, 100)
    gevent.sleep(0.05)
    leaving.kill()
    assert staying.get(timeout=30) >= 0.1


def test_whoever_gives_up_last_leaves_an_idle_pipe_for_the_next():
    office = link(up_bits_per_s=KILO)
    leaving = passing(office, 60_000)
    gevent.sleep(0.02)
    leaving.kill()
    assert passing(office, 100).get(timeout=30) >= 0.12


def test_the_next_delay_may_be_shorter_by_what_the_waking_was_late():
    office = link(round_trip_s=0.1)
    late_s = office.pass_through(None, 0, 0.02)
    assert late_s >= 0
    assert office.pass_through(None, 0, 0.02 - late_s) >= 0
    assert office.run_now_s() >= 0.04


@pytest.mark.parametrize("bandwidth", [0.0, 100 * KILO])
def test_in_an_outage_nothing_passes_until_it_is_over(bandwidth):
    office = link(up_bits_per_s=bandwidth, outages_s=((0.0, 0.15),))
    assert passing(office, 10).get() >= 0.15


def test_what_is_on_its_way_when_an_outage_begins_goes_on_after_it():
    office = link(up_bits_per_s=KILO, outages_s=((0.05, 0.15),))
    assert passing(office, 100).get() >= 0.2


def test_a_delay_that_is_made_up_for_does_not_pass_through_an_outage():
    office = link(round_trip_s=0.1, outages_s=((0.0, 0.1),))
    office.pass_through(None, 0, -0.5)
    assert office.run_now_s() >= 0.1
