"""The CapabilityStatement."""

from __future__ import annotations

import pytest


@pytest.fixture
def statement(bench):
    answer = bench.get("metadata")
    assert answer.headers["Content-Type"].startswith("application/fhir+json")
    return answer.json()


def test_the_server_says_that_it_speaks_r4_json(statement):
    assert (statement["resourceType"], statement["fhirVersion"], statement["kind"]) == (
        "CapabilityStatement",
        "4.0.1",
        "instance",
    )
    assert statement["implementation"]["url"] == "http://testserver:8080/fhir"
    assert {each["code"] for each in statement["rest"][0]["interaction"]} == {"transaction", "batch"}


def test_every_declared_search_parameter_can_be_used(bench, statement):
    """Each of them, with a value of its type: nothing is declared that is then refused."""
    values = {"token": "a", "reference": "Patient/a", "string": "a", "date": "2026"}
    for resource in statement["rest"][0]["resource"]:
        for parameter in resource["searchParam"]:
            path = f"{resource['type']}?{parameter['name']}={values[parameter['type']]}"
            answer = bench.get(path)
            assert answer.status_code == 200, (path, answer.text)


def test_every_declared_include_can_be_used(bench, statement):
    for resource in statement["rest"][0]["resource"]:
        includes = [f"_include={each}" for each in resource["searchInclude"]]
        includes += [f"_revinclude={each}" for each in resource["searchRevInclude"]]
        answer = bench.get(f"{resource['type']}?{'&'.join(includes)}")
        assert answer.status_code == 200, answer.text


def test_the_types_that_a_morning_rush_needs_are_there(statement):
    declared = {resource["type"]: resource for resource in statement["rest"][0]["resource"]}
    assert {
        "Patient",
        "Encounter",
        "Observation",
        "MedicationRequest",
        "Appointment",
        "Slot",
        "Coverage",
        "Task",
    } <= set(declared)
    observation = declared["Observation"]
    assert {each["code"] for each in observation["interaction"]} >= {"read", "vread", "search-type", "create", "update"}
    assert observation["conditionalCreate"] is True
    assert observation["conditionalUpdate"] is False
    assert {"_id", "_lastUpdated", "_tag", "identifier", "patient", "category", "code", "date", "status"} <= {
        each["name"] for each in observation["searchParam"]
    }
