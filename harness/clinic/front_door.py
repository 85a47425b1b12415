"""Whoever comes by herself: the emergency department's entrance, and a clinic's kiosk for those without appointment."""

from __future__ import annotations

from datetime import timedelta

from harness.clinic.charting import allergies, measured, reference_to
from harness.clinic.clinician import Clinician
from harness.clinic.identity import new_record
from harness.clinic.register import KnownPatient
from harness.clinic.registry import workflow
from harness.fhir import requests, resources

NEXT_VISIT = timedelta(days=1)
"""How far ahead a kiosk books (assumption)."""
VISIT = timedelta(minutes=20)
"""As visits are seeded (assumption)."""
ALIAS_FAMILY = "Unknown"
"""The family name of those who cannot say who they are, until somebody can (assumption)."""


@workflow(
    "emergency-arrival",
    lane="scheduling",
    needs=("Patient?birthdate&name", "Encounter.create", "AllergyIntolerance?patient", "Observation.create", "batch"),
)
def arrive_at_emergency(entrance: Clinician) -> None:
    """Somebody comes to the emergency department: find her quickly, open the visit, triage with vital signs."""
    patient = entrance.next_patient()
    entrance.think("name and birthdate")
    entrance.find_patient(patient, birthdate=patient.birthdate, name=patient.family)
    entrance.think("what has happened")
    allergies(entrance, patient)
    triage(entrance, patient.id)


@workflow(
    "unknown-arrival",
    lane="scheduling",
    needs=(
        "Patient.create.conditional",
        "Encounter.create",
        "Observation.create",
        "batch",
    ),
)
def arrive_unknown(entrance: Clinician) -> None:
    """Somebody is brought in who cannot say who she is: a record under an alias, the visit, triage with vital signs."""
    nobody = entrance.newcomer()
    told = new_record(nobody, entrance)
    alias = {
        "resourceType": "Patient",
        "identifier": told["identifier"],
        "active": True,
        "name": [{"use": "temp", "family": ALIAS_FAMILY, "given": [nobody.mrn]}],
    }
    entrance.think("nobody knows her name")
    record = entrance.create(alias, if_none_exist=f"identifier={entrance.mrn(nobody.mrn)}")
    triage(entrance, record["id"])


@workflow(
    "walk-in-visit",
    lane="scheduling",
    needs=("Patient?identifier", "Coverage?patient", "Encounter.create"),
)
def come_without_appointment(kiosk: Clinician) -> None:
    """At the kiosk: scan the card, confirm the insurance, be put on today's list."""
    patient = scan_card(kiosk)
    kiosk.think("confirm the insurance, say what it is about")
    kiosk.create(
        resources.encounter(
            reference_to(patient), status="in-progress", start=kiosk.now, organization=kiosk.organization
        )
    )


@workflow(
    "kiosk-booking",
    lane="scheduling",
    needs=("Patient?identifier", "Coverage?patient", "Appointment?patient", "Appointment.create"),
)
def book_at_kiosk(kiosk: Clinician) -> None:
    """At the kiosk: scan the card, confirm the insurance, see what is booked already, book the next free time."""
    patient = scan_card(kiosk)
    kiosk.think("confirm the insurance")
    kiosk.search("Appointment", patient=patient, _sort="date", _count="20")
    kiosk.think("choose a time")
    start = kiosk.now + NEXT_VISIT
    kiosk.create(
        resources.appointment(reference_to(patient), "", start=start, end=start + VISIT, reason="Booked at the kiosk")
    )


def scan_card(kiosk: Clinician) -> KnownPatient:
    """Whoever stands at the kiosk: looked up by the card, her insurance on the screen."""
    patient = kiosk.next_patient()
    kiosk.think("scan the card")
    kiosk.find_patient(patient, identifier=kiosk.mrn(patient.mrn))
    kiosk.think("confirm name and address")
    kiosk.search("Coverage", patient=patient, at_least=1, _count="10")
    return patient


def triage(entrance: Clinician, patient: str) -> None:
    """Open the visit, say how urgent it is, measure."""
    visit = entrance.create(
        resources.encounter(
            reference_to(patient),
            status="in-progress",
            start=entrance.now,
            organization=entrance.organization,
            kind="EMER",
        )
    )
    entrance.think("how urgent it is")
    entrance.think("measure blood pressure, pulse, breathing, temperature, oxygen saturation")
    signs = measured(entrance, patient, f"Encounter/{visit['id']}")
    entrance.batch("triage", [requests.entry(sign) for sign in signs])
