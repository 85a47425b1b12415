"""Clinical notes: pulled together from the chart, saved as they grow, read again, signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.clinic.charting import (
    Who,
    active_medications,
    allergies,
    clinical_notes,
    laboratory_results,
    open_visits,
    problems,
    reference_to,
    visit_of,
    vital_signs,
)
from harness.clinic.clinician import Clinician, Found
from harness.clinic.registry import workflow
from harness.fhir import codes, resources

PASSAGES = {
    "Subjective": "Comes for follow-up. No new complaints since the last visit; sleeps well, appetite unchanged, takes "
    "all medications as prescribed. Denies chest pain, shortness of breath, dizziness, swelling of the legs.",
    "Objective": "Vital signs as charted today. Alert, in no distress. Heart regular, no murmur. Lungs clear. Abdomen "
    "soft. No oedema. Laboratory results of this morning reviewed with the patient.",
    "Assessment": "Chronic conditions stable under the present treatment. No sign of adverse effects. Blood pressure "
    "and laboratory values within the agreed targets.",
    "Plan": "Continue present medications. Basic metabolic panel before the next visit. Diet and exercise discussed. "
    "Returns in three months, earlier if symptoms change.",
}
"""What a synthetic note says. About nobody."""

PULLED_IN: dict[str, Callable[[Clinician, Who], Found]] = {
    "Subjective": allergies,
    "Objective": laboratory_results,
    "Assessment": problems,
    "Plan": active_medications,
}
"""What of the chart each passage takes up."""


@workflow(
    "write-note",
    lane="documents",
    needs=(
        "DocumentReference?patient&category",
        "Observation?patient&category",
        "Encounter?patient&status",
        "AllergyIntolerance?patient",
        "Condition?patient&category",
        "MedicationRequest?patient&intent&status",
        "DocumentReference.create",
        "DocumentReference.update",
    ),
)
def write_note(physician: Clinician) -> None:
    """Look at the last notes and vital signs, write the visit's note by passages, read it again, sign.

    Each passage pulls in what it takes up of the chart; the draft is saved with each, so that nothing is lost.
    """
    patient = physician.next_patient()
    clinical_notes(physician, patient, at_least=1)
    physician.think("what was planned last time")
    vital_signs(physician, patient)
    physician.think("how are the vital signs")
    visit = visit_of(open_visits(physician, patient))
    (kind,) = physician.pick(codes.NOTE_TYPES, 1)
    compose(physician, patient, kind, visit, PASSAGES, PULLED_IN)


def compose(
    physician: Clinician,
    patient: Who,
    kind: codes.Coding,
    visit: str,
    passages: Mapping[str, str],
    pulled_in: Mapping[str, Callable[[Clinician, Who], Found]],
) -> None:
    """Write a note of `passages` (heading → text), save it with each, sign it; `pulled_in`: what each looks up."""
    told: dict[str, str] = {}
    draft: dict[str, Any] = {}
    for heading, words in passages.items():
        physician.think(f"write {heading}")
        pulled_in[heading](physician, patient)
        physician.think(f"correct {heading}")
        told[heading] = words
        draft = saved(physician, draft, note(physician, patient, kind, told, visit))
    physician.think("read again")
    physician.revise(draft, lambda seen: {**seen, "docStatus": "final"})


def saved(physician: Clinician, draft: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    """The draft as the server holds it: created where there is none yet, else with its text replaced."""
    if not draft:
        return physician.create({**written, "docStatus": "preliminary"})
    return physician.revise(draft, lambda seen: {**seen, "content": written["content"]})


def note(
    physician: Clinician, patient: Who, kind: codes.Coding, passages: Mapping[str, str], visit: str
) -> dict[str, Any]:
    """The note as far as these passages (heading → text) are written."""
    text = "\n\n".join(f"{heading}\n{words}" for heading, words in passages.items())
    return resources.document_reference(
        reference_to(patient),
        kind,
        text,
        author=physician.practitioner,
        at=physician.now,
        custodian=physician.organization,
        encounter=visit,
    )
