"""Batches and transactions: many interactions in one request.

    transaction   all or nothing; DELETE, POST, PUT, GET in this order; urn:uuid references and urls become the new ids
    batch         each entry for itself, in the order given; one that fails leaves the others alone

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from harness.sandbox import interactions
from harness.sandbox.dates import instant_text
from harness.sandbox.outcome import FHIR_JSON, FhirError, Reply, status_line
from harness.sandbox.routes import BASE_PATH, Interaction, interaction_of
from harness.sandbox.store import ReadSession, Stored, WriteSession

__all__ = ["Entry", "ParsedBundle", "only_reads", "parse_bundle", "perform_batch", "perform_transaction"]

Search = Callable[[ReadSession, str, list[tuple[str, str]]], Reply]
"""Answers a search within a session."""

_ORDER = {"delete": 0, "create": 1, "update": 2, "read": 3, "vread": 3, "history": 3, "search": 3}
_URN = "urn:uuid:"
_NODES = (dict, list)


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction of a bundle. `broken` is what is wrong with the entry itself; then there is no `interaction`."""

    number: int
    full_url: str
    interaction: Interaction | None
    query: list[tuple[str, str]]
    resource: dict[str, Any] | None
    if_match: str
    if_none_exist: str
    broken: FhirError | None = None


@dataclass(frozen=True, slots=True)
class ParsedBundle:
    kind: str
    """`transaction` or `batch`."""
    entries: tuple[Entry, ...]


def parse_bundle(body: bytes) -> ParsedBundle:
    """Raises FhirError 400 for what is no batch or transaction, or for a broken entry of a transaction."""
    try:
        bundle = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise FhirError(400, "structure", f"the body is no JSON (line {error.lineno}, column {error.colno})") from error
    kind = bundle.get("type") if isinstance(bundle, dict) and bundle.get("resourceType") == "Bundle" else None
    if kind not in ("transaction", "batch"):
        raise FhirError(400, "invalid", "the base takes a Bundle of type transaction or batch")
    raw = bundle.get("entry", [])
    if not isinstance(raw, list):
        raise FhirError(400, "structure", "Bundle.entry is no list")
    entries = tuple(_entry(number, each) for number, each in enumerate(raw))
    if kind == "transaction":
        for entry in entries:
            if entry.broken:
                raise _at(entry, entry.broken)
    return ParsedBundle(kind, entries)


def _entry(number: int, raw: object) -> Entry:
    full_url = raw.get("fullUrl", "") if isinstance(raw, dict) else ""
    try:
        if not isinstance(raw, dict) or not isinstance(raw.get("request"), dict):
            raise FhirError(400, "required", "an entry needs a request with method and url")
        request = raw["request"]
        path, _, query = str(request.get("url", "")).partition("?")
        interaction = interaction_of(str(request.get("method", "")), f"{BASE_PATH}/{path.lstrip('/')}")
        resource = None
        if interaction.name in ("create", "update"):
            resource = interactions.check_resource(interaction.kind, raw.get("resource"))
        elif interaction.name not in _ORDER:
            raise FhirError(400, "not-supported", f"{interaction.name} is not possible inside a bundle")
        pairs = parse_qsl(query, keep_blank_values=True)
        if pairs and interaction.name in ("create", "update", "delete"):
            raise FhirError(400, "not-supported", "conditional update and delete are not served")
    except FhirError as error:
        return Entry(number, full_url, None, [], None, "", "", error)
    condition = request.get("ifNoneExist", "")
    return Entry(number, full_url, interaction, pairs, resource, request.get("ifMatch", ""), condition)


def _at(entry: Entry, error: FhirError) -> FhirError:
    return FhirError(error.status, error.code, f"Bundle.entry[{entry.number}]: {error.diagnostics}", error.headers)


def only_reads(bundle: ParsedBundle) -> bool:
    return all(entry.interaction is None or _ORDER[entry.interaction.name] == 3 for entry in bundle.entries)


def perform_transaction(session: WriteSession, bundle: ParsedBundle, base: str, search: Search, whole: bool) -> Reply:
    """All entries or, with the first error, none: the caller rolls back what raises."""
    _refuse_twice(bundle)
    places: dict[int, interactions.Place] = {}
    existing: dict[int, Stored] = {}
    new_names: dict[str, str] = {}
    for entry in bundle.entries:
        try:
            _assign(session, entry, places, existing, new_names)
        except FhirError as error:
            raise _at(entry, error) from error
    answers: dict[int, dict[str, Any]] = {}
    for entry in sorted(bundle.entries, key=lambda each: _ORDER[_sure(each).name]):
        try:
            if entry.resource is not None:
                _rename(entry.resource, new_names)
            if _ORDER[_sure(entry).name] == 3:
                session.flush()
            if entry.number in existing:
                answers[entry.number] = _stored_answer(200, existing[entry.number], whole)
            else:
                answers[entry.number] = _perform(session, entry, base, search, whole, places.get(entry.number))
        except FhirError as error:
            raise _at(entry, error) from error
    return _response("transaction-response", [answers[number] for number in sorted(answers)])


def perform_batch(session: ReadSession, bundle: ParsedBundle, base: str, search: Search, whole: bool) -> Reply:
    """Each entry with a status of its own. A reading session suffices where `only_reads`."""
    answers = []
    for entry in bundle.entries:
        try:
            if entry.broken:
                raise entry.broken
            if entry.resource is not None:
                _rename(entry.resource, {})
            existing = None
            if entry.if_none_exist:
                existing = interactions.conditional_match(session, _sure(entry).kind, entry.if_none_exist)
            if existing is not None:
                answers.append(_stored_answer(200, existing, whole))
            else:
                answers.append(_perform(session, entry, base, search, whole, None))
            if isinstance(session, WriteSession):
                session.flush()
        except FhirError as error:
            answers.append({"response": {"status": status_line(error.status), "outcome": error.as_outcome()}})
    return _response("batch-response", answers)


def _sure(entry: Entry) -> Interaction:
    assert entry.interaction is not None  # noqa: S101 (broken entries were dealt with before)
    return entry.interaction


def _refuse_twice(bundle: ParsedBundle) -> None:
    seen: set[tuple[str, str]] = set()
    urls: set[str] = set()
    for entry in bundle.entries:
        interaction = _sure(entry)
        target = (interaction.kind, interaction.id)
        if interaction.name in ("update", "delete"):
            if target in seen:
                raise FhirError(
                    400, "invalid", f"Bundle.entry[{entry.number}]: the transaction changes this {target[0]} twice"
                )
            seen.add(target)
        if entry.full_url.startswith(_URN):
            if entry.full_url in urls:
                raise FhirError(400, "invalid", f"Bundle.entry[{entry.number}]: its fullUrl was used before")
            urls.add(entry.full_url)


def _assign(
    session: WriteSession,
    entry: Entry,
    places: dict[int, interactions.Place],
    existing: dict[int, Stored],
    new_names: dict[str, str],
) -> None:
    """Before anything is written, every entry that will be stored gets its id, so that the others can point at it."""
    interaction = _sure(entry)
    if interaction.name not in ("create", "update"):
        return
    resource_id = interaction.id
    if interaction.name == "create":
        found = None
        if entry.if_none_exist:
            found = interactions.conditional_match(session, interaction.kind, entry.if_none_exist)
        if found is not None:
            existing[entry.number] = found
            resource_id = found.id
        else:
            places[entry.number] = session.new_id()
            resource_id = places[entry.number][1]
    if entry.full_url.startswith(_URN):
        new_names[entry.full_url] = f"{interaction.kind}/{resource_id}"


def _rename(node: Any, new_names: Mapping[str, str]) -> None:
    """Put the new ids in place of urn:uuid references and urls; raises FhirError 400 for a reference to no entry."""
    if isinstance(node, list):
        for item in node:
            if isinstance(item, _NODES):
                _rename(item, new_names)
        return
    for name, value in node.items():
        if isinstance(value, _NODES):
            _rename(value, new_names)
        elif name == "reference" and isinstance(value, str):
            node[name] = _renamed(value, new_names)
        elif name == "url" and value in new_names:
            node[name] = new_names[value]  # a document's attachment leads to its Binary by its url


def _renamed(reference: str, new_names: Mapping[str, str]) -> str:
    if "?" in reference:
        raise FhirError(400, "not-supported", "conditional references are not served; refer by id or urn:uuid")
    if not reference.startswith(_URN):
        return reference
    if reference not in new_names:
        raise FhirError(400, "not-found", "a urn:uuid reference leads to no entry of this transaction")
    return new_names[reference]


def _perform(
    session: ReadSession, entry: Entry, base: str, search: Search, whole: bool, place: interactions.Place | None
) -> dict[str, Any]:
    interaction = _sure(entry)
    kind, resource_id = interaction.kind, interaction.id
    match interaction.name:
        case "read":
            return _whole_answer(interactions.read(session, kind, resource_id))
        case "vread":
            return _whole_answer(interactions.vread(session, kind, resource_id, interaction.version))
        case "history":
            return _whole_answer(interactions.history(session, kind, resource_id, base))
        case "search":
            return _whole_answer(search(session, kind, entry.query))
    assert isinstance(session, WriteSession)  # noqa: S101 (bundles that write get a writing session)
    if interaction.name == "delete":
        return {
            "response": {"status": status_line(interactions.delete(session, kind, resource_id, entry.if_match).status)}
        }
    assert entry.resource is not None  # noqa: S101 (parse_bundle saw to it)
    if interaction.name == "create":
        return _stored_answer(201, interactions.create(session, kind, entry.resource, place), whole)
    status, stored = interactions.update(session, kind, resource_id, entry.resource, entry.if_match)
    return _stored_answer(status, stored, whole)


def _whole_answer(reply: Reply) -> dict[str, Any]:
    response = {"status": status_line(reply.status)}
    if "ETag" in reply.headers:
        response["etag"] = reply.headers["ETag"]
    return {"resource": orjson.Fragment(reply.body), "response": response}


def _stored_answer(status: int, stored: Stored, whole: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"resource": orjson.Fragment(stored.body)} if whole else {}
    answer["response"] = {
        "status": status_line(status),
        "location": f"{stored.kind}/{stored.id}/_history/{stored.version}",
        "etag": stored.etag,
        "lastModified": instant_text(stored.updated_ms),
    }
    return answer


def _response(kind: str, entries: list[dict[str, Any]]) -> Reply:
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    if entries:
        bundle["entry"] = entries
    return Reply(200, orjson.dumps(bundle), {"Content-Type": FHIR_JSON})
