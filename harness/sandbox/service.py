"""Performs interactions on the store: quick reads at once, long ones beside the event loop, writes on their thread."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import orjson

from harness.sandbox import bundles, interactions
from harness.sandbox.capability import capability_statement
from harness.sandbox.dates import instant_text
from harness.sandbox.outcome import FHIR_JSON, FhirError, Reply
from harness.sandbox.pages import Pages
from harness.sandbox.query import Query, parse_query
from harness.sandbox.results import PAGE_PARAMETERS, count_only, first_page, later_page
from harness.sandbox.routes import Interaction
from harness.sandbox.search import Plan, matching_count, matching_rids, plan_search
from harness.sandbox.store import ReadSession, Store, Stored, WriteSession

__all__ = ["Asked", "FhirService"]

Pairs = Sequence[tuple[str, str]]

_JSON_TYPES = ("application/fhir+json", "application/json", "text/json")
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request without its transport. `base` is the FHIR base as the client wrote it; header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    base: str
    body: bytes = b""


class FhirService:
    """Answers FHIR requests; raises FhirError where the answer is an OperationOutcome."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pages = Pages()
        self._started = instant_text(int(time.time() * 1000))

    async def perform(self, interaction: Interaction, asked: Asked) -> Reply:
        """Everything but bundles, which come parsed to `perform_bundle`."""
        reader, kind, resource_id = self._store.reader, interaction.kind, interaction.id
        match interaction.name:
            case "read":
                return _unless_known(interactions.read(reader, kind, resource_id), asked)
            case "search":
                return await self._search(kind, asked)
            case "create":
                return await self._create(kind, asked)
            case "update":
                return await self._update(kind, resource_id, asked)
            case "delete":
                if_match = asked.headers.get("if-match", "")
                return await self._store.write(
                    lambda session: interactions.delete(session, kind, resource_id, if_match)
                )
            case "vread":
                return interactions.vread(reader, kind, resource_id, interaction.version)
            case "history":
                return interactions.history(reader, kind, resource_id, asked.base)
        return Reply(200, capability_statement(asked.base, self._started), {"Content-Type": FHIR_JSON})

    def read_bundle(self, asked: Asked) -> bundles.ParsedBundle:
        _check_content_type(asked, _JSON_TYPES)
        return bundles.parse_bundle(asked.body)

    async def perform_bundle(self, bundle: bundles.ParsedBundle, asked: Asked) -> Reply:
        whole = _preference(asked) == "representation"

        def search(session: ReadSession, kind: str, pairs: list[tuple[str, str]]) -> Reply:
            query = parse_query(kind, pairs)
            return self._find(session, query, plan_search(session, query), asked.base, pairs)

        if bundle.kind == "transaction":
            return await self._store.write(
                lambda session: bundles.perform_transaction(session, bundle, asked.base, search, whole)
            )
        if bundles.only_reads(bundle):
            return await self._store.read_slowly(
                lambda session: bundles.perform_batch(session, bundle, asked.base, search, whole)
            )
        return await self._store.write(
            lambda session: bundles.perform_batch(session, bundle, asked.base, search, whole)
        )

    async def _search(self, kind: str, asked: Asked) -> Reply:
        pairs = parse_qsl(asked.query, keep_blank_values=True)
        if asked.method == "POST":
            _check_content_type(asked, (_FORM,))
            pairs += parse_qsl(asked.body.decode(errors="replace"), keep_blank_values=True)
        reader = self._store.reader
        if any(name in PAGE_PARAMETERS for name, _ in pairs):
            return later_page(reader, self._pages, kind, pairs, asked.base)
        query = parse_query(kind, pairs)
        plan = plan_search(reader, query)
        if plan.quick:
            return self._find(reader, query, plan, asked.base, pairs)
        return await self._store.read_slowly(lambda session: self._find(session, query, plan, asked.base, pairs))

    def _find(self, session: ReadSession, query: Query, plan: Plan, base: str, asked: Pairs) -> Reply:
        if query.count_only:
            return count_only(query, matching_count(session, plan), base, asked)
        return first_page(session, self._pages, query, matching_rids(session, plan), base, asked)

    async def _create(self, kind: str, asked: Asked) -> Reply:
        _check_content_type(asked, _JSON_TYPES)
        resource = interactions.parse_resource(kind, asked.body)
        condition = asked.headers.get("if-none-exist", "")

        def work(session: WriteSession) -> tuple[int, Stored]:
            found = interactions.conditional_match(session, kind, condition) if condition else None
            return (200, found) if found else (201, interactions.create(session, kind, resource))

        return _written(*await self._store.write(work), asked)

    async def _update(self, kind: str, resource_id: str, asked: Asked) -> Reply:
        _check_content_type(asked, _JSON_TYPES)
        resource = interactions.parse_resource(kind, asked.body)
        if_match = asked.headers.get("if-match", "")
        status, stored = await self._store.write(
            lambda session: interactions.update(session, kind, resource_id, resource, if_match)
        )
        return _written(status, stored, asked)


def _written(status: int, stored: Stored, asked: Asked) -> Reply:
    """With the address of the version written, and as much of it as the client prefers."""
    reply = interactions.stored_reply(status, stored)
    headers = {**reply.headers, "Location": f"{asked.base}/{stored.kind}/{stored.id}/_history/{stored.version}"}
    match _preference(asked):
        case "minimal":
            del headers["Content-Type"]
            return Reply(status, b"", headers)
        case "OperationOutcome":
            issue = {
                "severity": "information",
                "code": "informational",
                "diagnostics": f"stored version {stored.version}",
            }
            return Reply(status, orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]}), headers)
    return Reply(status, reply.body, headers)


def _unless_known(reply: Reply, asked: Asked) -> Reply:
    """304 where the client holds this very version."""
    if asked.headers.get("if-none-match") == reply.headers["ETag"]:
        return Reply(304, b"", {"ETag": reply.headers["ETag"]})
    return reply


def _preference(asked: Asked) -> str:
    for part in asked.headers.get("prefer", "").replace(",", ";").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "return":
            return value
    return ""


def _check_content_type(asked: Asked, allowed: Sequence[str]) -> None:
    given = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in allowed:
        raise FhirError(415, "not-supported", f"Content-Type is one of {', '.join(allowed)}")
