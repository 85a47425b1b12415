from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from harness.clinic.register import KnownPatient
from harness.control import ControlClient, SeedProgress, parse_target, read_capabilities, seed_sites
from harness.control.people import find_people
from harness.errors import TargetError
from harness.fhir import requests
from harness.fhir.capabilities import Capabilities
from harness.fhir.systems import SYNTHETIC, TAG_SYSTEM
from harness.scenario.model import RunSpec

NO_ANSWER = (0, {}, b"")


def client_of(url: str) -> ControlClient:
    return ControlClient(parse_target(url), sleep=lambda _seconds: None)


def count(client: ControlClient, kind: str) -> int:
    return sum(1 for _ in client.find(kind, {"_tag": f"{TAG_SYSTEM}|{SYNTHETIC}"}))


def test_everybody_the_run_needs_is_there_after_seeding(empty_sandbox: str, spec: RunSpec) -> None:
    heard: list[SeedProgress] = []
    with client_of(empty_sandbox) as client:
        seeded = seed_sites(client, read_capabilities(client), spec, heard.append)
        registers = {people.site: people.register() for people in find_people(client, spec)}
        assert count(client, "Patient") == 12
        assert count(client, "Practitioner") == 16
    assert (seeded.patients_created, seeded.staff_created, seeded.patients_skipped) == (12, 16, 0)
    assert [people.complete for people in seeded.people] == [True, True]
    assert sorted(progress.patients for progress in heard) == list(range(1, 13))
    assert heard[-1].of == 12
    for site in spec.sites:
        register = registers[site.name]
        working = {persona: heads for persona, heads in site.heads.items() if heads}
        assert {persona: len(ids) for persona, ids in register.practitioners.items()} == working
        assert len({id for ids in register.practitioners.values() for id in ids}) == 8
        assert len(register.patients) == 6
        assert register.organization


def test_a_patient_is_known_as_the_population_has_her(empty_sandbox: str, spec: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        people = seed_sites(client, read_capabilities(client), spec).people[0]
    identity = people.population.patient(3)
    known = people.register().patients[3]
    assert known == KnownPatient(
        known.id, identity.mrn, identity.family, identity.given, identity.birthdate.isoformat()
    )


def test_seeding_twice_creates_nobody_twice(empty_sandbox: str, spec: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        capabilities = read_capabilities(client)
        seed_sites(client, capabilities, spec)
        again = seed_sites(client, capabilities, spec)
        assert count(client, "Patient") == 12
    assert (again.patients_created, again.patients_skipped) == (0, 12)
    assert (again.staff_created, again.staff_skipped, again.resources_created) == (0, 16, 0)


def test_only_who_is_missing_is_created(empty_sandbox: str, spec: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        capabilities = read_capabilities(client)
        people = seed_sites(client, capabilities, spec).people[1]
        gone = people.register()
        for kind, id in (("Patient", gone.patients[2].id), ("Practitioner", gone.practitioners["nurse"][0])):
            client.require(requests.delete(kind, id))
        again = seed_sites(client, capabilities, spec)
    assert (again.patients_created, again.staff_created) == (1, 1)
    assert again.people[1].register().patients[2].mrn == gone.patients[2].mrn
    assert again.people[1].register().practitioners["nurse"][0] != gone.practitioners["nurse"][0]


def test_another_seed_gives_other_people_beside_them(empty_sandbox: str, spec: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        capabilities = read_capabilities(client)
        seed_sites(client, capabilities, spec)
        others = spec.model_copy(update={"seed": 8})
        assert seed_sites(client, capabilities, others).patients_created == 12
        assert count(client, "Patient") == 24
        assert all(people.complete and not people.doubles for people in find_people(client, spec))


def is_chart(body: bytes) -> bool:
    return b'"transaction"' in body and b'"resourceType":"Patient"' in body


def test_a_lost_answer_creates_nobody_twice(relay: Any, spec: RunSpec) -> None:
    lost: list[str] = []

    def lose_every_third(method: str, path: str, body: bytes, answer: Any) -> Any:
        if is_chart(body):
            lost.append(path)
            if len(lost) % 3 == 0:
                return NO_ANSWER
        return answer

    relay.tamper = lose_every_third
    with client_of(relay.url) as client:
        seeded = seed_sites(client, read_capabilities(client), spec)
        assert count(client, "Patient") == 12
    assert seeded.found_after_loss == 4
    assert seeded.patients_created == 12


def test_a_request_that_never_arrived_is_sent_again(relay: Any, spec: RunSpec) -> None:
    forward, swallowed = relay.respond, Counter[bytes]()

    def swallow_first(method: str, path: str, body: bytes) -> Any:
        if is_chart(body):
            swallowed[body] += 1
            if swallowed[body] == 1:
                return NO_ANSWER
        return forward(method, path, body)

    relay.respond = swallow_first
    with client_of(relay.url) as client:
        seeded = seed_sites(client, read_capabilities(client), spec)
        assert count(client, "Patient") == 12
    assert (seeded.sent_again, seeded.found_after_loss, seeded.patients_created) == (12, 0, 12)


@pytest.mark.parametrize("status", [409, 429, 503])
def test_conflicts_and_throttling_are_waited_out(relay: Any, spec: RunSpec, status: int) -> None:
    forward, refused = relay.respond, Counter[bytes]()

    def refuse_first(method: str, path: str, body: bytes) -> Any:
        if b'"transaction"' in body:
            refused[body] += 1
            if refused[body] == 1:
                return status, {"Retry-After": "1"}, b""
        return forward(method, path, body)

    relay.respond = refuse_first
    with client_of(relay.url) as client:
        seeded = seed_sites(client, read_capabilities(client), spec)
    assert seeded.sent_again == 14  # two foundations, twelve charts
    assert seeded.throttled == (0 if status == 409 else 14)


def test_a_refused_chart_ends_seeding_with_what_the_server_said(relay: Any, spec: RunSpec) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "no such code system"}]}

    def refuse(method: str, path: str, body: bytes, answer: Any) -> Any:
        return (422, {}, json.dumps(outcome).encode()) if is_chart(body) else answer

    relay.tamper = refuse
    with client_of(relay.url) as client, pytest.raises(TargetError, match="HTTP 422: no such code system") as refused:
        seed_sites(client, read_capabilities(client), spec)
    assert "goes on from there" in refused.value.hint
    assert sum(method == "POST" for method, _ in relay.asked) < 16


def test_a_server_that_is_gone_for_good_ends_seeding(relay: Any, spec: RunSpec) -> None:
    relay.tamper = lambda method, path, body, answer: NO_ANSWER if method == "POST" or "_tag" in path else answer
    with client_of(relay.url) as client, pytest.raises(TargetError, match="without a whole HTTP answer"):
        seed_sites(client, read_capabilities(client), spec)


def test_a_200_that_holds_a_failed_entry_is_no_success(relay: Any, spec: RunSpec) -> None:
    def half(method: str, path: str, body: bytes, answer: Any) -> Any:
        if not is_chart(body):
            return answer
        entries = [{"response": {"status": "400 Bad Request"}} for _ in json.loads(body)["entry"]]
        return (
            200,
            {},
            json.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": entries}).encode(),
        )

    relay.tamper = half
    with client_of(relay.url) as client, pytest.raises(TargetError, match=r"entry 1 of .* was answered 400"):
        seed_sites(client, read_capabilities(client), spec)


def test_a_double_is_left_aside_and_counted(empty_sandbox: str, spec: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        people = seed_sites(client, read_capabilities(client), spec).people[0]
        patient = people.patients[people.population.patient_keys[0]]
        client.require(requests.create({name: value for name, value in patient.items() if name != "id"}))
        found = find_people(client, spec)[0]
    assert (found.doubles, found.complete) == (1, True)


def test_without_transactions_nothing_is_written(empty_sandbox: str, spec: RunSpec) -> None:
    nothing = Capabilities("4.0.1", "", {}, {}, frozenset())
    with client_of(empty_sandbox) as client, pytest.raises(TargetError, match="does not declare transaction"):
        seed_sites(client, nothing, spec)
    assert client.traffic.requests == 0


def test_people_who_cannot_be_found_again_are_an_error(
    relay: Any, spec: RunSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.control.seed._LOOK_PAUSE_S", 0.0)
    empty = json.dumps({"resourceType": "Bundle", "type": "searchset"}).encode()

    def hide_patients(method: str, path: str, body: bytes, answer: Any) -> Any:
        return (200, {}, empty) if "Patient?" in path else answer

    relay.tamper = hide_patients
    with (
        client_of(relay.url) as client,
        pytest.raises(TargetError, match=r"12 of the people .* are not found by their tag"),
    ):
        seed_sites(client, read_capabilities(client), spec)
