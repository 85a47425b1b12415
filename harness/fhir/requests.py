"""FHIR interactions as `Call` values, each under its low-cardinality operation name.

Paths are relative to the target's base URL without a leading slash (`Patient/12`, "" for a bundle). A call that has a
body has its `Content-Type`; whoever sends it adds what all share: `Accept`, `X-Request-Id`, `X-Site`, `traceparent`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal
from urllib.parse import quote

import orjson

from harness.fhir.call import Call
from harness.fhir.systems import SYNTHETIC, TAG_SYSTEM

__all__ = ["bundle", "capabilities", "create", "delete", "entry", "next_page", "read", "search", "tagged", "update"]

Resource = dict[str, Any]

CONFLICTS: Final = frozenset({409, 412})
"""What servers answer where somebody else was quicker: 412 by the book, 409 on HAPI."""
_RACE: Final = frozenset({409})
"""Two conditional creates of one thing at once: HAPI refuses one (HAPI-2745). A 412 (several are there) is an error."""
_FRESH: Final = (("Cache-Control", "no-cache"),)
"""HAPI answers a search that it has seen within 60 s from the old list of results unless told not to."""
_WRITE: Final = (("Content-Type", "application/fhir+json"), ("Prefer", "return=representation"))
"""Without `Prefer` a server may send back nothing, and the version that the next update needs is unknown."""
_BODY: Final = (("Content-Type", "application/fhir+json"),)
_SYNTHETIC: Final = {"system": TAG_SYSTEM, "code": SYNTHETIC}
_NAMED_RESULT_PARAMETERS: Final = frozenset({"_tag", "_id"})
"""Parameters with a leading `_` that choose matches, and so belong to the operation's name; others shape the answer."""


def read(kind: str, resource_id: str) -> Call:
    """`GET Kind/id`."""
    return Call("GET", f"{kind}/{quote(resource_id, safe='')}", f"{kind}.read")


def search(kind: str, patient_id: str, parameters: Mapping[str, str | Sequence[str]]) -> Call:
    """`GET Kind?patient=id&…` in the order given; no `patient` where `patient_id` is "".

    A `_` in a name is written `-` (`clinical_status`), a leading one is kept (`_sort`), a trailing one left out
    (`class_`, as Python keeps `class` for itself); a sequence repeats its name.
    """
    try:
        query, operation = _kept_search(kind, bool(patient_id), tuple(parameters.items()))
    except TypeError:  # a list is nothing to remember by
        query, operation = _search(kind, bool(patient_id), tuple(parameters.items()))
    if not patient_id:
        return Call("GET", f"{kind}?{query}" if query else kind, operation, headers=_FRESH)
    patient = f"{kind}?patient={_quoted(patient_id)}"
    return Call("GET", f"{patient}&{query}" if query else patient, operation, headers=_FRESH)


def next_page(kind: str, link: str) -> Call:
    """Follow a `next` link, exactly as the server gave it; all pages of a kind are one operation."""
    return Call("GET", link, f"{kind}.search.next", headers=_FRESH)


def create(resource: Resource, if_none_exist: str = "") -> Call:
    """`POST Kind`; with `if_none_exist`, a search such as `identifier=system|value`, only where that finds nothing."""
    kind = resource["resourceType"]
    body = orjson.dumps(resource)
    if not if_none_exist:
        return Call("POST", kind, f"{kind}.create", body, _WRITE, repeatable=False)
    headers = (*_WRITE, ("If-None-Exist", _condition(if_none_exist)))
    return Call("POST", kind, f"{kind}.create.conditional", body, headers, expected=_RACE)


def update(resource: Resource) -> Call:
    """`PUT Kind/id` with `If-Match` on the version that `resource` was read in.

    A server that keeps no versions gives none in `meta`; then the update is unconditional. The body leaves out the
    version and the time of the last change, which are the server's to say.
    """
    kind, resource_id = resource["resourceType"], resource["id"]
    version, body = _without_version(resource)
    headers = (*_WRITE, ("If-Match", f'W/"{version}"')) if version else _WRITE
    path = f"{kind}/{quote(resource_id, safe='')}"
    return Call(
        "PUT", path, f"{kind}.update", orjson.dumps(body), headers, expected=CONFLICTS if version else frozenset()
    )


def delete(kind: str, resource_id: str) -> Call:
    """`DELETE Kind/id`; deleting twice is the same as once, so it may be repeated."""
    return Call("DELETE", f"{kind}/{quote(resource_id, safe='')}", f"{kind}.delete")


def bundle(kind: Literal["batch", "transaction"] | str, name: str, entries: Sequence[Resource]) -> Call:
    """`POST` of a batch or transaction to the base URL as operation `kind[name]`; `entries` are made by `entry`.

    It may be repeated where each entry may. In a transaction a conflict is expected where an entry asks for a version.
    Raises ValueError for another kind.
    """
    if kind not in ("batch", "transaction"):
        raise ValueError(f"'{kind}' is no kind of bundle to send: batch or transaction")
    requests = [one["request"] for one in entries]
    body = orjson.dumps({"resourceType": "Bundle", "type": kind, "entry": list(entries)})
    return Call(
        "POST",
        "",
        f"{kind}[{name}]",
        body,
        _BODY,
        expected=CONFLICTS if kind == "transaction" and any("ifMatch" in one for one in requests) else frozenset(),
        repeatable=all(one["method"] != "POST" or "ifNoneExist" in one for one in requests),
    )


def entry(resource: Resource, *, full_url: str = "", if_none_exist: str = "", update: bool = False) -> Resource:
    """A Bundle entry that creates `resource`, or with `update` replaces the version that it was read in (`ifMatch`).

    `full_url` is a `urn:uuid:…` by which other entries of a transaction refer to it.
    """
    kind = resource["resourceType"]
    request: dict[str, str]
    if update:
        version, resource = _without_version(resource)
        request = {"method": "PUT", "url": f"{kind}/{resource['id']}"}
        if version:
            request["ifMatch"] = f'W/"{version}"'
    else:
        request = {"method": "POST", "url": kind}
        if if_none_exist:
            request["ifNoneExist"] = _condition(if_none_exist)
    made: Resource = {"fullUrl": full_url} if full_url else {}
    return made | {"resource": resource, "request": request}


def capabilities() -> Call:
    """`GET metadata`, the server's CapabilityStatement."""
    return Call("GET", "metadata", "metadata.read")


def tagged(resource: Resource, origin_tag: str) -> Resource:
    """`resource` with the tags `synthetic` and `origin_tag` besides those it has; the argument is left as it was."""
    meta = resource.get("meta")
    if meta is None:  # by far the most
        return {**resource, "meta": {"tag": [_SYNTHETIC, {"system": TAG_SYSTEM, "code": origin_tag}]}}
    tags = list(meta.get("tag", ()))
    for code in (SYNTHETIC, origin_tag):
        if not any(tag.get("code") == code and tag.get("system") == TAG_SYSTEM for tag in tags):
            tags.append({"system": TAG_SYSTEM, "code": code})
    return {**resource, "meta": {**meta, "tag": tags}}


def _without_version(resource: Resource) -> tuple[str, Resource]:
    meta = resource.get("meta", {})
    kept = {name: value for name, value in meta.items() if name not in ("versionId", "lastUpdated")}
    body = {name: value for name, value in resource.items() if name != "meta"}
    if kept:
        body["meta"] = kept
    return str(meta.get("versionId", "")), body


def _condition(search_text: str) -> str:
    """A search as a header may hold it: blanks, line breaks and what is not ASCII are escaped, nothing else."""
    return quote(search_text, safe="=&:|,/?$%+@")


@lru_cache(maxsize=4096)
def _quoted(value: str) -> str:
    return quote(value, safe=",:$/")


@lru_cache(maxsize=1024)
def _wire_name(name: str) -> str:
    """Names may hold a modifier (`name:exact`) or a chain (`patient.identifier`); both are written as they are."""
    lead = "_" if name.startswith("_") else ""
    return lead + name.removeprefix("_").removesuffix("_").replace("_", "-")


def _search(kind: str, by_patient: bool, parameters: tuple[tuple[str, str | Sequence[str]], ...]) -> tuple[str, str]:
    """The query but for `patient`, and the operation."""
    pairs: list[str] = []
    for name, value in parameters:
        values = (value,) if isinstance(value, str) else value
        pairs.extend(f"{_wire_name(name)}={_quoted(one)}" for one in values)
    return "&".join(pairs), _search_operation(kind, by_patient, [name for name, _ in parameters])


_kept_search: Final = lru_cache(maxsize=4096)(_search)
"""What a persona searches for is mostly the same but for whose it is."""


def _search_operation(kind: str, by_patient: bool, names: Sequence[str]) -> str:
    shown = [_wire_name(name) for name in names if not name.startswith("_") or name in _NAMED_RESULT_PARAMETERS]
    if by_patient:
        shown.insert(0, "patient")
    return f"{kind}.search[{'+'.join(shown)}]" if shown else f"{kind}.search"
