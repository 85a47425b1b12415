from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from harness.control import (
    Cleanup,
    CleanupProgress,
    ControlClient,
    clean_up,
    parse_target,
    read_capabilities,
    seed_sites,
)
from harness.errors import TargetError
from harness.fhir import requests
from harness.scenario.model import RunSpec

Resource = dict[str, Any]


def client_of(url: str) -> ControlClient:
    return ControlClient(parse_target(url), sleep=lambda _seconds: None)


def cleaned(client: ControlClient, run_id: str = "") -> Cleanup:
    return clean_up(client, read_capabilities(client), run_id)


def patient(*tags: str) -> Resource:
    resource: Resource = {"resourceType": "Patient", "name": [{"family": "Somebody"}]}
    for tag in tags:
        resource = requests.tagged(resource, tag)
    return resource


def test_after_seeding_and_cleaning_nothing_is_left(empty_sandbox: str, spec: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        seeded = seed_sites(client, read_capabilities(client), spec)
        result = cleaned(client)
        assert cleaned(client).deleted.total() == 0
    assert result.complete
    assert result.deleted.total() == seeded.resources_created
    assert result.deleted["Patient"] == 12


def watched(client: ControlClient, run_id: str = "") -> list[CleanupProgress]:
    heard: list[CleanupProgress] = []
    clean_up(client, read_capabilities(client), run_id, heard.append)
    return heard


def test_progress_says_how_much_there_is_in_all(empty_sandbox: str, spec: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        seeded = seed_sites(client, read_capabilities(client), spec)
        heard = watched(client)
    assert {progress.of for progress in heard} == {seeded.resources_created}
    assert [progress.deleted for progress in heard] == sorted(progress.deleted for progress in heard)
    assert heard[-1].deleted == seeded.resources_created


def test_what_a_run_only_changed_is_not_waited_for(empty_sandbox: str) -> None:
    """It carries the run's tag and so is counted, until the kind is listed."""
    with client_of(empty_sandbox) as client:
        client.require(requests.create(patient("population-0123456789ab", "run-a")))
        client.require(requests.create(patient("run-a")))
        assert watched(client, "a") == [CleanupProgress(deleted=1, of=1, kind="Patient")]


@pytest.mark.parametrize("says", [(400, b""), (200, b'{"resourceType":"Bundle","type":"searchset"}')])
def test_where_the_server_does_not_count_there_is_no_total(relay: Any, says: tuple[int, bytes]) -> None:
    relay.tamper = lambda method, path, body, answer: (says[0], {}, says[1]) if "_summary" in path else answer
    with client_of(relay.url) as client:
        client.require(requests.create(patient("run-a")))
        assert [progress.of for progress in watched(client)] == [None]


def test_what_was_sent_again_is_counted(relay: Any) -> None:
    refused = [(503, {"Retry-After": "1"}, b"")]
    forward = relay.respond
    relay.respond = lambda method, path, body: (
        refused.pop() if "Patient?" in path and refused else forward(method, path, body)
    )
    with client_of(relay.url) as client:
        result = cleaned(client)
    assert result.sent_again == "1 request: the target asked for patience 1 time"


def test_a_runs_clean_up_leaves_other_runs_the_seeded_and_everybody_elses(empty_sandbox: str) -> None:
    with client_of(empty_sandbox) as client:
        untagged = client.json(requests.create(patient()))["id"]
        seeded = client.json(requests.create(patient("population-0123456789ab")))["id"]
        changed = client.json(requests.create(patient("population-0123456789ab", "run-aaaa0001")))["id"]
        other = client.json(requests.create(patient("run-aaaa0002")))["id"]
        own = client.json(requests.create(patient("run-aaaa0001")))["id"]
        result = cleaned(client, "aaaa0001")
        assert client.send(requests.read("Patient", own)).status == 410
        for id in (untagged, seeded, changed, other):
            assert client.send(requests.read("Patient", id)).status == 200
        assert cleaned(client).deleted == {"Patient": 3}
        assert client.send(requests.read("Patient", untagged)).status == 200
        client.require(requests.delete("Patient", untagged))
    assert (result.deleted, result.kept) == ({"Patient": 1}, {"Patient": 1})
    assert result.complete


def test_a_server_that_ignores_the_tag_loses_nothing(relay: Any) -> None:
    """Some servers drop a search parameter that they do not know and give everything."""
    with client_of(relay.url) as client:
        untagged = client.json(requests.create(patient()))["id"]
        forward = relay.respond

        def ignore_tag(method: str, path: str, body: bytes) -> Any:
            return forward(method, re.sub(r"_tag=[^&]*&?", "", path), body)

        relay.respond = ignore_tag
        result = cleaned(client)
        assert client.send(requests.read("Patient", untagged)).status == 200
        client.require(requests.delete("Patient", untagged))
    assert (result.deleted.total(), result.foreign, result.complete) == (0, {"Patient": 1}, True)


def refusing(kind: str) -> Callable[..., Any]:
    """A server that deletes everything but `kind`."""

    def tamper(method: str, path: str, body: bytes, answer: Any) -> Any:
        if method == "DELETE" and f"/{kind}/" in path:
            return 409, {}, b'{"resourceType":"OperationOutcome","issue":[{"diagnostics":"is referred to"}]}'
        return answer

    return tamper


def test_what_cannot_be_deleted_is_listed_and_the_rest_is_deleted(relay: Any) -> None:
    forward, delete_refused = relay.respond, refusing("Organization")

    def respond(method: str, path: str, body: bytes) -> Any:
        if b"DELETE" in body:
            return 405, {}, b""
        answer = delete_refused(method, path, body, None)
        return answer or forward(method, path, body)

    relay.respond = respond
    with client_of(relay.url) as client:
        kept = client.json(requests.create(requests.tagged({"resourceType": "Organization", "name": "x"}, "run-a")))[
            "id"
        ]
        for _ in range(3):
            client.require(requests.create(patient("run-a")))
        result = cleaned(client)
    assert result.deleted == {"Patient": 3}
    assert [(stuck.kind, stuck.id, stuck.why) for stuck in result.stuck] == [
        ("Organization", kept, "HTTP 409: is referred to")
    ]
    assert not result.complete


def test_what_holds_each_other_fast_is_deleted_together(relay: Any) -> None:
    """As HAPI does with referential integrity on: alone each is refused, in one transaction both go."""

    def tamper(method: str, path: str, body: bytes, answer: Any) -> Any:
        return (409, {}, b"") if method == "DELETE" or b'"batch"' in body else answer

    forward = relay.respond
    relay.respond = lambda method, path, body: tamper(method, path, body, None) or forward(method, path, body)
    with client_of(relay.url) as client:
        for _ in range(2):
            client.require(requests.create(patient("run-a")))
        result = cleaned(client)
    assert result.complete
    assert result.deleted == {"Patient": 2}


def test_a_kind_that_cannot_be_searched_by_tag_is_named(relay: Any) -> None:
    relay.tamper = lambda method, path, body, answer: (400, {}, b"") if "Coverage?" in path else answer
    with client_of(relay.url) as client:
        result = cleaned(client)
    assert list(result.unsearched) == ["Coverage"]
    assert "HTTP 400" in result.unsearched["Coverage"]
    assert not result.complete


def test_a_target_that_stops_answering_is_an_error(relay: Any) -> None:
    with client_of(relay.url) as client:
        capabilities = read_capabilities(client)
        client.require(requests.create(patient("run-a")))
        relay.tamper = lambda method, path, body, answer: (0, {}, b"") if method == "DELETE" else answer
        with pytest.raises(TargetError) as refused:
            clean_up(client, capabilities)
    assert "goes on where this one stopped" in refused.value.hint


def test_somebody_who_goes_on_writing_is_not_waited_for_without_end(relay: Any) -> None:
    forward = relay.respond

    def write_again(method: str, path: str, body: bytes) -> Any:
        answer = forward(method, path, body)
        if method == "DELETE":
            forward("POST", "/fhir/Patient", json.dumps(patient("run-a")).encode())
        return answer

    with client_of(relay.url) as client:
        client.require(requests.create(patient("run-a")))
        relay.respond = write_again
        result = cleaned(client)
    assert (result.rounds, result.settled, result.complete) == (6, False, False)


def test_a_large_paper_is_found_and_deleted_in_small_pages(relay: Any) -> None:
    paper = requests.tagged({"resourceType": "Binary", "contentType": "application/pdf", "data": "AAAA"}, "run-a")
    with client_of(relay.url) as client:
        for _ in range(20):
            client.require(requests.create(paper))
        result = clean_up(client, read_capabilities(client), "a")
    assert result.deleted == {"Binary": 20}
    asked = [path for method, path in relay.asked if method == "GET" and "/Binary?" in path and "_summary" not in path]
    assert all("_count=8" in path or "_page" in path for path in asked)
    assert len(asked) >= 3


def test_messages_that_answer_each_other_are_deleted_though_each_is_referred_to(relay: Any) -> None:
    """With referential integrity the server gives up a message only together with the answers to it."""
    ids: list[str] = []
    with client_of(relay.url) as client:
        for _ in range(9):
            message = {
                "resourceType": "Communication",
                "status": "completed",
                **({"inResponseTo": [{"reference": f"Communication/{ids[-1]}"}]} if ids else {}),
            }
            ids.append(client.json(requests.create(requests.tagged(message, "run-a")))["id"])
        forward = relay.respond

        def respond(method: str, path: str, body: bytes) -> Any:
            alone = method == "DELETE" and "/Communication/" in path
            return (409, {}, b"") if alone or b'"batch"' in body else forward(method, path, body)

        relay.respond = respond
        result = clean_up(client, read_capabilities(client), "a")
    assert (result.complete, result.deleted) == (True, {"Communication": 9})


def test_kinds_that_only_somebodys_own_workflow_writes_are_cleaned_too(empty_sandbox: str) -> None:
    shot = {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": {"text": "x"},
        "patient": {"reference": "Patient/x"},
        "occurrenceDateTime": "2026-01-01",
    }
    with client_of(empty_sandbox) as client:
        client.require(requests.create(requests.tagged(shot, "run-a")))
        result = clean_up(client, read_capabilities(client), "a")
        assert client.count("Immunization") == 0
    assert (result.complete, result.deleted) == (True, {"Immunization": 1})


def test_a_kind_that_can_be_created_but_never_found_again_is_named(relay: Any) -> None:
    def unsearchable(method: str, path: str, body: bytes, answer: Any) -> Any:
        if not path.endswith("/metadata"):
            return answer
        statement = json.loads(answer[2])
        for resource in statement["rest"][0]["resource"]:
            if resource["type"] == "Binary":
                resource["interaction"] = [{"code": "read"}, {"code": "create"}]
        return answer[0], answer[1], json.dumps(statement).encode()

    relay.tamper = unsearchable
    with client_of(relay.url) as client:
        result = clean_up(client, read_capabilities(client))
    assert list(result.unsearched) == ["Binary"]
    assert "no search" in result.unsearched["Binary"]
    assert not result.complete
