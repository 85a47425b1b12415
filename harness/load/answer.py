"""One answer as it comes off the line: llhttp calls out what it reads, this collects it and says when it is whole.

llhttp is strict by itself (RFC 9112): lines end in CR LF, one Content-Length, none beside Transfer-Encoding. What it
lets pass is refused here, whatever parts the bytes come in:

    another protocol (RTSP/1.0 200, HTTP/2.0 200)    a status below 100    a head beyond MAX_HEAD_BYTES
    codings that nobody asked for (deflate, br; gzip in Transfer-Encoding), whether the content is packed or not
"""

from __future__ import annotations

import re
import zlib
from typing import Final

import httptools

from harness.load.headers import Headers

__all__ = ["MAX_ANSWER_BYTES", "MAX_HEAD_BYTES", "AnswerParser", "BadAnswer", "Headers"]

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""An answer beyond this is refused: a clinician's screen never holds it, and the generator's memory is finite. A scan
of 5 MB, the largest document that a workflow looks at, is 7 MB in base64."""
MAX_HEAD_BYTES: Final = 64 * 1024
"""For status line and headers together, announcements before them included; servers themselves stop at 8 to 16 kB."""
_GZIP: Final = frozenset({"gzip", "x-gzip"})
_ZLIB_FOR_GZIP: Final = 31
_MOST_PARTS: Final = 1024
"""Of the content; more are joined before more comes, since each weighs some 50 bytes more than it holds."""
_MOST_MEMBERS: Final = 16
"""What is left is copied for each: thousands of empty ones would take minutes."""
_VERSION: Final = b"HTTP/1."
_HEAD_END: Final = b"\r\n\r\n"
_first_oddity_or_end: Final = re.compile(
    rb"\n(?:\r\n(?<=[^\r\n]\r\n\r\n)()"
    rb"|S(?i:et-cookie:)|s(?i:et-cookie:)"
    rb"|C(?i:ontent-encoding:)|c(?i:ontent-encoding:)"
    rb"|T(?i:ransfer-encoding:)(?![ \t]*(?i:chunked)[ \t]*\r)|t(?i:ransfer-encoding:)(?![ \t]*(?i:chunked)[ \t]*\r))"
).search
"""What makes an answer's headers worth reading: a cookie, or any coding but plain chunks; group 1 where it has none.
Costs less than reading those of each answer; each first letter stands there twice, since that is the fastest way."""
_SWITCHED: Final = "the server switched to another protocol"
_LONG_HEAD: Final = f"headers of more than {MAX_HEAD_BYTES // 1024} kB"
_NAMED: Final = re.compile(r"[A-Za-z0-9-]{1,20}")


class BadAnswer(Exception):  # noqa: N818 (what came, not a fault of the program)
    """The bytes that came are not a whole HTTP answer, or one that nobody asked for."""


class AnswerParser:
    """Collects answers, one after the other: `feed` until `complete`, then `take`.

    They are of one line, or of another (`begin_line`) where the last was whole and left nothing over (`keep_alive`).

    `head_only`: it answers a HEAD, and so ends with its headers whatever length they name; good for that one only.
    """

    __slots__ = (
        "_announced",
        "_body",
        "_head",
        "_head_only",
        "_head_open",
        "_joined",
        "_may_begin",
        "_odd",
        "_parser",
        "_status",
        "complete",
        "keep_alive",
        "on_body",
        "on_headers_complete",
        "on_message_begin",
        "sets_cookies",
    )

    def __init__(self, *, head_only: bool = False) -> None:
        self.complete = False
        self.keep_alive = False
        self.sets_cookies = False
        """Whether the answer taken last had a Set-Cookie."""
        self._status = 0
        self._head = b""
        """All that came until the headers were whole, and what came along with their end."""
        self._announced = 0
        """How many answers with status 1xx stand before the answer itself."""
        self._body: list[bytes] = []
        self._joined = 0
        """How many of its first parts were many before."""
        self._may_begin: list[None] = [None]
        self._head_open: list[None] = [None]
        """Emptied by llhttp when an answer begins, and when its headers are whole; a second time is an error there."""
        self._head_only = head_only
        self._odd = True
        """Whether the answer needs another look: the first of a line does, one in several parts, one announced."""
        # what llhttp calls here is not ours, so that it need not enter the interpreter
        self.on_body = self._body.append
        self.on_message_begin = self._may_begin.pop
        self.on_headers_complete = self._end_with_head if head_only else self._head_open.pop
        self._parser = httptools.HttpResponseParser(self)

    def begin_line(self) -> None:
        """What comes next is the first answer of another line."""
        self._odd = True

    def feed(self, data: bytes) -> None:
        """Read on. Raises BadAnswer where it is no HTTP; what comes after a whole answer only ends the line's use."""
        if self._head_open:
            if self._head:
                self._odd = True
                if len(self._head) > MAX_HEAD_BYTES:
                    raise BadAnswer(_LONG_HEAD)
            self._head += data
        elif len(self._body) - self._joined > _MOST_PARTS:
            self._join_parts()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BadAnswer(_SWITCHED) from None
        except httptools.HttpParserError as error:
            if not self.complete:
                raise BadAnswer(_SWITCHED if self._parser.get_status_code() == 101 else str(error)) from error
            self.keep_alive = False

    def end_of_stream(self) -> None:
        """The server closed: the end of an answer without a length. Raises BadAnswer for one that was cut short."""
        self.keep_alive = False
        status = self._parser.get_status_code()
        if self._head_open or self._names_its_end() or 100 <= status < 200:  # llhttp reads what an announcement names
            raise BadAnswer("closed by the server before the answer was whole")
        self._status = status
        self.complete = self._odd = True

    def take(self) -> tuple[int, Headers, bytes]:
        """Status, headers and unpacked content of a complete answer, which is forgotten here.

        Raises BadAnswer where it is of another protocol, has too long a head, cannot be unpacked, or is too large then.
        """
        head, parts = self._head, self._body
        if self._odd:
            head = self._own_head(head)
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self._head = b""
        parts.clear()
        self.complete = False
        self._may_begin.append(None)
        self._head_open.append(None)
        headers = Headers(head)
        self.sets_cookies = False
        found = _first_oddity_or_end(head)
        if found is None or found.lastindex is None:
            self.sets_cookies = "set-cookie" in headers
            body = _decoded(body, headers)
        return self._status, headers, body

    # ---- called by llhttp

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self._odd = True
            if status >= 100:  # an announcement: the answer itself is still to come
                self._await_another()
                self._announced += 1
                return
        self.complete = True
        self._status = status
        self.keep_alive = self._parser.should_keep_alive()  # llhttp forgets it right after this call

    # ---- seldom needed

    def _join_parts(self) -> None:
        """What came since the last time becomes one part, so that no byte is copied more than twice."""
        self._body[self._joined :] = [b"".join(self._body[self._joined :])]
        self._joined = len(self._body)
        self._odd = True

    def _own_head(self, head: bytes) -> bytes:
        """The head from the answer's own status line on, with all that came along with its end.

        Raises BadAnswer where a status line is none of HTTP/1, where the status is none, or where it is not the content
        but the head itself that is so long.
        """
        *starts, end = self._starts(head)
        self._announced, self._joined, self._odd = 0, 0, self._head_only
        if not all(head.startswith(_VERSION, start) for start in starts):
            raise BadAnswer("an answer of another protocol than HTTP/1.1")
        if self._status < 100:
            raise BadAnswer(f"{self._status:03d} is no status")
        if end > MAX_HEAD_BYTES:
            raise BadAnswer(_LONG_HEAD)
        if self._head_only:
            self._body.clear()
            self.keep_alive = len(head) == end and _keeps(head[starts[-1] :])
        return head[starts[-1] :]

    def _starts(self, head: bytes) -> list[int]:
        """Where each announcement and the answer itself begin, and where the answer's head ends."""
        starts, place = [], 0
        for _ in range(self._announced + 1):
            while head[place : place + 1] in (b"\r", b"\n"):  # blank lines before a status line are passed over
                place += 1
            starts.append(place)
            place = head.find(_HEAD_END, place) + len(_HEAD_END)
        return [*starts, place]

    def _names_its_end(self) -> bool:
        """Whether the answer says itself where it ends; then the server's closing is not its end (RFC 9112, 6.3)."""
        headers = Headers(self._head)
        return "content-length" in headers or _transfer_coding(headers) == "chunked"

    def _await_another(self) -> None:
        self._may_begin.append(None)
        self._head_open.append(None)

    def _end_with_head(self) -> None:
        self._head_open.pop()
        if self._parser.get_status_code() >= 200:
            self.on_message_complete()


def _keeps(head: bytes) -> bool:
    """Whether the line can be used after an answer to HEAD; llhttp, which waits for content or the end, cannot tell."""
    return "close" not in Headers(head).get("connection", "").lower() and not head.startswith(b"HTTP/1.0")


def _decoded(body: bytes, headers: Headers) -> bytes:
    """The content as it was before it was packed. Raises BadAnswer where it was packed as nobody asked for."""
    _transfer_coding(headers)
    coding = headers.get("content-encoding", "").lower()
    if not body or coding in ("", "identity"):
        return body
    if coding not in _GZIP:
        raise BadAnswer(f"content packed in a way that nobody asked for{_named(coding)}")
    return _unpacked(body)


def _transfer_coding(headers: Headers) -> str:
    """`chunked`, or "" for none. Raises BadAnswer for any other, since no request of ours names one in TE."""
    coding = headers.get("transfer-encoding", "").lower()
    if coding not in ("", "chunked", "identity"):
        raise BadAnswer(f"a transfer coding that nobody asked for{_named(coding)}")
    return coding.removeprefix("identity")


def _named(coding: str) -> str:
    """Only what looks like a name: anything may stand in a header."""
    return f": {coding}" if _NAMED.fullmatch(coding) else ""


def _unpacked(packed: bytes) -> bytes:
    """All members of it, one after the other (RFC 1952, 2.2)."""
    parts: list[bytes] = []
    left = MAX_ANSWER_BYTES
    while packed:
        if len(parts) == _MOST_MEMBERS:
            raise BadAnswer(f"content packed in more than {_MOST_MEMBERS} pieces")
        engine = zlib.decompressobj(_ZLIB_FOR_GZIP)
        try:
            part = engine.decompress(packed, left + 1)
        except zlib.error as error:
            raise BadAnswer(f"content that cannot be unpacked: {error}") from error
        left -= len(part)
        if left < 0:
            raise BadAnswer(f"an answer of more than {MAX_ANSWER_BYTES // 1024 // 1024} MB when unpacked")
        if not engine.eof:
            raise BadAnswer("a compressed answer that breaks off")
        parts.append(part)
        packed = engine.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)
