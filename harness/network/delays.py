"""How long a link holds up what passes, apart from bandwidth: propagation, handshakes, and lost packets sent again.

Not modelled: TCP's slow start and its halved window after a loss. Long answers over long or lossy links are therefore
faster here than they would be. Several losses in one message are paid one after the other, which is slower.
"""

from __future__ import annotations

import math
from typing import Final, Protocol

from harness.network.link import LinkProfile

__all__ = ["Draws", "handshake_s", "retransmission_s", "round_trip_s"]

SEGMENT_BYTES: Final = 1460
"""What one TCP segment carries over Ethernet: 1500 bytes less two headers of 20 (RFC 9293, 3.7.1, over IPv4)."""
DUPLICATES: Final = 3
"""So many segments that arrive after a lost one have it sent again at once (fast retransmit, RFC 5681, 3.2)."""
FIRST_TIMEOUT_S: Final = 1.0
"""The retransmission timeout before any round trip is known, so that of a handshake (RFC 6298, 2.1)."""
LONGEST_TIMEOUT_S: Final = 120.0
"""Where doubling ends (Linux's TCP_RTO_MAX; RFC 6298, 2.5 allows 60 s and more)."""


class Draws(Protocol):
    """Where chance comes from: a harness.population.Stream, so that the same order gives the same delays everywhere."""

    def uniform(self) -> float:
        """In the open interval (0, 1)."""


def round_trip_s(link: LinkProfile, draws: Draws) -> float:
    """One round trip, jitter included, of which each way takes half."""
    if not link.jitter_s:
        return link.round_trip_s
    return max(0.0, link.round_trip_s + link.jitter_s * (2 * draws.uniform() - 1))


def handshake_s(link: LinkProfile, draws: Draws, *, tls: bool) -> float:
    """What a new connection costs before its first request.

    One round trip for TCP (RFC 9293, 3.5: the request goes out with the last acknowledgement), one more for TLS 1.3
    (RFC 8446, 2); a packet each way in each, which may be lost.
    """
    seconds = round_trip_s(link, draws) + _lost_round_trip_s(link, draws, FIRST_TIMEOUT_S)
    if tls:
        seconds += round_trip_s(link, draws) + _lost_round_trip_s(link, draws, link.retransmission_timeout_s)
    return seconds


def retransmission_s(link: LinkProfile, size_bytes: int, draws: Draws) -> float:
    """What the lost segments of one message add to its way.

    A lost segment costs one round trip if three later ones of the message follow, else the retransmission timeout; the
    same segment lost again costs the timeout, doubled each time.
    """
    if not link.loss:
        return 0.0
    segments = -(-size_bytes // SEGMENT_BYTES)
    log_kept = math.log1p(-link.loss)
    seconds = 0.0
    # from one lost segment to the next is a geometric distance: a draw a loss, not one a segment
    position = math.log(draws.uniform()) / log_kept
    while position < segments:
        lost = int(position)
        if segments - 1 - lost >= DUPLICATES:
            seconds += link.round_trip_s + _lost_again_s(link.loss, draws, link.retransmission_timeout_s)
        else:
            seconds += link.retransmission_timeout_s
            seconds += _lost_again_s(link.loss, draws, 2 * link.retransmission_timeout_s)
        position = lost + 1 + math.log(draws.uniform()) / log_kept
    return seconds


def _lost_round_trip_s(link: LinkProfile, draws: Draws, timeout_s: float) -> float:
    """A packet and its answer, either of which may be lost: the first is sent again until the second is there."""
    return _lost_again_s(1 - (1 - link.loss) ** 2, draws, timeout_s) if link.loss else 0.0


def _lost_again_s(loss: float, draws: Draws, timeout_s: float) -> float:
    """Timeouts until a packet gets through, doubled each time (RFC 6298, 5.5)."""
    seconds = 0.0
    while draws.uniform() < loss:
        timeout_s = min(timeout_s, LONGEST_TIMEOUT_S)
        seconds += timeout_s
        timeout_s *= 2
    return seconds
