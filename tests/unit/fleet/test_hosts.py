"""The leader of a run with load from other hosts: begins with everybody, or not at all."""

from __future__ import annotations

import sys
import time

import pytest

from harness.errors import RunError
from harness.fleet import Depot, HostsFleet
from harness.fleet import local as local_module
from harness.rundir import RunDir, conductor_path

from .conftest import seat

WAITS = "import time; time.sleep(60)"


class Impostor(HostsFleet):
    """Launches another program in the place of Locust's master."""

    program = WAITS

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        self.arguments = arguments
        return [sys.executable, "-c", self.program]


@pytest.fixture
def fleet(led: RunDir, depot: Depot, monkeypatch: pytest.MonkeyPatch) -> Impostor:
    monkeypatch.setattr(local_module, "LEAVE_WITHIN_S", 0.1)
    monkeypatch.setattr(local_module, "STOP_WITHIN_S", 0.5)
    return Impostor(led, "http://127.0.0.1/fhir", 2, depot, "127.0.0.1", 5999)


def until_over(fleet: HostsFleet) -> None:
    give_up_s = time.monotonic() + 20
    while fleet.running:
        assert time.monotonic() < give_up_s
        time.sleep(0.02)


def test_the_master_is_a_stock_one_and_the_workers_are_told_its_port(fleet, depot) -> None:
    seat(depot, "a", "lake")
    seat(depot, "b", "hill")
    fleet.program = "pass"
    fleet.start()
    assert len(fleet.processes) == 1
    told = fleet.arguments
    assert "--master" in told
    assert told[told.index("--master-bind-host") + 1] == "127.0.0.1"
    assert told[told.index("--master-bind-port") + 1] == "5999"
    assert told[told.index("--expect-workers") + 1] == "2"
    assert 60 < int(told[told.index("--expect-workers-max-wait") + 1]) <= 300
    assert depot.sync("a", {})["locust_port"] == 5999
    assert fleet.join() == 0
    assert depot.sync("a", {})["state"] == "over"


def test_a_load_that_cannot_begin_is_not_waited_for(fleet, depot) -> None:
    """Locust's master would wait for the last of its workers for ever."""
    seat(depot, "a", "lake")
    seat(depot, "b", "hill")
    fleet.start()
    assert fleet.running
    depot.sync("a", {"load_code": 1})
    until_over(fleet)
    with pytest.raises(RunError, match="the load did not begin: the load process of lake ended with code 1"):
        fleet.join()
    assert depot.sync("a", {})["state"] == "over"


def test_once_it_has_begun_one_that_is_gone_ends_nothing(fleet, depot, led) -> None:
    seat(depot, "a", "lake")
    seat(depot, "b", "hill")
    fleet.start()
    conductor_path(led.streams).write_text("{}")
    depot.sync("a", {"load_code": 1})
    assert fleet.running
    fleet.stop_at_once()
    assert fleet.join() < 0


def test_it_does_not_begin_where_one_has_left_since_all_were_gathered(fleet, depot) -> None:
    seat(depot, "a", "lake")
    seat(depot, "b", "hill")
    depot.leave("b", "somebody interrupted it")
    with pytest.raises(RunError, match="did not begin: hill left"):
        fleet.start()
    fleet.stop_at_once()
    assert all(process.poll() is not None for process in fleet.processes)
