"""Answers read by our parser (llhttp and what we refuse beside it) and by h11, which nobody here wrote either.

Both must come to the same status, headers, content, end, and use of the line; where they do not, it must be one of the
differences that are listed in EXPLAINED, each of which is a choice that RFC 9112 leaves, or a mistake of one of them.
"""

from __future__ import annotations

import random
import re
import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.load.answer import AnswerParser, BadAnswer

SLOWEST_S = 5.0
"""No answer of a few hundred bytes takes a thousandth of it."""
MORE_MEMORY_KB = 64 * 1024


@dataclass(frozen=True)
class Told:
    """What a reader made of the bytes: `kind` is "answer", "refused" or "waits"."""

    kind: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    kept: bool = False
    why: str = field(default="", compare=False)
    surplus: bytes = field(default=b"", compare=False)
    """What came after the answer, where h11 tells."""


def as_we_read(data: bytes, closes: bool, cuts: list[int] | None = None, before: bytes = b"") -> Told:
    """Cut at these places; `before`: an answer that came earlier on the same line."""
    parser, places = AnswerParser(), sorted({0, len(data), *(cuts or ())})
    if before:
        parser.feed(before)
        parser.take()
    parts = [data[start:end] for start, end in pairwise(places)]
    try:
        while parts and not parser.complete:
            parser.feed(parts.pop(0))
        if not parser.complete:
            if not closes:
                return Told("waits")
            parser.end_of_stream()
        status, headers, body = parser.take()
    except BadAnswer as refusal:
        return Told("refused", why=str(refusal))
    kept = parser.keep_alive and not b"".join(parts)
    told = {name: value.lower() if name == "transfer-encoding" else value for name, value in headers.items()}  # as h11
    return Told("answer", status, tuple(sorted(told.items())), body, kept)


def as_h11_reads(data: bytes, closes: bool) -> Told:
    line = h11.Connection(h11.CLIENT, max_incomplete_event_size=64 * 1024)
    line.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    line.send(h11.EndOfMessage())
    head: h11.Response | None = None
    body = b""
    ended_by_closing = False
    try:
        if data:  # nothing at all would mean to h11 that the server has closed
            line.receive_data(data)
        while True:
            event = line.next_event()
            if event is h11.NEED_DATA:
                if not closes:
                    return Told("waits")
                line.receive_data(b"")
                ended_by_closing = True
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.InformationalResponse):
                return Told("refused", why=f"{event!r}")
    except h11.RemoteProtocolError as error:
        return Told("refused", why=str(error))
    assert head is not None
    headers: dict[str, str] = {}
    for name, value in head.headers:
        known, text = name.decode("latin-1"), value.decode("latin-1").strip()
        headers[known] = f"{headers[known]}, {text}" if known in headers else text
    kept = line.their_state is h11.DONE and not line.trailing_data[0] and not ended_by_closing
    return Told("answer", head.status_code, tuple(sorted(headers.items())), body, kept, surplus=line.trailing_data[0])


Difference = Callable[[bytes, Told, Told], bool]


def _we_refuse(pattern: str) -> Difference:
    """We refuse for that reason; h11 takes it, or waits for more."""
    return lambda _, ours, theirs: (
        ours.kind == "refused" and theirs.kind != "refused" and re.search(pattern, ours.why) is not None
    )


def _they_refuse(pattern: str) -> Difference:
    """h11 refuses for that reason; we take it, or wait for more."""
    return lambda _, ours, theirs: (
        theirs.kind == "refused" and ours.kind != "refused" and re.search(pattern, theirs.why) is not None
    )


def _only_we_keep(ours: Told, theirs: Told) -> bool:
    """They agree but for the use of the line."""
    return ours.kind == theirs.kind == "answer" and ours == replace(theirs, kept=True)


def _of_old(data: bytes, ours: Told, theirs: Told) -> bool:
    return _only_we_keep(ours, theirs) and re.search(rb"HTTP/1\.0", data) is not None and not theirs.surplus


def _closed_in_a_trailer(data: bytes, ours: Told, theirs: Told) -> bool:
    last = rb"(?i)\r\n0+(;[^\n]*)?\r\n(.+\r\n)*?connection:.*close"
    agree = ours.kind == theirs.kind == "answer" and theirs == replace(ours, kept=True)
    return agree and re.search(last, data) is not None


def _announced_content(data: bytes, ours: Told, _: Told) -> bool:
    """Only after 100, 102 and 103 llhttp knows that there is none; it looks for it in the answer's own bytes then."""
    named = rb"(?i)HTTP/1\.[01] 1(0[4-9]|[1-9][0-9])[^\n]*\r\n(.+\r\n)*?(content-length|transfer-encoding):"
    return re.search(named, data) is not None and ours.kind != "answer"


def _tab_behind_chunked(data: bytes, ours: Told, _: Told) -> bool:
    """llhttp takes it for another coding; we wait for the end then, and refuse what came."""
    return re.search(rb"(?i)chunked *\t", data) is not None and ours.kind != "answer"


def _blank_lines(_: bytes, ours: Told, theirs: Told) -> bool:
    return _only_we_keep(ours, theirs) and bool(theirs.surplus) and not theirs.surplus.strip(b"\r\n")


def _with(pattern: bytes, otherwise: Difference) -> Difference:
    return lambda data, ours, theirs: re.search(pattern, data) is not None and otherwise(data, ours, theirs)


LINE_FEED_ALONE = rb"(?<!\r)\n"
EXPLAINED: dict[str, Difference] = {
    "h11 judges a head only once it is whole": lambda _, ours, theirs: (ours.kind, theirs.kind) == ("refused", "waits"),
    "blank lines before a status line: we pass over them": _with(
        rb"(^|\r\n\r\n|\n\n)[\r\n]", _they_refuse("no response line received|illegal request line")
    ),
    "a line that ends in LF alone: h11 takes it (RFC 9112, 2.2: may)": _with(
        LINE_FEED_ALONE,
        _we_refuse("Missing expected CR|Invalid header field char|Expected LF|Unexpected space|Invalid response"),
    ),
    "the same length twice: h11 takes it (RFC 9112, 6.3: may)": _we_refuse("Duplicate Content-Length"),
    "a control character in a value: h11 takes it": _we_refuse("Invalid header value char"),
    "a folded line: h11 takes it (RFC 9112, 5.2: may)": _we_refuse("Unexpected whitespace after header value"),
    "a chunk extension that is none: h11 does not read it": _we_refuse("in chunk extensions"),
    "a return within a chunk extension: h11 does not read it": _with(
        rb";[^\n]*\r[^\n]", _we_refuse("Expected LF after")
    ),
    "a blank after a chunk's size: h11 takes it": _with(rb"[ \t]\r\n", _we_refuse("Invalid character in chunk size")),
    "a control character in a reason: we take it": _they_refuse("illegal status line"),
    "another transfer coding: we tell at the end of the answer": _they_refuse(
        "Only Transfer-Encoding: chunked|multiple Transfer-Encoding"
    ),
    "another version of HTTP: h11 takes any digits": _we_refuse("Invalid HTTP version|another protocol"),
    "chunks and a length: h11 takes the chunks (RFC 9112, 6.3: may)": _we_refuse("can't be present with"),
    "a status below 100: we tell at the end of the answer": _they_refuse("status_code should be in range"),
    "HTTP/1.0 with keep-alive: we keep the line (RFC 9112, 9.3)": _of_old,
    "blank lines after an answer: we keep the line": _blank_lines,
    "a good-bye in an announcement: h11 reads on": _we_refuse("Data after `Connection: close`"),
    "a good-bye in a trailer: we let the line go": _closed_in_a_trailer,
    "an unknown announcement that names content: we take the answer for it": _announced_content,
    "a tab behind 'chunked': we refuse it once the server closes": _tab_behind_chunked,
}


BASES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b'HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nETag: W/"1"\r\nContent-Length: 2\r\n\r\n{}',
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nT: t\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 X\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n",
    b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 9\r\n\r\n',
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
    b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nSet-Cookie: c=d\r\nContent-Length: 2\r\n\r\nok",
]
TOKENS = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b" ",
        b"\t",
        b":",
        b";",
        b"0",
        b"9",
        b"f",
        b"\0",
        b"\xff",
        b"\x7f",
        b",",
        b"-",
    ),
    *(
        b"Content-Length: 5\r\n",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"0\r\n\r\n",
        b"5\r\nhello\r\n",
    ),
    *(
        b"Connection: close\r\n",
        b"Connection: keep-alive\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0",
        b"HTTP/2.0",
        b"chunked",
    ),
    *(
        b"100 Continue",
        b"204",
        b"304",
        b"101",
        b"099",
        b"X: a\r\n",
        b"X : a\r\n",
        b" folded\r\n",
        b"gzip, ",
        b"identity",
    ),
]


def mutated(draw: random.Random) -> bytes:
    """One of BASES, changed in one to four places, which is seldom still an answer."""
    data = bytearray(draw.choice(BASES))
    for _ in range(draw.randint(0, 4)):
        place = draw.randrange(len(data) + 1)
        end = min(len(data), place + draw.choice((1, 1, 2, 5, 20)))
        change = draw.randrange(7)
        if change == 0:
            data[place:end] = b""
        elif change == 1:
            data[place:place] = draw.choice(TOKENS)
        elif change == 2:
            data[place:end] = draw.choice(TOKENS)
        elif change == 3 and place < len(data):
            data[place] = draw.randrange(256)
        elif change == 4:
            lines = bytes(data).split(b"\r\n")
            lines.insert(draw.randrange(len(lines) + 1), draw.choice(lines))
            data = bytearray(b"\r\n".join(lines))
        elif change == 5:
            data += draw.choice(BASES)
        else:
            del data[place:]
    return bytes(data)


def difference(data: bytes, closes: bool, cuts: list[int]) -> str:
    """What explains that both do not tell the same; "" where they do.

    Fails where nothing explains it, or where it makes a difference how the bytes are cut, or what came before.
    """
    ours, theirs, cut = as_we_read(data, closes), as_h11_reads(data, closes), as_we_read(data, closes, cuts)
    # blank lines after an answer spoil the line only where they come by themselves
    assert cut == ours or cut == replace(ours, kept=False), f"{data!r} cut at {cuts}\nwhole {ours}\ncut   {cut}"
    if "another protocol" not in ours.why:  # which shows in the first answer of a line
        assert as_we_read(data, closes, None, BASES[0]) == ours, f"{data!r}, after another answer"
    if ours == theirs:
        return ""
    for name, explains in EXPLAINED.items():
        if explains(data, ours, theirs):
            return name
    raise AssertionError(f"{data!r}, {closes=}\nours   {ours}\ntheirs {theirs}")


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,11}", fullmatch=True).filter(
    lambda name: (
        name.lower() not in ("content-length", "transfer-encoding", "connection", "content-encoding", "upgrade")
    )
)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=20).filter(
    lambda text: not any(0x7F <= ord(letter) < 0xA1 for letter in text)
)
CHUNK_EXTENSIONS = st.sampled_from([b"", b";a", b";a=b", b';a="b c"'])


@st.composite
def valid_answers(draw: st.DrawFn) -> bytes:
    """Announcements, headers, and content of a length, in chunks, or up to the end."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in draw(st.lists(st.tuples(NAMES, VALUES), max_size=5)))
    head = b"HTTP/1.1 %d X\r\n" % draw(st.integers(200, 599).filter(lambda status: status not in (204, 304)))
    head += lines.encode("latin-1") + draw(st.sampled_from([b"", b"Connection: close\r\n", b"Connection: Foo\r\n"]))
    before = b"HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n" * draw(st.integers(0, 2))
    parts = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=4))
    body = b"".join(parts)
    framing = draw(st.sampled_from(["length", "chunks", "close"]))
    if framing == "length":
        return before + head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    if framing == "close":
        return before + head + b"\r\n" + body
    chunks = b"".join(b"%x%s\r\n%s\r\n" % (len(part), draw(CHUNK_EXTENSIONS), part) for part in parts)
    trailers = draw(st.sampled_from([b"", b"X-Sum: 1\r\n"]))
    return before + head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailers + b"\r\n"


@given(valid_answers(), st.lists(st.integers(0, 400), max_size=4))
def test_a_valid_answer_is_read_as_h11_reads_it(data: bytes, cuts: list[int]) -> None:
    assert difference(data, True, [min(cut, len(data)) for cut in cuts]) == ""
    assert as_we_read(data, True).kind == "answer"


@given(valid_answers(), st.data())
def test_a_valid_answer_that_is_cut_short_is_never_a_whole_one(data: bytes, more: st.DataObject) -> None:
    short = data[: more.draw(st.integers(0, len(data) - 1))]
    assert difference(short, False, []) == ""
    assert as_we_read(short, False).kind == "waits"


@given(st.integers(0, 2**32))
@settings(max_examples=1000)
def test_whatever_comes_is_read_as_h11_reads_it_or_it_is_known_why_not(seed: int) -> None:
    fuzz(seed)


@given(st.binary(max_size=200), st.booleans())
def test_noise_is_read_as_h11_reads_it(noise: bytes, closes: bool) -> None:
    difference(noise, closes, [len(noise) // 2])


def fuzz(seed: int) -> str:
    draw = random.Random(seed)
    data = mutated(draw)
    return difference(data, draw.random() < 0.5, [draw.randrange(len(data) + 1) for _ in range(2)])


def test_each_difference_that_is_explained_is_there() -> None:
    """A list with entries that nothing needs would hide what it was not meant for."""
    met = {difference(data, closes, []) for data, closes in EXAMPLES}
    assert met == set(EXPLAINED)


EXAMPLES = [
    (b"junk", False),
    (b"\r\n" + BASES[0], False),
    (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", False),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", False),
    (b"HTTP/1.1 200 OK\r\nX: \x01\r\nContent-Length: 0\r\n\r\n", False),
    (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", False),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;a b\r\n\r\n", False),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;a=b\rc\r\n\r\n", False),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0 \r\n\r\n", False),
    (b"HTTP/1.1 200 \0\r\nContent-Length: 0\r\n\r\n", False),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", False),
    (b"HTTP/1.5 200 OK\r\nContent-Length: 0\r\n\r\n", False),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", False),
    (b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\n", False),
    (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", False),
    (BASES[0] + b"\r\n", False),
    (b"HTTP/1.1 100 X\r\nConnection: close\r\n\r\n" + BASES[0], False),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nConnection: close\r\n\r\n", False),
    (b"HTTP/1.1 104 X\r\nContent-Length: 9\r\n\r\n" + BASES[0], False),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n", True),
]


def play(answers: int, seed: int = 1) -> Counter[str]:
    """So many fuzzed answers; how often which difference was met. None may take long, all of them little memory."""
    met: Counter[str] = Counter()
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(answers):
        began_s = time.process_time()
        met[fuzz(seed * 1_000_000_000 + number)] += 1
        assert time.process_time() - began_s < SLOWEST_S
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    assert grown_kb < MORE_MEMORY_KB
    return met


def test_most_of_what_is_fuzzed_needs_no_explanation() -> None:
    met = play(2000)
    assert met[""] > 0.8 * met.total()


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_a_million_fuzzed_answers() -> None:
    met = play(1_000_000, seed=2)
    assert met[""] > 0.8 * met.total()
