"""Who is believed on the channel: whoever knows the secret, once, within five minutes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fleet.signature import (
    NONCE_HEADER,
    SIGNATURE_HEADER,
    STALE_AFTER_S,
    TIME_HEADER,
    Gate,
    Secret,
    sign_answer,
    sign_request,
)

OURS = Secret(b"what the hosts of a run know")


def test_a_signed_request_is_believed_once():
    gate = Gate(OURS)
    _, headers = sign_request(OURS, "POST", "/sync", "w", b"{}")
    assert gate.refuses("POST", "/sync", headers, b"{}") is None
    assert gate.refuses("POST", "/sync", headers, b"{}") == "replayed"
    _, another = sign_request(OURS, "POST", "/sync", "w", b"{}")
    assert gate.refuses("POST", "/sync", another, b"{}") is None


@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", "/sync", b"{}"), ("POST", "/leave", b"{}"), ("POST", "/sync", b"{ }")]
)
def test_nothing_of_a_signed_request_can_be_changed_on_its_way(method, path, body):
    _, headers = sign_request(OURS, "POST", "/sync", "w", b"{}")
    assert Gate(OURS).refuses(method, path, headers, body) == "secret"


@pytest.mark.parametrize("header", ["X-Emrload-Worker", TIME_HEADER, NONCE_HEADER])
def test_nor_can_who_sent_it_or_when(header):
    _, headers = sign_request(OURS, "POST", "/sync", "w", b"{}")
    headers[header] = "0" + headers[header]
    assert Gate(OURS).refuses("POST", "/sync", headers, b"{}") == "secret"


@given(st.binary(max_size=40))
def test_no_other_secret_opens(value):
    _, headers = sign_request(Secret(value), "POST", "/sync", "w", b"")
    assert Gate(OURS).refuses("POST", "/sync", headers, b"") == ("secret" if value != OURS.value else None)


@given(st.sampled_from(["", "é", "f" * 64, "\n", "☂"]))
def test_a_signature_that_is_none_is_refused(signature):
    _, headers = sign_request(OURS, "POST", "/sync", "w", b"")
    headers[SIGNATURE_HEADER] = signature
    assert Gate(OURS).refuses("POST", "/sync", headers, b"") in ("unsigned", "secret")


def test_a_request_without_any_of_it_is_unsigned():
    assert Gate(OURS).refuses("POST", "/sync", {}, b"") == "unsigned"


@pytest.mark.parametrize("off_s", [-STALE_AFTER_S - 1, STALE_AFTER_S + 1])
def test_a_request_of_another_time_is_stale_whichever_clock_is_wrong(off_s):
    gate = Gate(OURS, now_s=lambda: time.time() + off_s)
    _, headers = sign_request(OURS, "POST", "/sync", "w", b"")
    assert gate.refuses("POST", "/sync", headers, b"") == "stale"


def test_a_nonce_is_remembered_for_as_long_as_it_could_be_used_again():
    now_s = time.time()
    gate = Gate(OURS, now_s=lambda: now_s)
    _, headers = sign_request(OURS, "POST", "/sync", "w", b"")
    assert gate.refuses("POST", "/sync", headers, b"") is None
    now_s += STALE_AFTER_S - 1
    assert gate.refuses("POST", "/sync", headers, b"") == "replayed"
    now_s += 2 * STALE_AFTER_S
    _, new = sign_request(OURS, "POST", "/sync", "w", b"")
    assert gate.refuses("POST", "/sync", new, b"") == "stale"
    assert len(gate._seen) == 1
    now_s = time.time() + 4 * STALE_AFTER_S
    gate._forget(now_s)
    assert not gate._seen


def test_an_answer_is_to_one_request_only():
    assert sign_answer(OURS, "one", 200, b"{}") != sign_answer(OURS, "other", 200, b"{}")
    assert sign_answer(OURS, "one", 200, b"{}") != sign_answer(OURS, "one", 409, b"{}")
    assert sign_answer(OURS, "one", 200, b"{}") != sign_answer(OURS, "one", 200, b"{ }")


def test_a_secret_shown_by_accident_shows_nothing():
    assert "hosts" not in repr(OURS)


def test_a_request_to_one_leader_is_worth_nothing_at_the_next():
    _, headers = sign_request(OURS, "POST", "/join", "w", b"{}", "monday")
    assert Gate(OURS, leader="monday").refuses("POST", "/join", headers, b"{}") is None
    assert Gate(OURS, leader="tuesday").refuses("POST", "/join", headers, b"{}") == "elsewhere"
    headers["X-Emrload-Leader"] = "tuesday"
    assert Gate(OURS, leader="tuesday").refuses("POST", "/join", headers, b"{}") == "secret"
