"""What a site is seeded with: the same everywhere, whole in itself, enough for every search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson
import pytest

from harness.clinic.chart_content import patient_resource
from harness.clinic.charts import write_chart
from harness.clinic.site_population import SitePopulation, site_population

DAY = date(2026, 3, 2)
STAFF = {"primary-care-physician": 2, "nurse": 3}
IDS = {"primary-care-physician": ["p0", "p1"], "nurse": ["n0", "n1", "n2"]}


@pytest.fixture
def river() -> SitePopulation:
    return site_population(7, "river", "en_US", 6, STAFF, DAY, utc_offset_s=-18_000)


def charts(population: SitePopulation) -> list[list[dict[str, Any]]]:
    return [write_chart(population, ordinal, "o", IDS) for ordinal in range(population.patients)]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def of_kind(chart: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in chart if entry["resource"]["resourceType"] == kind]


def test_a_population_is_the_same_byte_for_byte_wherever_it_is_made(river: SitePopulation):
    again = site_population(7, "river", "en_US", 6, dict(reversed(STAFF.items())), DAY, utc_offset_s=-18_000)
    assert again.tag == river.tag
    assert orjson.dumps(charts(again)) == orjson.dumps(charts(river))
    key = lambda entry: entry["fullUrl"]  # noqa: E731
    assert sorted(again.foundation(), key=key) == sorted(river.foundation(), key=key)


def test_a_chart_does_not_depend_on_which_others_are_made(river: SitePopulation):
    assert write_chart(river, 4, "o", IDS) == charts(river)[4]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"site": "lake"},
        {"locale": "es_MX"},
        {"patients": 7},
        {"staff": {**STAFF, "nurse": 4}},
        {"day": date(2026, 3, 3)},
        {"utc_offset_s": 0.0},
        {"identifier_system": "urn:oid:1.2.3"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_shapes_the_population_changes_its_tag(river: SitePopulation, change: dict[str, Any]):
    shape: dict[str, Any] = {
        "seed": 7,
        "site": "river",
        "locale": "en_US",
        "patients": 6,
        "staff": STAFF,
        "day": DAY,
        "utc_offset_s": -18_000,
    }
    assert site_population(**shape).tag == river.tag
    assert site_population(**{**shape, **change}).tag != river.tag


def test_the_foundation_is_one_organization_and_all_staff(river: SitePopulation):
    kinds = [entry["resource"]["resourceType"] for entry in river.foundation()]
    assert kinds == ["Organization"] + ["Practitioner"] * 5
    titles = Counter(one["qualification"][0]["code"]["text"] for one in of_kind(river.foundation(), "Practitioner"))
    assert titles == {"Primary care physician": 2, "Nurse": 3}


def test_every_person_is_found_by_the_identifier_that_the_population_names(river: SitePopulation):
    def keys(entries: list[dict[str, Any]]) -> set[str]:
        return {f"{one['system']}|{one['value']}" for entry in entries for one in entry["resource"]["identifier"]}

    assert {len(ids) for ids in river.staff_keys.values()} == {2, 3}
    assert {key for ids in river.staff_keys.values() for key in ids} < keys(river.foundation())
    assert river.organization_key in keys(river.foundation())
    assert set(river.patient_keys) < {key for chart in charts(river) for key in keys(chart)}
    assert len(set(river.patient_keys)) == 6


def test_everything_is_tagged_as_synthetic_and_with_where_it_came_from(river: SitePopulation):
    for entry in [*river.foundation(), *(entry for chart in charts(river) for entry in chart)]:
        assert [tag["code"] for tag in entry["resource"]["meta"]["tag"]] == ["synthetic", river.tag]
        assert entry["resource"]["identifier"][0]["value"]


def test_no_two_resources_share_an_identifier_or_a_url(river: SitePopulation):
    everything = [*river.foundation(), *(entry for chart in charts(river) for entry in chart)]
    identifiers = Counter(
        (one["system"], one["value"]) for entry in everything for one in entry["resource"]["identifier"]
    )
    assert max(identifiers.values()) == 1
    assert len({entry["fullUrl"] for entry in everything}) == len(everything)


def test_every_reference_resolves_in_its_transaction_or_to_the_foundation(river: SitePopulation):
    known = {f"Practitioner/{one}" for ids in IDS.values() for one in ids} | {"Organization/o"}
    for chart in charts(river):
        urls = {entry["fullUrl"] for entry in chart}
        used = set(references([entry["resource"] for entry in chart]))
        assert used <= urls | known
        assert chart[0]["fullUrl"] in used, "everything is about the patient"


def test_a_chart_has_something_for_every_search(river: SitePopulation):
    for chart in charts(river):
        kinds = Counter(entry["resource"]["resourceType"] for entry in chart)
        assert kinds["AllergyIntolerance"] <= 2
        assert 1 <= kinds["Condition"] <= 3
        assert 1 <= kinds["MedicationRequest"] <= 3
        assert 5 <= kinds["Observation"] <= 6
        for kind in ("Patient", "Coverage", "DocumentReference", "Appointment", "Encounter", "ServiceRequest"):
            assert kinds[kind] == 1
        coded = [one["code"]["coding"][0]["code"] for one in of_kind(chart, "Observation")]
        assert coded[0] == "2823-3", "the potassium that a hospitalist asks for"
        assert len(set(coded)) == len(coded)


def test_this_mornings_results_are_from_four_to_eight_and_others_older(river: SitePopulation):
    labs = [
        one["effectiveDateTime"]
        for chart in charts(river)
        for one in of_kind(chart, "Observation")
        if one["category"][0]["coding"][0]["code"] == "laboratory"
    ]
    today = [at for at in labs if at.startswith("2026-03-02T")]
    assert len(today) == len(labs) / 2
    assert all("T04:00:00-05:00" <= at[10:] < "T08:00:00-05:00" for at in today)
    assert all(at < "2026-03-01" for at in labs if at not in today)


def test_patients_are_dealt_out_to_the_physicians_without_meeting_each_other(river: SitePopulation):
    booked = [of_kind(chart, "Appointment")[0] for chart in charts(river)]
    places = [(one["participant"][1]["actor"]["reference"], one["start"]) for one in booked]
    assert places[0] == ("Practitioner/p0", "2026-03-02T08:00:00-05:00")
    assert places[1] == ("Practitioner/p1", "2026-03-02T08:00:00-05:00")
    assert places[2] == ("Practitioner/p0", "2026-03-02T08:20:00-05:00")
    assert len(set(places)) == len(places)
    assert all(one["minutesDuration"] == 20 for one in booked)


def test_some_visits_have_begun_and_some_are_to_come():
    many = site_population(7, "river", "en_US", 60, STAFF, DAY)
    statuses = Counter(of_kind(chart, "Encounter")[0]["status"] for chart in charts(many))
    assert set(statuses) == {"planned", "in-progress"}
    assert min(statuses.values()) > 15


def test_a_site_without_physicians_books_with_whom_it_has():
    chart = write_chart(site_population(7, "river", "en_US", 1, {"nurse": 1}, DAY), 0, "o", {"nurse": ["n0"]})
    assert of_kind(chart, "Appointment")[0]["participant"][1]["actor"] == {"reference": "Practitioner/n0"}


def test_a_site_without_staff_has_patients_all_the_same():
    chart = write_chart(site_population(7, "river", "en_US", 1, {}, DAY), 0, "o", {})
    assert len(of_kind(chart, "Appointment")[0]["participant"]) == 1
    assert not [one for one in references([entry["resource"] for entry in chart]) if one.startswith("Practitioner")]


def test_a_site_may_number_its_patients_in_a_system_of_its_own():
    own = site_population(7, "river", "en_US", 2, {}, DAY, identifier_system="urn:oid:1.2.3")
    patients = [write_chart(own, ordinal, "o", {})[0]["resource"] for ordinal in range(2)]
    keys = [f"{one['identifier'][0]['system']}|{one['identifier'][0]['value']}" for one in patients]
    assert keys == list(own.patient_keys)
    assert all(key.startswith("urn:oid:1.2.3|") for key in keys)


def test_a_clinic_has_no_beds_and_nothing_that_only_a_hospitals_staff_looks_for(river: SitePopulation):
    assert not river.is_hospital
    assert river.bed_keys == ()
    assert river.beds("o") == []
    kinds = {entry["resource"]["resourceType"] for chart in charts(river) for entry in chart}
    assert not kinds & {"Binary", "ChargeItem", "Claim", "ImagingStudy", "Procedure", "Task"}
    assert "Communication" in kinds


def test_a_patient_of_another_country_has_an_address_of_that_country():
    population = site_population(7, "see", "de_DE", 1, {}, DAY)
    resource = patient_resource("see", population.patient(0))
    assert resource["address"][0]["country"] == "DE"
    assert "managingOrganization" not in resource


def test_a_whole_clinic_has_a_foundation_and_a_chart_for_each_patient():
    staff = {"primary-care-physician": 16, "nurse": 40, "registration-clerk": 16, "lab-technician": 8}
    clinic = site_population(7, "river", "en_US", 160, staff, DAY)
    ids = {persona: [str(number) for number in range(heads)] for persona, heads in staff.items()}
    made = len(clinic.foundation()) + sum(len(write_chart(clinic, ordinal, "o", ids)) for ordinal in range(160))
    assert made > 81 + 160 * 13
