"""One answer as it comes off the line: llhttp calls out what it reads, this collects it and says when it is whole."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Final

import httptools

__all__ = ["AnswerParser", "BadAnswer", "Headers"]

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""An answer beyond this is refused: a clinician's screen never holds it, and the generator's memory is finite."""
_COMPRESSED: Final = frozenset({b"gzip", b"x-gzip", b"deflate"})
_ZLIB_OR_GZIP: Final = 47
_BRACE: Final = ord("{")
"""What begins so is JSON and not packed, so most answers need no look at their headers."""


class BadAnswer(Exception):  # noqa: N818 (what came, not a fault of the program)
    """The bytes that came are not a whole HTTP answer."""


class Headers(Mapping[str, str]):
    """An answer's headers, names in lower case; decoded only when somebody asks for one, which is seldom."""

    __slots__ = ("_decoded", "_raw")

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self._raw = raw
        self._decoded: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    @property
    def _known(self) -> dict[str, str]:
        if self._decoded is None:
            self._decoded = {
                name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in self._raw.items()
            }
        return self._decoded


class AnswerParser:
    """Collects the answers of one line, one after the other: `feed` until `complete`, then `take`.

    `head_only`: it answers a HEAD, and so ends with its headers whatever length they name; good for that one only.
    """

    __slots__ = (
        "_body",
        "_head_only",
        "_headers",
        "_headers_whole",
        "_parser",
        "_status",
        "complete",
        "keep_alive",
        "on_body",
        "on_header",
    )

    def __init__(self, *, head_only: bool = False) -> None:
        self.complete = False
        self.keep_alive = False
        self._status = 0
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        # what llhttp calls most often is not ours, so that it need not enter the interpreter
        self.on_header = self._headers.__setitem__
        self.on_body = self._body.append
        self._head_only = head_only
        self._headers_whole = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Read on. Raises BadAnswer where it is no HTTP; what comes after a whole answer only ends the line's use."""
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
        headers = self._headers.copy()
        self._headers.clear()
        self._body.clear()
        self.complete = self._headers_whole = False
        if body and body[0] != _BRACE:
            for name, value in headers.items():
                if len(name) == 16 and name.lower() == b"content-encoding" and value.strip().lower() in _COMPRESSED:
                    body = _unpacked(body)
                    break
        return self._status, Headers(headers), body

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
        if 100 <= status < 200:  # an announcement: the answer itself is still to come
            self._headers.clear()
            self._headers_whole = False
            return
        self.complete = True
        self._status = status
        self.keep_alive = self._parser.should_keep_alive()  # llhttp forgets it right after this call

    def _has_length(self) -> bool:
        """Whether the answer says itself where it ends; then the server's closing is not its end."""
        for name, value in self._headers.items():
            known = name.lower()
            if known == b"content-length" or (known == b"transfer-encoding" and b"chunked" in value.lower()):
                return True
        return False


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
