"""An exchange over an emulated link: the clinician waits for the link too, and her bounds hold all of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import gevent
import pytest

from harness.load import client
from harness.load.endpoint import Endpoint
from harness.load.exchange_failed import ExchangeFailed
from harness.load.linked_connection import LinkedConnection
from harness.load.site_link import SiteLink
from harness.network import LinkProfile
from harness.population import Stream

GET = b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONG_S = 60.0


def thick(size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size


@pytest.fixture
def connect() -> Iterator[Callable[..., LinkedConnection]]:
    made: list[LinkedConnection] = []

    def make(server, connect_timeout_s: float = LONG_S, seed: int = 7, **figures) -> LinkedConnection:
        began = time.perf_counter()
        link = SiteLink(LinkProfile("office", **figures), lambda: time.perf_counter() - began)
        endpoint = Endpoint.from_url(server.url)
        made.append(LinkedConnection(endpoint, connect_timeout_s, link, Stream(seed)))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def failure_of(
    connection: LinkedConnection,
    answer_timeout_s: float = LONG_S,
    give_up_s: float = LONG_S,
    first_byte_timeout_s: float = LONG_S,
):
    with pytest.raises(ExchangeFailed) as caught:
        connection.exchange(GET, answer_timeout_s, give_up_s, first_byte_timeout_s)
    return caught.value


def test_a_first_exchange_takes_two_round_trips_and_a_later_one_takes_one(serve, connect):
    connection = connect(serve(lambda line: [line.answer(OK) for _ in range(2)]), round_trip_s=0.1)
    first, second = (connection.exchange(GET, LONG_S) for _ in range(2))
    assert [first.reused, second.reused] == [False, True]
    assert first.body == second.body == b"ok"
    assert first.link_s >= 0.2
    assert first.connect_s >= 0.1
    assert first.ttfb_s >= 0.2
    assert 0.1 <= second.link_s < second.total_s
    assert second.connect_s == 0.0
    assert 0.1 <= second.ttfb_s <= second.total_s


def test_the_target_has_the_rest_of_the_time(serve, connect):
    def slowly(line):
        line.request()
        time.sleep(0.2)
        line.send(OK)

    told = connect(serve(slowly), round_trip_s=0.05).exchange(GET, LONG_S)
    assert told.total_s - told.link_s >= 0.2
    assert told.link_s >= 0.1


def test_a_long_answer_takes_its_time_through_a_narrow_link(serve, connect):
    connection = connect(serve(lambda line: line.answer(thick(20_000))), down_bits_per_s=800_000.0)
    assert connection.exchange(GET, LONG_S).link_s >= 0.2


def test_a_long_request_takes_its_time_too(serve, connect):
    connection = connect(serve(lambda line: line.answer(OK)), up_bits_per_s=80_000.0)
    request = b"POST /fhir HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000
    assert connection.exchange(request, LONG_S).link_s >= 0.2


def test_each_lost_packet_is_waited_for(serve, connect):
    """Of 40 segments and as many draws, one in two is lost: some are."""
    connection = connect(serve(lambda line: line.answer(thick(58_400))), round_trip_s=0.001, loss=0.1, seed=3)
    assert connection.exchange(GET, LONG_S).link_s > 0.004


def test_an_answer_that_is_too_long_on_its_way_is_a_timeout_and_the_line_is_let_go(serve, connect):
    server = serve(lambda line: (line.answer(OK), line.wait_until_left()), lambda line: line.answer(OK))
    connection = connect(server, round_trip_s=0.3)
    failed = failure_of(connection, answer_timeout_s=0.2)
    assert (failed.reason, failed.detail) == ("timeout", "no whole answer within 0.2 s")
    assert failed.link_s >= 0.45
    assert connection.exchange(GET, LONG_S).reused is False


def test_a_clinician_whose_time_is_over_before_is_cancelled(serve, connect):
    connection = connect(serve(), round_trip_s=0.2)
    began = time.perf_counter()
    failed = failure_of(connection, give_up_s=0.25)
    assert time.perf_counter() - began >= 0.25
    assert failed.reason == "cancelled"
    assert failed.link_s >= 0.24  # all of it but for connecting to the target itself


def test_a_silent_target_is_not_waited_for_longer_than_without_a_link(serve, connect):
    connection = connect(serve(lambda line: (line.request(), line.wait_until_left())), round_trip_s=0.1)
    began = time.perf_counter()
    failed = failure_of(connection, answer_timeout_s=1.0)
    assert (failed.reason, failed.detail) == ("timeout", "no whole answer within 1 s")
    assert time.perf_counter() - began >= 1.1
    assert 0.15 <= failed.link_s < 1.0


def test_the_bound_on_the_first_byte_holds_the_links_part_of_it(serve, connect):
    def slow(line):
        line.answer(OK)  # in time
        line.request()
        time.sleep(0.8)  # within the bound by itself
        line.send(OK)

    connection = connect(serve(slow), round_trip_s=0.4)
    assert connection.exchange(GET, LONG_S, first_byte_timeout_s=1.0).status == 200
    failed = failure_of(connection, first_byte_timeout_s=1.0)
    assert (failed.reason, failed.detail) == ("timeout", "no first byte within 1 s")
    assert failed.link_s >= 0.2
    assert not connection.is_open()


def test_no_first_byte_comes_in_an_outage(serve, connect):
    server = serve(lambda line: (line.answer(OK), line.wait_until_left()))
    connection = connect(server, outages_s=((0.3, 3600.0),))
    connection.exchange(GET, LONG_S)
    gevent.sleep(0.3)
    failed = failure_of(connection, first_byte_timeout_s=0.1)
    assert (failed.reason, failed.detail) == ("timeout", "no first byte within 0.1 s")
    assert server.requests == [GET]


def test_no_connection_is_made_in_an_outage(serve, connect):
    server = serve()
    connection = connect(server, connect_timeout_s=0.1, outages_s=((0.0, 3600.0),))
    failed = failure_of(connection)
    assert (failed.reason, failed.detail) == ("timeout", "no connection within 0.1 s")
    assert server.requests == []


@pytest.fixture
def opening(monkeypatch) -> list[float]:
    """What each opening of a real line is given of time; each takes 0.4 s longer than it does."""
    given: list[float] = []
    opened = client.open_line

    def slowly(endpoint: Endpoint, within_s: float):
        given.append(within_s)
        gevent.sleep(0.4)
        return opened(endpoint, within_s)

    monkeypatch.setattr(client, "open_line", slowly)
    return given


def test_one_bound_holds_the_links_handshake_and_the_targets(serve, connect, opening):
    connection = connect(serve(), connect_timeout_s=0.5, round_trip_s=0.3)
    failed = failure_of(connection)
    assert (failed.reason, failed.detail) == ("timeout", "no connection within 0.5 s")
    assert [within_s <= 0.2 for within_s in opening] == [True]


def test_the_clinicians_time_holds_both_handshakes_too(serve, connect, opening):
    failed = failure_of(connect(serve(), round_trip_s=0.3), give_up_s=0.5)
    assert (failed.reason, failed.detail) == ("cancelled", "no connection before the clinician's time was over")


def test_connecting_takes_nothing_of_the_time_for_an_answer(serve, connect, opening):
    told = connect(serve(lambda line: line.answer(OK)), round_trip_s=0.02).exchange(GET, 0.3)
    assert (told.body, told.reused) == (b"ok", False)
    assert told.link_s < 0.4 <= told.connect_s < told.ttfb_s <= told.total_s


def test_connecting_anew_under_a_request_takes_nothing_of_it_either(serve, connect, opening):
    """The server closes the kept line while the link holds the request up."""

    leave = threading.Event()
    server = serve(lambda line: (line.answer(OK), leave.wait(60)), lambda line: line.answer(OK))
    connection = connect(server, round_trip_s=0.8)
    connection.exchange(GET, LONG_S)
    asking = gevent.spawn(connection.exchange, GET, 1.9)  # 0.8 for a round trip and 0.8 for a handshake
    gevent.sleep(0.1)
    leave.set()
    told = asking.get()
    assert (told.body, told.reused) == (b"ok", False)
    assert told.connect_s >= 0.4
    assert told.total_s >= 2.0
    assert len(opening) == 2


def test_a_links_delays_make_no_server_farther_away(serve, connect):
    """A good-bye that crosses a request is here as soon as the target itself is near."""
    connection = connect(serve(lambda line: line.answer(OK)), round_trip_s=0.5)
    connection.exchange(GET, LONG_S)
    assert connection._connection._crossing_s < 0.5


def test_a_line_opened_ahead_is_hung_up_with_the_rest(serve, connect):
    left = threading.Event()
    connection = connect(serve(lambda line: (line.wait_until_left(), left.set())), outages_s=((0.1, 3600.0),))
    connection._connection.open(LONG_S, 0.0)
    connection.close()
    assert left.wait(60)


def test_a_request_in_an_outage_is_not_sent_and_times_out(serve, connect):
    server = serve(lambda line: (line.answer(OK), line.wait_until_left()))
    connection = connect(server, outages_s=((0.3, 3600.0),))
    connection.exchange(GET, LONG_S)
    gevent.sleep(0.3)
    failed = failure_of(connection, answer_timeout_s=0.1)
    assert (failed.reason, failed.detail) == ("timeout", "no whole answer within 0.1 s")
    assert failed.link_s >= 0.1
    assert server.requests == [GET]


def test_a_request_goes_on_when_an_outage_ends_in_time(serve, connect):
    connection = connect(serve(lambda line: line.answer(OK)), outages_s=((0.0, 0.2),))
    told = connection.exchange(GET, LONG_S)
    assert told.status == 200
    assert told.link_s >= 0.15


def test_an_answer_that_meets_an_outage_waits_for_its_end(serve, connect):
    def slowly(line):
        line.request()
        time.sleep(0.2)
        line.send(OK)

    connection = connect(serve(slowly), outages_s=((0.1, 0.5),))
    told = connection.exchange(GET, LONG_S)
    assert told.total_s >= 0.4
    assert told.link_s >= 0.1


def test_what_the_target_refuses_is_told_as_without_a_link(serve, connect):
    connection = connect(serve(lambda line: (line.request(), line.reset())), round_trip_s=0.02)
    failed = failure_of(connection)
    assert failed.reason == "connection"
    assert failed.link_s >= 0.03


def test_a_line_that_the_server_closed_is_opened_again_with_a_handshake(serve, connect):
    server = serve(lambda line: line.answer(OK), lambda line: line.answer(OK))
    connection = connect(server, round_trip_s=0.05)
    connection.exchange(GET, LONG_S)
    gevent.sleep(0.6)
    again = connection.exchange(GET, LONG_S)
    assert not again.reused
    assert again.link_s >= 0.1


def test_a_line_that_the_server_closes_while_the_request_is_on_its_way_costs_a_handshake_too(serve, connect):
    server = serve(lambda line: line.answer(OK), lambda line: line.answer(OK))
    began = time.perf_counter()
    connection = connect(server, round_trip_s=0.05, outages_s=((0.2, 1.2),))
    connection.exchange(GET, LONG_S)
    gevent.sleep(0.2)
    assert not connection.exchange(GET, LONG_S).reused
    assert time.perf_counter() - began >= 1.2 + 2 * 0.05


def test_whoever_is_thrown_out_while_on_the_link_has_its_time_told(serve, connect):
    """As at the end of a run, when the last drain is over."""
    connection = connect(serve(), outages_s=((0.0, 3600.0),))
    asking = gevent.spawn(failure_of, connection)
    gevent.sleep(0.1)
    thrown = ExchangeFailed("cancelled", "no whole answer before the run was over")
    gevent.get_hub().loop.run_callback(asking.throw, thrown)
    told = asking.get()
    assert told is thrown
    assert told.link_s >= 0.05


def test_two_clinicians_at_one_site_share_its_bandwidth(serve):
    began = time.perf_counter()
    link = SiteLink(LinkProfile("office", down_bits_per_s=800_000.0), lambda: time.perf_counter() - began)
    servers = [serve(lambda line: line.answer(thick(20_000))) for _ in range(2)]
    both = [LinkedConnection(Endpoint.from_url(one.url), LONG_S, link, Stream(7)) for one in servers]
    asking = [gevent.spawn(one.exchange, GET, LONG_S) for one in both]
    last_s = max(one.get().link_s for one in asking)
    for one in both:
        one.close()
    assert last_s >= 0.35
