"""Control traffic: one httpx client for a target, bounded in time and size, patient where a server asks for patience.

    send(call) ── 429 ──▶ not done: wait as Retry-After says, sent again, at most MAX_TRIES times
               └─ 503, connection lost ──▶ perhaps done: the same, but only where that cannot do anything twice

A 503 means a server that could not, or a proxy that does not know whether its server did; `Retry-After` tells how long
to wait, not which of them it was. So it is no proof that a POST was not applied (RFC 9110, 9.2.2 and 15.6.4), as a 429
is (RFC 6585, 4: the request was limited).

No redirects, no proxy: the load goes straight to the target, so what is checked here must go the same way.
"""

from __future__ import annotations

import random
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final

import httpx

from harness.control.refusals import refusal_text, unreachable
from harness.errors import TargetError
from harness.fhir import requests
from harness.fhir.call import Answer, Call
from harness.fhir.checks import split_search_result
from harness.target import Target
from harness.units import count_text

__all__ = ["PERHAPS_DONE", "ControlClient", "Refused", "Traffic"]

Resource = dict[str, Any]

CONNECT_TIMEOUT_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 60.0
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
MAX_TRIES: Final = 6
LONGEST_WAIT_S: Final = 30.0
"""A server that asks for more patience than this is asked again after it all the same."""
PAGE_SIZE: Final = 200
LARGE: Final[Mapping[str, int]] = {"Binary": 8}
"""Kind → resources a page where one may be large: of scans of 5 MB (7 MB in base64) so many fit in MAX_ANSWER_BYTES."""
MAX_PAGES: Final = 10_000
"""A chain of `next` links longer than this goes in a circle: 10,000 pages of 200 are two million resources."""
PERHAPS_DONE: Final = (502, 503, 504)
"""What a proxy says where it does not know what became of the request."""
_NOT_SENT_AGAIN: Final = (
    "It may have been stored all the same, so it was not sent again; `emrload cleanup --target URL` deletes it."
)


class Refused(TargetError):  # noqa: N818 (named as errors.py names its own: NoPatients)
    """The target answered, but not with 2xx."""

    def __init__(self, message: str, hint: str = "", status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status


@dataclass(slots=True)
class Traffic:
    """What was sent so far: requests in all, and among them those sent again and why."""

    requests: int = 0
    after_throttling: int = 0
    """The target asked for patience (429, 503)."""
    after_lost_connection: int = 0
    """No answer came, or none that tells what became of the request."""

    @property
    def sent_again(self) -> str:
        """What was sent again, in words; "" where nothing was."""
        whys = {"the target asked for patience": self.after_throttling, "no answer came": self.after_lost_connection}
        told = ", ".join(f"{why} {count_text(times, 'time')}" for why, times in whys.items() if times)
        total = self.after_throttling + self.after_lost_connection
        return f"{count_text(total, 'request')}: {told}" if total else ""


class ControlClient:
    """Sends calls to one target; may be used from several threads. Close it, or use it as a context."""

    def __init__(
        self,
        target: Target,
        *,
        connections: int = 6,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.target = target
        self.connections = connections
        self.traffic = Traffic()
        self._answer_timeout_s = answer_timeout_s
        self._given_up = threading.Event()
        self._sleep = sleep or self._given_up.wait
        self._lock = threading.Lock()
        self._jitter = random.Random()  # spreads retries over time; not part of the plan, so not seeded
        self._client = httpx.Client(
            timeout=httpx.Timeout(answer_timeout_s, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            # The same trust as the load's: the system's certificates, SSL_CERT_FILE and SSL_CERT_DIR respected.
            verify=ssl.create_default_context() if target.url.startswith("https") else False,
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> ControlClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def give_up(self) -> None:
        """End it from any thread: whoever waits to send again stops waiting, and nothing more is sent."""
        self._given_up.set()

    def close(self) -> None:
        self._client.close()

    def send(self, call: Call, tries: int = MAX_TRIES) -> Answer:
        """The answer to `call`, after at most so many tries; status 0 where none came (`detail` says why)."""
        for tried in range(1, tries + 1):
            answer, lost = self._send_once(call)
            if tried == tries:
                break
            perhaps_done = lost or answer.status == 503
            if answer.status != 429 and not (perhaps_done and call.repeatable):
                break
            self.be_patient(answer, tried)
        return answer

    def be_patient(self, answer: Answer, tried: int) -> None:
        """Wait before the call that got `answer` is sent again: as `Retry-After` says, else longer from try to try."""
        throttled = answer.status in (429, 503)
        self._count("after_throttling" if throttled else "after_lost_connection")
        self._sleep(self._patience_s(answer, tried))

    def require(self, call: Call) -> Answer:
        """The answer to `call`, which must be of status 2xx.

        Raises Refused with what the server said, TargetError where no answer came.
        """
        answer = self.send(call)
        if answer.status and not 200 <= answer.status < 300:
            hint = "" if call.repeatable or answer.status not in PERHAPS_DONE else _NOT_SENT_AGAIN
            raise Refused(f"{self.target.url}: {call.operation}: {refusal_text(answer)}", hint, answer.status)
        if not answer.status:
            raise TargetError(f"{self.target.url}: {call.operation}: {answer.detail}")
        return answer

    def find(
        self, kind: str, parameters: Mapping[str, str | Sequence[str]], page_size: int = PAGE_SIZE
    ) -> Iterator[Resource]:
        """Every match of a search, page by page along the server's `next` links. Raises TargetError."""
        count = min(page_size, LARGE.get(kind, page_size))
        call = requests.search(kind, "", {**parameters, "_count": str(count)})
        seen = set()
        for _ in range(MAX_PAGES):
            bundle = self.json(call)
            matches, _included, link = split_search_result(bundle)
            yield from matches
            if not link:
                return
            if link in seen:
                break
            seen.add(link)
            call = requests.next_page(kind, link)
        raise TargetError(f"{self.target.url}: {call.operation}: its pages go in a circle, {len(seen)} were read")

    def count(self, kind: str, parameters: Mapping[str, str | Sequence[str]] | None = None) -> int | None:
        """How many matches a search has; None where the server answers without saying it. Raises TargetError."""
        total = self.json(requests.search(kind, "", {**(parameters or {}), "_summary": "count"})).get("total")
        return total if isinstance(total, int) else None

    def json(self, call: Call) -> Resource:
        """The JSON object that answers `call`. Raises TargetError where it is something else."""
        answer = self.require(call)
        try:
            content = answer.json()
        except ValueError as error:
            raise TargetError(f"{self.target.url}: {call.operation}: the answer is not JSON") from error
        if not isinstance(content, dict):
            raise TargetError(f"{self.target.url}: {call.operation}: the answer is not a FHIR resource")
        return content

    def _send_once(self, call: Call) -> tuple[Answer, bool]:
        """The answer, and whether a connection that stood was lost over it."""
        headers = {
            "Accept": "application/fhir+json",
            "X-Request-Id": f"control-{uuid.uuid4().hex}",
            **({"Content-Type": "application/fhir+json"} if call.body else {}),
            **dict(call.headers),
        }
        if self._given_up.is_set():
            raise TargetError(f"{self.target.url}: {call.operation}: given up, nothing more is sent")
        self._count("requests")
        deadline = time.monotonic() + self._answer_timeout_s
        try:
            url = self.target.locate(call.path)
            with self._client.stream(call.method, url, content=call.body or None, headers=headers) as response:
                body = _read(response, deadline)
        except httpx.TimeoutException as error:
            return Answer(0, outcome="timeout", detail=unreachable(self.target, error)), False
        except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
            lost = not isinstance(error, httpx.ConnectError)
            return Answer(0, outcome="connection", detail=unreachable(self.target, error)), lost
        ok = 200 <= response.status_code < 300
        return Answer(response.status_code, body, dict(response.headers), "ok" if ok else "http_error"), False

    def _patience_s(self, answer: Answer, tried: int) -> float:
        """Seconds to wait: as `Retry-After` says (a number or a date), else as after a lost connection."""
        wish = answer.headers.get("retry-after", "")
        if wish.isdigit():
            return min(float(wish), LONGEST_WAIT_S)
        try:
            wait_s = (parsedate_to_datetime(wish) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            # none given, or nonsense, or a date without a zone
            return self._backoff_s(tried)
        return min(max(wait_s, 0.0), LONGEST_WAIT_S)

    def _backoff_s(self, tried: int) -> float:
        doubled_s: float = 0.25 * 2.0**tried
        return min(doubled_s, LONGEST_WAIT_S) * self._jitter.uniform(0.5, 1.0)

    def _count(self, what: str) -> None:
        with self._lock:
            setattr(self.traffic, what, getattr(self.traffic, what) + 1)


def _read(response: httpx.Response, deadline: float) -> bytes:
    """The whole body. httpx bounds each read; this bounds them all together, and their size."""
    parts, size = [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise httpx.ReadError(f"the answer is longer than {MAX_ANSWER_BYTES // 2**20} MiB")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the answer was still coming")
        parts.append(part)
    return b"".join(parts)
