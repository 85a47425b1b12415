"""Imaging: the study, the document that leads to its images, the radiologist's report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from harness.fhir.ancillary_codes import DIAGNOSTIC_IMAGING, ImagingExam
from harness.fhir.resources.elements import (
    Element,
    Resource,
    coding,
    concept,
    identified,
    instant,
    reference,
    terminology,
    without_empty,
)

__all__ = ["image_index", "imaging_report", "imaging_study"]

_RADIOLOGY: Final = terminology("v2-0074", "RAD", "Radiology")
_OID: Final = "urn:ietf:rfc:3986"
"""The system under which an object identifier is a code."""


def imaging_study(
    patient: str,
    exam: ImagingExam,
    *,
    uid: str,
    images: int,
    started: datetime,
    encounter: str = "",
    order: str = "",
    identifier: str = "",
) -> Resource:
    """A study of one series that is ready to be read; `uid` is its DICOM UID, those of its parts are put behind it."""
    instances = [
        {
            "uid": f"{uid}.1.{number}",
            "sopClass": {"system": _OID, "code": f"urn:oid:{exam.sop_class}"},
            "number": number,
        }
        for number in range(1, images + 1)
    ]
    series = {
        "uid": f"{uid}.1",
        "number": 1,
        "modality": coding(exam.modality),
        "numberOfInstances": images,
        "instance": instances,
    }
    return without_empty(
        {
            "resourceType": "ImagingStudy",
            "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}, *identified(identifier)],
            "status": "available",
            "modality": [coding(exam.modality)],
            "subject": reference(patient),
            "encounter": reference(encounter),
            "started": instant(started),
            "basedOn": [reference(order)] if order else [],
            "numberOfSeries": 1,
            "numberOfInstances": images,
            "procedureCode": [concept(exam.coding)],
            "description": exam.coding.display,
            "series": [series],
        }
    )


def image_index(
    patient: str,
    images: Sequence[str],
    *,
    at: datetime,
    content_type: str = "image/jpeg",
    custodian: str = "",
    encounter: str = "",
    study: str = "",
    identifier: str = "",
) -> Resource:
    """A DocumentReference to the rendered images of a study, in their order; `images` are `Binary/…`, at least one."""
    created = instant(at)
    content: list[Element] = [
        {"attachment": {"contentType": content_type, "url": image, "title": f"Image {number}", "creation": created}}
        for number, image in enumerate(images, start=1)
    ]
    context: Element = {
        "encounter": [reference(encounter)] if encounter else [],
        "related": [reference(study)] if study else [],
    }
    return without_empty(
        {
            "resourceType": "DocumentReference",
            "identifier": identified(identifier),
            "status": "current",
            "type": concept(DIAGNOSTIC_IMAGING),
            "subject": reference(patient),
            "date": created,
            "custodian": reference(custodian),
            "content": content,
            "context": without_empty(context),
        }
    )


def imaging_report(
    patient: str,
    exam: Element,
    conclusion: str,
    *,
    at: datetime,
    study: str = "",
    performer: str = "",
    interpreter: str = "",
    encounter: str = "",
    identifier: str = "",
) -> Resource:
    """A final radiology report; `exam` is what the study says was done, a CodeableConcept."""
    return without_empty(
        {
            "resourceType": "DiagnosticReport",
            "identifier": identified(identifier),
            "status": "final",
            "category": [concept(_RADIOLOGY)],
            "code": exam,
            "subject": reference(patient),
            "encounter": reference(encounter),
            "effectiveDateTime": instant(at),
            "issued": instant(at),
            "performer": [reference(performer)] if performer else [],
            "resultsInterpreter": [reference(interpreter)] if interpreter else [],
            "imagingStudy": [reference(study)] if study else [],
            "conclusion": conclusion,
        }
    )
