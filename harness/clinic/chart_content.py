"""What stands in every chart: who she is, what was before, which results there are, and what is going on today."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Literal

from harness.clinic.chart import Chart
from harness.fhir import codes, resources
from harness.population.identity import PatientIdentity

__all__ = ["patient_resource", "write_history", "write_patient", "write_results", "write_today"]

Resource = dict[str, Any]

_HEADINGS: Final = ("Reason for visit", "History", "Examination", "Assessment", "Plan")
_PHRASES: Final = (
    "Seen for routine follow-up.",
    "No new complaints since the last visit.",
    "Takes medication as prescribed, no side effects reported.",
    "Alert, in no distress.",
    "Lungs clear, heart sounds regular, no oedema.",
    "Laboratory results reviewed with the patient.",
    "Continue current treatment.",
    "Return in three months, earlier if symptoms change.",
    "Advised on diet and daily exercise.",
    "Repeat the basic metabolic panel before the next visit.",
)
_FIRST_VISIT: Final = timedelta(hours=8)
_VISIT: Final = timedelta(minutes=20)
_VISITS_A_DAY: Final = 25
"""What a primary-care physician's day holds (assumption); with more patients, two are booked for one time."""
_LONGEST_STAY_DAYS: Final = 5
"""So long ago at most somebody was admitted who is on a ward now. source: assumption"""


def patient_resource(site: str, who: PatientIdentity, organization: str = "", identifier_system: str = "") -> Resource:
    """`who` as a Patient of `site`; `organization` is a reference, `identifier_system` that of its record numbers."""
    place = who.address
    return resources.patient(
        site,
        who.mrn,
        family=who.family,
        given=who.given,
        gender=who.gender,
        birthdate=who.birthdate,
        address=resources.Address(place.line, place.city, place.state, place.postal_code, place.country),
        phone=who.phone,
        managing_organization=organization,
        identifier_system=identifier_system,
    )


def write_patient(chart: Chart) -> PatientIdentity:
    population = chart.population
    who = population.patient(chart.ordinal)
    patient = patient_resource(population.site, who, chart.organization, population.mrn_system)
    chart.entries.append(population.entry(patient, "patient", chart.ordinal))
    return who


def write_history(chart: Chart, who: PatientIdentity) -> str:
    """Plan, problems, allergies, drugs and a note; a reference to the plan."""
    patient, by, draws = chart.patient, chart.physician, chart.draws
    since = chart.population.day - timedelta(days=400 + draws.integer(2000))
    plan = resources.coverage(patient, payer="Synthetic Health Plan", member=f"M-{who.mrn}", start=since)
    coverage = chart.add(plan)
    for problem in chart.some(codes.PROBLEMS, 1, 3):
        chart.add(resources.condition(patient, problem, recorded=since, recorder=by))
    for allergen in chart.some(codes.ALLERGENS, 0, 2):
        reaction = draws.choose(codes.ALLERGY_REACTIONS)
        chart.add(resources.allergy(patient, allergen, recorded=since, reaction=reaction, recorder=by))
    setting: Literal["outpatient", "inpatient"] = "inpatient" if chart.where == "ward" else "outpatient"
    for drug in chart.some(codes.MEDICATIONS, 1, 3):
        ordered = chart.days_ago(10, 300)
        chart.add(resources.medication_request(patient, drug, requester=by, authored=ordered, setting=setting))
    chart.add(
        resources.document_reference(
            patient,
            draws.choose(codes.NOTE_TYPES),
            _note(chart),
            author=by,
            at=chart.days_ago(20, 200),
            custodian=chart.organization,
        )
    )
    return coverage


def write_results(chart: Chart) -> None:
    """Potassium and one more from this morning's round, two older ones, and the last blood pressure."""
    others = chart.some([lab for lab in codes.LABS if lab is not codes.POTASSIUM], 3, 3)
    for number, lab in enumerate((codes.POTASSIUM, *others)):
        at = chart.this_morning() if number < 2 else chart.days_ago(20, 300)
        value = chart.between(lab, beyond=0.2)
        chart.add(resources.lab_observation(chart.patient, lab, value, at=at, performer=chart.organization))
    taken = resources.vital_signs(
        chart.patient,
        at=chart.days_ago(20, 200),
        systolic=chart.between(codes.SYSTOLIC),
        diastolic=chart.between(codes.DIASTOLIC),
        heart_rate=chart.between(codes.HEART_RATE) if chart.draws.chance(0.5) else None,
    )
    for sign in taken:
        chart.add(sign)


def write_today(chart: Chart) -> str:
    """The visit or stay of today and a laboratory order that waits to be done; a reference to the former."""
    visit = _appointment_and_visit(chart) if chart.where == "home" else _stay(chart)
    chart.add(
        resources.service_request(
            chart.patient,
            chart.draws.choose(codes.LAB_PANELS),
            requester=chart.physician,
            performer=chart.organization,
            authored=chart.this_morning(),
        )
    )
    return visit


def _appointment_and_visit(chart: Chart) -> str:
    """The appointment, and the visit that comes of it or has begun."""
    dealt = len(chart.physicians) or 1
    at = chart.midnight + _FIRST_VISIT + chart.turn // dealt % _VISITS_A_DAY * _VISIT
    status: Literal["planned", "in-progress"] = "in-progress" if chart.draws.chance(0.5) else "planned"
    booked = resources.appointment(chart.patient, chart.physician, start=at, end=at + _VISIT, reason="Follow-up visit")
    chart.add(booked)
    return chart.add(
        resources.encounter(
            chart.patient, status=status, start=at, practitioner=chart.physician, organization=chart.organization
        )
    )


def _stay(chart: Chart) -> str:
    """On a ward for some days, or in the emergency department since last evening; there some wait for a bed."""
    on_ward = chart.where == "ward"
    return chart.add(
        resources.encounter(
            chart.patient,
            status="in-progress",
            start=chart.days_ago(1, _LONGEST_STAY_DAYS) if on_ward else chart.last_evening(),
            practitioner=chart.physician,
            organization=chart.organization,
            kind="IMP" if on_ward or chart.awaits_bed else "EMER",
            bed=chart.bed,
        )
    )


def _note(chart: Chart) -> str:
    return "\n\n".join(f"{heading}\n{' '.join(chart.some(_PHRASES, 3, 6))}" for heading in _HEADINGS)
