"""A site's network link as figures and draws: how long what passes takes, how bandwidth is shared, when nothing passes.

Pure and seeded: no I/O, no gevent, and no clock but the one it is given. Imports nothing of ours.
"""

from harness.network.delays import Draws, handshake_s, retransmission_s, round_trip_s
from harness.network.link import LinkProfile
from harness.network.outages import WorkingTime
from harness.network.pipe import SharedPipe

__all__ = ["Draws", "LinkProfile", "SharedPipe", "WorkingTime", "handshake_s", "retransmission_s", "round_trip_s"]
