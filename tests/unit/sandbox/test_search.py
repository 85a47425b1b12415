"""Searches: parameters, modifiers, order, pages, includes."""

from __future__ import annotations

import pytest

from harness.sandbox import search
from harness.sandbox.query import parse_query


@pytest.fixture
def clinic(bench, fixture_resource):
    """The hand-written resources under the ids that they use for each other."""
    bench.put("Patient/river-417", {**fixture_resource("patient"), "id": "river-417"})
    bench.put("Encounter/river-visit-1", fixture_resource("encounter"))
    for name, resource_id in (
        ("observation-lab", "lab"),
        ("observation-vital-signs", "vitals"),
        ("medication-request", "order"),
        ("appointment", "booked"),
    ):
        resource = {**fixture_resource(name), "id": resource_id}
        assert bench.put(f"{resource['resourceType']}/{resource_id}", resource).status_code == 201
    return bench


CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


@pytest.mark.parametrize(
    "criteria",
    [
        "Patient?_id=river-417",
        "Patient?_tag=urn:emr-load-harness:tag|synthetic",
        "Patient?_profile=http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient",
        "Patient?_lastUpdated=gt2020-01-01",
        "Patient?identifier=urn:emr-load-harness:mrn:river|R-000417",
        "Patient?identifier=R-000417",
        "Patient?identifier=urn:emr-load-harness:mrn:river|",
        "Patient?name=rosa",
        "Patient?name=INÉS",
        "Patient?name=o'mal",
        "Patient?family=ferreira",
        "Patient?family:exact=Ferreira Ñandú",
        "Patient?family:contains=nandu",
        "Patient?given=Ines&birthdate=1954-07-03&gender=female",
        "Patient?birthdate=1954",
        "Patient?birthdate=ge1954-07&birthdate=lt1954-08",
        "Patient?gender=male,female",
        "Patient?gender=|female",
        "Patient?gender:not=male",
        "Patient?phone=555-0142",
        "Patient?telecom=rosalia@example.org",
        "Patient?address=12 w,nowhere",
        "Patient?address=12 Willow",
        "Patient?address-city=springfield",
        "Patient?active=true",
        "Patient?death-date:missing=true",
        "Patient?birthdate:missing=false",
        "Encounter?patient=river-417&status=in-progress&class=AMB",
        "Encounter?date=ge2027",
        "Encounter?participant=Practitioner/river-physician-1&service-provider=Organization/river",
        "Encounter?practitioner=river-physician-1",
        f"Observation?patient=river-417&category={CATEGORY}|laboratory&code=http://loinc.org|2823-3",
        "Observation?subject=Patient/river-417&category=laboratory",
        "Observation?subject:Patient=river-417&category=laboratory",
        "Observation?patient=http://testserver:8080/fhir/Patient/river-417&category=laboratory",
        "Observation?code=2823-3&date=2026-11-22",
        "Observation?date=2026-11-22T11:40:00Z",
        "Observation?date=sa2026-11-22T12:00&encounter=river-visit-1",
        "Observation?date=eb2026-11-22T15:00:00Z",
        "Observation?date=ne2026-11-22T15:05",
        "Observation?component-code=http://loinc.org|8480-6",
        "Observation?combo-code=8462-4",
        "Observation?patient.identifier=R-000417&code=2823-3",
        "Observation?subject:Patient.name=rosa&category=vital-signs",
        "Observation?patient.gender:not=male&category=vital-signs",
        "Observation?encounter.patient.name=rosa&status=final",
        "MedicationRequest?patient=river-417&intent=order&status=active&authoredon=le2026-11-22",
        "MedicationRequest?code=http://www.nlm.nih.gov/research/umls/rxnorm|314076",
        "Appointment?practitioner=river-physician-1&date=2026-11-22&status=booked,arrived",
        "Appointment?location=Location/river-room-4&patient=Patient/river-417",
        "Appointment?actor=Practitioner/river-physician-1",
    ],
)
def test_what_should_be_found_is_found(clinic, criteria):
    assert len(clinic.found(criteria)) == 1


@pytest.mark.parametrize(
    "criteria",
    [
        "Patient?_id=nobody",
        "Patient?identifier=urn:somebody-else|R-000417",
        "Patient?identifier=|R-000417",
        "Patient?family:exact=ferreira ñandú",
        "Patient?name=alia",
        "Patient?gender:not=female",
        "Patient?gender=Female",
        "Patient?birthdate=1954-07-04",
        "Patient?birthdate=gt1954-07-03",
        "Patient?birthdate=lt1954-07-03",
        "Patient?phone=rosalia@example.org",
        "Patient?_lastUpdated=lt2020-01-01",
        "Patient?birthdate:missing=true",
        "Encounter?date=lt2026-11-22T14:50:00Z",
        "Encounter?practitioner=river-417",
        "Observation?patient=river-418",
        "Observation?subject:Practitioner=river-417",
        "Observation?patient=http://elsewhere/Unicorn/river-417",
        "Observation?date=2026-11-22T11:41",
        "Observation?patient.identifier=R-000418",
        "Observation?patient=river-417&category=laboratory&category=vital-signs",
        "MedicationRequest?status=active&status=stopped",
        "Appointment?date=2026-11-23",
    ],
)
def test_what_should_not_be_found_is_not_found(clinic, criteria):
    assert clinic.found(criteria) == []


@pytest.mark.parametrize(
    ("criteria", "reason"),
    [
        ("Patient?nmae=x", "did you mean 'name'"),
        ("Patient?gender:text=x", "it has not, missing"),
        ("Patient?_id:not=x", "it has none"),
        ("Patient?gender:missing=maybe", "true or false"),
        ("Patient?birthdate=yesterday", "not a FHIR date"),
        ("Patient?birthdate=1954-13-01", "a date in the search is wrong"),
        ("Patient?birthdate=ap1954", "not a FHIR date"),
        ("Patient?name=", "no value"),
        ("Patient?_count=many", "whole number"),
        ("Patient?_sort=shoe-size", "no search parameter 'shoe-size'"),
        ("Patient?_summary=text", "count, false"),
        ("Patient?_total=perhaps", "accurate"),
        ("Patient?_format=xml", "json"),
        ("Patient?_include=*", "TYPE:PARAMETER"),
        ("Patient?_include=Observation:patient", "TYPE:PARAMETER"),
        ("Patient?_include=Patient:gender", "no reference"),
        ("Patient?_revinclude=Unicorn:patient", "TYPE:PARAMETER"),
        ("Patient?gender.name=x", "no reference"),
        ("Observation?subject.name=x", "say which type"),
        ("Observation?medication.code=x", "no search parameter 'medication'"),
        ("MedicationRequest?medication.code=x", "say which type"),
        ("Patient?_page=abc", "opaque"),
    ],
)
def test_what_the_server_does_not_know_is_refused_and_explained(bench, criteria, reason):
    assert reason in bench.refused(criteria, 400)


def test_a_value_may_hold_the_signs_that_separate_values(bench):
    bench.put("Location/ward", {"resourceType": "Location", "id": "ward", "name": "Ward 3, east"})
    assert bench.found(r"Location?name=ward 3\, east") == ["ward"]
    assert bench.found("Location?name:exact=Ward 3, east") == []


def test_only_people_are_found_as_patients_of_what_may_be_about_a_group(bench, observation):
    of_group = bench.create(observation(subject={"reference": "Group/p1"}))
    assert bench.found("Observation?patient=p1") == []
    assert bench.found("Observation?patient=Group/p1") == []
    assert bench.found("Observation?subject=Group/p1") == [of_group]


def test_order_follows_the_keys_asked_for(bench, observation):
    ids = {
        name: bench.create(observation(when=when, code=code))
        for name, when, code in [
            ("old", "2026-11-20", "b"),
            ("new", "2026-11-22T09:00:00Z", "a"),
            ("middle", "2026-11-21", "b"),
        ]
    }
    undated = bench.create({k: v for k, v in observation(code="c").items() if k != "effectiveDateTime"})
    names = {resource_id: name for name, resource_id in ids.items()} | {undated: "undated"}

    def order(keys):
        return [names[each] for each in bench.found(f"Observation?_sort={keys}")]

    assert order("date") == ["old", "middle", "new", "undated"]
    assert order("-date") == ["new", "middle", "old", "undated"]
    assert order("code,-date") == ["new", "middle", "old", "undated"]
    assert order("-code,date") == ["undated", "old", "middle", "new"]
    assert order("_lastUpdated,_id") == ["old", "new", "middle", "undated"]
    assert order("-_id") == [names[each] for each in sorted(names, reverse=True)]


def test_the_latest_value_is_the_one_written_last_when_times_are_equal(bench, observation):
    bench.create(observation())
    last = bench.create(observation())
    assert bench.found("Observation?patient=p1&code=2823-3&_sort=-date&_count=1") == [last]


def test_a_search_sees_the_current_version_only(bench, observation):
    resource_id = bench.create(observation(code="a"))
    bench.put(f"Observation/{resource_id}", {**observation(code="b"), "id": resource_id})
    assert bench.found("Observation?code=a") == []
    assert bench.found("Observation?code=b") == [resource_id]


def pages_of(bench, path):
    bundles = [bench.get(path).json()]
    while link := next((link["url"] for link in bundles[-1]["link"] if link["relation"] == "next"), ""):
        assert link.startswith("http://testserver:8080/fhir/Observation?")
        bundles.append(bench.client.request("GET", link).json())
    return bundles


def test_pages_stay_as_they_were_while_others_write(bench, observation):
    ids = [bench.create(observation(when=f"2026-11-{day:02d}")) for day in range(1, 11)]
    first = bench.get("Observation?_sort=-date&_count=4").json()
    link = next(link["url"] for link in first["link"] if link["relation"] == "next")
    bench.create(observation(when="2026-11-30"))
    bench.delete(f"Observation/{ids[4]}")
    second = bench.client.request("GET", link).json()
    assert [entry["resource"]["id"] for entry in second["entry"]] == [ids[5], ids[3], ids[2]]
    assert second["total"] == first["total"] == 10


def test_every_page_is_full_but_the_last(bench, observation):
    for _ in range(7):
        bench.create(observation())
    assert [len(bundle["entry"]) for bundle in pages_of(bench, "Observation?_count=3")] == [3, 3, 1]
    assert [len(bundle["entry"]) for bundle in pages_of(bench, "Observation?_count=7")] == [7]


def test_a_page_link_that_is_unknown_expired_or_of_another_type_is_gone(bench, observation, monkeypatch):
    for _ in range(3):
        bench.create(observation())
    link = bench.get("Observation?_count=1").json()["link"][1]["url"]
    assert bench.client.request("GET", link).status_code == 200
    assert bench.client.request("GET", link.replace("Observation", "Patient")).status_code == 410
    assert (
        bench.client.request(
            "GET", "http://testserver:8080/fhir/Observation?_page=feedfeedfeedfeed&_offset=1"
        ).status_code
        == 410
    )


def test_counting_alone_sends_no_entries(bench, observation):
    for code in ("a", "b", "b"):
        bench.create(observation(code=code))
    for path in ("Observation?code=b&_summary=count", "Observation?code=b&_count=0"):
        bundle = bench.get(path).json()
        assert (bundle["total"], "entry" in bundle) == (2, False)
    assert bench.get("Observation?_summary=count").json()["total"] == 3
    assert "total" not in bench.get("Observation?_total=none").json()


def test_included_resources_come_once_and_are_marked(clinic):
    bundle = clinic.get("Observation?_include=Observation:patient&_include=Observation:encounter").json()
    modes = [(entry["resource"]["resourceType"], entry["search"]["mode"]) for entry in bundle["entry"]]
    assert sorted(modes) == [
        ("Encounter", "include"),
        ("Observation", "match"),
        ("Observation", "match"),
        ("Patient", "include"),
    ]
    assert bundle["total"] == 2
    narrowed = clinic.get("Appointment?_include=Appointment:actor:Patient").json()
    assert [entry["resource"]["resourceType"] for entry in narrowed["entry"]] == ["Appointment", "Patient"]


def test_what_points_at_a_match_can_be_included(clinic):
    bundle = clinic.get("Patient?_revinclude=Observation:patient&_revinclude=Encounter:subject").json()
    assert sorted(entry["resource"]["id"] for entry in bundle["entry"][1:]) == ["lab", "river-visit-1", "vitals"]


def test_a_search_may_be_posted(clinic):
    answer = clinic.client.request("POST", "/fhir/Patient/_search?gender=female", data={"name": "rosa"})
    assert answer.json()["total"] == 1


def test_a_long_search_beside_the_event_loop_finds_the_same(clinic, monkeypatch):
    quick = clinic.found("Observation?patient=river-417&_sort=-date")
    monkeypatch.setattr(search, "MOST_CANDIDATES_AT_ONCE", 0)
    assert clinic.found("Observation?patient=river-417&_sort=-date") == quick == ["vitals", "lab"]


def test_the_most_selective_criterion_leads_the_search(bench, observation):
    for number in range(60):
        bench.create(observation(code=f"c{number}"))

    def first_step(text):
        query = parse_query("Observation", [tuple(pair.split("=")) for pair in text.split("&")])
        session = bench.store.reader
        plan = search.plan_search(session, query)
        steps = session.connection.execute(f"EXPLAIN QUERY PLAN SELECT r.rid {plan.rows}", plan.arguments)
        return next(row[3] for row in steps if row[3].startswith(("SEARCH", "SCAN")))

    assert first_step("status=final&patient=p1&code=c7") == "SEARCH token USING PRIMARY KEY (parameter=? AND key=?)"
    assert first_step("status=final&patient=p2") == "SEARCH reference USING PRIMARY KEY (parameter=? AND key=?)"
    assert first_step("date=ge2020&patient=p1") == "SEARCH reference USING PRIMARY KEY (parameter=? AND key=?)"
    assert first_step("date=ge2020") == "SEARCH date USING PRIMARY KEY (parameter=?)"
