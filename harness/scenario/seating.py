"""The patients of a file as their server holds them: whose record number counts, and what the file left open.

    row (id or identifier) ──asked for──▶ Patient ──▶ KnownPatient: as the file says, else as the server does

All record numbers of a site are of one system, since its clinicians write them as `system|value`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Final

from harness.clinic.register import KnownPatient, SiteRegister
from harness.errors import NoPatients
from harness.fhir import requests
from harness.fhir.call import Call
from harness.scenario.model import RunSpec, Site
from harness.scenario.patients_file import PatientRow, PatientsFile
from harness.scenario.staff import staff_of
from harness.units import count_text

__all__ = ["Seated", "call_for", "deal_staff", "seat"]

Resource = Mapping[str, Any]

SHOWN: Final = 8
"""Lines that an error lists; how many more there are is said."""
_MEDICAL_RECORD: Final = "MR"
"""HL7 v2 table 0203."""


@dataclass(frozen=True)
class Seated:
    """Each site's patients, in the order of the file, and the system of their record numbers."""

    patients: Mapping[str, tuple[KnownPatient, ...]]
    systems: Mapping[str, str]

    def settle(self, spec: RunSpec) -> RunSpec:
        """The run with the systems that were found."""
        sites = (site.model_copy(update={"identifier_system": self.systems[site.name]}) for site in spec.sites)
        return spec.model_copy(update={"sites": tuple(sites)})

    def registers(self, spec: RunSpec, practitioners: Sequence[str], organization: str) -> dict[str, SiteRegister]:
        """Who the load works with, with the staff and the Organization that the server has, if any."""
        staff = deal_staff(spec, practitioners)
        return {
            site: SiteRegister(known, staff[site], organization, seeded=False) for site, known in self.patients.items()
        }


def call_for(row: PatientRow) -> Call:
    """How the patient of `row` is asked for: by id where there is one, else by identifier."""
    if row.id:
        return requests.read("Patient", row.id)
    return requests.search("Patient", "", {"identifier": row.identifier, "_count": "2"})


def seat(spec: RunSpec, file: PatientsFile, found: Mapping[int, Sequence[Resource]], whose: str) -> Seated:
    """The patients of `file` at their sites; `found` is line → Patients that the server gave.

    `whose` names the server. Raises NoPatients with the lines whose patient cannot be worked with; no person is named.
    """
    wrong: list[tuple[int, str]] = []
    lines: dict[str, int] = {}
    numbers: dict[str, dict[int, tuple[str, str]]] = {site.name: {} for site in spec.sites}
    own = {site.name: site.identifier_system or "" for site in spec.sites}
    for row in file.rows:
        there = found[row.line]
        number = _record_number(row, there[0], own[row.site]) if len(there) == 1 else None
        first = lines.setdefault(str(there[0]["id"]), row.line) if number is not None else row.line
        if number is None:
            wrong.append((row.line, _what_is_wrong(row, there, own[row.site])))
        elif first != row.line:
            wrong.append((row.line, f"the same Patient as on line {first}"))
        else:
            numbers[row.site][row.line] = number
    if wrong:
        listed = "".join(f"\n    line {line}: {why}" for line, why in wrong[:SHOWN])
        more = f"\n    and {count_text(len(wrong) - SHOWN, 'more line')}" if len(wrong) > SHOWN else ""
        what = f"{whose}: {len(wrong):,} of the {count_text(len(file.rows), 'patient')} of {file.name} cannot be used"
        raise NoPatients(
            what + listed + more, "Only reads and searches were sent. Mend those lines, or leave them out."
        )
    systems = {site.name: _one_system(site, numbers[site.name], file.name) for site in spec.sites}
    rows = {row.line: row for row in file.rows}
    return Seated(
        {
            site: tuple(_known(rows[line], found[line][0], number) for line, (_, number) in at_site.items())
            for site, at_site in numbers.items()
        },
        systems,
    )


def deal_staff(spec: RunSpec, practitioners: Sequence[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Site → persona → ids of Practitioners, dealt out over all staff; nobody where the server has none.

    Where there are fewer of them than staff, some stand for several.
    """
    deck = cycle(practitioners)
    return {
        site.name: {
            persona: tuple(islice(deck, min(people, len(practitioners))))
            for persona, people in staff_of(spec.scenario, site).items()
        }
        for site in spec.sites
    }


def _record_number(row: PatientRow, patient: Resource, system: str) -> tuple[str, str] | None:
    """(system, value) of the record number that counts; None where the Patient has no such one.

    Of the site's `system` where it names one, else as the file says, else the one that is typed as a medical record
    number, else the first.
    """
    held = [
        (str(one["system"]), str(one["value"]), _is_medical_record(one))
        for one in patient.get("identifier", ())
        if one.get("system") and one.get("value")
    ]
    wanted = [
        (of, value, typed)
        for of, value, typed in held
        if (not system or of == system) and (not row.mrn or value == row.mrn)
    ]
    if row.identifier and not system and not row.mrn:
        wanted = [one for one in wanted if f"{one[0]}|{one[1]}" == row.identifier]
    return next(((of, value) for of, value, _ in sorted(wanted, key=lambda one: not one[2])), None)


def _is_medical_record(identifier: Resource) -> bool:
    return any(coding.get("code") == _MEDICAL_RECORD for coding in identifier.get("type", {}).get("coding", ()))


def _what_is_wrong(row: PatientRow, there: Sequence[Resource], system: str) -> str:
    if not there:
        return "there is no such Patient"
    if len(there) > 1:
        return "more than one Patient has that identifier"
    of = f" of the system {system}" if system else ""
    return f"its Patient has {'another' if row.mrn else 'no'} record number{of}"


def _one_system(site: Site, numbers: Mapping[int, tuple[str, str]], name: str) -> str:
    lines: dict[str, int] = {}
    for line, (system, _) in numbers.items():
        lines.setdefault(system, line)
    if len(lines) > 1:
        shown = ", ".join(f"{system} (line {line})" for system, line in list(lines.items())[:3])
        raise NoPatients(
            f"{name}: the patients of site '{site.name}' have record numbers of {len(lines)} systems: {shown}",
            "Say which one counts there: `identifier_system` of the site, or find all by an `identifier` of it.",
        )
    return next(iter(lines))


def _known(row: PatientRow, patient: Resource, number: str) -> KnownPatient:
    names = patient.get("name") or [{}]
    given = names[0].get("given") or [""]
    return KnownPatient(
        id=str(patient["id"]),
        mrn=number,
        family=row.family or str(names[0].get("family", "")),
        given=row.given or str(given[0]),
        birthdate=row.birthdate or str(patient.get("birthDate", "")),
    )
