"""Clinical notes: drafted, read again, signed."""

from __future__ import annotations

from harness.clinic.clinician import Clinician
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


@workflow(
    "write-note",
    lane="documents",
    needs=(
        "DocumentReference?patient&category",
        "Observation?patient&category",
        "DocumentReference.create",
        "DocumentReference.update",
    ),
)
def write_note(physician: Clinician) -> None:
    """Look at the last notes and vital signs, write the visit's note by passages, save it, read it again, sign."""
    patient = physician.next_patient()
    physician.search("DocumentReference", patient=patient, at_least=1, category="clinical-note", _count="10")
    physician.think("what was planned last time")
    physician.search("Observation", patient=patient, category="vital-signs", _sort="-date", _count="20")
    physician.think("how are the vital signs")
    for passage in PASSAGES:
        physician.think(f"write {passage}")
        physician.think(f"correct {passage}")
    (kind,) = physician.pick(codes.NOTE_TYPES, 1)
    text = "\n\n".join(f"{heading}\n{words}" for heading, words in PASSAGES.items())
    note = resources.document_reference(
        f"Patient/{patient.id}",
        kind,
        text,
        author=physician.practitioner,
        at=physician.now,
        custodian=physician.organization,
    )
    draft = physician.create({**note, "docStatus": "preliminary"})
    physician.think("read again")
    physician.revise(draft, lambda seen: {**seen, "docStatus": "final"})
