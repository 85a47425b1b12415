"""Bundles read only as far as they must be to see that they are right: the rest is JSON, but nothing is made of it.

Four answers of five in a clinician's day are searches, and few are read any further; what a transaction gives back,
hardly ever. Making dictionaries of one costs three times as much as looking through it.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct
from msgspec.json import Decoder

__all__ = ["is_plainly_done", "is_plainly_right"]


class _Reference(Struct, frozen=True, gc=False):
    reference: str = ""


_NOBODY: Final = _Reference()


class _Resource(Struct, frozen=True, gc=False):
    resourceType: str  # noqa: N815 (FHIR's name)
    subject: _Reference = _NOBODY
    patient: _Reference = _NOBODY


class _Search(Struct, frozen=True, gc=False):
    mode: str = ""


_MATCH: Final = _Search()


class _Entry(Struct, frozen=True, gc=False):
    resource: _Resource
    search: _Search = _MATCH


class _Link(Struct, frozen=True, gc=False):
    relation: str
    url: str


class _Searchset(Struct, frozen=True, gc=False):
    resourceType: Literal["Bundle"]  # noqa: N815 (FHIR's name)
    type: Literal["searchset"]
    entry: tuple[_Entry, ...] = ()
    link: tuple[_Link, ...] = ()


class _Done(Struct, frozen=True, gc=False):
    status: str


class _Response(Struct, frozen=True, gc=False):
    response: _Done


class _BundleResponse(Struct, frozen=True, gc=False):
    resourceType: Literal["Bundle"]  # noqa: N815 (FHIR's name)
    type: str
    entry: tuple[_Response, ...] = ()


_read: Final = Decoder(_Searchset).decode
_read_response: Final = Decoder(_BundleResponse).decode


def is_plainly_right(body: bytes, kind: str, patient_id: str | None, at_least: int) -> bool:
    """Whether it is a searchset of nothing but matches of `kind`, `at_least` so many, whose `subject`, or `patient`
    where they have none, is this one.

    False says only that it needs a closer look: what is included with a match, or is about a patient in another way,
    may be right as well.
    """
    try:
        entries = _read(body).entry
        _require_text(body)
    except (ValueError, RecursionError):
        return False
    whose = f"Patient/{patient_id}" if patient_id else ""
    for entry in entries:
        resource = entry.resource
        if resource.resourceType != kind or entry.search.mode == "include":
            return False
        if whose:
            subject = resource.subject
            if (resource.patient if subject is _NOBODY else subject).reference != whose:
                return False
    return len(entries) >= at_least


def is_plainly_done(body: bytes, bundle_type: str, count: int) -> bool:
    """Whether it is a Bundle of this type with so many entries, the status of each of which begins with 2.

    False says only that it needs a closer look, as above.
    """
    try:
        told = _read_response(body)
        _require_text(body)
    except (ValueError, RecursionError):
        return False
    if told.type != bundle_type or len(told.entry) != count:
        return False
    return all(one.response.status.startswith("2") for one in told.entry)


def _require_text(body: bytes) -> None:
    """What was passed over was not looked at as text. Raises ValueError where it is none."""
    if not body.isascii():
        body.decode()
