"""Which FHIR interaction a method and a path mean, and which lane of the hospital it belongs to.

GET  /fhir/Patient/17/_history/2   →   Patient.vread
POST /fhir/Patient/_search         →   Patient.search
POST /fhir                         →   bundle (transaction or batch: the body says which)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.sandbox.financial_parameters import FINANCIAL
from harness.sandbox.outcome import FhirError
from harness.sandbox.parameters import PARAMETERS

__all__ = ["BASE_PATH", "INTERACTIONS", "LANES", "Interaction", "UnknownInteractionError", "interaction_of", "lane_of"]

BASE_PATH = "/fhir"
INTERACTIONS = ("read", "vread", "history", "search", "create", "update", "delete")

LANES = ("scheduling", "charting", "orders", "labs", "documents", "billing", "identity")
_LANE_OF: Mapping[str, str] = {
    kind: lane
    for lane, kinds in {
        "scheduling": ("Appointment", "Schedule", "Slot", "Location", "Task"),
        "orders": ("ServiceRequest", "MedicationRequest", "MedicationDispense"),
        "labs": ("Observation", "DiagnosticReport", "Specimen", "ImagingStudy"),
        "documents": ("DocumentReference", "Binary", "Communication", "CommunicationRequest"),
        "billing": (*FINANCIAL,),
        "identity": ("Patient", "Practitioner"),
    }.items()
    for kind in kinds
}


def lane_of(operation: str) -> str:
    """The lane of an operation's name; bundles and every type without a lane of its own are charting."""
    return _LANE_OF.get(operation.partition(".")[0], "charting")


@dataclass(frozen=True, slots=True)
class Interaction:
    """`name` is one of INTERACTIONS, `metadata` or `bundle`; `kind`, `id` and `version` are empty where it has none."""

    name: str
    kind: str = ""
    id: str = ""
    version: str = ""

    @property
    def operation(self) -> str:
        return f"{self.kind}.{self.name}" if self.kind else self.name


class UnknownInteractionError(FhirError):
    """A method and path that mean nothing to the server."""


_BY_SHAPE: Mapping[str, Mapping[str, str]] = {
    "type": {"GET": "search", "HEAD": "search", "POST": "create"},
    "instance": {"GET": "read", "HEAD": "read", "PUT": "update", "DELETE": "delete"},
    "search": {"POST": "search"},
    "history": {"GET": "history", "HEAD": "history"},
    "version": {"GET": "vread", "HEAD": "vread"},
    "metadata": {"GET": "metadata", "HEAD": "metadata"},
    "base": {"POST": "bundle"},
}


def interaction_of(method: str, path: str) -> Interaction:
    """Raises UnknownInteractionError: 404 for a path or type that is not served, 405 for a method it does not take."""
    parts = [part for part in path.removeprefix(BASE_PATH).split("/") if part]
    shape, kind, resource_id, version = _shape(parts)
    if kind and kind not in PARAMETERS:
        raise UnknownInteractionError(
            404, "not-supported", f"resource type '{kind}' is not served; /metadata lists those that are"
        )
    methods = _BY_SHAPE[shape]
    if method not in methods:
        allowed = ", ".join(methods)
        raise UnknownInteractionError(
            405, "not-supported", f"{method} is not possible here, only {allowed}", {"Allow": allowed}
        )
    return Interaction(methods[method], kind, resource_id, version)


def _shape(parts: list[str]) -> tuple[str, str, str, str]:
    match parts:
        case []:
            return "base", "", "", ""
        case ["metadata"]:
            return "metadata", "", "", ""
        case [kind]:
            return "type", kind, "", ""
        case [kind, "_search"]:
            return "search", kind, "", ""
        case [kind, resource_id] if not resource_id.startswith(("_", "$")):
            return "instance", kind, resource_id, ""
        case [kind, resource_id, "_history"]:
            return "history", kind, resource_id, ""
        case [kind, resource_id, "_history", version]:
            return "version", kind, resource_id, version
    raise UnknownInteractionError(
        404, "not-supported", "no such path here: operations and system-wide interactions are not served"
    )
