"""One answer as it comes off the line: llhttp calls out what it reads, this collects it and says when it is whole."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

import httptools

__all__ = ["AnswerParser", "BadAnswer", "Headers"]

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""An answer beyond this is refused: a clinician's screen never holds it, and the generator's memory is finite."""
_COMPRESSED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_ZLIB_OR_GZIP: Final = 47
_BRACE: Final = ord("{")
"""What begins so is JSON and not packed, so most answers need no look at their headers."""


class BadAnswer(Exception):  # noqa: N818 (what came, not a fault of the program)
    """The bytes that came are not a whole HTTP answer."""


class Headers(Mapping[str, str]):
    """An answer's headers, names in lower case; read only when somebody asks for one, which is seldom."""

    __slots__ = ("_head", "_read")

    def __init__(self, head: bytes) -> None:
        self._head = head
        self._read: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    @property
    def _known(self) -> dict[str, str]:
        if self._read is None:
            reader = _HeadReader()
            reader.read(self._head)
            pairs = reader.headers.items()
            self._read = {name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in pairs}
        return self._read


class _HeadReader:
    """Collects the headers of an answer from its first bytes. To do so for each answer would double its parsing."""

    __slots__ = ("_parser", "_whole", "headers")

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self._whole = False
        self._parser = httptools.HttpResponseParser(self)

    def read(self, head: bytes) -> None:
        with suppress(httptools.HttpParserError):  # whatever follows the head has been judged by AnswerParser
            self._parser.feed_data(head)

    # ---- called by llhttp

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._whole:  # else it is a trailer
            self.headers[name] = value

    def on_headers_complete(self) -> None:
        if self._whole:  # a second answer, which nobody asked for
            return
        if _is_announcement(self._parser.get_status_code()):
            self.headers.clear()
        else:
            self._whole = True


class AnswerParser:
    """Collects the answers of one line, one after the other: `feed` until `complete`, then `take`.

    `head_only`: it answers a HEAD, and so ends with its headers whatever length they name; good for that one only.
    """

    __slots__ = (
        "_body",
        "_head",
        "_head_only",
        "_headers_whole",
        "_parser",
        "_status",
        "complete",
        "keep_alive",
        "on_body",
    )

    def __init__(self, *, head_only: bool = False) -> None:
        self.complete = False
        self.keep_alive = False
        self._status = 0
        self._head = b""
        """All that came until the headers were whole, and what came along with their end."""
        self._headers_whole = False
        self._body: list[bytes] = []
        self._head_only = head_only
        # what llhttp calls here is not ours, so that it need not enter the interpreter
        self.on_body = self._body.append
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Read on. Raises BadAnswer where it is no HTTP; what comes after a whole answer only ends the line's use."""
        if not self._headers_whole:
            self._head += data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BadAnswer("the server switched to another protocol") from None
        except httptools.HttpParserError as error:
            if not self.complete:
                raise BadAnswer(str(error)) from error
            self.keep_alive = False

    def end_of_stream(self) -> None:
        """The server closed: the end of an answer without a length. Raises BadAnswer for one that was cut short."""
        self.keep_alive = False
        if self.complete:
            return
        if not self._headers_whole or self._has_length():
            raise BadAnswer("closed by the server before the answer was whole")
        self._status = self._parser.get_status_code()
        self.complete = True

    def take(self) -> tuple[int, Headers, bytes]:
        """Status, headers and unpacked content of a complete answer, which is forgotten here.

        Raises BadAnswer where the content cannot be unpacked, or is too large then.
        """
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        headers = Headers(self._head)
        self._head = b""
        self._body.clear()
        self.complete = self._headers_whole = False
        if body and body[0] != _BRACE and headers.get("content-encoding", "").lower() in _COMPRESSED:
            body = _unpacked(body)
        return self._status, headers, body

    # ---- called by llhttp

    def on_message_begin(self) -> None:
        if self.complete:
            raise BadAnswer("more than one answer came")  # reaches `feed` as an HttpParserError

    def on_headers_complete(self) -> None:
        self._headers_whole = True
        if self._head_only and self._parser.get_status_code() >= 200:
            self.on_message_complete()

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if _is_announcement(status):
            self._headers_whole = False
            return
        self.complete = True
        self._status = status
        self.keep_alive = self._parser.should_keep_alive()  # llhttp forgets it right after this call

    def _has_length(self) -> bool:
        """Whether the answer says itself where it ends; then the server's closing is not its end."""
        headers = Headers(self._head)
        return "content-length" in headers or "chunked" in headers.get("transfer-encoding", "").lower()


def _is_announcement(status: int) -> bool:
    """The answer itself is still to come."""
    return 100 <= status < 200


def _unpacked(packed: bytes) -> bytes:
    engine = zlib.decompressobj(_ZLIB_OR_GZIP)
    try:
        body = engine.decompress(packed, MAX_ANSWER_BYTES + 1)
    except zlib.error as error:
        raise BadAnswer(str(error)) from error
    if len(body) > MAX_ANSWER_BYTES:
        raise BadAnswer(f"an answer of more than {MAX_ANSWER_BYTES // 1024 // 1024} MB when unpacked")
    if not engine.eof:
        raise BadAnswer("a compressed answer that breaks off")
    return body
