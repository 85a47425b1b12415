"""Who of a run's people is at the target: found by their population's tag, told apart by their identifiers.

tag of the site's population ──search──▶ Organization, Practitioners, Patients ──by system|value──▶ SiteRegister
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.clinic.register import SiteRegister, keys_of, known_patient
from harness.clinic.site_population import SitePopulation
from harness.control.client import ControlClient
from harness.control.parallel import in_parallel
from harness.fhir.systems import TAG_SYSTEM
from harness.scenario import population_of
from harness.scenario.model import RunSpec

__all__ = ["People", "find_beds", "find_people", "find_site"]

Resource = dict[str, Any]


@dataclass(frozen=True)
class People:
    """Those of one site's people that are at the target. Keys are `system|value` of an identifier."""

    population: SitePopulation
    organization: str
    """The Organization's id, "" where it is not there."""
    practitioners: Mapping[str, str]
    """Key → id."""
    patients: Mapping[str, Resource]
    """Key → Patient."""
    doubles: int = 0
    """Resources with a key that another one has already, as a lost answer may leave them; the first found is used."""

    @property
    def site(self) -> str:
        return self.population.site

    @property
    def staff(self) -> int:
        """How many of the site's staff should be there."""
        return sum(map(len, self.population.staff_keys.values()))

    @property
    def missing_staff(self) -> tuple[str, ...]:
        """Keys of the Organization and the Practitioners that are not there."""
        keys = [] if self.organization else [self.population.organization_key]
        wanted = [key for keys_of_persona in self.population.staff_keys.values() for key in keys_of_persona]
        return tuple(keys + [key for key in wanted if key not in self.practitioners])

    @property
    def missing_patients(self) -> tuple[int, ...]:
        """Ordinals of the patients that are not there."""
        keys = enumerate(self.population.patient_keys)
        return tuple(ordinal for ordinal, key in keys if key not in self.patients)

    @property
    def complete(self) -> bool:
        return not self.missing_staff and not self.missing_patients

    def staff_ids(self) -> dict[str, tuple[str, ...]]:
        """Persona → ids, the n-th the n-th clinician's. Raises KeyError unless all of them are there."""
        keys = self.population.staff_keys
        return {persona: tuple(self.practitioners[key] for key in keys[persona]) for persona in keys}

    def register(self) -> SiteRegister:
        """Who the load works with. Raises KeyError unless `complete`."""
        patients = tuple(known_patient(self.patients[key], key) for key in self.population.patient_keys)
        return SiteRegister(patients, self.staff_ids(), self.organization)


def find_people(client: ControlClient, spec: RunSpec) -> list[People]:
    """The people of each site that are at the target, in the order of the sites. Raises TargetError."""
    populations = [population_of(spec, site) for site in spec.sites]
    at_once = min(client.connections, len(populations))
    sought = in_parallel(lambda one: find_site(client, one), populations, at_once, client.give_up)
    found = {people.site: people for people in sought}
    return [found[site.name] for site in spec.sites]


def find_site(client: ControlClient, population: SitePopulation) -> People:
    """The people of one site that are at the target: three searches by tag, page by page. Raises TargetError."""
    organizations, doubles_0 = _by_key(client, "Organization", population.tag, [population.organization_key])
    staff_keys = [key for keys in population.staff_keys.values() for key in keys]
    practitioners, doubles_1 = _by_key(client, "Practitioner", population.tag, staff_keys)
    patients, doubles_2 = _by_key(client, "Patient", population.tag, population.patient_keys)
    organization = organizations.get(population.organization_key, {}).get("id", "")
    ids = {key: str(resource["id"]) for key, resource in practitioners.items()}
    return People(population, organization, ids, patients, doubles_0 + doubles_1 + doubles_2)


def find_beds(client: ControlClient, population: SitePopulation) -> dict[str, str]:
    """Key → id of each of the site's beds that is at the target. Raises TargetError."""
    keys = population.bed_keys
    found = _by_key(client, "Location", population.tag, keys)[0] if keys else {}
    return {key: str(bed["id"]) for key, bed in found.items()}


def _by_key(client: ControlClient, kind: str, tag: str, wanted: Sequence[str]) -> tuple[dict[str, Resource], int]:
    """The resources of `kind` and `tag` under the key by which they are wanted, and how many came twice."""
    keys, found, doubles = set(wanted), dict[str, Resource](), 0
    for resource in client.find(kind, {"_tag": f"{TAG_SYSTEM}|{tag}"}):
        key = next((key for key in keys_of(resource) if key in keys), "")
        if key in found and found[key].get("id") != resource.get("id"):
            doubles += 1
        elif key and resource.get("id"):
            found[key] = resource
    return found, doubles
