"""A FHIR search request as a value: criteria, order, page size, includes. What is unknown is refused, never ignored.

`Observation?patient=17&category=laboratory&_sort=-date&_count=10`
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from harness.sandbox.outcome import FhirError
from harness.sandbox.parameters import COLUMN_PARAMETERS, PARAMETERS
from harness.sandbox.search_parameter import SearchParameter

__all__ = ["Criterion", "Include", "Query", "parse_query"]

DEFAULT_COUNT = 20
MOST_COUNT = 1000
_MODIFIERS = {
    "token": ("not", "missing"),
    "contact": ("not", "missing"),
    "reference": ("missing",),
    "date": ("missing",),
    "string": ("exact", "contains", "missing"),
}
_IGNORED = ("_pretty",)  # changes white space only
_COMMA = re.compile(r"(?<!\\),")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One `name[:modifier][.chain]=a,b`: any of `values` suffices. `modifier` of a reference may be a resource type."""

    name: str
    modifier: str
    values: tuple[str, ...]
    chained: Criterion | None = None
    chained_kind: str = ""


@dataclass(frozen=True, slots=True)
class Include:
    """`Observation:subject[:Patient]`."""

    kind: str
    parameter: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    kind: str
    criteria: tuple[Criterion, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    """Names, each with whether it goes down."""
    count: int = DEFAULT_COUNT
    total: bool = True
    count_only: bool = False
    includes: tuple[Include, ...] = ()
    reverse_includes: tuple[Include, ...] = ()


def parse_query(kind: str, pairs: Sequence[tuple[str, str]]) -> Query:
    """Raises FhirError 400 for a parameter, modifier or value that the server does not know."""
    criteria: list[Criterion] = []
    sort: list[tuple[str, bool]] = []
    includes: dict[str, list[Include]] = {"_include": [], "_revinclude": []}
    count, total, count_only = DEFAULT_COUNT, True, False
    for name, value in pairs:
        if name == "_count":
            count = _count(value)
        elif name == "_sort":
            sort.extend(_sort_key(kind, key) for key in value.split(","))
        elif name == "_total":
            total = _one_of("_total", value, ("accurate", "estimate", "none")) != "none"
        elif name == "_summary":
            count_only = _one_of("_summary", value, ("count", "false")) == "count"
        elif name == "_format":
            _one_of("_format", value, ("json", "application/json", "application/fhir+json"))
        elif name in includes:
            includes[name].append(_include(name, kind, value))
        elif name not in _IGNORED:
            criteria.append(_criterion(kind, name, value))
    return Query(
        kind,
        tuple(criteria),
        tuple(sort),
        count,
        total,
        count_only or count == 0,
        tuple(includes["_include"]),
        tuple(includes["_revinclude"]),
    )


def _count(value: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value):
        raise FhirError(400, "value", "_count is not a whole number")
    return min(int(value), MOST_COUNT)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise FhirError(400, "not-supported", f"{name} takes {', '.join(allowed)}")
    return value


def _known(kind: str, name: str) -> SearchParameter | None:
    """The parameter, or None where it is a column of every resource."""
    if name in COLUMN_PARAMETERS:
        return None
    if name not in PARAMETERS[kind]:
        known = sorted({*PARAMETERS[kind], *COLUMN_PARAMETERS})
        close = get_close_matches(name, known, n=1)
        meant = f"; did you mean '{close[0]}'?" if close else ""
        raise FhirError(
            400, "not-supported", f"{kind} has no search parameter '{name}'{meant} Known: {', '.join(known)}"
        )
    return PARAMETERS[kind][name]


def _sort_key(kind: str, key: str) -> tuple[str, bool]:
    name = key.removeprefix("-")
    _known(kind, name)
    return name, key.startswith("-")


def _include(name: str, kind: str, value: str) -> Include:
    parts = value.split(":")
    if len(parts) not in (2, 3) or parts[0] not in PARAMETERS or (name == "_include" and parts[0] != kind):
        example = f"{kind}:patient" if name == "_include" else "Observation:patient"
        raise FhirError(
            400, "value", f"{name} is written TYPE:PARAMETER[:TARGET], such as {example}; * and :iterate are not served"
        )
    parameter = _known(parts[0], parts[1])
    if parameter is None or parameter.kind != "reference":
        raise FhirError(400, "value", f"{name}: '{parts[1]}' of {parts[0]} is no reference")
    return Include(*parts)


def _criterion(kind: str, written: str, value: str) -> Criterion:
    head, dot, rest = written.partition(".")
    name, _, modifier = head.partition(":")
    parameter = _known(kind, name)
    if dot:
        return _chain(kind, name, modifier, rest, value)
    parameter_kind = parameter.kind if parameter else COLUMN_PARAMETERS[name]
    allowed = _MODIFIERS[parameter_kind] if parameter else ()
    is_target = parameter_kind == "reference" and modifier in PARAMETERS
    if modifier and modifier not in allowed and not is_target:
        offered = f"it has {', '.join(allowed)}" if allowed else "it has none"
        raise FhirError(400, "not-supported", f"modifier ':{modifier}' of '{name}' is not served; {offered}")
    values = tuple(part for part in _COMMA.split(value) if part)
    if not values:
        raise FhirError(400, "value", f"search parameter '{name}' has no value")
    if modifier == "missing" and values not in (("true",), ("false",)):
        raise FhirError(400, "value", f"'{name}:missing' is true or false")
    return Criterion(name, modifier, values)


def _chain(kind: str, name: str, modifier: str, rest: str, value: str) -> Criterion:
    """`patient.identifier=…`, `subject:Patient.name=…`: one step, to a single type."""
    parameter = _known(kind, name)
    if parameter is None or parameter.kind != "reference":
        raise FhirError(400, "value", f"'{name}' of {kind} is no reference, nothing can be chained to it")
    targets = (modifier,) if modifier else parameter.targets
    if len(targets) != 1 or targets[0] not in PARAMETERS:
        raise FhirError(400, "value", f"say which type '{name}' means: {name}:Patient.{rest}")
    return Criterion(name, "", (), _criterion(targets[0], rest, value), targets[0])
