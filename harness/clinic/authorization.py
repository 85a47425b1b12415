"""Prior authorization: the payer is asked before a service is given, and asked again until there is an answer.

order active ──▶ Claim (preauthorization) ──▶ looked up later, by whoever has time
"""

from __future__ import annotations

from harness.clinic.charting import clinical_notes, laboratory_results, patient_of
from harness.clinic.clinician import Clinician
from harness.clinic.registry import workflow
from harness.fhir import resources

UNIT_PRICE_USD = 900.0
"""What a service that needs authorization costs (assumption; the amount makes no difference to the load)."""
LOOKED_UP = 3
"""How many requests are looked up in one go (assumption)."""
FORM = (
    "member and group number",
    "ordering and rendering provider",
    "service and diagnosis codes",
    "what was tried before",
    "how long and with what result",
    "severity and function",
    "the payer's criteria, one by one",
    "the payer's own questions",
    "read all of it again",
)
"""What the payer's form asks for."""


@workflow(
    "request-authorization",
    lane="billing",
    needs=(
        "ServiceRequest?status&performer",
        "Coverage?patient",
        "Condition?patient&category",
        "Observation?patient&category",
        "MedicationRequest?patient&intent&status",
        "DocumentReference?patient&category",
        "DocumentReference.read",
        "Claim.create",
    ),
)
def request_authorization(specialist: Clinician) -> None:
    """Take a new order, see what the plan asks for, gather the evidence from the chart, fill the form, send it.

    39 requests a physician and week (AMA 2024). Who has no plan needs no authorization.
    """
    orders = specialist.search(
        "ServiceRequest", status="active", performer=specialist.organization, _sort="-authored", _count="50"
    )
    specialist.think("which order needs an authorization")
    for order in specialist.pick(specialist.own_share(orders.ours), 1):
        patient = patient_of(order)
        plans = specialist.search("Coverage", patient=patient, _count="10")
        specialist.think("what the plan asks for")
        for plan in plans.matches[:1]:
            notes = gather_evidence(specialist, patient)
            for item in FORM:
                specialist.think(f"fill in {item}")
            specialist.create(
                resources.claim(
                    order["subject"]["reference"],
                    [order["code"]],
                    use="preauthorization",
                    coverage=f"Coverage/{plan['id']}",
                    created=specialist.now,
                    provider=specialist.organization or specialist.practitioner,
                    price=UNIT_PRICE_USD,
                    attachments=notes,
                    enterer=specialist.practitioner,
                )
            )


@workflow("follow-up-authorizations", lane="billing", needs=("Claim?use&status&provider", "Claim.read"))
def follow_up_authorizations(specialist: Clinician) -> None:
    """Look through the requests that are out, open some of them: has the payer answered? None out ends it."""
    requests_out = specialist.search(
        "Claim",
        use="preauthorization",
        status="active",
        provider=specialist.organization,
        _sort="-created",
        _count="20",
    )
    for request in specialist.pick(requests_out.matches, LOOKED_UP):
        specialist.think("call the payer, wait in the queue")
        specialist.read("Claim", request["id"])


def gather_evidence(specialist: Clinician, patient: str) -> list[str]:
    """Read problems, results, drugs and the last note; references to the notes that go along."""
    specialist.search("Condition", patient=patient, category="problem-list-item", _count="50")
    specialist.think("which diagnosis justifies it")
    laboratory_results(specialist, patient)
    specialist.think("which results support it")
    specialist.search("MedicationRequest", patient=patient, intent="order", status="active", _count="20")
    specialist.think("what was tried before")
    notes = clinical_notes(specialist, patient)
    chosen = specialist.pick(notes.matches, 1)
    for note in chosen:
        specialist.read("DocumentReference", note["id"])
    specialist.think("what does the physician write")
    return [f"DocumentReference/{note['id']}" for note in chosen]
