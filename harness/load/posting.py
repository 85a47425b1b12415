"""Where a clinician works, as the load needs it: the site's endpoint and headers, codes for the samples, and ids that
are never given twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Final

from harness.load.client import Endpoint

__all__ = ["IdSource", "Posting"]

_NONCE_BITS: Final = 22
_WORKER_BITS: Final = 9
_COUNTER_BITS: Final = 32


class IdSource:
    """Request ids of one worker in one run: 22 bits of the run, 9 of the worker, 32 of a counter.

    Together 63, so that an id is positive in a signed 64-bit integer.
    """

    def __init__(self, run_id: str, worker: int) -> None:
        nonce = int(run_id, 16) & ((1 << _NONCE_BITS) - 1)
        high = (nonce << _WORKER_BITS | worker) << _COUNTER_BITS
        self.next_request: Callable[[], int] = count(high | 1).__next__
        self.next_workflow_run: Callable[[], int] = count(worker << _COUNTER_BITS | 1).__next__


@dataclass(frozen=True, slots=True)
class Posting:
    """One clinician's post during one slot."""

    site: str
    persona: str
    clinician: int
    site_code: int
    persona_code: int
    endpoint: Endpoint
    connect_timeout_s: float
    answer_timeout_s: float
    head: str
    """The headers that all her requests share, each line with its end."""
    trace: str
    """First 16 hex digits of the trace id."""
    phase_at: Callable[[float], str]
    ids: IdSource
