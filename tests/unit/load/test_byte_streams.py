"""What a server may send, byte by byte, and what becomes of it: an answer, a refusal, or a wait for more.

Each stream is read whole, cut in two at every point, and byte by byte; it must come to the same. (A stream's end is the
server's closing where it says `closes`.) Sections follow RFC 9110 and RFC 9112.
"""

from __future__ import annotations

import gzip
import socket
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import gevent
import pytest
from gevent import socket as gsocket

from harness.load import line as line_module
from harness.load.answer import MAX_ANSWER_BYTES, MAX_HEAD_BYTES, AnswerParser, BadAnswer
from harness.load.client import Connection, Exchange
from harness.load.endpoint import Endpoint
from harness.load.exchange_failed import ExchangeFailed

AT_ONCE = 65_536
"""As much as is read from a line at once."""
SHORT = 4000
"""Longer streams are cut at some points only."""


@dataclass(frozen=True)
class Answer:
    """`kept`: the line may be used again."""

    status: int
    body: bytes = b""
    kept: bool = True
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """`why` stands in what is told."""

    why: str


WAITS = "more must come"
Expected = Answer | Refused | str


@dataclass(frozen=True)
class Stream:
    name: str
    data: bytes
    expected: Expected
    closes: bool = False
    to_head: bool = False
    """It answers a HEAD."""


def ok(*lines: bytes, body: bytes = b"ok", status: bytes = b"200 OK", version: bytes = b"1.1") -> bytes:
    head = b"".join(line + b"\r\n" for line in lines)
    return b"HTTP/%s %s\r\n%s\r\n%s" % (version, status, head, body)


def sized(body: bytes, *lines: bytes, status: bytes = b"200 OK", version: bytes = b"1.1") -> bytes:
    return ok(*lines, b"Content-Length: %d" % len(body), body=body, status=status, version=version)


def chunked(rest: bytes, *lines: bytes, **more: bytes) -> bytes:
    return ok(*lines, b"Transfer-Encoding: chunked", body=rest, **more)


OK = Answer(200, b"ok")
LAST = replace(OK, kept=False)
ZIPPED = gzip.compress(b"hello", mtime=0)
BUNDLE = b'{"resourceType":"Bundle"}'


def whole_answers() -> Iterator[Stream]:
    """With Content-Length, which is the common case."""
    yield Stream("a length", sized(b"ok"), OK)
    yield Stream("a resource", sized(BUNDLE), Answer(200, BUNDLE))
    yield Stream("an empty body", sized(b""), Answer(200))
    yield Stream("every byte that there is", sized(bytes(range(256))), Answer(200, bytes(range(256))))
    yield Stream("a body like a head", sized(sized(b"no")), Answer(200, sized(b"no")))
    yield Stream("a body like a chunk", sized(b"2\r\nok\r\n0\r\n\r\n"), Answer(200, b"2\r\nok\r\n0\r\n\r\n"))
    yield Stream("a length with leading noughts", ok(b"Content-Length: 002"), OK)
    yield Stream("a length between blanks", ok(b"Content-Length:  \t 2 \t "), OK)
    yield Stream("a length without a blank", ok(b"Content-Length:2"), OK)
    yield Stream("a length in capitals", ok(b"CONTENT-LENGTH: 2"), OK)
    yield Stream("a length in small letters", ok(b"content-length: 2"), OK)
    yield Stream("blank lines before it", b"\r\n\r\n" + sized(b"ok"), OK)
    yield Stream("no reason", sized(b"ok", status=b"200 "), OK)
    yield Stream("no reason and no blank", sized(b"ok", status=b"200"), OK)
    yield Stream("a reason in UTF-8", sized(b"ok", status="200 Schön".encode()), OK)
    yield Stream("a reason of many words", sized(b"ok", status=b"200 All is well, really"), OK)
    for step in (b"HTTP", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r", b"HTTP/1.1 200 OK\r\nContent-Le", sized(b"ok")[:-1]):
        yield Stream(f"only {step!r}", step, WAITS)
        yield Stream(f"closed after {step!r}", step, Refused("closed by the server before"), closes=True)
    yield Stream("nothing", b"", WAITS)
    yield Stream("nothing, and closed", b"", Refused("closed by the server before"), closes=True)
    yield Stream("closed after a whole one", sized(b"ok"), OK, closes=True)


def statuses() -> Iterator[Stream]:
    for status in (200, 201, 202, 203, 206, 207, 226, 299, 300, 301, 302, 303, 307, 308):
        yield Stream(f"{status}", sized(b"ok", status=b"%d X" % status), Answer(status, b"ok"))
    for status in (400, 401, 403, 404, 409, 410, 412, 413, 422, 429, 431, 500, 501, 502, 503, 504, 511, 599, 600, 999):
        yield Stream(f"{status}", sized(b"ok", status=b"%d X" % status), Answer(status, b"ok"))
    yield Stream("205 with nothing", sized(b"", status=b"205 Reset"), Answer(205))
    for status in (b"000", b"001", b"099"):
        yield Stream(f"{status.decode()}", sized(b"ok", status=status + b" X"), Refused("is no status"))
    for status in (b"20 OK", b"2 OK", b"abc OK", b"-20 OK", b"2x0 OK", b" 200 OK", b"OK"):
        yield Stream(f"status {status!r}", sized(b"ok", status=status), Refused("Invalid status code"))
    for status in (b"2000 OK", b"99999 OK", b"200\tOK"):
        yield Stream(f"status {status!r}", sized(b"ok", status=status), Refused("Invalid response status"))


def without_content() -> Iterator[Stream]:
    """204, 304 and whatever answers a HEAD end with their headers (RFC 9112, 6.3)."""
    for status in (b"204 No Content", b"304 Not Modified"):
        number = int(status[:3])
        yield Stream(f"{number}", ok(body=b"", status=status), Answer(number))
        named = ok(b"Content-Length: 20", body=b"", status=status)
        yield Stream(f"{number} that names a length", named, Answer(number))
        yield Stream(f"{number} that names chunks", chunked(b"", status=status), Answer(number))
        surplus = ok(b"Content-Length: 2", status=status)
        yield Stream(f"{number} with content all the same", surplus, Answer(number, kept=False))
        yield Stream(
            f"{number}, closing", ok(b"Connection: close", body=b"", status=status), Answer(number, kept=False)
        )
        old = ok(body=b"", status=status, version=b"1.0")
        yield Stream(f"{number} of the old kind", old, Answer(number, kept=False))
    yield Stream("304 with headers", ok(b'ETag: "1"', body=b"", status=b"304 X"), Answer(304, headers={"etag": '"1"'}))
    yield Stream("a HEAD", ok(b"Content-Length: 900", body=b""), Answer(200), to_head=True)
    yield Stream("a HEAD without a length", ok(b"ETag: x", body=b""), Answer(200), to_head=True)
    yield Stream("a HEAD in chunks", chunked(b""), Answer(200), to_head=True)
    yield Stream("a HEAD packed", ok(b"Content-Encoding: gzip", body=b""), Answer(200), to_head=True)
    yield Stream("a HEAD refused", ok(b"Content-Length: 9", body=b"", status=b"404 X"), Answer(404), to_head=True)
    yield Stream("a HEAD, closing", ok(b"Connection: close", body=b""), Answer(200, kept=False), to_head=True)
    yield Stream("a HEAD of old", ok(body=b"", version=b"1.0"), Answer(200, kept=False), to_head=True)
    yield Stream("a HEAD with content", sized(b"ok"), Answer(200, kept=False), to_head=True)
    yield Stream("a HEAD with chunks", chunked(b"2\r\nok\r\n0\r\n\r\n"), Answer(200, kept=False), to_head=True)
    yield Stream("a HEAD announced", ok(body=b"", status=b"103 X") + ok(body=b""), Answer(200), to_head=True)
    yield Stream("a HEAD with two heads", ok(body=b"") * 2, Answer(200, kept=False), to_head=True)
    yield Stream("half a HEAD", b"HTTP/1.1 200 OK\r\nETag: x\r\n", WAITS, to_head=True)


def until_it_closes() -> Iterator[Stream]:
    yield Stream("until it closes", ok(), LAST, closes=True)
    yield Stream("not closed yet", ok(), WAITS)
    yield Stream("nothing until it closes", ok(body=b""), Answer(200, kept=False), closes=True)
    yield Stream("of the old kind", ok(version=b"1.0"), LAST, closes=True)
    yield Stream("until it closes, as it says", ok(b"Connection: close"), LAST, closes=True)
    yield Stream("200 without a length is not empty", ok(body=b"", status=b"205 X"), WAITS)
    yield Stream("identity", ok(b"Transfer-Encoding: identity"), LAST, closes=True)
    yield Stream(
        "packed until it closes", ok(b"Content-Encoding: gzip", body=ZIPPED), Answer(200, b"hello", False), True
    )
    torn = ok(b"Content-Encoding: gzip", body=ZIPPED[:-3])
    yield Stream("packed and torn", torn, Refused("breaks off"), closes=True)
    yield Stream("shorter than it says", ok(b"Content-Length: 3"), Refused("before the answer was whole"), closes=True)
    yield Stream("a length spelt wrongly", ok(b"Content_Length: 2"), LAST, closes=True)
    yield Stream("an error until it closes", ok(status=b"500 X"), Answer(500, b"ok", kept=False), closes=True)


def chunks() -> Iterator[Stream]:
    """RFC 9112, 7.1."""
    end = b"0\r\n\r\n"
    yield Stream("one chunk", chunked(b"2\r\nok\r\n" + end), OK)
    yield Stream("two chunks", chunked(b"1\r\no\r\n1\r\nk\r\n" + end), OK)
    yield Stream("no chunk", chunked(end), Answer(200))
    yield Stream("a chunk for each byte", chunked(b"1\r\nx\r\n" * 100 + end), Answer(200, b"x" * 100))
    yield Stream("a large chunk", chunked(b"400\r\n%s\r\n" % (b"x" * 1024) + end), Answer(200, b"x" * 1024))
    for size in (b"a", b"A", b"0a", b"000A", b"00000000a"):
        yield Stream(f"a size {size!r}", chunked(size + b"\r\n0123456789\r\n" + end), Answer(200, b"0123456789"))
    yield Stream("a last size of many noughts", chunked(b"2\r\nok\r\n0000\r\n\r\n"), OK)
    yield Stream("chunks in capitals", ok(b"TRANSFER-ENCODING: CHUNKED", body=b"2\r\nok\r\n" + end), OK)
    yield Stream("chunks between blanks", ok(b"Transfer-Encoding: \t chunked  ", body=b"2\r\nok\r\n" + end), OK)
    within = sized(b"ok")
    yield Stream("a chunk like an answer", chunked(b"%x\r\n%s\r\n" % (len(within), within) + end), Answer(200, within))
    for extension in (b";a", b";a=b", b';a="b c"', b";a=b;c=d", b';a="\\"b"', b";ieof", b';a=""'):
        words = chunked(b"2" + extension + b"\r\nok\r\n0" + extension + b"\r\n\r\n")
        yield Stream(f"an extension {extension!r}", words, OK)
    for trailer in (b"A: b", b"A: b\r\nC: d", b"ETag: late", b"A:", b"X-Checksum: " + b"f" * 100):
        words = chunked(b"2\r\nok\r\n0\r\n" + trailer + b"\r\n\r\n")
        yield Stream(f"trailers {trailer!r}", words, replace(OK, headers={"transfer-encoding": "chunked"}))
    packed = b"%x\r\n%s\r\n" % (len(ZIPPED), ZIPPED)
    yield Stream("packed in a chunk", chunked(packed + end, b"Content-Encoding: gzip"), Answer(200, b"hello"))
    parts = b"".join(b"1\r\n%c\r\n" % byte for byte in ZIPPED)
    yield Stream("packed in many", chunked(parts + end, b"Content-Encoding: gzip"), Answer(200, b"hello"))
    yield Stream("chunks of the old kind", chunked(b"2\r\nok\r\n" + end, version=b"1.0"), LAST)
    yield Stream("chunks, closing", chunked(b"2\r\nok\r\n" + end, b"Connection: close"), LAST)
    yield Stream("chunks that do not end", chunked(b"2\r\nok\r\n"), WAITS)
    yield Stream("trailers that do not end", chunked(b"2\r\nok\r\n0\r\nA: b\r\n"), WAITS)
    for torn in (b"", b"2", b"2\r\no", b"2\r\nok\r\n", b"2\r\nok\r\n0\r\n", b"2\r\nok\r\n0\r\nA: b\r\n"):
        yield Stream(f"chunks torn after {torn!r}", chunked(torn), Refused("before the answer was whole"), closes=True)
    for size in (b"zz", b"-2", b"+2", b"0x2", b" 2", b"2 ", b"", b"2.0", b"g", b"\xb2", b"2 ;a"):
        words = chunked(size + b"\r\nok\r\n" + end)
        yield Stream(f"a size {size!r}", words, Refused("Invalid character in chunk size"))
    yield Stream("a size beyond all numbers", chunked(b"f" * 17 + b"\r\nok"), Refused("Chunk size overflow"))
    yield Stream("a size after a line feed", chunked(b"2\nok\r\n" + end), Refused("Missing expected CR"))
    yield Stream("a size after a return", chunked(b"2\rok\r\n" + end), Refused("Expected LF after chunk size"))
    yield Stream("more than its size", chunked(b"2\r\nokay\r\n" + end), Refused("Expected LF after chunk data"))
    yield Stream("less than its size", chunked(b"4\r\nok\r\n0\r\n\r\n"), Refused("LF after chunk data"), closes=True)
    yield Stream("an extension with a control", chunked(b"2;a\x01\r\nok\r\n" + end), Refused("chunk extension"))
    yield Stream("a trailer that is none", chunked(b"2\r\nok\r\n0\r\nA b\r\n\r\n"), Refused("Invalid header token"))
    sneaking = chunked(b"2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n")
    yield Stream("a length as a trailer", sneaking, Refused("Content-Length can't be present"))


def lengths() -> Iterator[Stream]:
    """Anything but one plain number is refused: who reads it otherwise finds the next answer elsewhere."""
    for length in (b"-2", b"+2", b"0x2", b"2 3", b"2, 2", b"2,2", b"2;", b"2.0", b"two", b"\xb2", b"2e0", b'"2"'):
        yield Stream(f"a length {length!r}", ok(b"Content-Length: " + length), Refused("in Content-Length"))
    yield Stream("no length in its line", ok(b"Content-Length:"), Refused("Empty Content-Length"))
    yield Stream("only blanks in its line", ok(b"Content-Length:   "), Refused("Empty Content-Length"))
    yield Stream("a length beyond all numbers", ok(b"Content-Length: " + b"9" * 25), Refused("Content-Length overflow"))
    twice = ok(b"Content-Length: 2", b"Content-Length: 2")
    yield Stream("the length twice", twice, Refused("Duplicate Content-Length"))
    two = ok(b"Content-Length: 2", b"Content-Length: 3")
    yield Stream("two lengths", two, Refused("Duplicate Content-Length"))
    both = chunked(b"2\r\nok\r\n0\r\n\r\n", b"Content-Length: 2")
    yield Stream("a length, then chunks", both, Refused("can't be present with Content-Length"))
    both = ok(b"Transfer-Encoding: chunked", b"Content-Length: 2", body=b"2\r\nok\r\n0\r\n\r\n")
    yield Stream("chunks, then a length", both, Refused("can't be present with Transfer-Encoding"))
    both = ok(b"Transfer-Encoding: identity", b"Content-Length: 2")
    yield Stream("identity, then a length", both, Refused("can't be present with Transfer-Encoding"))


def codings() -> Iterator[Stream]:
    """Only gzip is asked for."""
    for name in (b"gzip", b"x-gzip", b"GZIP", b"Gzip", b"  gzip\t"):
        yield Stream(f"packed as {name!r}", sized(ZIPPED, b"Content-Encoding: " + name), Answer(200, b"hello"))
    yield Stream("identity, named", sized(b"ok", b"Content-Encoding: identity"), OK)
    yield Stream("no coding in its line", sized(b"ok", b"Content-Encoding:"), OK)
    yield Stream("called packed, but empty", sized(b"", b"Content-Encoding: gzip"), Answer(200))
    for name in (b"gzip", b"x-gzip", b"GZIP"):
        lying = sized(BUNDLE, b"Content-Encoding: " + name)
        yield Stream(f"called packed as {name!r}, but JSON", lying, Refused("cannot be unpacked"))
    for name in (b"br", b"deflate", b"zstd"):
        for header in (b"Content-Encoding", b"content-encoding", b"CONTENT-ENCODING", b"cOnTeNt-EnCoDiNg"):
            lying = sized(BUNDLE, header + b": " + name)
            yield Stream(f"{header!r}: {name!r}, but JSON", lying, Refused(f"nobody asked for: {name.decode()}"))
    cookie = sized(BUNDLE, b"Set-Cookie: a=b", b"Content-Encoding: br")
    yield Stream("JSON called br, behind a cookie", cookie, Refused("nobody asked for: br"))
    late = b"\r\n\r\n" + sized(BUNDLE, b"Content-Encoding: br")
    yield Stream("JSON called br, behind blank lines", late, Refused("nobody asked for: br"))
    late = b"\r\n\r\n\r\n" + sized(ZIPPED, b"Content-Encoding: gzip")
    yield Stream("packed, behind blank lines", late, Answer(200, b"hello"))
    yield Stream("JSON, called identity", sized(BUNDLE, b"Content-Encoding: identity"), Answer(200, BUNDLE))
    within = b'{"a":"\\nContent-Encoding: br\\r\\n\nContent-Encoding: br\r\n"}'
    yield Stream("JSON that speaks of a coding", sized(within), Answer(200, within))
    yield Stream("two members", sized(ZIPPED * 2, b"Content-Encoding: gzip"), Answer(200, b"hellohello"))
    yield Stream("packed nothing", sized(gzip.compress(b""), b"Content-Encoding: gzip"), Answer(200))
    many = gzip.compress(b"", mtime=0) * 17
    yield Stream("17 members", sized(many, b"Content-Encoding: gzip"), Refused("more than 16 pieces"))
    yield Stream("packed, then not", sized(ZIPPED + b"abc", b"Content-Encoding: gzip"), Refused("cannot be unpacked"))
    yield Stream("packed and torn", sized(ZIPPED[:-1], b"Content-Encoding: gzip"), Refused("breaks off"))
    yield Stream("only the beginning of gzip", sized(ZIPPED[:5], b"Content-Encoding: gzip"), Refused("breaks off"))
    yield Stream("not packed at all", sized(b"ok", b"Content-Encoding: gzip"), Refused("cannot be unpacked"))
    spoilt = ZIPPED[:-8] + b"\0\0\0\0" + ZIPPED[-4:]
    yield Stream("packed with a wrong sum", sized(spoilt, b"Content-Encoding: gzip"), Refused("cannot be unpacked"))
    deflated = sized(zlib.compress(b"hello"), b"Content-Encoding: deflate")
    yield Stream("deflated", deflated, Refused("nobody asked for: deflate"))
    for name in (b"br", b"zstd", b"compress", b"aes128gcm"):
        refused = Refused(f"nobody asked for: {name.decode()}")
        yield Stream(f"packed as {name!r}", sized(b"ok", b"Content-Encoding: " + name), refused)
    twice = sized(gzip.compress(ZIPPED, mtime=0), b"Content-Encoding: gzip, gzip")
    yield Stream("packed twice", twice, Refused("packed in a way that nobody asked for"))
    lines = sized(gzip.compress(ZIPPED, mtime=0), b"Content-Encoding: gzip", b"Content-Encoding: gzip")
    yield Stream("packed twice, in two lines", lines, Refused("packed in a way that nobody asked for"))
    for name in (b"gzip, chunked", b"chunked, chunked", b"deflate, chunked"):
        words = ok(b"Transfer-Encoding: " + name, body=b"2\r\nok\r\n0\r\n\r\n")
        yield Stream(f"transferred as {name!r}", words, Refused("a transfer coding that nobody asked for"))
        json = ok(b"Transfer-Encoding: " + name, body=b"19\r\n%s\r\n0\r\n\r\n" % BUNDLE)
        yield Stream(f"JSON transferred as {name!r}", json, Refused("a transfer coding that nobody asked for"))
        empty = ok(b"Transfer-Encoding: " + name, body=b"0\r\n\r\n")
        yield Stream(f"nothing transferred as {name!r}", empty, Refused("a transfer coding that nobody asked for"))
    for body in (b"2\r\nok\r\n0\r\n\r\n", b"19\r\n%s\r\n0\r\n\r\n" % BUNDLE):
        lines = ok(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked", body=body)
        refused = Refused("a transfer coding that nobody asked for")
        yield Stream(f"transferred as gzip, then in chunks: {body!r}", lines, refused)
    for header in (b"Transfer-Encoding: chunked", b"transfer-encoding:\tCHUNKED  ", b"TRANSFER-ENCODING:Chunked"):
        json = ok(header, body=b"19\r\n%s\r\n0\r\n\r\n" % BUNDLE)
        yield Stream(f"JSON in chunks, {header!r}", json, Answer(200, BUNDLE))
        lying = ok(header, b"Content-Encoding: br", body=b"19\r\n%s\r\n0\r\n\r\n" % BUNDLE)
        yield Stream(f"JSON in chunks called br, {header!r}", lying, Refused("nobody asked for: br"))
    for name in (b"chunked, gzip", b"xchunked", b"gzip", b"chunke"):
        words = ok(b"Transfer-Encoding: " + name)
        yield Stream(f"transferred as {name!r}", words, Refused("a transfer coding that"), closes=True)


def announcements() -> Iterator[Stream]:
    """1xx before the answer (RFC 9110, 15.2)."""
    for status in (b"100 Continue", b"102 Processing", b"103 Early Hints", b"110 X", b"199 X"):
        yield Stream(f"{status!r}", ok(body=b"", status=status) + sized(b"ok"), OK)
        yield Stream(f"only {status!r}", ok(body=b"", status=status), WAITS)
        left = Refused("before the answer was whole")
        yield Stream(f"left after {status!r}", ok(body=b"", status=status), left, closes=True)
    many = ok(body=b"", status=b"100 X") + ok(b"Link: </a>", body=b"", status=b"103 X") * 5
    yield Stream("six of them", many + sized(b"ok"), replace(OK, headers={"content-length": "2"}))
    yield Stream("blank lines after it", ok(body=b"", status=b"100 X") + b"\r\n\r\n" + sized(b"ok"), OK)
    named = ok(b"Content-Length: 9", body=b"", status=b"100 X")
    yield Stream("one that names a length", named + sized(b"ok"), OK)
    named = ok(b"Content-Length: 9", body=b"", status=b"103 X")
    yield Stream("hints that name a length", named + sized(b"ok"), OK)
    unknown = ok(b"Content-Length: 9", body=b"", status=b"104 X")  # llhttp believes it
    yield Stream("an unknown one that names a length", unknown + sized(b"ok"), Refused("Expected HTTP/"))
    yield Stream("one that names chunks", chunked(b"", status=b"100 X") + sized(b"ok"), OK)
    cookie = ok(b"Set-Cookie: a=b", body=b"", status=b"103 X")
    yield Stream("one with a cookie", cookie + sized(b"ok"), replace(OK, headers={"content-length": "2"}))
    yield Stream("one before 204", ok(body=b"", status=b"100 X") + ok(body=b"", status=b"204 X"), Answer(204))
    yield Stream("one before chunks", ok(body=b"", status=b"100 X") + chunked(b"2\r\nok\r\n0\r\n\r\n"), OK)
    yield Stream("one before a close", ok(body=b"", status=b"100 X") + ok(), LAST, closes=True)
    cut_short = Refused("closed by the server before")
    yield Stream("one alone", ok(body=b"", status=b"104 X"), cut_short, closes=True)
    yield Stream("one with a length", ok(b"Content-Length: 9", body=b"", status=b"104 X"), cut_short, closes=True)
    yield Stream("one in chunks", ok(b"Transfer-Encoding: chunked", body=b"", status=b"104 X"), cut_short, closes=True)
    other = ok(body=b"", status=b"101 Switching", version=b"1.1")
    yield Stream("another protocol", other, Refused("switched to another protocol"))
    upgrade = ok(b"Connection: upgrade", b"Upgrade: h2c", body=b"", status=b"101 X")
    yield Stream("another protocol, named", upgrade + b"\0\0", Refused("switched to another protocol"))
    offered = sized(b"ok", b"Connection: upgrade", b"Upgrade: h2c")
    yield Stream("another protocol, only offered", offered, OK)
    yield Stream(
        "after a good-bye", ok(b"Connection: close", body=b"", status=b"100 X") + sized(b"ok"), Refused("close")
    )
    yield Stream("then nonsense", ok(body=b"", status=b"100 X") + b"nonsense", Refused("Expected HTTP/"))


def keeping() -> Iterator[Stream]:
    """Whether the line is kept (RFC 9112, 9.3)."""
    for words in (b"close", b"Close", b"CLOSE", b"keep-alive, close", b"close, keep-alive", b"foo, close", b" close\t"):
        yield Stream(f"Connection: {words!r}", sized(b"ok", b"Connection: " + words), LAST)
    for words in (b"keep-alive", b"Keep-Alive", b"foo", b"closed", b"x-close", b"", b"close-not"):
        yield Stream(f"Connection: {words!r}", sized(b"ok", b"Connection: " + words), OK)
    yield Stream("two lines", sized(b"ok", b"Connection: keep-alive", b"Connection: close"), LAST)
    yield Stream("the other way round", sized(b"ok", b"Connection: close", b"Connection: keep-alive"), LAST)
    yield Stream("of old", sized(b"ok", version=b"1.0"), LAST)
    yield Stream("of old, but kept", sized(b"ok", b"Connection: keep-alive", version=b"1.0"), OK)
    yield Stream("how long it is kept", sized(b"ok", b"Keep-Alive: timeout=5, max=100"), OK)
    for name, more in SURPLUS.items():
        yield Stream(f"then {name}", sized(b"ok") + more, LAST)
        yield Stream(f"chunks, then {name}", chunked(b"2\r\nok\r\n0\r\n\r\n") + more, LAST)


SURPLUS = {
    "a second answer": sized(b"no"),
    "half a second one": b"HTTP/1.1 2",
    "one letter": b"H",
    "an announcement": ok(body=b"", status=b"103 X"),
    "nonsense": b"nonsense\r\n\r\n",
    "a nought": b"\0",
    "a chunk": b"0\r\n\r\n",
    "another body": b"no",
}
"""Response splitting, a length too small, a body where there is none: never taken for the next answer."""


def heads() -> Iterator[Stream]:
    """RFC 9112, 5; RFC 9110, 5.5."""

    def with_line(line: bytes) -> bytes:
        return sized(b"ok", line)

    fine = {
        b"X: a": {"x": "a"},
        b"X:a": {"x": "a"},
        b"X:": {"x": ""},
        b"X: \t a b \t ": {"x": "a b"},
        b"X: \xff\xfe": {"x": "\xff\xfe"},
        b"X: a:b": {"x": "a:b"},
        b"!#$%&'*+-.^_`|~9: a": {"!#$%&'*+-.^_`|~9": "a"},
        b"X: a\tb": {"x": "a\tb"},
        b"X: a\r\nx: b": {"x": "a, b"},
        b"X: a\r\nY: b\r\nX: c": {"x": "a, c", "y": "b"},
        b"Set-Cookie: a=b": {"set-cookie": "a=b"},
    }
    for line, headers in fine.items():
        yield Stream(f"{line!r}", with_line(line), replace(OK, headers={**headers, "content-length": "2"}))
    for line in (b"X : a", b"X\t: a", b"X", b"X\xe9: a", b": a", b"X(: a", b"X\0: a", b"X a: b", b'"X": a', b"=: a"):
        yield Stream(f"{line!r}", with_line(line), Refused("Invalid header token"))
    for line in (b"X: a\0b", b"X: a\x01", b"X: a\x7f", b"X: \x1b[2J"):
        yield Stream(f"{line!r}", with_line(line), Refused("Invalid header value char"))
    yield Stream("a folded line", with_line(b"X: a\r\n b"), Refused("Unexpected whitespace after header value"))
    yield Stream("a folded first line", with_line(b" X: a"), Refused("Unexpected space after start line"))
    yield Stream("a return within a value", with_line(b"X: a\rb"), Refused("LF"))
    yield Stream("a line feed alone", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", Refused("Missing expected CR"))
    yield Stream("a line feed after a value", b"HTTP/1.1 200 OK\r\nX: a\n\r\n", Refused("Missing expected CR"))
    yield Stream("a return alone", b"HTTP/1.1 200 OK\rX: a\r\r", Refused("Expected LF after CR"))
    yield Stream("a blank before the length's colon", ok(b"Content-Length : 2"), Refused("Invalid header field char"))


def protocols() -> Iterator[Stream]:
    for start in (b"RTSP/1.0", b"ICE/1.0", b"HTTP/2.0", b"HTTP/0.9"):
        words = start + b" 200 OK\r\nContent-Length: 2\r\n\r\nok"
        yield Stream(f"{start!r}", words, Refused("another protocol than HTTP/1.1"))
        yield Stream(f"blank lines, then {start!r}", b"\r\n" + words, Refused("another protocol than HTTP/1.1"))
    behind = ok(body=b"", status=b"100 X") + b"RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    yield Stream("RTSP behind an announcement", behind, Refused("another protocol than HTTP/1.1"))
    before = b"RTSP/1.0 100 X\r\n\r\n" + sized(b"ok")
    yield Stream("RTSP before an answer", before, Refused("Connection: close"))
    for start in (b"HTTP/1.2", b"HTTP/9.9", b"HTTP/3.0"):
        yield Stream(f"{start!r}", start + b" 200 OK\r\n\r\n", Refused("Invalid HTTP version"))
    for start in (b"HTTP/11", b"HTTP/1 200 OK\r\n\r\n", b"HTTP/x.1", b"HTTP/.1"):
        yield Stream(f"{start!r}", start + b" 200 OK\r\n\r\n", Refused(""))
    for start in (
        b"http/1.1 200 OK",
        b"ICY 200 OK",
        b"<html>",
        b"GET / HTTP/1.1",
        b"HTTPS/1.1 200 OK",
        b" HTTP/1.1 200",
    ):
        yield Stream(f"{start!r}", start + b"\r\n\r\n", Refused("Expected"))
    yield Stream("TLS", b"\x16\x03\x01\x00\xa5\x01", Refused("Expected HTTP/"))
    yield Stream("HTTP/2's settings", b"\0\0\x12\x04\0\0\0\0\0", Refused("Expected HTTP/"))
    yield Stream("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", Refused("Expected HTTP/"))


def floods() -> Iterator[Stream]:
    """More than anybody needs is refused while it comes, not when memory is full."""
    too_long = Refused("headers of more than 64 kB")
    one = b"X: " + b"a" * (MAX_HEAD_BYTES - len(sized(b"", b"X: ")))
    yield Stream("a head as long as it may be", sized(b"", one), Answer(200))
    yield Stream("one byte longer", sized(b"", one + b"a"), too_long)
    yield Stream("a long head and content", sized(b"x" * 70_000, one[:-4]), Answer(200, b"x" * 70_000))
    yield Stream("many lines", sized(b"ok", *[b"a: b"] * 20_000), too_long)
    yield Stream("an endless line", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, too_long)
    yield Stream("an endless name", b"HTTP/1.1 200 OK\r\n" + b"a" * 200_000, too_long)
    yield Stream("an endless reason", b"HTTP/1.1 200 " + b"a" * 200_000, too_long)
    yield Stream("endless blank lines", b"\r\n" * 100_000, too_long)
    yield Stream("endless announcements", ok(body=b"", status=b"100 X") * 10_000, too_long)
    huge = gzip.compress(bytes(MAX_ANSWER_BYTES + 1), compresslevel=1, mtime=0)
    yield Stream("a bomb", sized(huge, b"Content-Encoding: gzip"), Refused("more than 16 MB when unpacked"))


STREAMS = [
    stream
    for section in (
        whole_answers,
        statuses,
        without_content,
        until_it_closes,
        chunks,
        lengths,
        codings,
        announcements,
        keeping,
        heads,
        protocols,
        floods,
    )
    for stream in (replace(one, name=f"{section.__name__}: {one.name}") for one in section())
]


def test_there_are_as_many_as_promised_and_each_has_a_name_of_its_own():
    assert len(STREAMS) >= 350
    assert len({stream.name for stream in STREAMS}) == len(STREAMS)


def outcome_of(parts: list[bytes], stream: Stream, before: bytes = b"") -> Expected:
    """As a Connection reads it: until the answer is whole, and no further; `before`: an earlier one."""
    parser, left = AnswerParser(head_only=stream.to_head), list(parts)
    if before:
        parser.feed(before)
        parser.take()
    try:
        while left and not parser.complete:
            parser.feed(left.pop(0))
        if not parser.complete:
            if not stream.closes:
                return WAITS
            parser.end_of_stream()
        status, headers, body = parser.take()
    except BadAnswer as refusal:
        return Refused(str(refusal))
    told = dict(headers) if isinstance(stream.expected, Answer) and stream.expected.headers else {}
    return Answer(status, body, parser.keep_alive and not b"".join(left), told)


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """Every way in which it is read: whole, in two, byte by byte; never more than comes at once."""
    if len(data) > SHORT:
        for step in (AT_ONCE, 1009, 40_000):
            yield [data[start : start + step] for start in range(0, len(data), step)]
        return
    yield [data]
    for cut in range(1, len(data)):
        yield [data[:cut], data[cut:]]
    yield [data[place : place + 1] for place in range(len(data))]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_what_comes_is_told_the_same_however_it_is_cut(stream: Stream):
    for parts in cuts(stream.data):
        told, expected = outcome_of(parts, stream), stream.expected
        if isinstance(expected, Refused):
            assert isinstance(told, Refused), parts
            assert expected.why in told.why, parts
        else:
            assert told == expected, parts


@pytest.mark.parametrize(
    "stream",
    [one for one in STREAMS if not one.to_head and not one.name.startswith("protocols: ")],
    ids=lambda stream: stream.name,
)
def test_it_is_told_the_same_after_another_answer(stream: Stream):
    """Of what protocol a server is shows in its first answer on a line; all else is looked at in each."""
    whole = [stream.data[start : start + AT_ONCE] for start in range(0, len(stream.data), AT_ONCE)]
    for parts in (whole, [stream.data[place : place + 1] for place in range(min(len(stream.data), SHORT))]):
        if parts is whole or len(stream.data) <= SHORT:
            told, expected = outcome_of(parts, stream, sized(b"ok")), stream.expected
            assert type(told) is type(expected)
            assert told == expected or (isinstance(told, Refused) and expected.why in told.why)


# ---- on a line


@pytest.fixture
def lined() -> Iterator[Callable[[], tuple[Connection, socket.socket]]]:
    """A Connection, and the server's end of its line."""
    made: list[Connection | socket.socket] = []

    def make() -> tuple[Connection, socket.socket]:
        ours, theirs = gsocket.socketpair()
        connection = Connection(Endpoint.from_url("http://127.0.0.1:9/fhir"), 0.2)
        connection._line = line_module._PlainLine(ours.detach())
        made.extend([connection, theirs])
        return connection, theirs

    yield make
    for one in made:
        one.close()


ON_A_LINE = [stream for stream in STREAMS if len(stream.data) <= SHORT][::5]


@pytest.mark.parametrize("stream", ON_A_LINE, ids=lambda stream: stream.name)
def test_a_connection_tells_what_the_parser_does(stream: Stream, lined):
    connection, server = lined()
    method = b"HEAD" if stream.to_head else b"GET"
    request = method + b" /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\n\r\n"

    def serve() -> None:
        server.recv(AT_ONCE)
        half = len(stream.data) // 2
        for part in (stream.data[:half], stream.data[half:]):
            server.sendall(part)
            gevent.sleep(0)
        if stream.closes:
            server.shutdown(socket.SHUT_WR)

    serving = gevent.spawn(serve)
    told = told_by(connection, request, 0.05 if stream.expected == WAITS else 10.0)
    serving.join(10)
    expected = stream.expected
    if isinstance(expected, Answer):
        assert isinstance(told, Exchange)
        assert (told.status, told.body) == (expected.status, expected.body)
        assert connection.is_open() == (expected.kept and not stream.closes)
    else:
        assert isinstance(told, ExchangeFailed)
        assert told.reason == ("timeout" if expected == WAITS else "connection")
        assert not isinstance(expected, Refused) or expected.why in told.detail
        assert not connection.is_open()


def told_by(connection: Connection, request: bytes, answer_timeout_s: float) -> Exchange | ExchangeFailed:
    try:
        return connection.exchange(request, answer_timeout_s)
    except ExchangeFailed as failure:
        return failure
