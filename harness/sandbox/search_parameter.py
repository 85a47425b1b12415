"""One search parameter: the kind of its values and where they stand in a resource.

A path is a chain of element names; several paths are alternatives. `telecom[phone]` keeps the contact points of one
system.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ParameterKind", "SearchParameter", "contact", "date", "string", "to", "token"]

ParameterKind = Literal["token", "contact", "reference", "date", "string"]


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """`targets` are the types of which references are indexed under the parameter; empty means any type."""

    kind: ParameterKind
    paths: tuple[str, ...]
    targets: tuple[str, ...] = ()


def token(*paths: str) -> SearchParameter:
    return SearchParameter("token", paths)


def contact(*paths: str) -> SearchParameter:
    return SearchParameter("contact", paths)


def string(*paths: str) -> SearchParameter:
    return SearchParameter("string", paths)


def date(*paths: str) -> SearchParameter:
    return SearchParameter("date", paths)


def to(path: str, *targets: str) -> SearchParameter:
    return SearchParameter("reference", (path,), targets)
