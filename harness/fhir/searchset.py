"""A searchset read only as far as it must be to see that it is right: the rest is JSON, but nothing is made of it.

Four answers of five in a clinician's day are searches, and few are read any further. Making dictionaries of one costs
three times as much as looking through it.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct
from msgspec.json import Decoder

__all__ = ["is_plainly_right"]


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


_read: Final = Decoder(_Searchset).decode


def is_plainly_right(body: bytes, kind: str, patient_id: str | None, at_least: int) -> bool:
    """Whether it is a searchset of nothing but matches of `kind`, `at_least` so many, whose `subject`, or `patient`
    where they have none, is this one.

    False says only that it needs a closer look: what is included with a match, or is about a patient in another way,
    may be right as well.
    """
    try:
        entries = _read(body).entry
        if not body.isascii():
            body.decode()  # what was passed over was not looked at as text
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
