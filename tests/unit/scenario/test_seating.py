"""The patients of a file as a server holds them: whose number counts, what is filled in, and what cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import NoPatients
from harness.scenario import resolve, staff_of
from harness.scenario.model import RunSpec, Scenario
from harness.scenario.patients_file import PatientRow, PatientsFile
from harness.scenario.seating import Seated, call_for, deal_staff, seat

OURS, THEIRS = "urn:mrn:ours", "urn:mrn:theirs"
MR = {"coding": [{"code": "MR"}]}


@pytest.fixture
def spec(quick_rush: Scenario) -> RunSpec:
    return resolve(quick_rush, sites=1, seed=7)


def row(line: int = 2, **values: str) -> PatientRow:
    empty = dict.fromkeys(("id", "identifier", "mrn", "family", "given", "birthdate"), "")
    return PatientRow(**{"line": line, "site": "river", **empty, "id": f"p{line}", **values})


def patient(id: str, *numbers: tuple[str, str], **more: Any) -> dict[str, Any]:
    identifiers = [{"system": system, "value": value} for system, value in numbers]
    return {"resourceType": "Patient", "id": id, "identifier": identifiers, **more}


def seated(spec: RunSpec, *pairs: tuple[PatientRow, list[dict[str, Any]]]) -> Seated:
    file = PatientsFile("mine.csv", tuple(one for one, _ in pairs))
    return seat(spec, file, {one.line: found for one, found in pairs}, "http://127.0.0.1/fhir")


def test_a_patient_is_asked_for_by_id_or_else_by_identifier() -> None:
    assert call_for(row(id="a.b", identifier="urn:x|1")).path == "Patient/a.b"
    assert call_for(row(id="", identifier="urn:x|1")).path == "Patient?identifier=urn:x%7C1&_count=2"


def test_what_the_file_leaves_open_is_as_the_server_has_it(spec: RunSpec) -> None:
    name = [{"family": "Held", "given": ["Ann", "B."]}]
    there = patient("p2", (OURS, "17"), name=name, birthDate="1980-02-29")
    (known,) = seated(spec, (row(given="Anna"), [there])).patients["river"]
    assert (known.id, known.mrn, known.family, known.given, known.birthdate) == (
        *("p2", "17", "Held", "Anna"),
        "1980-02-29",
    )


@pytest.mark.parametrize(
    ("asked", "system", "counts"),
    [
        ({}, None, THEIRS),  # typed as a medical record number
        ({}, OURS, OURS),  # the site says which
        ({"mrn": "17"}, None, OURS),
        ({"id": "", "identifier": f"{OURS}|17"}, None, OURS),
    ],
)
def test_the_record_number_that_counts(asked: dict[str, str], system: str | None, counts: str, spec: RunSpec) -> None:
    there = patient("p2", (OURS, "17"))
    there["identifier"].append({"system": THEIRS, "value": "99", "type": MR})
    site = spec.sites[0].model_copy(update={"identifier_system": system})
    spec = spec.model_copy(update={"sites": (site,)})
    found = seated(spec, (row(**asked), [there]))
    assert found.systems == {"river": counts}
    assert found.settle(spec).sites[0].identifier_system == counts


def test_lines_that_cannot_be_used_are_listed_by_number(spec: RunSpec) -> None:
    nobody = [(row(line), []) for line in range(4, 14)]
    with pytest.raises(NoPatients) as wrong:
        seated(
            spec,
            (row(2, family="Secret"), [patient("p2")]),
            (row(3, id="", identifier="urn:a|1"), [patient("a", (OURS, "1")), patient("b", (OURS, "1"))]),
            *nobody,
        )
    lines = str(wrong.value).splitlines()
    assert lines[0] == "http://127.0.0.1/fhir: 12 of the 12 patients of mine.csv cannot be used"
    assert lines[1:4] == [
        "    line 2: its Patient has no record number",
        "    line 3: more than one Patient has that identifier",
        "    line 4: there is no such Patient",
    ]
    assert lines[-1] == "    and 4 more lines"
    assert "Secret" not in str(wrong.value)


def test_a_number_that_is_not_the_servers_is_wrong(spec: RunSpec) -> None:
    with pytest.raises(NoPatients, match="line 2: its Patient has another record number"):
        seated(spec, (row(mrn="18"), [patient("p2", (OURS, "17"))]))


def test_one_patient_found_in_two_ways_is_one_patient(spec: RunSpec) -> None:
    there = patient("p2", (OURS, "17"))
    with pytest.raises(NoPatients, match="line 3: the same Patient as on line 2"):
        seated(spec, (row(2), [there]), (row(3, id="", identifier=f"{OURS}|17"), [there]))


def test_a_sites_numbers_are_of_one_system(spec: RunSpec) -> None:
    with pytest.raises(NoPatients, match=r"of 2 systems: urn:mrn:ours \(line 2\), urn:mrn:theirs \(line 3\)"):
        seated(spec, (row(2), [patient("p2", (OURS, "1"))]), (row(3), [patient("p3", (THEIRS, "2"))]))


def test_staff_that_is_there_stands_for_everybody(spec: RunSpec) -> None:
    site = spec.sites[0]
    dealt = deal_staff(spec, ["a", "b", "c"])[site.name]
    assert {persona: len(ids) for persona, ids in dealt.items()} == {
        persona: min(people, 3) for persona, people in staff_of(spec.scenario, site).items()
    }
    assert {one for ids in dealt.values() for one in ids} == {"a", "b", "c"}
    assert all(len(set(ids)) == len(ids) for ids in dealt.values())
    assert not any(deal_staff(spec, [])[site.name].values())
