"""Interfaces: HL7 v2 messages of other systems, as the integration engine writes them in FHIR. Nobody thinks here.

ADT^A04 a visit is registered     Patient and Encounter, each only where it is not there yet    one transaction
ADT^A08 a record is corrected     Patient, in the version that was read
ORU^R01 results of a laboratory   DiagnosticReport and Observations                             one transaction
"""

from __future__ import annotations

from datetime import date
from typing import Any

from harness.clinic.clinician import Clinician
from harness.clinic.found import is_ours
from harness.clinic.register import KnownPatient
from harness.clinic.registry import workflow
from harness.fhir import codes, requests, resources
from harness.fhir.codes import LabPanel
from harness.fhir.systems import ID_SYSTEM


@workflow(
    "register-visit-message",
    lane="identity",
    needs=("transaction", "Patient.create.conditional", "Encounter.create.conditional"),
)
def register_visit_message(engine: Clinician) -> None:
    """ADT^A04: the visit of somebody who is known stands in the record once, however often the message comes."""
    patient, record = engine.next_patient(), engine.new_name()
    visit_number = engine.new_name().rpartition(":")[2]
    visit = resources.encounter(
        record,
        status="arrived",
        start=engine.now,
        organization=engine.organization,
        identifier=visit_number,
    )
    engine.transaction(
        "adt",
        [
            requests.entry(
                as_told(engine, patient),
                full_url=record,
                if_none_exist=f"identifier={engine.mrn(patient.mrn)}",
            ),
            requests.entry(visit, if_none_exist=f"identifier={ID_SYSTEM}|{visit_number}"),
        ],
    )


@workflow("update-record-message", lane="identity", needs=("Patient?identifier", "Patient.update"))
def update_record_message(engine: Clinician) -> None:
    """ADT^A08: the phone number of somebody who is known has changed; records of others than ours are left alone."""
    patient = engine.next_patient()
    record = engine.find_patient(patient, identifier=engine.mrn(patient.mrn))
    phone = [{"system": "phone", "value": f"555-01{engine.draws.integer(100):02}", "use": "home"}]
    if is_ours(record):
        engine.revise(record, lambda seen: {**seen, "telecom": phone})


@workflow(
    "results-message",
    lane="labs",
    needs=("Patient?identifier", "transaction", "DiagnosticReport.create", "Observation.create"),
)
def results_message(engine: Clinician) -> None:
    """ORU^R01: an outside laboratory reports a panel of somebody who is known; all of it or nothing."""
    patient = engine.next_patient()
    engine.find_patient(patient, identifier=engine.mrn(patient.mrn))
    (panel,) = engine.pick(codes.LAB_PANELS, 1)
    engine.transaction("oru", reported(engine, patient, panel))


def as_told(engine: Clinician, patient: KnownPatient) -> dict[str, Any]:
    """The Patient as a message's PID segment tells it; what it leaves out is not in it."""
    return resources.patient(
        engine.post.site,
        patient.mrn,
        family=patient.family,
        given=patient.given,
        gender="unknown",
        birthdate=date.fromisoformat(patient.birthdate),
        managing_organization=engine.organization,
        identifier_system=engine.post.mrn_system,
    )


def reported(engine: Clinician, patient: KnownPatient, panel: LabPanel) -> list[dict[str, Any]]:
    """Entries of one transaction: the values of a panel and their report, ordered by nobody here."""
    about = f"Patient/{patient.id}"
    values = {
        engine.new_name(): resources.lab_observation(about, one, engine.reading(one.low, one.high), at=engine.now)
        for one in panel.labs
    }
    report = resources.diagnostic_report(about, panel, results=list(values), at=engine.now)
    return [*(requests.entry(value, full_url=name) for name, value in values.items()), requests.entry(report)]
