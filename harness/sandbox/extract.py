"""What of a resource goes into the search indexes: its paths walked, each value split as its parameter needs it.

token (code, system) · reference (id, type) · date (lo, hi) · string (folded, as written)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from harness.sandbox.dates import BEGINNING_MS, END_MS, date_range
from harness.sandbox.outcome import FhirError
from harness.sandbox.parameters import PARAMETERS
from harness.sandbox.search_parameter import ParameterKind, SearchParameter

__all__ = ["INDEX_OF", "PARAMETER_NUMBER", "Entries", "entries_of", "folded", "split_reference"]

INDEX_OF: Mapping[ParameterKind, str] = {
    "token": "token",
    "contact": "token",
    "reference": "reference",
    "date": "date",
    "string": "string",
}
"""Which of the four index tables holds a kind of parameter."""

Entries = dict[str, list[tuple[int, Any, int, Any]]]
"""By index table: rows of (parameter number, key, rid, second column)."""

PARAMETER_NUMBER: Mapping[tuple[str, str], int] = {
    pair: number
    for number, pair in enumerate((kind, name) for kind in sorted(PARAMETERS) for name in sorted(PARAMETERS[kind]))
}

_PATH = re.compile(r"(?P<chain>[A-Za-z.]+)(\[(?P<only>\w+)\])?")
_LOCAL = re.compile(r"(?P<kind>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(/_history/.+)?")
_NAME_PARTS = ("family", "given", "prefix", "suffix", "text")
_ADDRESS_PARTS = ("line", "city", "district", "state", "postalCode", "country", "text")


def _compiled(kind: str) -> list[tuple[int, SearchParameter, list[tuple[tuple[str, ...], str]]]]:
    compiled = []
    for name, parameter in PARAMETERS[kind].items():
        paths = []
        for path in parameter.paths:
            match = _PATH.fullmatch(path)
            assert match, path  # noqa: S101 (the table is ours)
            paths.append((tuple(match["chain"].split(".")), match["only"] or ""))
        compiled.append((PARAMETER_NUMBER[kind, name], parameter, paths))
    return compiled


_COMPILED = {kind: _compiled(kind) for kind in PARAMETERS}


def entries_of(kind: str, rid: int, resource: Mapping[str, Any], entries: Entries) -> None:
    """Append the index rows of `resource` to `entries`.

    Raises FhirError 400 where an element has another shape than FHIR R4 gives it.
    """
    for number, parameter, paths in _COMPILED[kind]:
        rows = entries[INDEX_OF[parameter.kind]]
        for chain, only in paths:
            if chain[0] not in resource:
                continue
            for value in _walk(resource, chain):
                try:
                    pairs = _pairs(parameter, value, only)
                except (TypeError, AttributeError, ValueError, KeyError) as error:
                    raise FhirError(
                        400, "structure", f"{kind}.{'.'.join(chain)} is not what FHIR R4 expects"
                    ) from error
                rows.extend((number, key, rid, second) for key, second in pairs)


def _walk(resource: Mapping[str, Any], chain: tuple[str, ...]) -> list[Any]:
    found: list[Any] = [resource]
    for name in chain:
        stepped: list[Any] = []
        for node in found:
            if not isinstance(node, dict):
                raise FhirError(400, "structure", f"the element that should hold {name} is no object")
            value = node.get(name)
            if isinstance(value, list):
                stepped.extend(value)
            elif value is not None:
                stepped.append(value)
        found = stepped
    return found


def _pairs(parameter: SearchParameter, value: Any, only: str) -> list[tuple[Any, Any]]:
    if parameter.kind == "token":
        return _token_pairs(value)
    if parameter.kind == "reference":
        return _reference_pairs(value, parameter.targets)
    if parameter.kind == "date":
        return [_date_pair(value)]
    if parameter.kind == "string":
        return [(folded(text), text) for text in _texts(value)]
    return [(value["value"], value.get("use", ""))] if not only or value.get("system") == only else []


def _token_pairs(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, bool):
        return [("true" if value else "false", "")]
    if isinstance(value, str):
        return [(value, "")]
    if "coding" in value:
        return [(coding["code"], coding.get("system", "")) for coding in value["coding"] if "code" in coding]
    code = value.get("code", value.get("value"))  # a Coding, else an Identifier
    return [(code, value.get("system", ""))] if isinstance(code, str) else []


def _reference_pairs(value: Any, targets: tuple[str, ...]) -> list[tuple[str, str]]:
    reference = value.get("reference", "")
    if not reference or reference.startswith("#"):
        return []
    target_kind, target_id = split_reference(reference)
    return [] if targets and target_kind and target_kind not in targets else [(target_id, target_kind)]


def split_reference(reference: str) -> tuple[str, str]:
    """Type and id of `Patient/17` or `Patient/17/_history/2`; of an address elsewhere no type and the whole."""
    match = _LOCAL.fullmatch(reference)
    return (match["kind"], match["id"]) if match else ("", reference)


def _date_pair(value: Any) -> tuple[int, int]:
    if isinstance(value, str):
        return date_range(value)
    start, end = value.get("start"), value.get("end")
    return date_range(start)[0] if start else BEGINNING_MS, date_range(end)[1] if end else END_MS


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = _NAME_PARTS if "family" in value or "given" in value else (*_NAME_PARTS, *_ADDRESS_PARTS)
    texts: list[str] = []
    for part in dict.fromkeys(parts):
        held = value.get(part, ())
        texts.extend([held] if isinstance(held, str) else held)
    return texts


def folded(text: str) -> str:
    """Without case and accents, as FHIR's string search compares."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
