"""What can be planted, and what each request meets of it."""

from __future__ import annotations

import pytest

from harness.errors import InputError
from harness.sandbox.faults import FaultBoard, parse_fault, plant_from_json


def board(*texts, clock=lambda: 0.0, seed=0):
    made = FaultBoard(seed, clock)
    made.plant([parse_fault(text) for text in texts])
    return made


def test_a_slow_site_delays_its_own_requests_only():
    slow = board("slow-site:site=river,delay=250ms")
    assert slow.delay_s("river") == 0.25
    assert slow.delay_s("lake") == 0.0


def test_defaults_are_filled_in_and_shown():
    assert board("slow-site:site=river", "down").as_json() == [
        {"name": "slow-site", "site": "river", "delay": "800ms"},
        {"name": "down", "after": "20s", "for": "5s"},
    ]


def test_every_fifth_matching_request_is_refused_and_no_other():
    faulty = board("error-rate:every=5,operation=Observation.search,status=503")
    statuses = []
    for _ in range(10):
        assert faulty.error_status("river", "Patient.read") is None
        statuses.append(faulty.error_status("river", "Observation.search"))
    assert statuses == [None, None, None, None, 503] * 2


def test_a_share_is_drawn_the_same_for_the_same_seed():
    def refused(seed):
        faulty = board("error-rate:rate=20%,site=river", seed=seed)
        return [faulty.error_status("river", "Patient.read") for _ in range(2000)]

    first = refused(1)
    assert first == refused(1) != refused(2)
    assert 340 < sum(status == 500 for status in first) < 460
    assert board("error-rate:rate=100%,site=river").error_status("lake", "Patient.read") is None


def test_the_server_is_down_for_as_long_as_was_said():
    now = [100.0]
    faulty = board("down:after=20s,for=5s", clock=lambda: now[0])
    seen = []
    for now[0] in (100.0, 119.9, 120.0, 124.9, 125.0):
        seen.append(faulty.is_down())
    assert seen == [False, False, True, True, False]
    assert faulty.downtimes_s() == [(120.0, 125.0)]


def test_the_server_stands_still_for_as_long_as_was_said():
    now = [100.0]
    faulty = board("stall:after=20s,for=5s", clock=lambda: now[0])
    left = []
    for now[0] in (100.0, 119.9, 120.0, 124.0, 125.0):
        left.append(faulty.stall_left_s())
    assert left == pytest.approx([0.0, 0.0, 5.0, 1.0, 0.0])
    assert not faulty.is_down()


def test_a_slow_operation_takes_so_many_times_as_long_and_no_other():
    slow = board("slow-operation:operation=Observation.search,factor=1.1")
    assert slow.service_factor("Observation.search") == 1.1
    assert slow.service_factor("Patient.read") == 1.0
    assert board("slow-operation:operation=batch").service_factor("batch") == 2.0


def test_planting_again_replaces_everything():
    faulty = board("error-rate:every=1")
    faulty.plant([])
    assert faulty.error_status("river", "Patient.read") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("slowsite:site=a", ["unknown fault 'slowsite'", "did you mean 'slow-site'?", "error-rate, stall, down"]),
        ("slow-site", ["needs 'site'"]),
        ("slow-site:sit=a", ["has no 'sit'", "did you mean 'site'?", "needs 'site'"]),
        ("slow-site:site=", ["a site's name is empty"]),
        ("slow-site:site=a,delay=800", ["delay of fault 'slow-site'", "not a duration"]),
        ("slow-site:site", ["'site' is no key=value"]),
        ("slow-site:site=a,site=b", ["given twice"]),
        ("slow-operation:operation=batch,factor=0.5", ["'0.5' is no factor", "1 or more, such as 1.1"]),
        ("error-rate:rate=120%", ["not a share"]),
        ("error-rate:rate=1%,every=5", ["not both"]),
        ("error-rate:every=0", ["no whole number above 0"]),
        ("error-rate:status=200", ["no error status"]),
        ("error-rate:operation=Observation.find", ["is no operation", "transaction, batch, metadata"]),
        ("down:for=-1s", ["for of fault 'down'"]),
    ],
)
def test_a_fault_written_wrong_is_refused_with_the_way_out(text, expected):
    with pytest.raises(InputError) as caught:
        parse_fault(text)
    for part in expected:
        assert part in str(caught.value)


@pytest.mark.parametrize("given", [{}, "down", [1], [{"nme": "down"}], [{"name": "down", "after": "soon"}]])
def test_faults_sent_wrong_are_refused(given):
    with pytest.raises(InputError):
        plant_from_json(given)


def test_faults_sent_as_json_may_hold_numbers():
    assert plant_from_json([{"name": "error-rate", "every": 5, "status": 503}])[0].values == {
        "every": 5,
        "status": 503,
        "rate": 0.01,
    }
