"""A worker's end of the channel to the leader: each request signed, each answer believed only with its signature.

One connection, made anew when it breaks; nothing here tries for long, since only the caller knows what can wait.
"""

from __future__ import annotations

import hmac
import http.client
import json
import time
from typing import Any, Final
from urllib.parse import quote

from harness.fleet.clock_offset import Exchange
from harness.fleet.signature import ELSEWHERE, SIGNATURE_HEADER, Secret, sign_answer, sign_request

__all__ = ["Channel", "NoAnswer", "TurnedAway"]

ANSWER_WITHIN_S: Final = 5.0
"""As long as a second may be lost on a bad line several times over. source: assumption"""
PIECE_WITHIN_S: Final = 30.0
"""A piece of 256 kB over a line of 100 kbit/s takes 20 s. source: assumption"""


class NoAnswer(Exception):  # noqa: N818 (what came)
    """Nothing came, or nothing that can be believed; whether to try again is for the caller."""


class TurnedAway(Exception):  # noqa: N818 (what came)
    """The leader does not give what was asked for. `kind` is its word for why, the text what people read."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why or kind)
        self.kind = kind


class Channel:
    """To the depot at `host:port`, as the worker of this name. Not for several threads at once."""

    def __init__(self, host: str, port: int, secret: Secret, worker: str) -> None:
        self.host, self.port = host, port
        self._secret = secret
        self._worker = worker
        self._connection: http.client.HTTPConnection | None = None
        self._leader = ""
        """The name of whoever leads there, as it told us; a new one has another."""

    def tell(self, verb: str, told: dict[str, Any]) -> dict[str, Any]:
        """Raises NoAnswer or TurnedAway."""
        return _object(self._ask("POST", f"/{verb}", json.dumps(told).encode(), ANSWER_WITHIN_S))

    def send_piece(self, path: str, offset: int, data: bytes) -> dict[str, Any]:
        """Raises NoAnswer or TurnedAway."""
        return _object(self._ask("POST", f"/piece/{quote(path)}?offset={offset}", data, PIECE_WITHIN_S))

    def fetch(self, path: str) -> bytes:
        """A file of the hand-over. Raises NoAnswer or TurnedAway."""
        return self._ask("GET", f"/plan/{quote(path)}", b"", PIECE_WITHIN_S)

    def exchange_clocks(self) -> Exchange:
        """One message there and back, by both clocks. Raises NoAnswer or TurnedAway."""
        told = _object(self._ask("GET", "/clock", b"", ANSWER_WITHIN_S))
        try:
            return Exchange(self._asked_s, float(told["received_s"]), float(told["sent_s"]), self._answered_s)
        except (KeyError, TypeError, ValueError) as error:
            raise NoAnswer(f"the answer was nonsense ({type(error).__name__})") from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str, path: str, body: bytes, within_s: float) -> bytes:
        try:
            return self._ask_leader(method, path, body, within_s)
        except _Elsewhere as elsewhere:
            self._leader = elsewhere.leader
        try:
            return self._ask_leader(method, path, body, within_s)
        except _Elsewhere as elsewhere:
            raise NoAnswer("whoever leads there changes with each request") from elsewhere

    def _ask_leader(self, method: str, path: str, body: bytes, within_s: float) -> bytes:
        kept = self._connection is not None
        try:
            return self._ask_once(method, path, body, within_s)
        except _Broken as broken:
            if not kept or isinstance(broken.__cause__, TimeoutError):
                raise NoAnswer(str(broken)) from broken.__cause__
        try:  # a connection that was kept had been closed meanwhile, which says nothing
            return self._ask_once(method, path, body, within_s)
        except _Broken as broken:
            raise NoAnswer(str(broken)) from broken.__cause__

    def _ask_once(self, method: str, path: str, body: bytes, within_s: float) -> bytes:
        nonce, headers = sign_request(self._secret, method, path, self._worker, body, self._leader)
        try:
            connection = self._connected(within_s)
            self._asked_s = time.time()
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
            self._answered_s = time.time()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise _Broken(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error
        right = sign_answer(self._secret, nonce, answer.status, content).encode()
        return self._believed(answer.status, content, answer.headers.get(SIGNATURE_HEADER, "").encode(), right)

    def _believed(self, status: int, content: bytes, signed: bytes, right: bytes) -> bytes:
        """What an answer gives, where its signature is the right one. Raises NoAnswer, TurnedAway, _Elsewhere."""
        refused = str(_object(content).get("refused", "secret")) if status == http.client.UNAUTHORIZED else ""
        if refused not in ("", ELSEWHERE):
            raise TurnedAway(refused, "")
        if not hmac.compare_digest(signed, right):
            self.close()
            raise NoAnswer("whoever answers there does not know our secret")
        if status == http.client.OK:
            return content
        told = _object(content)
        if refused == ELSEWHERE:
            raise _Elsewhere(str(told.get("leader", "")))
        if status == http.client.INSUFFICIENT_STORAGE:
            raise NoAnswer(f"the leader cannot write: {told.get('why', '')}")
        raise TurnedAway(str(told.get("refused", status)), str(told.get("why", "")))

    def _connected(self, within_s: float) -> http.client.HTTPConnection:
        connection = self._connection
        if connection is None:
            connection = self._connection = http.client.HTTPConnection(self.host, self.port, timeout=within_s)
            connection.connect()
        connection.timeout = within_s
        if connection.sock is not None:
            connection.sock.settimeout(within_s)
        return connection


class _Broken(Exception):  # noqa: N818 (what became of a connection)
    """The connection is of no use any more."""


class _Elsewhere(Exception):  # noqa: N818 (what came)
    """A request that was not made for whoever leads there."""

    def __init__(self, leader: str) -> None:
        super().__init__(leader)
        self.leader = leader


def _object(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise NoAnswer("the answer was nonsense")
    return told
