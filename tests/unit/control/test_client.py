from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from harness.control.client import LONGEST_WAIT_S, MAX_TRIES, ControlClient, Refused
from harness.errors import TargetError
from harness.fhir import requests
from harness.fhir.call import Call
from harness.target import parse_target

Json = Callable[..., tuple[int, dict[str, str], bytes]]


def client_of(server: Any, waited: list[float] | None = None, **options: Any) -> ControlClient:
    return ControlClient(parse_target(server.url), sleep=([] if waited is None else waited).append, **options)


def test_control_traffic_is_marked_as_such(server: Any, as_fhir: Json) -> None:
    server.respond = lambda *_: as_fhir({"resourceType": "Patient", "id": "7"})
    with client_of(server) as client:
        assert client.json(requests.read("Patient", "7"))["id"] == "7"
    (headers,) = server.headers_seen
    assert headers["x-request-id"].startswith("control-")
    assert len(headers["x-request-id"]) == len("control-") + 32
    assert headers["accept"] == "application/fhir+json"
    assert "x-site" not in headers


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_patience_gets_it(server: Any, as_fhir: Json, status: int) -> None:
    answers = [as_fhir({}, status, Retry_After="7"), as_fhir({}, status, Retry_After="9999"), as_fhir({"id": "7"})]
    server.respond = lambda *_: answers.pop(0)
    waited: list[float] = []
    with client_of(server, waited) as client:
        assert client.require(requests.read("Patient", "7")).status == 200
    assert waited == [7.0, LONGEST_WAIT_S]
    assert (client.traffic.requests, client.traffic.after_throttling) == (3, 2)


PATIENT = {"resourceType": "Patient", "id": "7"}
REPEATABLE = {
    "read": requests.read("Patient", "7"),
    "update": requests.update(PATIENT),
    "delete": requests.delete("Patient", "7"),
    "conditional create": requests.create(PATIENT, if_none_exist="identifier=a|b"),
    "batch of deletions": requests.bundle("batch", "x", [{"request": {"method": "DELETE", "url": "Patient/7"}}]),
}
"""What does the same however often it is done."""


@pytest.mark.parametrize("call", REPEATABLE.values(), ids=REPEATABLE)
def test_what_can_be_repeated_is_sent_again_after_a_503(server: Any, as_fhir: Json, call: Call) -> None:
    answers = [as_fhir({}, 503, Retry_After="1"), as_fhir({})]
    server.respond = lambda *_: answers.pop(0)
    with client_of(server) as client:
        assert client.send(call).status == 200
    assert (client.traffic.requests, client.traffic.after_throttling) == (2, 1)


@pytest.mark.parametrize(
    "call",
    [requests.create(PATIENT), requests.bundle("transaction", "x", [requests.entry(PATIENT)])],
    ids=["create", "transaction"],
)
def test_a_503_to_what_cannot_be_repeated_is_final_because_it_may_be_done(
    server: Any, as_fhir: Json, call: Call
) -> None:
    """A proxy says 503 also where the server behind it took the request; Retry-After does not deny that."""
    server.respond = lambda *_: as_fhir({}, 503, Retry_After="1")
    waited: list[float] = []
    with client_of(server, waited) as client, pytest.raises(Refused, match="HTTP 503") as refused:
        client.require(call)
    assert (client.traffic.requests, waited) == (1, [])
    assert "may have been stored" in refused.value.hint


def test_a_429_says_that_nothing_was_done_so_anything_is_sent_again(server: Any, as_fhir: Json) -> None:
    answers = [as_fhir({}, 429, Retry_After="1"), as_fhir({}, 201)]
    server.respond = lambda *_: answers.pop(0)
    with client_of(server) as client:
        assert client.send(requests.create(PATIENT)).status == 201
    assert client.traffic.after_throttling == 1


def test_retry_after_may_be_a_date(server: Any, as_fhir: Json) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=10), usegmt=True)
    answers = [as_fhir({}, 503, Retry_After=soon), as_fhir({"id": "7"})]
    server.respond = lambda *_: answers.pop(0)
    waited: list[float] = []
    with client_of(server, waited) as client:
        client.require(requests.read("Patient", "7"))
    assert 8 <= waited[0] <= 10


@pytest.mark.parametrize("wish", ["", "soon", "-4", "1e9"])
def test_without_a_usable_retry_after_the_waits_grow(server: Any, as_fhir: Json, wish: str) -> None:
    server.respond = lambda *_: as_fhir({}, 503, Retry_After=wish)
    waited: list[float] = []
    with client_of(server, waited) as client, pytest.raises(Refused, match="HTTP 503"):
        client.require(requests.read("Patient", "7"))
    assert len(waited) == MAX_TRIES - 1
    assert all(0.125 * 2**n <= wait <= 0.25 * 2**n for n, wait in enumerate(waited, start=1))


def test_a_lost_connection_is_tried_again_only_where_nothing_can_happen_twice(server: Any, as_fhir: Json) -> None:
    answers = [(0, {}, b""), as_fhir({"id": "7"}), (0, {}, b""), as_fhir({"id": "8"})]
    server.respond = lambda *_: answers.pop(0)
    with client_of(server) as client:
        assert client.send(requests.read("Patient", "7")).status == 200
        lost = client.send(requests.create({"resourceType": "Patient"}))
    assert (lost.status, lost.outcome) == (0, "connection")
    assert client.traffic.after_lost_connection == 1
    assert [method for method, _ in server.asked] == ["GET", "GET", "POST"]


def test_an_answer_that_does_not_come_in_time_is_a_timeout(server: Any, as_fhir: Json) -> None:
    def slow(*_: Any) -> Any:
        time.sleep(0.3)
        return as_fhir({})

    server.respond = slow
    with client_of(server, answer_timeout_s=0.05) as client:
        answer = client.send(requests.read("Patient", "7"))
    assert (answer.status, answer.outcome, answer.detail) == (0, "timeout", "no whole answer came in time")


def test_all_pages_are_read_on_the_targets_own_host(server: Any, as_fhir: Json) -> None:
    def page(_method: str, path: str, _body: bytes) -> Any:
        number = int(path.rpartition("page=")[2]) if "page=" in path else 1
        entries = [{"resource": {"resourceType": "Patient", "id": f"{number}-{n}"}} for n in range(2)]
        # a server behind a proxy that knows itself by another name
        link = (
            [{"relation": "next", "url": f"http://internal.example.org/fhir?page={number + 1}"}] if number < 3 else []
        )
        return as_fhir({"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": link})

    server.respond = page
    with client_of(server) as client:
        found = [patient["id"] for patient in client.find("Patient", {"_tag": "a|b"}, page_size=2)]
    assert found == ["1-0", "1-1", "2-0", "2-1", "3-0", "3-1"]
    assert server.asked[0] == ("GET", "/fhir/Patient?_tag=a%7Cb&_count=2")
    assert server.headers_seen[0]["cache-control"] == "no-cache"


def test_pages_that_go_in_a_circle_end_in_an_error(server: Any, as_fhir: Json) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "next", "url": f"{server.url}?page=2"}],
    }
    server.respond = lambda *_: as_fhir(bundle)
    with client_of(server) as client, pytest.raises(TargetError, match="go in a circle"):
        list(client.find("Patient", {}))


@pytest.mark.parametrize(("body", "said"), [(b"<html>", "is not JSON"), (b"[]", "is not a FHIR resource")])
def test_an_answer_that_is_no_resource_is_an_error(server: Any, body: bytes, said: str) -> None:
    server.respond = lambda *_: (200, {}, body)
    with client_of(server) as client, pytest.raises(TargetError, match=said):
        client.json(requests.read("Patient", "7"))


def test_what_the_server_says_is_told_without_what_looks_like_a_persons_data(server: Any, as_fhir: Json) -> None:
    text = "HAPI-1234: no match for Patient?identifier=urn:x:mrn|MRN-77 and name=Smith, NPI 1234567893"
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": text}]}
    server.respond = lambda *_: as_fhir(outcome, 400)
    with client_of(server) as client, pytest.raises(Refused) as refused:
        client.require(requests.read("Patient", "7"))
    assert "HTTP 400: HAPI-1234: no match" in str(refused.value)
    assert not any(secret in str(refused.value) for secret in ("MRN-77", "Smith", "1234567893"))


def test_redirects_are_not_followed(server: Any) -> None:
    server.respond = lambda *_: (302, {"Location": "https://login.example.org/"}, b"")
    with client_of(server) as client:
        assert client.send(requests.read("Patient", "7")).status == 302
    assert len(server.asked) == 1


def test_an_endless_answer_is_cut(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.control.client.MAX_ANSWER_BYTES", 1000)
    server.respond = lambda *_: (200, {}, json.dumps("x" * 2000).encode())
    with client_of(server) as client:
        answer = client.send(requests.create({"resourceType": "Patient"}))
    assert answer.status == 0
    assert "longer than" in answer.detail


def test_whoever_waits_to_send_again_can_be_told_to_give_up(server: Any, as_fhir: Json) -> None:
    server.respond = lambda *_: as_fhir({}, 503, Retry_After="30")
    began = time.monotonic()
    with ControlClient(parse_target(server.url)) as client:
        threading.Timer(0.1, client.give_up).start()
        with pytest.raises(TargetError, match="nothing more is sent"):
            client.send(requests.read("Patient", "7"))
    assert time.monotonic() - began < 25
    assert len(server.asked) == 1
