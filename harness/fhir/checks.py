"""What a right answer holds: each check says in a sentence what is wrong with the content, or "" where nothing is.

A status of 200 proves little: the body may be about another patient, hold an OperationOutcome, or entries that failed.
The sentences go into logs and reports, so they name kinds and counts and never a person or an id.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from harness.fhir.call import Answer
from harness.fhir.skim import is_plainly_done, is_plainly_right

__all__ = [
    "holds_patient",
    "is_bundle_response",
    "is_capability_statement",
    "is_resource",
    "is_search_result",
    "is_stored",
    "split_search_result",
]

Resource = dict[str, Any]
P = ParamSpec("P")


def _whatever_comes(check: Callable[P, str]) -> Callable[P, str]:
    """A broken server may send any JSON: a list for an object is a finding, and must not stop the clinician."""

    @wraps(check)
    def checked(*args: P.args, **kwargs: P.kwargs) -> str:
        try:
            return check(*args, **kwargs)
        except (AttributeError, KeyError, TypeError):
            return "the content is not built as FHIR has it"

    return checked


@_whatever_comes
def is_resource(answer: Answer, kind: str, resource_id: str) -> str:
    """One resource of this kind with this id."""
    wrong, resource = _resource(answer, kind)
    if wrong:
        return wrong
    return "" if resource.get("id") == resource_id else f"another {kind} than the one that was asked for"


@_whatever_comes
def is_stored(answer: Answer, kind: str, resource_id: str = "") -> str:
    """What a create or an update gives back: the resource as it is stored, with an id (this one, where it is known)."""
    if not answer.body:
        return f"the {kind} as it was stored was not sent back"
    wrong, resource = _resource(answer, kind)
    if wrong:
        return wrong
    if not resource.get("id"):
        return f"the {kind} was sent back without an id"
    return "" if resource_id in ("", resource["id"]) else f"another {kind} than the one that was sent"


def is_search_result(answer: Answer, kind: str, patient_id: str | None, at_least: int) -> str:
    """A searchset whose matches are of `kind`, `at_least` so many, and all about the patient where one is given."""
    if is_plainly_right(answer.body, kind, patient_id, at_least):
        return ""
    return _is_search_result(answer, kind, patient_id, at_least)


@_whatever_comes
def _is_search_result(answer: Answer, kind: str, patient_id: str | None, at_least: int) -> str:
    return _matches(answer, kind, patient_id, at_least)[0]


@_whatever_comes
def holds_patient(answer: Answer, patient_id: str) -> str:
    """A searchset of Patients among whom is this one."""
    wrong, matches = _matches(answer, "Patient", None, 1)
    if wrong or any(match.get("id") == patient_id for match in matches):
        return wrong
    return "the patient looked for is not among those found"


def is_bundle_response(answer: Answer, kind: str, count: int) -> str:
    """The response to a batch or transaction of `count` entries, every one of which went well."""
    if is_plainly_done(answer.body, f"{kind}-response", count):
        return ""
    return _is_bundle_response(answer, kind, count)


@_whatever_comes
def _is_bundle_response(answer: Answer, kind: str, count: int) -> str:
    wrong, bundle = _bundle(answer, f"{kind}-response")
    if wrong:
        return wrong
    entries = bundle.get("entry", ())
    if len(entries) != count:
        return f"{len(entries)} answers to the {count} entries of a {kind}"
    for number, one in enumerate(entries, start=1):
        status = str(one.get("response", {}).get("status", ""))[:3]
        if not status.startswith("2"):
            return f"entry {number} of {count} in a {kind} was answered {status or 'without a status'}"
    return ""


@_whatever_comes
def is_capability_statement(answer: Answer) -> str:
    """A CapabilityStatement that says which FHIR version it is of."""
    wrong, statement = _resource(answer, "CapabilityStatement")
    if wrong:
        return wrong
    return "" if isinstance(statement.get("fhirVersion"), str) else "a CapabilityStatement that names no fhirVersion"


def split_search_result(bundle: Resource) -> tuple[tuple[Resource, ...], tuple[Resource, ...], str]:
    """Matches, what was included with them, and the `next` link ("" on the last page).

    An entry without `search.mode` counts as a match. OperationOutcome entries, legal in a searchset, are neither.
    """
    matches: list[Resource] = []
    included: list[Resource] = []
    for one in bundle.get("entry", ()):
        resource = one.get("resource")
        if resource is None or resource.get("resourceType") == "OperationOutcome":
            continue
        (included if one.get("search", {}).get("mode") == "include" else matches).append(resource)
    link = next((link["url"] for link in bundle.get("link", ()) if link.get("relation") == "next"), "")
    return tuple(matches), tuple(included), link


def _resource(answer: Answer, kind: str) -> tuple[str, Resource]:
    """What is wrong with it, if anything, and the body as a resource of this kind."""
    try:
        resource = answer.json()
    except ValueError:
        return "the body is not JSON", {}
    if isinstance(resource, dict) and resource.get("resourceType") == kind:
        return "", resource
    return f"{_kind_of(resource)} where {kind} must be", {}


def _matches(answer: Answer, kind: str, patient_id: str | None, at_least: int) -> tuple[str, tuple[Resource, ...]]:
    """What is wrong with a search's answer, if anything, and its matches."""
    wrong, bundle = _bundle(answer, "searchset")
    if wrong:
        return wrong, ()
    matches = split_search_result(bundle)[0]
    for match in matches:
        if match.get("resourceType") != kind:
            return f"a search of {kind} matched something else ({_kind_of(match)})", ()
        if patient_id and (wrong := _about(match, patient_id)):
            return wrong, ()
    if len(matches) < at_least:
        return f"{len(matches)} matches of {kind} where at least {at_least} must be", ()
    return "", matches


def _bundle(answer: Answer, bundle_type: str) -> tuple[str, Resource]:
    wrong, bundle = _resource(answer, "Bundle")
    if not wrong and bundle.get("type") != bundle_type:
        return f"a Bundle of another type than {bundle_type}", {}
    return wrong, bundle


def _kind_of(resource: Any) -> str:
    """Only letters: what a broken server sends in its place must not reach a log."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    return kind if isinstance(kind, str) and kind.isalpha() and len(kind) <= 40 else "something without a resourceType"


def _about(resource: Resource, patient_id: str) -> str:
    """Whether `resource` says that it is about this patient; in an Appointment one of the participants must be."""
    if resource.get("subject", {}).get("reference") == f"Patient/{patient_id}":  # by far the most, so cheaply
        return ""
    reference = resource.get("subject") or resource.get("patient") or resource.get("beneficiary")
    references = [reference] if reference else [one.get("actor", {}) for one in resource.get("participant", ())]
    patients = [found for one in references if (found := _patient_id(one.get("reference", "")))]
    if not patients and resource["resourceType"] == "Patient":
        patients = [resource.get("id", "")]
    if patient_id in patients:
        return ""
    if patients:
        return f"{resource['resourceType']} of another patient"
    return f"a match of {resource['resourceType']} does not say whom it is about"


def _patient_id(reference: str) -> str:
    """The id in `Patient/12`, `https://host/fhir/Patient/12`, `Patient/12/_history/3`; "" where it is no Patient's."""
    _, found, after = f"/{reference}".rpartition("/Patient/")
    return after.partition("/")[0] if found else ""
