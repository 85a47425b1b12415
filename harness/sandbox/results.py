"""A page of matches as a searchset Bundle, with what was asked to be included and a link to the next page.

Stored JSON is pasted into the Bundle as it is, never parsed.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from harness.sandbox.extract import PARAMETER_NUMBER
from harness.sandbox.outcome import FHIR_JSON, FhirError, Reply
from harness.sandbox.pages import Pages, ResultList
from harness.sandbox.query import Include, Query
from harness.sandbox.store import ReadSession, Stored

__all__ = ["PAGE_PARAMETERS", "count_only", "first_page", "later_page"]

PAGE_PARAMETERS = ("_page", "_offset")


def first_page(
    session: ReadSession, pages: Pages, query: Query, rids: Sequence[int], base: str, asked: Sequence[tuple[str, str]]
) -> Reply:
    links = [("self", _self_link(base, query.kind, asked))]
    if len(rids) > query.count:
        token = pages.keep(ResultList(query, array("q", rids)))
        links.append(("next", _page_link(base, query.kind, token, query.count)))
    return _page(session, query, rids[: query.count], len(rids), links, base)


def count_only(query: Query, total: int, base: str, asked: Sequence[tuple[str, str]]) -> Reply:
    """The answer to `_summary=count` and `_count=0`."""
    return _bundle_reply(query, total, [("self", _self_link(base, query.kind, asked))], [])


def _self_link(base: str, kind: str, asked: Sequence[tuple[str, str]]) -> str:
    return f"{base}/{kind}" + (f"?{urlencode(asked)}" if asked else "")


def later_page(session: ReadSession, pages: Pages, kind: str, asked: Sequence[tuple[str, str]], base: str) -> Reply:
    """Raises FhirError 410 for a link that leads nowhere any more, 400 for one that was tampered with."""
    wanted = dict(asked)
    offset_text = wanted.get("_offset", "")
    if set(wanted) != set(PAGE_PARAMETERS) or not offset_text.isdecimal():
        raise FhirError(400, "value", "a page link is opaque: follow it as it was given")
    token, offset = wanted["_page"], int(offset_text)
    results = pages.fetch(kind, token)
    query, end = results.query, offset + results.query.count
    links = [("self", _page_link(base, kind, token, offset))]
    if end < len(results.rids):
        links.append(("next", _page_link(base, kind, token, end)))
    return _page(session, query, results.rids[offset:end], len(results.rids), links, base)


def _page_link(base: str, kind: str, token: str, offset: int) -> str:
    return f"{base}/{kind}?_page={token}&_offset={offset}"


def _page(
    session: ReadSession, query: Query, rids: Sequence[int], total: int, links: list[tuple[str, str]], base: str
) -> Reply:
    matches = session.by_rid(rids)
    entries = [_entry(stored, base, "match") for stored in matches]
    entries.extend(_entry(stored, base, "include") for stored in _included(session, query, matches))
    return _bundle_reply(query, total, links, entries)


def _entry(stored: Stored, base: str, mode: str) -> dict[str, Any]:
    return {
        "fullUrl": f"{base}/{stored.kind}/{stored.id}",
        "resource": orjson.Fragment(stored.body),
        "search": {"mode": mode},
    }


def _bundle_reply(query: Query, total: int, links: list[tuple[str, str]], entries: list[dict[str, Any]]) -> Reply:
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if query.total or query.count_only:
        bundle["total"] = total
    bundle["link"] = [{"relation": relation, "url": url} for relation, url in links]
    if entries:
        bundle["entry"] = entries
    return Reply(200, orjson.dumps(bundle), {"Content-Type": FHIR_JSON})


def _included(session: ReadSession, query: Query, matches: Sequence[Stored]) -> list[Stored]:
    """Each resource once, and none that is a match on this page already."""
    if not (query.includes or query.reverse_includes) or not matches:
        return []
    rids: dict[int, None] = {}
    for include in query.includes:
        rids.update(dict.fromkeys(_pointed_at(session, include, [match.rid for match in matches])))
    for include in query.reverse_includes:
        rids.update(dict.fromkeys(_pointing_at(session, include, query.kind, [match.id for match in matches])))
    shown = {match.rid for match in matches}
    return session.by_rid([rid for rid in rids if rid not in shown])


def _pointed_at(session: ReadSession, include: Include, rids: list[int]) -> list[int]:
    number = PARAMETER_NUMBER[include.kind, include.parameter]
    marks = ",".join("?" * len(rids))
    sql = (
        "SELECT t.rid FROM reference e JOIN resource t ON t.kind = e.second AND t.id = e.key "  # noqa: S608 (marks only)
        f"WHERE e.parameter = ? AND e.rid IN ({marks}) AND (? = '' OR e.second = ?)"
    )
    return [row[0] for row in session.connection.execute(sql, (number, *rids, include.target, include.target))]


def _pointing_at(session: ReadSession, include: Include, kind: str, ids: list[str]) -> list[int]:
    number = PARAMETER_NUMBER[include.kind, include.parameter]
    marks = ",".join("?" * len(ids))
    sql = f"SELECT rid FROM reference WHERE parameter = ? AND key IN ({marks}) AND second = ?"  # noqa: S608 (marks only)
    return [row[0] for row in session.connection.execute(sql, (number, *ids, kind))]
