"""Radiology: scrolling through the images of a study and reporting what they show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.clinic.charting import patient_of
from harness.clinic.clinician import Clinician
from harness.clinic.document_inbox import id_in
from harness.clinic.registry import workflow
from harness.fhir import resources
from harness.fhir.ancillary_codes import DIAGNOSTIC_IMAGING
from harness.fhir.systems import LOINC

IMAGES_A_STUDY = 100
"""How many images are looked at in one study (assumption: between a plain film's two and a CT's hundreds).

At 16.1 images a minute (Acad Radiol 2015) it makes 77 studies in 8 h, within 20–100.
"""
DICTATED = ("the technique and what it is compared with", "the findings, organ by organ", "the impression")
UNREMARKABLE = "No acute finding. Compared with the earlier study there is no change."
"""What a synthetic report says. About nobody."""


@workflow(
    "read-study",
    lane="documents",
    needs=(
        "DocumentReference?type&custodian",
        "ImagingStudy?patient",
        "DiagnosticReport?patient&category",
        "Binary.read",
        "DiagnosticReport.create",
    ),
)
def read_study(radiologist: Clinician) -> None:
    """Take images off the site's worklist, scroll through them beside the last report, dictate, sign the report.

    Each image is fetched as it comes into view. An empty worklist ends it.
    """
    worklist = radiologist.search(
        "DocumentReference",
        type=f"{LOINC}|{DIAGNOSTIC_IMAGING.code}",
        custodian=radiologist.organization,
        _sort="-date",
        _count="50",
    )
    for index in radiologist.pick(radiologist.own_share(worklist.ours), 1):
        patient = patient_of(index)
        studies = radiologist.search("ImagingStudy", patient=patient, _sort="-started", _count="10")
        radiologist.search("DiagnosticReport", patient=patient, category="RAD", _sort="-date", _count="10")
        for image in scrolled(images_of(index), IMAGES_A_STUDY):
            radiologist.read("Binary", image)
            radiologist.think("what does this image show")
        for part in DICTATED:
            radiologist.think(f"dictate {part}")
        for study in studies.ours[:1]:
            radiologist.create(report_on(study, radiologist))


def images_of(index: dict[str, Any]) -> list[str]:
    """The ids of the images that a document leads to, in their order."""
    urls = [str(content.get("attachment", {}).get("url", "")) for content in index.get("content", ())]
    return [id_in(url) for url in urls if "/Binary/" in f"/{url}"]


def scrolled(images: Sequence[str], count: int) -> list[str]:
    """So many views of a stack of images: through it from the first to the last, and back, and again; none of none."""
    there_and_back = [*images, *images[-2:0:-1]]
    if not there_and_back:
        return []
    return [there_and_back[view % len(there_and_back)] for view in range(count)]


def report_on(study: dict[str, Any], radiologist: Clinician) -> dict[str, Any]:
    """The report of what the study says was examined."""
    exam = next(iter(study.get("procedureCode", ())), {"text": study.get("description", "Imaging study")})
    return resources.imaging_report(
        study["subject"]["reference"],
        exam,
        UNREMARKABLE,
        at=radiologist.now,
        study=f"ImagingStudy/{study['id']}",
        performer=radiologist.organization,
        interpreter=radiologist.practitioner,
        encounter=study.get("encounter", {}).get("reference", ""),
    )
