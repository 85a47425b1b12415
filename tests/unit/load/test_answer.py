"""Headers are read only when somebody asks, out of the bytes that came first: those of the answer and no other."""

from __future__ import annotations

import tracemalloc

import pytest

from harness.load import headers
from harness.load.answer import AnswerParser

WANTED = {"etag": 'W/"1"', "content-length": "2"}
ANSWER = b'HTTP/1.1 200 OK\r\nETag: W/"1"\r\nContent-Length: 2\r\n\r\n{}'


def whole(words: bytes, step: int) -> AnswerParser:
    parser = AnswerParser()
    for start in range(0, len(words), step):
        parser.feed(words[start : start + step])
    assert parser.complete
    return parser


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize(
    "before",
    [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nETag: other\r\n\r\n"],
    ids=["nothing", "go on", "hints"],
)
def test_announcements_leave_no_headers(before, step):
    status, headers, body = whole(before + ANSWER, step).take()
    assert (status, dict(headers), body) == (200, WANTED, b"{}")


@pytest.mark.parametrize(
    "surplus", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 500 Oops\r\nETag: other\r\n\r\n", b"nonsense\r\n\r\n"]
)
def test_what_comes_after_an_answer_adds_no_headers(surplus):
    status, headers, _ = whole(ANSWER + surplus, 10_000).take()
    assert (status, dict(headers)) == (200, WANTED)


def test_trailers_are_no_headers():
    words = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nETag: late\r\n\r\n"
    _, headers, body = whole(words, 10_000).take()
    assert (dict(headers), body) == ({"transfer-encoding": "chunked"}, b"{}")


@pytest.mark.parametrize("step", [1, 10_000])
def test_one_parser_reads_one_answer_after_the_other(step):
    parser = AnswerParser()
    for number in range(3):
        words = b"HTTP/1.1 20%d X\r\nX-Number: %d\r\nContent-Length: 1\r\n\r\n%d" % (number, number, number)
        for start in range(0, len(words), step):
            parser.feed(words[start : start + step])
        status, headers, body = parser.take()
        assert (status, headers["x-number"], body) == (200 + number, str(number), str(number).encode())
        assert parser.keep_alive


def test_a_taken_answer_is_forgotten_so_that_an_idle_clinician_holds_none():
    parser = whole(ANSWER, 10_000)
    parser.take()
    assert not parser.complete
    assert (parser._head, parser._body) == (b"", [])


@pytest.mark.parametrize("step", [7, 1_000, 65_536])
def test_many_small_chunks_weigh_about_what_they_hold(step):
    """Each by itself weighs some 50 bytes more, and 16 MB of them may come."""
    count = 150_000
    words = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"2\r\nxy\r\n" * count + b"0\r\n\r\n"
    parser = AnswerParser()
    tracemalloc.start()
    try:
        for start in range(0, len(words), step):
            parser.feed(words[start : start + step])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2 * count + 800_000  # those of the last reading may lie there as they came
    assert parser.take()[2] == b"xy" * count
    parser.feed(ANSWER)  # the next answer begins anew
    assert parser.take()[2] == b"{}"
    assert (parser._joined, parser.keep_alive) == (0, True)


@pytest.mark.parametrize("step", [1, 10_000])
def test_headers_of_a_usual_answer_are_not_read(step, monkeypatch):
    """In chunks or with a length: nearly all answers are so, and reading their headers would double their parsing."""
    usual = (ANSWER, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    parsers = [whole(words, step) for words in usual]
    monkeypatch.setattr(headers, "_pairs", None)
    assert [parser.take()[2] for parser in parsers] == [b"{}"] * 2
