"""Who is at a site before a run: its staff, its beds, and its patients by name.

    foundation()  Organization, Practitioners          one transaction
    beds()        Locations, at a hospital             one transaction, refers to the Organization

Everything is derived from what `site_population` is given; the population's tag is the digest of that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.metadata import version
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from harness.clinic.hospital import bed_count, bed_name, is_free, is_hospital
from harness.fhir import requests, resources
from harness.fhir.systems import ID_SYSTEM, mrn_system
from harness.population.identity import PatientIdentity, mrn, patient_identity, staff_identity

__all__ = ["SitePopulation", "site_population"]

Resource = dict[str, Any]
Entries = list[Resource]

_FORMAT: Final = 2
"""Raise it when the same arguments give another chart, so that what was seeded before is not taken for it."""


@dataclass(frozen=True)
class SitePopulation:
    """One site's people and charts. `staff` is heads by persona; times in the charts are at `utc_offset_s`.

    `identifier_system` is that of the patients' record numbers, "" for the one that the harness gives the site.
    """

    seed: int
    site: str
    locale: str
    patients: int
    staff: Mapping[str, int]
    day: date
    utc_offset_s: float = 0.0
    identifier_system: str = ""

    @cached_property
    def tag(self) -> str:
        """`population-<12 hex>`: another one whenever a chart or a person would be another."""
        people = [self.seed, self.site, self.locale, self.patients, sorted(self.staff.items())]
        when = [self.day.isoformat(), self.utc_offset_s]
        shaped_by = [_FORMAT, version("faker"), *people, *when, self.identifier_system]
        return f"population-{hashlib.sha256(json.dumps(shaped_by).encode()).hexdigest()[:12]}"

    @cached_property
    def is_hospital(self) -> bool:
        """Whether patients stay over night."""
        return is_hospital(self.staff)

    @property
    def mrn_system(self) -> str:
        return self.identifier_system or mrn_system(self.site)

    @property
    def organization_key(self) -> str:
        """The site's Organization as `system|value` of its identifier."""
        return f"{ID_SYSTEM}|{self.name('organization')}"

    @property
    def staff_keys(self) -> dict[str, tuple[str, ...]]:
        """Persona → `system|value` of each Practitioner's identifier, the n-th the n-th clinician's."""
        return {
            persona: tuple(f"{ID_SYSTEM}|{self.name('staff', persona, ordinal)}" for ordinal in range(heads))
            for persona, heads in self.staff.items()
        }

    @property
    def patient_keys(self) -> tuple[str, ...]:
        """`system|value` of each patient's medical record number."""
        return tuple(f"{self.mrn_system}|{mrn(self.site, ordinal)}" for ordinal in range(self.patients))

    @property
    def bed_keys(self) -> tuple[str, ...]:
        """`system|value` of each bed's identifier; none where nobody stays over night."""
        beds = bed_count(self.patients) if self.is_hospital else 0
        return tuple(f"{ID_SYSTEM}|{self.name('bed', number)}" for number in range(beds))

    def patient(self, ordinal: int) -> PatientIdentity:
        return patient_identity(self.seed, self.site, ordinal, self.locale)

    def foundation(self) -> Entries:
        """Organization and staff: 1 + all heads entries that refer to nothing."""
        site = resources.organization(_words(self.site), self.name("organization"))
        entries = [self.entry(site, "organization")]
        for persona, heads in self.staff.items():
            for ordinal in range(heads):
                who = staff_identity(self.seed, self.site, persona, ordinal, self.locale)
                practitioner = resources.practitioner(
                    family=who.family,
                    given=who.given,
                    gender=who.gender,
                    phone=who.phone,
                    npi=who.npi,
                    title=_words(persona),
                    identifier=self.name("staff", persona, ordinal),
                )
                entries.append(self.entry(practitioner, "staff", persona, ordinal))
        return entries

    def beds(self, organization: str, there: Collection[str] = ()) -> Entries:
        """The site's beds but those whose keys are `there` already; `organization` is its id."""
        keys = self.bed_keys
        return [
            self.entry(
                resources.bed(
                    bed_name(number),
                    state="U" if is_free(number, len(keys)) else "O",
                    organization=f"Organization/{organization}",
                    identifier=self.name("bed", number),
                ),
                "bed",
                number,
            )
            for number, key in enumerate(keys)
            if key not in there
        ]

    def name(self, *parts: str | int) -> str:
        """A name that no other population has, for identifiers."""
        return ".".join((self.tag, *map(str, parts)))

    def urn(self, *parts: str | int) -> str:
        """What other entries of a transaction call the resource of that name."""
        return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{ID_SYSTEM}:{self.name(*parts)}')}"

    def entry(self, resource: Resource, *parts: str | int) -> Resource:
        """`resource` under that name, tagged, as an entry of a transaction."""
        return requests.entry(requests.tagged(resource, self.tag), full_url=self.urn(*parts))


def site_population(
    seed: int,
    site: str,
    locale: str,
    patients: int,
    staff: Mapping[str, int],
    day: date,
    *,
    utc_offset_s: float = 0.0,
    identifier_system: str = "",
) -> SitePopulation:
    """The people of `site` on `day`; `staff` is heads by persona. Nothing is made before it is asked for."""
    return SitePopulation(seed, site, locale, patients, dict(staff), day, utc_offset_s, identifier_system)


def _words(name: str) -> str:
    """`primary-care-physician` → `Primary care physician`."""
    return name.replace("-", " ").capitalize()
