"""Who may speak on the channel between `emrload run` and its workers: whoever knows the secret, which never travels.

    request   HMAC-SHA256(secret, method, path, worker, leader, time, nonce, SHA-256 of the body)
    answer    HMAC-SHA256(secret, the request's nonce, status, SHA-256 of the body)

What is said can be read on the way, but not changed, made up, or said again: not to the same leader, which remembers
nonces, nor to another, which has a name of its own. A worker learns that name from the answer to its first request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Gate", "Secret", "Signed", "sign_answer", "sign_request"]

WORKER_HEADER: Final = "X-Emrload-Worker"
TIME_HEADER: Final = "X-Emrload-Time"
LEADER_HEADER: Final = "X-Emrload-Leader"
NONCE_HEADER: Final = "X-Emrload-Nonce"
SIGNATURE_HEADER: Final = "X-Emrload-Signature"

STALE_AFTER_S: Final = 300.0
"""A request that says it was made so much earlier or later is refused; for as long its nonce is remembered. It is wide,
since what is wrong with a clock should be measured and told, not guessed from a refusal. source: assumption"""

ELSEWHERE: Final = "elsewhere"
"""A request that was made for another leader, or for none yet; it does nothing here."""

Refusal = Literal["unsigned", "secret", "stale", "elsewhere", "replayed"]


@dataclass(frozen=True)
class Secret:
    """What both sides know. Empty on loopback, where nobody else can listen."""

    value: bytes = b""

    def __repr__(self) -> str:
        """Without what it hides: it may be shown in an error."""
        return f"Secret({'…' if self.value else ''})"

    def mac(self, *parts: str) -> str:
        """Hexadecimal. No part may hold a line feed, so that no two lists of parts are alike."""
        return hmac.new(self.value, "\n".join(parts).encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Signed:
    """A request as its signature covers it."""

    method: str
    path: str
    worker: str
    leader: str
    time_s: str
    nonce: str

    def signature(self, secret: Secret, body: bytes) -> str:
        said = (self.method, self.path, self.worker, self.leader, self.time_s, self.nonce)
        return secret.mac("request", *said, hashlib.sha256(body).hexdigest())


def sign_request(
    secret: Secret, method: str, path: str, worker: str, body: bytes, leader: str = ""
) -> tuple[str, dict[str, str]]:
    """The nonce of a new request, and its headers; `leader` is the name of the one that it is for."""
    signed = Signed(method, path, worker, leader, f"{time.time():.3f}", secrets.token_hex(16))
    headers = {
        WORKER_HEADER: worker,
        LEADER_HEADER: leader,
        TIME_HEADER: signed.time_s,
        NONCE_HEADER: signed.nonce,
        SIGNATURE_HEADER: signed.signature(secret, body),
    }
    return signed.nonce, headers


def sign_answer(secret: Secret, nonce: str, status: int, body: bytes) -> str:
    """The signature of the answer to the request with this nonce."""
    return secret.mac("answer", nonce, str(status), hashlib.sha256(body).hexdigest())


class Gate:
    """Tells requests that are signed with `secret`, for this `leader`, and new, from all others. Not for several
    threads at once."""

    def __init__(self, secret: Secret, now_s: Callable[[], float] = time.time, leader: str = "") -> None:
        self._secret = secret
        self.leader = leader
        self._now_s = now_s
        self._seen: set[str] = set()
        self._seen_at: deque[tuple[float, str]] = deque()

    def refuses(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Refusal | None:
        """Why this request is not to be believed; None where it is. `headers` are read by their exact names."""
        named = (WORKER_HEADER, LEADER_HEADER, TIME_HEADER, NONCE_HEADER)
        worker, leader, time_s, nonce = (headers.get(name, "") for name in named)
        signature = headers.get(SIGNATURE_HEADER, "")
        if not (time_s and nonce and signature) or any("\n" in text for text in (worker, leader, time_s, nonce, path)):
            return "unsigned"
        expected = Signed(method, path, worker, leader, time_s, nonce).signature(self._secret, body)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            return "secret"
        now_s = self._now_s()
        if not abs(now_s - float(time_s)) <= STALE_AFTER_S:  # signed, so it is a number
            return "stale"
        if leader != self.leader:
            return ELSEWHERE
        self._forget(now_s)
        if nonce in self._seen:
            return "replayed"
        self._seen.add(nonce)
        self._seen_at.append((now_s, nonce))
        return None

    def _forget(self, now_s: float) -> None:
        """A nonce is remembered until its request would be stale, whichever way its clock is wrong."""
        while self._seen_at and self._seen_at[0][0] < now_s - 2 * STALE_AFTER_S:
            self._seen.discard(self._seen_at.popleft()[1])
