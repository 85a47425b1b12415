"""Coding and billing: finished visits become charges, charges become claims. A bill is held some days first.

Encounter finished ──▶ ChargeItem billable ──▶ Claim, ChargeItem billed
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from harness.clinic.charting import clinical_notes, laboratory_results, patient_of
from harness.clinic.clinician import Clinician, Found
from harness.clinic.registry import workflow
from harness.fhir import requests, resources
from harness.fhir.ancillary_codes import CLINIC_VISIT, OBSERVATION_HOUR
from harness.fhir.codes import Coding
from harness.fhir.resources.elements import Element, concept
from harness.fhir.systems import ICD_10_CM

HELD_DAYS = 3
"""Bills are held 3–5 days, so that late charges come in."""
LOOKED_BACK_DAYS = 30
"""What is older than this is no longer on the list of unbilled visits (assumption)."""
PAGES = 4
"""How many further pages of 100 visits are looked through (assumption: hundreds of visits a hospital and week)."""
CLAIMS_AT_ONCE = 5
"""How many charges one bundle of claims bills (assumption)."""
CHARGES_A_VISIT = 3
"""How many procedures of one visit are charged (assumption)."""
UNIT_PRICE_USD = 125.0
"""What each service is billed at (assumption; the amount makes no difference to the load)."""

OUTPATIENT_STEPS = ("the note's level of service", "the diagnoses in ICD-10", "modifiers and payer's edits")
"""What is settled of an outpatient visit, once the chart is read."""
INPATIENT_STEPS = (
    "admission order and status",
    "principal diagnosis",
    "secondary diagnoses present on admission",
    "complications and comorbidities",
    "principal procedure",
    "other procedures",
    "drugs given against diagnoses coded",
    "discharge disposition",
    "the group and its expected length of stay",
    "a query to the physician",
    "payer's edits",
)
"""What is settled of a hospital stay, once the chart is read."""


@workflow("review-unbilled", lane="billing", needs=("Encounter?status&date&service-provider", "Encounter.read"))
def review_unbilled(biller: Clinician) -> None:
    """Page through the visits of the last weeks that are over and due for billing, open one."""
    visits = biller.search(
        "Encounter",
        status="finished",
        date=due(biller.now.date()),
        service_provider=biller.organization,
        _count="100",
    )
    biller.think("which payers and which days")
    for _ in range(PAGES):
        if visits.next:
            visits = biller.next_page("Encounter", visits)
            biller.think("what is missing on this page")
    for visit in biller.pick(visits.matches, 1):
        biller.read("Encounter", visit["id"])


CODING_NEEDS = (
    "Encounter?class&status&date&service-provider",
    "Procedure?patient&date",
    "Condition?patient&category",
    "DocumentReference?patient&category",
    "Observation?patient&category",
    "MedicationRequest?patient&intent&status",
    "DocumentReference.read",
    "ChargeItem.create",
)


@workflow("code-outpatient-visit", lane="billing", needs=CODING_NEEDS)
def code_outpatient_visit(biller: Clinician) -> None:
    """Read what was found and done at one finished visit, code it, capture the charges: 5–20 charts an hour."""
    code_visit(biller, "AMB", OUTPATIENT_STEPS, CLINIC_VISIT)


@workflow("code-inpatient-stay", lane="billing", needs=CODING_NEEDS)
def code_inpatient_stay(biller: Clinician) -> None:
    """Read the chart of one finished hospital stay from end to end, code it, capture the charges: 3 charts an hour."""
    code_visit(biller, "IMP", INPATIENT_STEPS, OBSERVATION_HOUR)


@workflow(
    "submit-claims",
    lane="billing",
    needs=(
        "ChargeItem?performing-organization",
        "Coverage?patient",
        "transaction",
        "Claim.create",
        "ChargeItem.update",
    ),
)
def submit_claims(biller: Clinician) -> None:
    """Take some charges that nobody has billed yet, look up who pays, send their claims in one bundle.

    Charges that a colleague bills at the same moment are refused by the server, and wait on the list with the others.
    """
    charges = biller.search(
        "ChargeItem", performing_organization=biller.organization, _sort="-entered-date", _count="50"
    )
    biller.think("which charges are complete")
    billable = [charge for charge in charges.ours if charge["status"] == "billable"]
    entries = []
    for charge in biller.pick(biller.own_share(billable), CLAIMS_AT_ONCE):
        plans = biller.search("Coverage", patient=patient_of(charge), _count="10")
        for plan in plans.matches[:1]:
            entries.append(requests.entry(bill(charge, plan, biller)))
            entries.append(requests.entry({**charge, "status": "billed"}, update=True))
    if entries:
        biller.think("read the edits, send")
        biller.transaction("claims", entries)


def due(today: date) -> tuple[str, str]:
    """Dates of the visits whose bill is held no longer, as a search has them."""
    return (
        f"ge{(today - timedelta(days=LOOKED_BACK_DAYS)).isoformat()}",
        f"le{(today - timedelta(days=HELD_DAYS)).isoformat()}",
    )


def code_visit(biller: Clinician, visit_class: str, steps: Sequence[str], visit_charge: Coding) -> None:
    """Code one finished visit of this class; where none is due, there is nothing to code.

    Each procedure is a charge; a visit without one is charged for itself.
    """
    visits = biller.search(
        "Encounter",
        class_=visit_class,
        status="finished",
        date=due(biller.now.date()),
        service_provider=biller.organization,
        _count="50",
    )
    for visit in biller.pick(biller.own_share(visits.ours), 1):
        patient = patient_of(visit)
        biller.think("who came, when, to whom, why")
        done = biller.search("Procedure", patient=patient, date=during(visit), _count="20")
        biller.think("what was done")
        diagnoses = read_chart(biller, patient)
        for step in steps:
            biller.think(step)
        reason = next(icd_10(diagnoses), None)
        for service, procedure in services(done, visit_charge):
            biller.create(
                resources.charge_item(
                    visit["subject"]["reference"],
                    service,
                    encounter=f"Encounter/{visit['id']}",
                    entered=biller.now,
                    enterer=biller.practitioner,
                    organization=biller.organization,
                    procedure=procedure,
                    reason=reason,
                )
            )


def read_chart(biller: Clinician, patient: str) -> Found:
    """Problems, results, drugs, and the visit's note; gives the problems."""
    diagnoses = biller.search("Condition", patient=patient, category="problem-list-item", _count="50")
    laboratory_results(biller, patient)
    biller.search("MedicationRequest", patient=patient, intent="order", status="active", _count="20")
    notes = clinical_notes(biller, patient)
    for note in biller.pick(notes.matches, 1):
        biller.read("DocumentReference", note["id"])
    return diagnoses


def during(visit: dict[str, Any]) -> tuple[str, str]:
    """The days of a visit, as a search has them; a visit that says nothing of its end is over on its first day."""
    period = visit.get("period", {})
    begun, ended = period.get("start", ""), period.get("end", "")
    return f"ge{(begun or ended)[:10]}", f"le{(ended or begun)[:10]}"


def services(done: Found, visit_charge: Coding) -> list[tuple[Element, str]]:
    """What is charged, as CodeableConcepts, each with a reference to its Procedure ("" for the visit itself)."""
    coded = [one for one in done.matches if one.get("code")][:CHARGES_A_VISIT]
    return [(one["code"], f"Procedure/{one['id']}") for one in coded] or [(concept(visit_charge), "")]


def icd_10(diagnoses: Found) -> Iterator[Element]:
    """The diagnoses as billing has them, CodeableConcepts; those that are not coded for it are left out."""
    for diagnosis in diagnoses.matches:
        codings = [one for one in diagnosis.get("code", {}).get("coding", ()) if one.get("system") == ICD_10_CM]
        if codings:
            yield {"coding": codings, "text": codings[0].get("display", codings[0]["code"])}


def bill(charge: dict[str, Any], plan: dict[str, Any], biller: Clinician) -> dict[str, Any]:
    """The claim for one charge on one plan."""
    return resources.claim(
        charge["subject"]["reference"],
        [charge["code"]],
        coverage=f"Coverage/{plan['id']}",
        created=biller.now,
        provider=biller.organization or biller.practitioner,
        price=UNIT_PRICE_USD,
        diagnoses=charge.get("reason", ()),
        encounter=charge.get("context", {}).get("reference", ""),
        enterer=biller.practitioner,
    )
