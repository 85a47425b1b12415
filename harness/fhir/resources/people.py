"""Who: Patient, Practitioner and Organization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from harness.fhir.resources.elements import Element, Resource, identified, terminology, without_empty
from harness.fhir.systems import NPI_SYSTEM, mrn_system

__all__ = ["Address", "organization", "patient", "practitioner"]

_MEDICAL_RECORD = terminology("v2-0203", "MR", "Medical record number")
_PROVIDER = terminology("organization-type", "prov", "Healthcare Provider")


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; `state` is "" where a country's addresses have none, `country` is ISO 3166-1 alpha-2."""

    line: str
    city: str
    state: str
    postal_code: str
    country: str


def patient(
    site: str,
    mrn: str,
    *,
    family: str,
    given: str,
    gender: str,
    birthdate: date,
    address: Address | None = None,
    phone: str = "",
    managing_organization: str = "",
    identifier_system: str = "",
) -> Resource:
    """A Patient of `site` under its medical record number. `gender` is male, female, other or unknown.

    `identifier_system` is that of the number where it is not the one that the harness gives the site.
    """
    numbers = identifier_system or mrn_system(site)
    kind = {"system": _MEDICAL_RECORD.system, "code": _MEDICAL_RECORD.code, "display": _MEDICAL_RECORD.display}
    return without_empty(
        {
            "resourceType": "Patient",
            "identifier": [{"use": "usual", "type": {"coding": [kind]}, "system": numbers, "value": mrn}],
            "active": True,
            "name": [{"use": "official", "family": family, "given": [given]}],
            "telecom": _phone(phone, "home"),
            "gender": gender,
            "birthDate": birthdate.isoformat(),
            "address": [_address(address)] if address else [],
            "managingOrganization": {"reference": managing_organization} if managing_organization else {},
        }
    )


def practitioner(
    *, family: str, given: str, identifier: str, npi: str = "", gender: str = "", phone: str = "", title: str = ""
) -> Resource:
    """A Practitioner; `npi` is a US National Provider Identifier, `title` says in words what she does."""
    npis = [{"system": NPI_SYSTEM, "value": npi}] if npi else []
    return without_empty(
        {
            "resourceType": "Practitioner",
            "identifier": npis + identified(identifier),
            "active": True,
            "name": [{"use": "official", "family": family, "given": [given]}],
            "telecom": _phone(phone, "work"),
            "gender": gender,
            "qualification": [{"code": {"text": title}}] if title else [],
        }
    )


def organization(name: str, identifier: str, *, address: Address | None = None, phone: str = "") -> Resource:
    """An Organization that gives care: a site."""
    kind = {"system": _PROVIDER.system, "code": _PROVIDER.code, "display": _PROVIDER.display}
    return without_empty(
        {
            "resourceType": "Organization",
            "identifier": identified(identifier),
            "active": True,
            "type": [{"coding": [kind]}],
            "name": name,
            "telecom": _phone(phone, ""),
            "address": [_address(address)] if address else [],
        }
    )


def _phone(number: str, use: str) -> list[Element]:
    return [without_empty({"system": "phone", "value": number, "use": use})] if number else []


def _address(address: Address) -> dict[str, Any]:
    return without_empty(
        {
            "line": [address.line],
            "city": address.city,
            "state": address.state,
            "postalCode": address.postal_code,
            "country": address.country,
        }
    )
