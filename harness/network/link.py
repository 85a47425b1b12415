"""One link's figures, checked once: round trip and jitter, bandwidth each way, loss, and when nothing passes.

clinician ──▶ up_bits_per_s ──▶ half a round trip ──▶ target
          ◀── down_bits_per_s ◀─ half a round trip ◀──
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

__all__ = ["LinkProfile"]

SHORTEST_TIMEOUT_S: Final = 0.2
"""The shortest retransmission timeout that Linux sets (TCP_RTO_MIN in include/net/tcp.h); RFC 6298 has a second."""


@dataclass(frozen=True, slots=True)
class LinkProfile:
    """A link as seen from its site, `down` towards the clinicians. What is 0 is ideal; a bandwidth of 0 is unlimited.

    Bandwidths are those of what HTTP sends, without the frames around it. Raises ValueError where no link can be so.
    """

    name: str
    round_trip_s: float = 0.0
    jitter_s: float = 0.0
    """A round trip takes up to so much more or less, each as likely, and never less than nothing."""
    down_bits_per_s: float = 0.0
    up_bits_per_s: float = 0.0
    loss: float = 0.0
    """Share of packets that are lost, each by itself, and sent again."""
    outages_s: tuple[tuple[float, float], ...] = ()
    """(from, to) in run seconds, in order and apart: in them nothing passes either way."""

    def __post_init__(self) -> None:
        figures = (self.round_trip_s, self.jitter_s, self.down_bits_per_s, self.up_bits_per_s)
        if not all(math.isfinite(figure) and figure >= 0 for figure in figures):
            raise ValueError(f"link '{self.name}': round trip, jitter and bandwidths are 0 or more, and finite")
        if not 0 <= self.loss < 1:
            raise ValueError(f"link '{self.name}': loss is a share of packets from 0 to less than 1")
        moments = [moment for outage in self.outages_s for moment in outage]
        lengths = [to_s - from_s for from_s, to_s in self.outages_s]
        if moments != sorted(moments) or not all(math.isfinite(moment) for moment in moments) or 0 in lengths:
            raise ValueError(f"link '{self.name}': outages are in order and apart, and each ends after it began")

    @property
    def ideal(self) -> bool:
        """Nothing is set: whatever is sent is there at once."""
        figures = (self.round_trip_s, self.jitter_s, self.down_bits_per_s, self.up_bits_per_s, self.loss)
        return not any(figures) and not self.outages_s

    @property
    def retransmission_timeout_s(self) -> float:
        """Smoothed round trip + 4 × its mean deviation (RFC 6298, 2.3), as Linux bounds it from below.

        Of a jitter that is uniform within ±j, the mean deviation is j/2.
        """
        return max(SHORTEST_TIMEOUT_S, self.round_trip_s + 4 * self.jitter_s / 2)

    def divided(self, share: float) -> LinkProfile:
        """The part of a worker that plays so much of the site: its share of both bandwidths, all else as it is.

        Raises ValueError unless 0 < share ≤ 1.
        """
        if not 0 < share <= 1:
            raise ValueError(f"link '{self.name}': {share} is no share of it")
        return replace(self, down_bits_per_s=self.down_bits_per_s * share, up_bits_per_s=self.up_bits_per_s * share)
