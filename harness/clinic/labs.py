"""The laboratory: its worklist, resulting in batches, and the physician who reads the results."""

from __future__ import annotations

from typing import Any

from harness.clinic.charting import active_medications, laboratory_results, latest_potassium, patient_of
from harness.clinic.clinician import Clinician, Found
from harness.clinic.registry import workflow
from harness.fhir import codes, requests, resources
from harness.fhir.codes import LabPanel

ORDERS_A_BATCH = 3
"""How many orders one technician verifies in one go (assumption)."""
PANELS = {panel.coding.code: panel for panel in codes.LAB_PANELS}


@workflow(
    "review-results",
    lane="labs",
    needs=(
        "DiagnosticReport?patient&category",
        "Observation?patient&category",
        "Observation?patient&code",
        "MedicationRequest?patient&intent&status",
    ),
)
def review_results(physician: Clinician) -> None:
    """Read a patient's newest laboratory reports with their values, then the latest potassium and what may cause it."""
    patient = physician.next_patient()
    physician.search("DiagnosticReport", patient=patient, category="LAB", _sort="-date", _count="10")
    laboratory_results(physician, patient, at_least=1)
    physician.think("what is out of range")
    latest_potassium(physician, patient, at_least=1)
    physician.think("is it a drug")
    active_medications(physician, patient)


@workflow("worklist", lane="labs", needs=("ServiceRequest?category&status&performer", "ServiceRequest.read"))
def look_through_worklist(technician: Clinician) -> None:
    """Look through what the site has ordered, two pages of it at most, and open one order."""
    orders = waiting_orders(technician)
    technician.think("what is urgent")
    if orders.next:
        orders = technician.next_page("ServiceRequest", orders)
        technician.think("what can wait")
    for order in technician.pick(orders.matches, 1):
        technician.read("ServiceRequest", order["id"])


@workflow(
    "result-batch",
    lane="labs",
    needs=(
        "ServiceRequest?category&status&performer",
        "Observation?patient&category",
        "transaction",
        "DiagnosticReport.create",
        "Observation.create",
        "ServiceRequest.update",
    ),
)
def result_batch(technician: Clinician) -> None:
    """Take some orders off the worklist, verify their values, release one report an order. An empty list ends it.

    Values are verified against the patient's earlier ones (the delta check). An order that a colleague resulted
    meanwhile is refused by the server and left to her.
    """
    ours = [order for order in waiting_orders(technician).ours if panel_of(order)]
    technician.think("load the analyser")
    for order in technician.pick(technician.own_share(ours), ORDERS_A_BATCH):
        laboratory_results(technician, patient_of(order))
        technician.think("verify the values against the earlier ones")
        technician.transaction("results", released(technician, order, PANELS[panel_of(order)]))


def waiting_orders(technician: Clinician) -> Found:
    """The first page of the site's active laboratory orders."""
    return technician.search(
        "ServiceRequest",
        category=codes.LABORATORY_PROCEDURE.code,
        status="active",
        performer=technician.organization,
        _count="50",
    )


def panel_of(order: dict[str, Any]) -> str:
    """The code of the panel that is ordered, where it is one that this laboratory does; else ""."""
    ordered = (coding.get("code", "") for coding in order.get("code", {}).get("coding", ()))
    return next((code for code in ordered if code in PANELS), "")


def released(technician: Clinician, order: dict[str, Any], panel: LabPanel) -> list[dict[str, Any]]:
    """Entries of one transaction: the panel's Observations, their DiagnosticReport, and the order as completed."""
    patient = order["subject"]["reference"]
    visit = order.get("encounter", {}).get("reference", "")
    answers, now, lab = f"ServiceRequest/{order['id']}", technician.now, technician.organization
    values = {
        technician.new_name(): resources.lab_observation(
            patient,
            one,
            technician.reading(one.low, one.high),
            at=now,
            performer=lab,
            order=answers,
            encounter=visit,
        )
        for one in panel.labs
    }
    report = resources.diagnostic_report(
        patient, panel, results=list(values), at=now, performer=lab, order=answers, encounter=visit
    )
    return [
        *(requests.entry(value, full_url=name) for name, value in values.items()),
        requests.entry(report),
        requests.entry({**order, "status": "completed"}, update=True),
    ]
