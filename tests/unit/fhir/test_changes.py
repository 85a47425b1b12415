"""What becomes of a resource on its way: the next step is added, what was there is kept, the argument is left alone."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, datetime, timedelta, timezone

import pytest

from harness.fhir import codes, resources
from harness.fhir.resources import changes

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=timezone(timedelta(hours=-5)))
LATER = NOW + timedelta(hours=2)
VISIT = {
    **resources.encounter("Patient/1", status="in-progress", start=NOW, kind="EMER"),
    "id": "9",
    "priority": "urgent",
}
BED = {**resources.bed("Ward 3, bed 12"), "id": "12"}


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda seen: changes.bed_with(seen, "O"), BED),
        (lambda seen: changes.task_with(seen, "accepted", LATER), {"status": "requested", "owner": {}}),
        (lambda seen: changes.admitted(seen, LATER), VISIT),
        (lambda seen: changes.in_bed(seen, "Location/12", LATER), VISIT),
        (changes.discharged_home, VISIT),
    ],
)
def test_a_change_keeps_what_it_does_not_touch_and_leaves_its_argument_alone(change, seen):
    before = deepcopy(seen)
    changed = change(seen)
    assert seen == before
    assert seen.keys() <= changed.keys()
    assert changed != seen


def test_an_admitted_patient_has_been_an_emergency_until_then():
    stay = changes.admitted(VISIT, LATER)
    assert stay["class"]["code"] == "IMP"
    (before,) = stay["classHistory"]
    assert before["class"]["code"] == "EMER"
    assert before["period"] == {"start": "2026-03-02T08:30:00-05:00", "end": "2026-03-02T10:30:00-05:00"}
    assert stay["status"] == "in-progress"


def test_who_is_moved_lies_in_one_bed_at_a_time():
    first = changes.in_bed(VISIT, "Location/12", NOW)
    second = changes.in_bed(first, "Location/13", LATER)
    assert [place["status"] for place in second["location"]] == ["completed", "active"]
    assert second["location"][0]["period"] == {"start": "2026-03-02T08:30:00-05:00", "end": "2026-03-02T10:30:00-05:00"}
    assert second["location"][1]["location"] == {"reference": "Location/13"}


def test_a_bed_is_unoccupied_until_somebody_lies_in_it():
    assert BED["operationalStatus"]["code"] == "U"
    assert changes.bed_with(BED, "O")["operationalStatus"]["display"] == "Occupied"
    assert BED["physicalType"]["coding"][0]["code"] == "bd"


def test_a_task_says_when_it_was_last_touched():
    task = resources.bed_request("Patient/1", "Encounter/9", authored=NOW, owner="Organization/3")
    assert task["focus"] == task["encounter"] == {"reference": "Encounter/9"}
    assert task["lastModified"] == "2026-03-02T08:30:00-05:00"
    assert changes.task_with(task, "completed", LATER)["lastModified"] == "2026-03-02T10:30:00-05:00"
    assert "requester" not in task


def test_a_stay_may_begin_in_a_bed():
    stay = resources.encounter("Patient/1", status="in-progress", start=NOW, kind="IMP", bed="Location/12")
    assert stay["location"][0]["status"] == "active"
    assert stay["class"]["code"] == "IMP"
    assert stay["type"][0]["coding"][0]["code"] == "32485007"
    assert "location" not in VISIT


def test_the_way_to_a_bed_is_ordered_apart_from_the_laboratory():
    order = resources.transport("Patient/1", authored=NOW, performer="Organization/3", to="Location/12")
    assert order["category"] == [order["code"]]
    assert order["category"][0]["coding"][0]["code"] != "108252007"
    assert order["locationReference"] == [{"reference": "Location/12"}]


def test_an_order_says_whether_it_is_for_somebody_who_stays():
    def setting(**chosen: str) -> str:
        order = resources.medication_request("Patient/1", codes.MEDICATIONS[0], requester="", authored=NOW, **chosen)
        return order["category"][0]["coding"][0]["code"]

    assert setting() == "outpatient"
    assert setting(setting="inpatient") == "inpatient"


def test_a_patients_number_may_be_one_of_a_system_that_the_site_had_before():
    ours, theirs = (
        resources.patient(
            "river", "1", family="Ng", given="An", gender="female", birthdate=date(1980, 2, 3), identifier_system=system
        )
        for system in ("", "urn:oid:1.2.3")
    )
    assert ours["identifier"][0]["system"] == "urn:emr-load-harness:mrn:river"
    assert theirs["identifier"][0]["system"] == "urn:oid:1.2.3"
