"""Where a clinician works, as the load needs it: how her requests are written, codes for the samples, and ids that are
never given twice."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Final

from harness.clinic.world import StepFailed
from harness.fhir.call import Call
from harness.load.cookies import Cookies
from harness.load.endpoint import Endpoint

__all__ = ["IdSource", "Posting", "shared_head"]

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


def shared_head(endpoint: Endpoint, site: str, site_header: str | None) -> str:
    """The headers that all requests of a site share, each line with its end; no site's where there is no header for
    it."""
    head = (
        f"Host: {endpoint.authority}\r\nUser-Agent: emr-load-harness\r\n"
        "Accept: application/fhir+json\r\nAccept-Encoding: gzip\r\n"
    )
    return f"{head}{site_header}: {site}\r\n" if site_header else head


@dataclass(frozen=True, slots=True)
class Posting:
    """One clinician's post during one slot, or one visitor's during her visit."""

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
    gives_up_s: float | None = None
    """The longest that she waits for one answer, all tries together; None: as long as the client does."""
    first_byte_timeout_s: float = math.inf
    """How long an answer may take to begin; without end where the scenario does not say it."""
    open: bool = False
    """She came by herself, at a moment that no answer puts off."""

    def request(self, call: Call, request_id: int, trace: str, cookies: Cookies | None = None) -> bytes:
        """`call` as it goes over the line, with her cookies; `trace` is version and trace id of its `traceparent`.

        Raises StepFailed where a link is none, or a header holds what a header cannot: both come from the server.
        """
        named = format(request_id, "016x")  # a third of what it takes inside an f-string, once compiled
        try:
            target = self.endpoint.request_target(call.path)
        except ValueError:
            raise StepFailed(f"{call.operation}: not sent, its link is no URL") from None
        head = (
            f"{call.method} {target} HTTP/1.1\r\n{self.head}"
            f"X-Request-Id: {named}\r\ntraceparent: {trace}-{named}-01\r\n"
        )
        if cookies is not None:
            head += cookies.line_for(target)
        for name, value in call.headers:
            if not value.isprintable():
                raise StepFailed(f"{call.operation}: not sent, {name} would hold a control character")
            head += f"{name}: {value}\r\n"
        if call.body:
            head += f"Content-Length: {len(call.body)}\r\n"
        elif call.method not in ("GET", "HEAD", "DELETE"):
            head += "Content-Length: 0\r\n"
        try:
            return f"{head}\r\n".encode("latin-1") + call.body
        except UnicodeEncodeError:
            raise StepFailed(f"{call.operation}: not sent, a header would hold letters beyond Latin-1") from None
