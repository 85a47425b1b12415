"""The FHIR interactions on single resources, as functions of a session: the same alone and inside a bundle.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from harness.sandbox.dates import instant_text
from harness.sandbox.elements import check_elements
from harness.sandbox.outcome import FHIR_JSON, FhirError, Reply
from harness.sandbox.query import parse_query
from harness.sandbox.search import matching_rids, plan_search
from harness.sandbox.store import ReadSession, Stored, WriteSession

__all__ = [
    "Place",
    "check_resource",
    "conditional_match",
    "create",
    "delete",
    "existing_reply",
    "history",
    "parse_resource",
    "read",
    "stored_reply",
    "update",
    "vread",
]

Place = tuple[int, str]
"""Row number and id."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_ETAG = re.compile(r'(?:W/)?"?([^"]+)"?')


def read(session: ReadSession, kind: str, resource_id: str) -> Reply:
    return stored_reply(200, _alive(session.current(kind, resource_id), kind))


def vread(session: ReadSession, kind: str, resource_id: str, version: str) -> Reply:
    stored = session.version(kind, resource_id, int(version)) if version.isdecimal() else None
    return stored_reply(200, _alive(stored, kind))


def history(session: ReadSession, kind: str, resource_id: str, base: str) -> Reply:
    """All versions of one resource, newest first."""
    versions = session.versions(kind, resource_id)
    if not versions:
        raise FhirError(404, "not-found", f"no such {kind}")
    entries = [_history_entry(stored, base) for stored in versions]
    link = {"relation": "self", "url": f"{base}/{kind}/{resource_id}/_history"}
    bundle = {"resourceType": "Bundle", "type": "history", "total": len(entries), "link": [link], "entry": entries}
    return Reply(200, orjson.dumps(bundle), {"Content-Type": FHIR_JSON})


def _history_entry(stored: Stored, base: str) -> dict[str, Any]:
    url = f"{stored.kind}/{stored.id}"
    method, status = "PUT", "200 OK"
    if stored.deleted:
        method, status = "DELETE", "204 No Content"
    elif stored.version == 1:
        method, status = "POST", "201 Created"
    entry: dict[str, Any] = {
        "fullUrl": f"{base}/{url}",
        "request": {"method": method, "url": stored.kind if method == "POST" else url},
        "response": {"status": status, "etag": stored.etag, "lastModified": instant_text(stored.updated_ms)},
    }
    if not stored.deleted:
        entry["resource"] = orjson.Fragment(stored.body)
    return entry


def create(session: WriteSession, kind: str, resource: Mapping[str, Any], place: Place | None = None) -> Stored:
    """Store `resource` under an id of the server's, whatever id it brings."""
    return session.put(kind, place or session.new_id(), resource, None)


def conditional_match(session: ReadSession, kind: str, if_none_exist: str) -> Stored | None:
    """The one resource that `If-None-Exist` finds, None where there is none.

    Raises FhirError 412 where there are several, 400 where the condition is no search.
    """
    from urllib.parse import parse_qsl

    pairs = parse_qsl(if_none_exist.partition("?")[2] or if_none_exist, keep_blank_values=True)
    query = parse_query(kind, pairs)
    if not query.criteria:
        raise FhirError(400, "value", "If-None-Exist holds no search criterion")
    rids = matching_rids(session, plan_search(session, query))
    if len(rids) > 1:
        raise FhirError(412, "multiple-matches", f"If-None-Exist matches {len(rids)} resources of type {kind}")
    return session.by_rid(rids)[0] if rids else None


def update(
    session: WriteSession, kind: str, resource_id: str, resource: Mapping[str, Any], if_match: str = ""
) -> tuple[int, Stored]:
    """200 with the next version, or 201 where the id is new or was deleted.

    Raises FhirError 400 where the body's id differs or a new id is a number (those are the server's), 412 for a stale
    `If-Match`.
    """
    if resource.get("id") != resource_id:
        raise FhirError(400, "invalid", "the id in the body and the id in the address are not the same")
    if not _ID.fullmatch(resource_id):
        raise FhirError(400, "value", "an id has 1 to 64 of A-Z, a-z, 0-9, '-' and '.'")
    before = session.current(kind, resource_id)
    _check_version(before, if_match)
    if before is None and resource_id.isdecimal():
        raise FhirError(
            400,
            "business-rule",
            "ids of digits only are given by the server; create with POST, or choose an id with a letter",
        )
    place = (before.rid if before else session.new_id()[0], resource_id)
    return 200 if before and not before.deleted else 201, session.put(kind, place, resource, before)


def delete(session: WriteSession, kind: str, resource_id: str, if_match: str = "") -> Reply:
    """204, also where it is gone already or never was."""
    before = session.current(kind, resource_id)
    _check_version(before, if_match)
    if before is None or before.deleted:
        return Reply(204)
    return Reply(204, b"", {"ETag": session.delete(before).etag})


def parse_resource(kind: str, body: bytes) -> dict[str, Any]:
    """The body as a resource of type `kind`; raises FhirError as `check_resource` does, and 400 for what is no JSON."""
    try:
        resource = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise FhirError(400, "structure", f"the body is no JSON (line {error.lineno}, column {error.colno})") from error
    return check_resource(kind, resource)


def check_resource(kind: str, resource: object) -> dict[str, Any]:
    """Raises FhirError 400 for another type, 422 for missing required elements."""
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise FhirError(400, "structure", "the body is no FHIR resource: a JSON object with a resourceType")
    if resource["resourceType"] != kind:
        raise FhirError(
            400, "invalid", f"a {kind} was expected, the body says resourceType '{resource['resourceType']}'"
        )
    check_elements(kind, resource)
    return resource


def stored_reply(status: int, stored: Stored) -> Reply:
    """Whole, with the headers that every version has."""
    moment = datetime.fromtimestamp(stored.updated_ms / 1000, UTC)
    headers = {
        "Content-Type": FHIR_JSON,
        "ETag": stored.etag,
        "Last-Modified": f"{moment:%a, %d %b %Y %H:%M:%S} GMT",
    }
    return Reply(status, stored.body, headers)


def existing_reply(stored: Stored) -> Reply:
    """What a conditional create answers when it is there already."""
    return stored_reply(200, stored)


def _alive(stored: Stored | None, kind: str) -> Stored:
    if stored is None:
        raise FhirError(404, "not-found", f"no such {kind}")
    if stored.deleted:
        raise FhirError(410, "deleted", f"this {kind} was deleted", {"ETag": stored.etag})
    return stored


def _check_version(before: Stored | None, if_match: str) -> None:
    if not if_match:
        return
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise FhirError(400, "value", 'If-Match is written W/"VERSION"')
    current = before.version if before and not before.deleted else 0
    if match[1] != str(current):
        raise FhirError(
            412, "conflict", f"the resource is at version {current}, If-Match asks for another; read it again"
        )
