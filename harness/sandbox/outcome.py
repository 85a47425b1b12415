"""What the server says: a reply, or an error that becomes an OperationOutcome.

Diagnostics name parameters, types and elements, never a value that could identify a patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson

__all__ = ["FHIR_JSON", "FhirError", "Reply", "outcome_reply", "status_line"]

FHIR_JSON = "application/fhir+json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and headers of one answer, whether it leaves alone or inside a bundle."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class FhirError(Exception):
    """A request that cannot be served: HTTP status, issue code (http://hl7.org/fhir/issue-type), and a sentence."""

    def __init__(self, status: int, code: str, diagnostics: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.code = code
        self.diagnostics = diagnostics
        self.headers = dict(headers or {})

    def as_outcome(self) -> dict[str, object]:
        return {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": self.code, "diagnostics": self.diagnostics}],
        }


def outcome_reply(error: FhirError) -> Reply:
    return Reply(error.status, orjson.dumps(error.as_outcome()), {"Content-Type": FHIR_JSON, **error.headers})


def status_line(status: int) -> str:
    """`201 Created`, as a bundle's response entries write it."""
    return f"{status} {HTTPStatus(status).phrase}"
