"""Starts and watches Locust processes, here or on other hosts; knows nothing of what they do inside.

    run, here        LocalFleet                                            watch, limits, self_test, sandbox
    run, elsewhere   HostsFleet · DepotServer ▶ Depot ▶ Seat, Intake       what its workers need and leave
    worker           Channel ▶ join ▶ HostWorker ▶ hand_in                 signature, clock_offset, handover: both sides

For `cli` only.
"""

from harness.fleet.channel import Channel, NoAnswer, TurnedAway
from harness.fleet.depot import Depot
from harness.fleet.depot_server import DepotServer
from harness.fleet.handover import Handover
from harness.fleet.host_worker import HostWorker, SeatLost, own_name
from harness.fleet.hosts import HostsFleet
from harness.fleet.joining import join
from harness.fleet.limits import require_file_handles, require_sandbox_handles
from harness.fleet.local import LocalFleet, free_port
from harness.fleet.sandbox import SandboxProcess
from harness.fleet.self_test import SelfTest, try_generator
from harness.fleet.signature import Secret
from harness.fleet.watch import Glance, Watch

__all__ = [
    "Channel",
    "Depot",
    "DepotServer",
    "Glance",
    "Handover",
    "HostWorker",
    "HostsFleet",
    "LocalFleet",
    "NoAnswer",
    "SandboxProcess",
    "SeatLost",
    "Secret",
    "SelfTest",
    "TurnedAway",
    "Watch",
    "free_port",
    "join",
    "own_name",
    "require_file_handles",
    "require_sandbox_handles",
    "try_generator",
]
