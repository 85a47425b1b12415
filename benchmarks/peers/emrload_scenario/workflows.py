"""What emrload's clinicians do in the benchmarks: workflows of one's own, as anybody would write them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any, Final

from harness.clinic import Clinician, workflow
from harness.fhir import requests, resources

END: Final = b'"urn:bench:end-of-the-whole-bundle"}]}'
ONE_BUNDLE: Final = requests.search("Observation", "1", {"category": "laboratory", "_count": "5"})
"""One Bundle, always the same."""
REVIEWED: Final[tuple[tuple[str, Any], ...]] = (
    ("Condition", {"category": "problem-list-item", "_count": "50"}),
    ("AllergyIntolerance", {"_count": "50"}),
    ("MedicationRequest", {"intent": "order", "status": "active", "_count": "20"}),
    ("Observation", {"category": "vital-signs", "_sort": "-date", "_count": "20"}),
    ("Observation", {"category": "laboratory", "_sort": "-date", "_count": "50"}),
)
"""The searches of a chart review, in their order: kind and parameters besides the patient."""
SIGNS: Final = resources.vital_signs(
    "Patient/somebody",
    at=datetime(2026, 11, 10, 8, 0, tzinfo=UTC),
    performer="Practitioner/n1",
    systolic=128,
    diastolic=82,
    heart_rate=71,
    respiratory_rate=14,
    temperature_c=36.8,
    oxygen_saturation=97,
)
"""A set of vital signs, five Observations; whose they are is filled in, as the other tools fill in a text."""


def is_whole(answer: Any) -> str:
    return "" if answer.body.endswith(END) else "the end of the Bundle is missing"


def vital_signs(patient: str) -> list[dict[str, Any]]:
    """Entries of one transaction about this patient."""
    subject = {"reference": f"Patient/{patient}"}
    return [requests.entry({**sign, "subject": subject}) for sign in SIGNS]


@workflow("read-one-bundle", lane="labs", needs=("Observation?patient&category",))
def read_one_bundle(reader: Clinician) -> None:
    """Ask once; only the end of what comes is looked at."""
    reader.world.perform(ONE_BUNDLE, is_whole)


@workflow("read-in-a-row", lane="labs", needs=("Observation?patient&category",))
def read_in_a_row(reader: Clinician) -> None:
    """The same many times, without a pause; how often, the environment says to all tools (benchmarks/peers/tool.py)."""
    ask = reader.world.perform
    for _ in range(int(os.environ["BENCH_IN_A_ROW"])):
        ask(ONE_BUNDLE, is_whole)


@workflow(
    "chart-review",
    lane="charting",
    needs=(
        "Patient?identifier",
        "Condition?patient&category",
        "AllergyIntolerance?patient",
        "MedicationRequest?patient&intent&status",
        "Observation?patient&category",
        "transaction",
    ),
)
def chart_review(physician: Clinician) -> None:
    """Look a patient up by record number, read the chart, add what was measured."""
    known = physician.next_patient()
    patient = physician.find_patient(known, identifier=physician.mrn(known.mrn))["id"]
    for kind, parameters in REVIEWED:
        physician.search(kind, patient=patient, **parameters)
    physician.transaction("chart-review", vital_signs(patient))
