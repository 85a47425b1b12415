"""What a request came to: judged by what its call expects, without a line or a clock."""

from __future__ import annotations

import pytest

from harness.fhir.call import Answer, Call
from harness.load.answer import Headers
from harness.load.client import Exchange
from harness.load.exchange_failed import ExchangeFailed
from harness.load.judging import asks_for_another_try, judge_answer, judge_failure, retry_pause_s

READ = Call("GET", "Patient/1", "Patient.read")
CREATE = Call("POST", "Observation", "Observation.create", b"{}", repeatable=False)
UPDATE = Call("PUT", "Patient/1", "Patient.update", b"{}", (("If-Match", 'W/"1"'),), frozenset({409, 412}))


def exchange(status: int, location: str = "") -> Exchange:
    head = b"HTTP/1.1 %d X\r\n%s\r\n" % (status, b"Location: %s\r\n" % location.encode() if location else b"")
    return Exchange(status, Headers(head), b"{}", 0.0, 0.01, 0.02, True, 100)


def fine(answer: Answer) -> str:
    return ""


@pytest.mark.parametrize(
    ("status", "call", "outcome"),
    [
        (200, READ, "ok"),
        (412, UPDATE, "expected_refusal"),
        (412, READ, "http_error"),
        (304, READ, "http_error"),
        (500, READ, "http_error"),
    ],
)
def test_only_a_refusal_that_the_call_expects_is_no_error(status, call, outcome):
    assert judge_answer(exchange(status), call, fine).outcome == outcome


@pytest.mark.parametrize(
    ("location", "detail"),
    [
        ("https://login.example.org/start?user=jane", "redirected to login.example.org"),
        ("/start?user=jane", "redirected to another path"),
        ("http://[bad/start?user=jane", "redirected to what is no URL"),
    ],
)
def test_a_redirect_is_an_error_that_names_the_host_it_leads_to_and_nobodys_name(location, detail):
    answer = judge_answer(exchange(302, location), READ, fine)
    assert (answer.outcome, answer.detail) == ("http_error", detail)


def test_no_check_is_made_of_an_answer_that_failed_anyway():
    def never(answer: Answer) -> str:
        raise AssertionError("checked")

    assert judge_answer(exchange(500), READ, never).outcome == "http_error"


@pytest.mark.parametrize(
    ("hung_up", "call", "attempt", "outcome", "pause_s"),
    [
        (True, READ, 1, "expected_refusal", 0.0),
        (True, READ, 2, "connection", None),
        (True, CREATE, 1, "connection", None),
        (False, READ, 1, "connection", None),
    ],
)
def test_only_what_a_closing_line_swallowed_is_sent_again_once_and_only_if_it_may_happen_twice(
    hung_up, call, attempt, outcome, pause_s
):
    failure = ExchangeFailed("connection", "closed", hung_up=hung_up)
    answer, again_s = judge_failure(failure, call, attempt)
    assert (answer.status, answer.outcome, answer.detail, again_s) == (0, outcome, "closed", pause_s)


@pytest.mark.parametrize("reason", ["timeout", "cancelled"])
def test_what_was_waited_for_in_vain_is_not_tried_again(reason):
    answer, again_s = judge_failure(ExchangeFailed(reason, "no answer"), READ, 1)
    assert (answer.outcome, again_s) == (reason, None)


@pytest.mark.parametrize(
    ("status", "call", "again"),
    [
        (429, READ, True),
        (503, READ, True),
        (503, UPDATE, True),
        (429, CREATE, True),
        (503, CREATE, False),
        (500, READ, False),
        (502, READ, False),
        (504, READ, False),
    ],
)
def test_what_may_have_been_done_is_not_done_twice(status, call, again):
    assert asks_for_another_try(status, call) is again


@pytest.mark.parametrize(
    ("retry_after", "attempt", "pause_s"),
    [
        ("0", 1, 0.0),
        ("2", 1, 2.0),
        ("3600", 1, 10.0),
        ("", 1, 0.5),
        ("", 2, 1.0),
        ("soon", 1, 0.5),
        ("²", 1, 0.5),
        ("-1", 1, 0.5),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 2, 1.0),
        ("9" * 400, 1, 10.0),
    ],
)
def test_the_pause_before_another_try_is_bounded_whatever_the_target_says(retry_after, attempt, pause_s):
    assert retry_pause_s(retry_after, attempt) == pause_s


def test_a_check_that_finds_no_memory_says_nothing_about_the_answer():
    def check(answer: Answer) -> str:
        bytearray(1 << 62)
        return ""

    with pytest.raises(MemoryError):
        judge_answer(exchange(200), READ, check)
