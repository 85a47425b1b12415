"""Whatever is written is cleaned up, in an order that a server with referential integrity takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import orjson
import pytest

from harness.clinic import WORKFLOWS, Habits, Pace
from harness.clinic.canned import CannedAnswers, CannedClinician
from harness.clinic.charts import write_chart
from harness.clinic.site_population import site_population
from harness.clinic.virtual import VirtualWorld, virtual_post
from harness.control.cleanup import KINDS
from harness.fhir.call import Call

Resource = dict[str, Any]
Pairs = set[tuple[str, str]]
"""(kind, kind that it refers to); the latter is "" for the resource by itself."""

STAFF = dict.fromkeys(
    (
        "hospitalist",
        "ed-physician",
        "primary-care-physician",
        "biller",
        "radiologist",
        "bed-coordinator",
        "document-clerk",
        "prior-authorization-specialist",
    ),
    2,
)
SEEDS = range(12)
"""So many runs of each workflow take all of its ways."""


def calls_of_all_workflows() -> Iterator[Call]:
    at_once = Pace(0.0, 0.0)
    for seed in SEEDS:
        for name, workflow in WORKFLOWS.items():
            world = VirtualWorld(CannedAnswers(seed))
            world.workflow_begins(name, workflow.lane)
            somebody = CannedClinician(virtual_post("any", seed), Habits("any", at_once, at_once, {}), 0, world)
            workflow.play(somebody)
            world.workflow_ends("ok", "")
            yield from (call for played in world.played for call in played.calls)


def resources_of(call: Call) -> list[Resource]:
    body = orjson.loads(call.body)
    return [entry["resource"] for entry in body["entry"]] if body["resourceType"] == "Bundle" else [body]


def names_of(entries: list[Resource]) -> dict[str, str]:
    return {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in entries if "fullUrl" in entry}


def pairs_of(resource: Resource, names: Mapping[str, str]) -> Pairs:
    kind = resource["resourceType"]
    return {(kind, ""), *((kind, names.get(to, to.partition("/")[0])) for to in addresses(resource))}


def addresses(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "reference" or (name == "url" and str(value).startswith(("Binary/", "urn:uuid:"))):
                yield str(value)
            else:
                yield from addresses(value)
    elif isinstance(node, list):
        for inner in node:
            yield from addresses(inner)


@pytest.fixture(scope="module")
def written() -> Pairs:
    """By every workflow that there is, and by seeding a hospital that has all staff."""
    pairs: Pairs = set()
    for call in calls_of_all_workflows():
        if call.body:
            entries = orjson.loads(call.body).get("entry", ())
            for resource in resources_of(call):
                pairs |= pairs_of(resource, names_of(entries))
    hospital = site_population(7, "river", "en_US", 20, STAFF, date(2026, 3, 2))
    ids = {persona: ["1", "2"] for persona in STAFF}
    beds = [str(number) for number in range(len(hospital.bed_keys))]
    charts = (write_chart(hospital, ordinal, "1", ids, beds) for ordinal in range(20))
    for entries in (hospital.foundation(), hospital.beds("1"), *charts):
        for entry in entries:
            pairs |= pairs_of(entry["resource"], names_of(entries))
    return pairs


def test_every_kind_that_is_ever_written_is_cleaned_up(written: Pairs) -> None:
    assert {kind for kind, _ in written} == set(KINDS)


def test_what_refers_to_others_is_deleted_before_them(written: Pairs) -> None:
    wrong = {(kind, to) for kind, to in written if to not in ("", kind) and not KINDS.index(kind) < KINDS.index(to)}
    assert wrong == set()


def test_what_workflows_and_charts_refer_to_is_looked_at_here(written: Pairs) -> None:
    """Or the order would be proved by looking at nothing."""
    assert {
        ("DocumentReference", "Binary"),
        ("Encounter", "Location"),
        ("MedicationDispense", "MedicationRequest"),
        ("ImagingStudy", "Encounter"),
        ("Task", "DocumentReference"),
        ("Claim", "Coverage"),
        ("ChargeItem", "Encounter"),
        ("DiagnosticReport", "ImagingStudy"),
    } <= written
