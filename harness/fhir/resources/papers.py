"""Papers as images: Binary, the DocumentReference by which one is filed, the Task that says so. They are about nobody.

A scan is cut from one prepared text, so that megabytes cost a copy and no encoding.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import datetime
from functools import cache
from typing import Final

from harness.fhir.ancillary_codes import PAPER_TO_FILE
from harness.fhir.codes import Coding
from harness.fhir.resources.elements import Resource, concept, identified, instant, reference, without_empty

__all__ = ["LARGEST_SCAN_BYTES", "SMALLEST_SCAN_BYTES", "binary", "filed_paper", "paper_task", "scan_bytes"]

SMALLEST_SCAN_BYTES: Final = 100_000
LARGEST_SCAN_BYTES: Final = 5_000_000
"""Documents of 0.1–5 MB (assumption: a page or two up to a thick referral)."""


def scan_bytes(share: float) -> int:
    """How large a scan is; `share` is its place among all scans, from 0 (the smallest) to 1 (the largest).

    A bounded Pareto distribution with index 1 (assumption: mostly small): half are below 0.2 MB, the mean is 0.4 MB.
    x = L / (1 − u·(1 − L/H)), its inverse distribution function. Raises ValueError where `share` is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"{share} is no share: from 0 to 1")
    size = SMALLEST_SCAN_BYTES / (1 - share * (1 - SMALLEST_SCAN_BYTES / LARGEST_SCAN_BYTES))
    return min(LARGEST_SCAN_BYTES, round(size))


def binary(size_bytes: int, content_type: str = "application/pdf") -> Resource:
    """A scan of so many bytes, rounded down to three. Raises ValueError beyond 3 and `LARGEST_SCAN_BYTES`."""
    if not 3 <= size_bytes <= LARGEST_SCAN_BYTES:
        raise ValueError(f"a scan of {size_bytes} bytes: from 3 to {LARGEST_SCAN_BYTES}")
    return {"resourceType": "Binary", "contentType": content_type, "data": _largest_scan()[: size_bytes // 3 * 4]}


def filed_paper(
    paper: str,
    paper_type: Coding,
    *,
    at: datetime,
    patient: str = "",
    content_type: str = "application/pdf",
    author: str = "",
    custodian: str = "",
    identifier: str = "",
) -> Resource:
    """A DocumentReference to the Binary `paper`; without `patient` as long as nobody has said whom it is about."""
    attachment = {
        "contentType": content_type,
        "url": paper,
        "title": paper_type.display,
        "creation": instant(at),
    }
    return without_empty(
        {
            "resourceType": "DocumentReference",
            "identifier": identified(identifier),
            "status": "current",
            "type": concept(paper_type),
            "subject": reference(patient),
            "date": instant(at),
            "author": [reference(author)] if author else [],
            "custodian": reference(custodian),
            "content": [{"attachment": attachment}],
        }
    )


def paper_task(
    paper: str,
    *,
    authored: datetime,
    owner: str = "",
    requester: str = "",
    what: Coding = PAPER_TO_FILE,
    patient: str = "",
    identifier: str = "",
) -> Resource:
    """A requested Task for `owner`: something is to be done with the DocumentReference `paper`."""
    return without_empty(
        {
            "resourceType": "Task",
            "identifier": identified(identifier),
            "status": "requested",
            "intent": "order",
            "priority": "routine",
            "code": concept(what),
            "focus": reference(paper),
            "for": reference(patient),
            "authoredOn": instant(authored),
            "lastModified": instant(authored),
            "requester": reference(requester),
            "owner": reference(owner),
        }
    )


@cache
def _largest_scan() -> str:
    """Noise, as a compressed image is: 6.7 million letters of base64, made once a process in about 20 ms."""
    return b64encode(hashlib.shake_256(b"a scan").digest(LARGEST_SCAN_BYTES)).decode()
