"""An answer's headers, read out of the bytes that came; seldom asked for, so read only when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import httptools

__all__ = ["Headers"]


class Headers(Mapping[str, str]):
    """Names in lower case; what came several times is one value, parted by commas (RFC 9110, 5.3)."""

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

    def lines(self, name: str) -> list[str]:
        """The values of each line of that name (in lower case): those of Set-Cookie must not be joined."""
        return [value for known, value in _pairs(self._head) if known == name]

    @property
    def _known(self) -> dict[str, str]:
        if self._read is None:
            self._read = {}
            for name, value in _pairs(self._head):
                self._read[name] = f"{self._read[name]}, {value}" if name in self._read else value
        return self._read


def _pairs(head: bytes) -> list[tuple[str, str]]:
    reader = _HeadReader()
    reader.read(head)
    return [(name.decode("latin-1").lower(), value.decode("latin-1").strip()) for name, value in reader.pairs]


class _HeadReader:
    """Collects the headers of an answer from its first bytes. To do so for each answer would double its parsing."""

    __slots__ = ("_parser", "_whole", "pairs")

    def __init__(self) -> None:
        self.pairs: list[tuple[bytes, bytes]] = []
        self._whole = False
        self._parser = httptools.HttpResponseParser(self)

    def read(self, head: bytes) -> None:
        with suppress(httptools.HttpParserError):  # whatever follows the head has been judged by AnswerParser
            self._parser.feed_data(head)

    # ---- called by llhttp

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._whole:  # else it is a trailer
            self.pairs.append((name, value))

    def on_headers_complete(self) -> None:
        if self._whole:  # a second answer, which nobody asked for
            return
        if self._parser.get_status_code() < 200:
            self.pairs.clear()  # an announcement: the answer itself is still to come
        else:
            self._whole = True
