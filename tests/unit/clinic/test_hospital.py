"""A hospital before a run: who lies where, which beds are free, and what its services find in the charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest

from harness.clinic.charts import write_chart
from harness.clinic.hospital import bed_count, bed_name, bed_of, is_free, is_hospital, rank, whereabouts
from harness.clinic.site_population import SitePopulation, site_population

DAY = date(2026, 3, 2)
STAFF = {
    "hospitalist": 8,
    "ed-physician": 4,
    "primary-care-physician": 4,
    "nurse": 60,
    "biller": 4,
    "radiologist": 2,
    "bed-coordinator": 2,
    "document-clerk": 3,
    "prior-authorization-specialist": 2,
}
IDS = {persona: [f"{persona}-{number}" for number in range(heads)] for persona, heads in STAFF.items()}

Resource = dict[str, Any]


@pytest.fixture(scope="module")
def hospital() -> SitePopulation:
    return site_population(7, "river", "en_US", 400, STAFF, DAY)


@pytest.fixture(scope="module")
def beds(hospital: SitePopulation) -> list[str]:
    return [f"bed-{number}" for number in range(len(hospital.bed_keys))]


@pytest.fixture(scope="module")
def charts(hospital: SitePopulation, beds: list[str]) -> list[list[Resource]]:
    return [write_chart(hospital, ordinal, "o", IDS, beds) for ordinal in range(hospital.patients)]


def of_kind(charts: list[list[Resource]], kind: str) -> Iterator[Resource]:
    for chart in charts:
        yield from (entry["resource"] for entry in chart if entry["resource"]["resourceType"] == kind)


def of_class(charts: list[list[Resource]], kind: str, status: str) -> list[Resource]:
    visits = of_kind(charts, "Encounter")
    return [visit for visit in visits if (visit["class"]["code"], visit["status"]) == (kind, status)]


@pytest.mark.parametrize(
    ("staff", "hospital"),
    [
        ({"nurse": 100, "primary-care-physician": 20}, False),
        ({"nurse": 100, "hospitalist": 1}, True),
        ({"ed-physician": 3}, True),
        ({"bed-coordinator": 0, "radiologist": 2}, False),
        ({}, False),
    ],
)
def test_a_hospital_is_told_by_those_who_only_work_where_patients_stay(staff: dict[str, int], hospital: bool):
    assert is_hospital(staff) is hospital


def test_of_ten_patients_six_lie_on_a_ward_one_is_in_the_emergency_department_and_three_are_at_home():
    assert Counter(map(whereabouts, range(1000))) == {"ward": 600, "emergency": 100, "home": 300}


def test_patients_in_one_place_are_counted_one_after_the_other():
    for place in ("ward", "emergency", "home"):
        there = [rank(ordinal) for ordinal in range(200) if whereabouts(ordinal) == place]
        assert there == list(range(len(there)))


@pytest.mark.parametrize("patients", [0, 1, 2, 6, 7, 10, 33, 400])
def test_nobody_shares_a_bed_and_a_fifth_of_them_is_free(patients: int):
    taken = [bed for ordinal in range(patients) if (bed := bed_of(ordinal)) is not None]
    beds = bed_count(patients)
    free = [bed for bed in range(beds) if is_free(bed, beds)]
    assert sorted([*taken, *free]) == list(range(beds))
    assert len(free) == -(-len(taken) // 4)


def test_a_bed_is_named_by_its_ward():
    assert [bed_name(bed) for bed in (0, 24, 25)] == ["Ward 1, bed 1", "Ward 1, bed 25", "Ward 2, bed 1"]


def test_beds_are_found_by_their_site_and_told_apart_by_their_state(hospital: SitePopulation):
    made = [entry["resource"] for entry in hospital.beds("o")]
    assert len(made) == len(hospital.bed_keys) == 300
    assert Counter(bed["operationalStatus"]["code"] for bed in made) == {"O": 240, "U": 60}
    assert {bed["managingOrganization"]["reference"] for bed in made} == {"Organization/o"}
    assert [f"{bed['identifier'][0]['system']}|{bed['identifier'][0]['value']}" for bed in made] == list(
        hospital.bed_keys
    )
    assert all(hospital.tag in {tag["code"] for tag in bed["meta"]["tag"]} for bed in made)


def test_only_beds_that_are_missing_are_made(hospital: SitePopulation):
    (last,) = hospital.beds("o", hospital.bed_keys[:-1])
    assert last["resource"]["name"] == "Ward 12, bed 25"


def test_inpatients_lie_in_beds_that_are_occupied(hospital: SitePopulation, charts, beds):
    made = hospital.beds("o")
    states = {bed: entry["resource"]["operationalStatus"]["code"] for bed, entry in zip(beds, made, strict=True)}
    lain_in = [
        stay["location"][0]["location"]["reference"]
        for stay in of_class(charts, "IMP", "in-progress")
        if "location" in stay
    ]
    assert Counter(lain_in).most_common(1)[0][1] == 1
    assert {states[place.removeprefix("Location/")] for place in lain_in} == {"O"}
    assert len(lain_in) == 240


def test_stays_have_begun_before_the_day_and_are_cared_for_by_those_who_work_there(charts):
    for kind, persona in (("IMP", "hospitalist"), ("EMER", "ed-physician")):
        stays = [stay for stay in of_class(charts, kind, "in-progress") if kind == "EMER" or "location" in stay]
        seen_by = {stay["participant"][0]["individual"]["reference"] for stay in stays}
        assert len(seen_by) > 1
        assert seen_by <= {f"Practitioner/{one}" for one in IDS[persona]}
        assert all(stay["period"]["start"] < "2026-03-02" for stay in stays)


def test_some_in_the_emergency_department_wait_for_a_bed_that_they_asked_for(charts):
    waiting = [stay for stay in of_class(charts, "IMP", "in-progress") if "location" not in stay]
    asked = [task for task in of_kind(charts, "Task") if task["code"]["coding"][0]["code"] == "32485007"]
    assert len(waiting) == len(asked) == 10
    assert len(of_class(charts, "EMER", "in-progress")) == 30
    assert {task["owner"]["reference"] for task in asked} == {"Organization/o"}
    assert {task["status"] for task in asked} == {"requested"}


def test_only_who_is_at_home_comes_by_appointment(hospital: SitePopulation, charts):
    assert len(list(of_kind(charts, "Appointment"))) == 120


def test_billing_has_hundreds_of_finished_visits_to_page_through_all_due(charts):
    over = [visit for visit in of_kind(charts, "Encounter") if visit["status"] == "finished"]
    assert len(over) > 300
    assert Counter(visit["class"]["code"] for visit in over).keys() == {"AMB", "IMP"}
    assert all("2026-02-20" < visit["period"]["end"] < "2026-02-28" for visit in over)
    assert all(visit["period"]["start"] < visit["period"]["end"] for visit in over)


def test_nobody_is_admitted_before_the_last_visit_is_over(charts):
    for chart in charts:
        visits = [entry["resource"] for entry in chart if entry["resource"]["resourceType"] == "Encounter"]
        ends = [datetime.fromisoformat(visit["period"]["end"]) for visit in visits if "end" in visit["period"]]
        starts = [
            datetime.fromisoformat(visit["period"]["start"]) for visit in visits if visit["status"] == "in-progress"
        ]
        assert all(end < start for end in ends for start in starts)


def test_what_was_done_was_done_during_a_visit_that_is_over(charts):
    done = 0
    for chart in charts:
        visits = {entry["fullUrl"]: entry["resource"] for entry in chart}
        for procedure in of_kind([chart], "Procedure"):
            period = visits[procedure["encounter"]["reference"]]["period"]
            assert period["start"] <= procedure["performedDateTime"] <= period["end"]
            done += 1
    assert 150 < done < 250


def test_every_patient_has_a_study_whose_document_leads_to_its_images(charts):
    for chart in charts:
        (study,) = of_kind([chart], "ImagingStudy")
        (index,) = (
            one for one in of_kind([chart], "DocumentReference") if one["type"]["coding"][0]["code"] == "18748-4"
        )
        binaries = {entry["fullUrl"]: entry["resource"] for entry in chart}
        images = [binaries[content["attachment"]["url"]] for content in index["content"]]
        assert 1 <= len(images) == study["numberOfInstances"] <= 2
        assert all(20_000 <= len(image["data"]) <= 60_000 for image in images)
        assert "identifier" not in images[0]


def test_studies_are_told_apart_by_their_uid(charts):
    uids = [study["identifier"][1]["value"] for study in of_kind(charts, "ImagingStudy")]
    assert len(set(uids)) == len(uids) == 400
    assert all(uid.startswith("urn:oid:2.25.") for uid in uids)


def test_the_inbox_holds_faxes_of_which_nobody_has_said_whose_they_are(charts):
    tasks = [task for task in of_kind(charts, "Task") if task["code"]["coding"][0]["code"] == "change"]
    assert len(tasks) == 40
    resources = {entry["fullUrl"]: entry["resource"] for chart in charts for entry in chart}
    for task in tasks:
        fax = resources[task["focus"]["reference"]]
        assert "subject" not in fax
        assert resources[fax["content"][0]["attachment"]["url"]]["contentType"] == "application/pdf"


def test_charges_requests_to_payers_and_messages_wait(charts):
    assert {charge["status"] for charge in of_kind(charts, "ChargeItem")} == {"billable"}
    assert len(list(of_kind(charts, "ChargeItem"))) == 100
    assert {claim["use"] for claim in of_kind(charts, "Claim")} == {"preauthorization"}
    assert len(list(of_kind(charts, "Claim"))) == 40
    assert len(list(of_kind(charts, "Communication"))) == 100


def test_a_chart_stays_small_enough_to_seed_quickly(charts):
    sizes = [len(chart) for chart in charts]
    assert 18 < sum(sizes) / len(sizes) <= 22
    assert max(sizes) < 40


def test_where_the_target_holds_no_beds_inpatients_are_just_nowhere(hospital: SitePopulation):
    stays = of_class([write_chart(hospital, 0, "o", IDS)], "IMP", "in-progress")
    assert len(stays) == 1
    assert "location" not in stays[0]


@pytest.mark.parametrize(
    ("persona", "kind"),
    [
        ("biller", "Procedure"),
        ("biller", "ChargeItem"),
        ("radiologist", "ImagingStudy"),
        ("prior-authorization-specialist", "Claim"),
    ],
)
def test_what_one_kind_of_staff_looks_for_is_not_made_without_them(persona: str, kind: str):
    staff = {name: heads for name, heads in STAFF.items() if name != persona}
    without = site_population(7, "river", "en_US", 40, staff, DAY)
    assert not list(of_kind([write_chart(without, ordinal, "o", IDS) for ordinal in range(40)], kind))
