"""Who is it? Finding a patient who is known, registering one who is not."""

from __future__ import annotations

from typing import Any

from harness.clinic.clinician import Clinician
from harness.clinic.registry import workflow
from harness.fhir import resources
from harness.fhir.systems import mrn_system
from harness.population.identity import PatientIdentity


@workflow("find-patient", lane="identity", needs=("Patient?birthdate&name", "Patient.read"))
def find_patient(clerk: Clinician) -> None:
    """Somebody calls: find the record by birthdate and name, and open it."""
    caller = clerk.next_patient()
    clerk.think("ask for name and birthdate")
    clerk.find_patient(caller, birthdate=caller.birthdate, name=caller.family)
    clerk.think("which of the namesakes")
    clerk.read("Patient", caller.id)


@workflow(
    "register-patient",
    lane="identity",
    needs=("Patient?birthdate&name", "Patient.create.conditional", "Coverage.create"),
)
def register_patient(clerk: Clinician) -> None:
    """Make sure that somebody new is not there already, take the data, create the record once and only once."""
    newcomer = clerk.newcomer()
    clerk.think("ask for name and birthdate")
    clerk.search("Patient", birthdate=newcomer.birthdate.isoformat(), name=newcomer.family, _count="20")
    for part in ("address", "phone", "language and next of kin"):
        clerk.think(f"ask for {part}")
    number = f"{mrn_system(clerk.post.site)}|{newcomer.mrn}"
    record = clerk.create(new_record(newcomer, clerk), if_none_exist=f"identifier={number}")
    clerk.think("copy the insurance card")
    clerk.create(
        resources.coverage(
            f"Patient/{record['id']}", payer=PAYER, member=f"M-{newcomer.mrn}", start=clerk.now.date().replace(day=1)
        )
    )
    clerk.think("print the wristband")


PAYER = "Example Health Plan"


def new_record(newcomer: PatientIdentity, clerk: Clinician) -> dict[str, Any]:
    """The Patient resource of somebody who was never here."""
    home = newcomer.address
    return resources.patient(
        clerk.post.site,
        newcomer.mrn,
        family=newcomer.family,
        given=newcomer.given,
        gender=newcomer.gender,
        birthdate=newcomer.birthdate,
        address=resources.Address(home.line, home.city, home.state, home.postal_code, home.country),
        phone=newcomer.phone,
        managing_organization=clerk.organization,
    )
