"""Seeding a hospital: beds before charts, all kinds counted, nothing that the target cannot take."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import pytest

from harness.control import ControlClient, clean_up, parse_target, read_capabilities, seed_sites
from harness.control.people import find_beds
from harness.fhir import requests
from harness.fhir.capabilities import Capabilities
from harness.fhir.systems import SYNTHETIC, TAG_SYSTEM
from harness.scenario import population_of
from harness.scenario.model import RunSpec

HEADS = {
    "hospitalist": 1,
    "ed-physician": 1,
    "nurse": 2,
    "radiologist": 1,
    "biller": 1,
    "bed-coordinator": 1,
    "document-clerk": 1,
    "prior-authorization-specialist": 1,
}


@pytest.fixture
def hospital(spec: RunSpec) -> RunSpec:
    """One site with 10 patients, 6 of them on its ward of 8 beds."""
    site = spec.sites[0].model_copy(update={"heads": HEADS, "patients": 10})
    return spec.model_copy(update={"sites": (site,)})


def client_of(url: str) -> ControlClient:
    return ControlClient(parse_target(url), sleep=lambda _seconds: None)


def held(client: ControlClient, kind: str) -> list[dict[str, Any]]:
    return list(client.find(kind, {"_tag": f"{TAG_SYSTEM}|{SYNTHETIC}"}))


def without(capabilities: Capabilities, kind: str) -> Capabilities:
    """The same target, had it never heard of `kind`."""
    known = {name: declared for name, declared in capabilities.interactions.items() if name != kind}
    return dataclasses.replace(capabilities, interactions=known)


def test_a_hospital_has_beds_and_its_inpatients_lie_in_them(empty_sandbox: str, hospital: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        seeded = seed_sites(client, read_capabilities(client), hospital)
        states = {bed["id"]: bed["operationalStatus"]["code"] for bed in held(client, "Location")}
        stays = client.find("Encounter", {"status": "in-progress", "class": "IMP"})
        places = [stay["location"][0]["location"]["reference"] for stay in stays if "location" in stay]
    assert Counter(states.values()) == {"O": 6, "U": 2}
    assert len(places) == len(set(places)) == 6
    assert {states[place.removeprefix("Location/")] for place in places} == {"O"}
    assert seeded.kinds_created["Location"] == 8
    assert (seeded.left_out, seeded.undeclared) == ({}, set())


def test_the_counts_by_kind_are_what_is_there(empty_sandbox: str, hospital: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        seeded = seed_sites(client, read_capabilities(client), hospital)
        assert {kind: len(held(client, kind)) for kind in seeded.kinds_created} == seeded.kinds_created
    assert seeded.kinds_created.total() == seeded.resources_created
    assert {"Binary", "ChargeItem", "Claim", "ImagingStudy", "Procedure", "Task"} <= set(seeded.kinds_created)


def test_images_are_found_where_their_document_leads(empty_sandbox: str, hospital: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        seed_sites(client, read_capabilities(client), hospital)
        indexes = list(client.find("DocumentReference", {"type": "http://loinc.org|18748-4"}))
        assert len(indexes) == 10
        for index in indexes:
            kind, image = index["content"][0]["attachment"]["url"].split("/")
            assert client.json(requests.read(kind, image))["contentType"] == "image/jpeg"


def test_nothing_of_a_hospital_is_left_after_cleaning_up(empty_sandbox: str, hospital: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        capabilities = read_capabilities(client)
        seeded = seed_sites(client, capabilities, hospital)
        result = clean_up(client, capabilities)
        assert not [kind for kind in seeded.kinds_created if held(client, kind)]
    assert result.complete
    assert result.deleted == seeded.kinds_created


def test_seeding_a_hospital_again_creates_nothing(empty_sandbox: str, hospital: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        capabilities = read_capabilities(client)
        seed_sites(client, capabilities, hospital)
        again = seed_sites(client, capabilities, hospital)
    assert (again.resources_created, again.patients_skipped) == (0, 10)


def test_a_bed_that_is_gone_is_made_again_and_no_other(empty_sandbox: str, hospital: RunSpec) -> None:
    population = population_of(hospital, hospital.sites[0])
    with client_of(empty_sandbox) as client:
        capabilities = read_capabilities(client)
        seed_sites(client, capabilities, hospital)
        before = find_beds(client, population)
        gone = population.bed_keys[4]  # a free one
        client.require(requests.delete("Location", before[gone]))
        again = seed_sites(client, capabilities, hospital)
        after = find_beds(client, population)
    assert again.kinds_created == {"Location": 1}
    assert after.keys() == before.keys()
    assert [key for key in before if after[key] != before[key]] == [gone]


@pytest.mark.parametrize("kind", ["Location", "Binary", "Claim"])
def test_what_the_target_does_not_declare_is_left_out_and_told(
    empty_sandbox: str, hospital: RunSpec, kind: str
) -> None:
    with client_of(empty_sandbox) as client:
        capabilities = read_capabilities(client)
        seeded = seed_sites(client, without(capabilities, kind), hospital)
        assert held(client, kind) == []
        assert len(held(client, "Patient")) == 10
    assert kind not in seeded.kinds_created
    assert seeded.left_out[kind] > 0
    assert seeded.undeclared == {kind}


def test_beds_whose_answer_was_lost_are_not_made_twice(relay: Any, hospital: RunSpec) -> None:
    lost: list[str] = []

    def lose_beds(method: str, path: str, body: bytes, answer: Any) -> Any:
        if b'"transaction"' in body and b'"Location"' in body and b'"Patient"' not in body:
            lost.append(path)
            return 0, {}, b""
        return answer

    relay.tamper = lose_beds
    with client_of(relay.url) as client:
        seeded = seed_sites(client, read_capabilities(client), hospital)
        assert len(held(client, "Location")) == 8
    assert (len(lost), seeded.found_after_loss) == (1, 1)
    assert seeded.kinds_created["Location"] == 8


def test_a_site_whose_patients_are_numbered_in_a_system_of_its_own(empty_sandbox: str, hospital: RunSpec) -> None:
    site = hospital.sites[0].model_copy(update={"identifier_system": "urn:oid:1.2.3"})
    own = hospital.model_copy(update={"sites": (site,)})
    with client_of(empty_sandbox) as client:
        (people,) = seed_sites(client, read_capabilities(client), own).people
        found = list(client.find("Patient", {"identifier": "urn:oid:1.2.3|"}))
    assert len(found) == 10
    assert {patient.mrn for patient in people.register().patients} == {
        patient["identifier"][0]["value"] for patient in found
    }
