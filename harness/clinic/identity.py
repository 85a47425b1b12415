"""Who is it? Finding a patient who is known, registering one who is not."""

from __future__ import annotations

from typing import Any

from harness.clinic.clinician import Clinician
from harness.clinic.registry import workflow
from harness.fhir import resources
from harness.population.identity import PatientIdentity


@workflow("find-patient", lane="identity", needs=("Patient?birthdate&name", "Patient.read", "Appointment?patient"))
def find_patient(clerk: Clinician) -> None:
    """Somebody calls: find the record by birthdate and name, open it, say when the appointment is."""
    caller = clerk.next_patient()
    clerk.think("ask for name and birthdate")
    clerk.find_patient(caller, birthdate=caller.birthdate, name=caller.family)
    clerk.think("which of the namesakes")
    clerk.read("Patient", caller.id)
    clerk.search("Appointment", patient=caller, _sort="date", _count="20")


@workflow(
    "register-patient",
    lane="identity",
    needs=(
        "Patient?birthdate&name",
        "Patient.create.conditional",
        "Patient.update",
        "Coverage.create",
        "Patient.read",
    ),
)
def register_patient(clerk: Clinician) -> None:
    """Make sure that somebody new is not there already, create the record once and only once, complete it bit by bit.

    Each item is filed as it is told.
    """
    newcomer = clerk.newcomer()
    clerk.think("ask for name and birthdate")
    clerk.search("Patient", birthdate=newcomer.birthdate.isoformat(), name=newcomer.family, _count="20")
    clerk.think("ask for the address")
    told = new_record(newcomer, clerk)
    record = clerk.create(
        without(told, "telecom", "communication"), if_none_exist=f"identifier={clerk.mrn(newcomer.mrn)}"
    )
    clerk.think("ask for the phone")
    record = clerk.revise(record, lambda seen: {**seen, "telecom": told["telecom"]})
    clerk.think("ask for the language")
    record = clerk.revise(record, lambda seen: {**seen, "communication": told["communication"]})
    clerk.think("copy the insurance card")
    clerk.create(
        resources.coverage(
            f"Patient/{record['id']}", payer=PAYER, member=f"M-{newcomer.mrn}", start=clerk.now.date().replace(day=1)
        )
    )
    clerk.think("read it all again")
    clerk.read("Patient", record["id"])


PAYER = "Example Health Plan"
BCP_47 = "urn:ietf:bcp:47"
"""The system of language codes."""


def new_record(newcomer: PatientIdentity, clerk: Clinician) -> dict[str, Any]:
    """The Patient resource of somebody who was never here, complete with the language that is spoken at the site."""
    home = newcomer.address
    language = {"coding": [{"system": BCP_47, "code": clerk.post.locale.replace("_", "-")}]}
    record = resources.patient(
        clerk.post.site,
        newcomer.mrn,
        family=newcomer.family,
        given=newcomer.given,
        gender=newcomer.gender,
        birthdate=newcomer.birthdate,
        address=resources.Address(home.line, home.city, home.state, home.postal_code, home.country),
        phone=newcomer.phone,
        managing_organization=clerk.organization,
        identifier_system=clerk.post.mrn_system,
    )
    return {**record, "communication": [{"language": language, "preferred": True}]}


def without(record: dict[str, Any], *items: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in items}
