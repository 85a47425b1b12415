"""Who and what is at a site before a run: its staff, its patients and their charts, as transactions for whoever seeds.

    foundation()  Organization, Practitioners          one transaction
    chart(n)      the n-th patient with all of hers    one transaction, refers to the foundation by the ids that it got

Everything is derived from what `site_population` is given; the population's tag is the digest of that. How much of what
stands in a chart is our choice (assumption: enough that every search of a workflow has something to find).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cached_property
from importlib.metadata import version
from typing import Any, Final, Literal, TypeVar
from uuid import NAMESPACE_URL, uuid5

from harness.fhir import codes, requests, resources
from harness.fhir.systems import ID_SYSTEM, mrn_system
from harness.population.identity import PatientIdentity, mrn, patient_identity, staff_identity
from harness.population.stream import Stream

__all__ = ["SitePopulation", "patient_resource", "site_population"]

Resource = dict[str, Any]
Entries = list[Resource]
T = TypeVar("T")

_FORMAT: Final = 1
"""Raise it when the same arguments give another chart, so that what was seeded before is not taken for it."""
_HEADINGS: Final = ("Reason for visit", "History", "Examination", "Assessment", "Plan")
_PHRASES: Final = (
    "Seen for routine follow-up.",
    "No new complaints since the last visit.",
    "Takes medication as prescribed, no side effects reported.",
    "Alert, in no distress.",
    "Lungs clear, heart sounds regular, no oedema.",
    "Laboratory results reviewed with the patient.",
    "Continue current treatment.",
    "Return in three months, earlier if symptoms change.",
    "Advised on diet and daily exercise.",
    "Repeat the basic metabolic panel before the next visit.",
)
_PHYSICIANS: Final = ("physician", "hospitalist")
_FIRST_VISIT: Final = timedelta(hours=8)
_VISIT: Final = timedelta(minutes=20)
_VISITS_A_DAY: Final = 25
"""What a primary-care physician's day holds (assumption); with more patients, two are booked for one time."""


@dataclass(frozen=True)
class SitePopulation:
    """One site's people and charts. `staff` is heads by persona; times in the charts are at `utc_offset_s`."""

    seed: int
    site: str
    locale: str
    patients: int
    staff: Mapping[str, int]
    day: date
    utc_offset_s: float = 0.0

    @cached_property
    def tag(self) -> str:
        """`population-<12 hex>`: another one whenever a chart or a person would be another."""
        people = [self.seed, self.site, self.locale, self.patients, sorted(self.staff.items())]
        shaped_by = [_FORMAT, version("faker"), *people, self.day.isoformat(), self.utc_offset_s]
        return f"population-{hashlib.sha256(json.dumps(shaped_by).encode()).hexdigest()[:12]}"

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
        return tuple(f"{mrn_system(self.site)}|{mrn(self.site, ordinal)}" for ordinal in range(self.patients))

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

    def chart(self, ordinal: int, organization: str, practitioners: Mapping[str, Sequence[str]]) -> Entries:
        """The `ordinal`-th patient and all that is known of her, about 15 entries; the Patient is the first.

        `organization` and `practitioners` (persona → ids in the order of `staff_keys`) are ids as the server gave them.
        """
        chart = _ChartWriter(self, ordinal, organization, practitioners)
        chart.write()
        return chart.entries

    def charts(
        self, ordinals: Iterable[int], organization: str, practitioners: Mapping[str, Sequence[str]], at_once: int = 1
    ) -> Iterator[Entries]:
        """Transactions of `at_once` charts each, for these patients."""
        wanted = list(ordinals)
        for start in range(0, len(wanted), at_once):
            charts = (self.chart(ordinal, organization, practitioners) for ordinal in wanted[start : start + at_once])
            yield [entry for chart in charts for entry in chart]

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
) -> SitePopulation:
    """The people of `site` on `day`; `staff` is heads by persona. Nothing is made before it is asked for."""
    return SitePopulation(seed, site, locale, patients, dict(staff), day, utc_offset_s)


def patient_resource(site: str, who: PatientIdentity, organization: str = "") -> Resource:
    """`who` as a Patient of `site`; `organization` is a reference."""
    place = who.address
    return resources.patient(
        site,
        who.mrn,
        family=who.family,
        given=who.given,
        gender=who.gender,
        birthdate=who.birthdate,
        address=resources.Address(place.line, place.city, place.state, place.postal_code, place.country),
        phone=who.phone,
        managing_organization=organization,
    )


class _ChartWriter:
    """One patient's chart in the making: what was before, which results there are, what is today."""

    def __init__(
        self, population: SitePopulation, ordinal: int, organization: str, practitioners: Mapping[str, Sequence[str]]
    ) -> None:
        self.entries: Entries = []
        self._population = population
        self._ordinal = ordinal
        self._organization = f"Organization/{organization}"
        self._patient = population.urn("patient", ordinal)
        self._draws = Stream(population.seed, population.site, "chart", ordinal)
        self._midnight = datetime.combine(population.day, time(), timezone(timedelta(seconds=population.utc_offset_s)))
        self._physician, self._visit_at = self._visit(_physicians(practitioners))

    def write(self) -> None:
        who = self._population.patient(self._ordinal)
        patient = patient_resource(self._population.site, who, self._organization)
        self.entries.append(self._population.entry(patient, "patient", self._ordinal))
        self._write_history(who)
        self._write_results()
        self._write_today()

    def _write_history(self, who: PatientIdentity) -> None:
        """Plan, problems, allergies, drugs and a note."""
        patient, by, draws = self._patient, self._physician, self._draws
        since = self._population.day - timedelta(days=400 + draws.integer(2000))
        self._add(resources.coverage(patient, payer="Synthetic Health Plan", member=f"M-{who.mrn}", start=since))
        for problem in self._some(codes.PROBLEMS, 1, 3):
            self._add(resources.condition(patient, problem, recorded=since, recorder=by))
        for allergen in self._some(codes.ALLERGENS, 0, 2):
            reaction = draws.choose(codes.ALLERGY_REACTIONS)
            self._add(resources.allergy(patient, allergen, recorded=since, reaction=reaction, recorder=by))
        for drug in self._some(codes.MEDICATIONS, 1, 3):
            ordered = self._days_ago(10, 300)
            self._add(resources.medication_request(patient, drug, requester=by, authored=ordered))
        self._add(
            resources.document_reference(
                patient,
                draws.choose(codes.NOTE_TYPES),
                self._note(),
                author=by,
                at=self._days_ago(20, 200),
                custodian=self._organization,
            )
        )

    def _write_results(self) -> None:
        """Potassium and one more from this morning's round, two older ones, and the last blood pressure."""
        others = self._some([lab for lab in codes.LABS if lab is not codes.POTASSIUM], 3, 3)
        for number, lab in enumerate((codes.POTASSIUM, *others)):
            at = self._this_morning() if number < 2 else self._days_ago(20, 300)
            value = self._between(lab, beyond=0.2)
            self._add(resources.lab_observation(self._patient, lab, value, at=at, performer=self._organization))
        taken = resources.vital_signs(
            self._patient,
            at=self._days_ago(20, 200),
            systolic=self._between(codes.SYSTOLIC),
            diastolic=self._between(codes.DIASTOLIC),
            heart_rate=self._between(codes.HEART_RATE) if self._draws.chance(0.5) else None,
        )
        for sign in taken:
            self._add(sign)

    def _write_today(self) -> None:
        """The appointment, the visit that comes of it or has begun, and a laboratory order that waits to be done."""
        patient, by, at = self._patient, self._physician, self._visit_at
        status: Literal["planned", "in-progress"] = "in-progress" if self._draws.chance(0.5) else "planned"
        self._add(resources.appointment(patient, by, start=at, end=at + _VISIT, reason="Follow-up visit"))
        self._add(
            resources.encounter(patient, status=status, start=at, practitioner=by, organization=self._organization)
        )
        self._add(
            resources.service_request(
                patient,
                self._draws.choose(codes.LAB_PANELS),
                requester=by,
                performer=self._organization,
                authored=self._this_morning(),
            )
        )

    def _visit(self, physicians: Sequence[str]) -> tuple[str, datetime]:
        """Whom she sees today and when: patients are dealt out to the physicians, one after the other."""
        dealt = len(physicians) or 1
        by = f"Practitioner/{physicians[self._ordinal % dealt]}" if physicians else ""
        return by, self._midnight + _FIRST_VISIT + self._ordinal // dealt % _VISITS_A_DAY * _VISIT

    def _add(self, resource: Resource) -> None:
        name = ("chart", self._ordinal, len(self.entries))
        resource["identifier"] = [{"system": ID_SYSTEM, "value": self._population.name(*name)}]
        self.entries.append(self._population.entry(resource, *name))

    def _some(self, items: Sequence[T], at_least: int, at_most: int) -> list[T]:
        """Different ones of `items`, between so many and so many."""
        left = list(items)
        count = at_least + self._draws.integer(at_most - at_least + 1)
        return [left.pop(self._draws.integer(len(left))) for _ in range(count)]

    def _between(self, measured: codes.Lab | codes.VitalSign, beyond: float = 0.0) -> float:
        """A value in its range, or out of it by up to the share `beyond` of it on either side."""
        span = measured.high - measured.low
        return measured.low + span * (self._draws.uniform() * (1 + 2 * beyond) - beyond)

    def _this_morning(self) -> datetime:
        """Between 04:00 and 08:00 (55% of a day's orders, Am J Clin Pathol 2014)."""
        return self._midnight + timedelta(hours=4, seconds=self._draws.integer(4 * 3600))

    def _days_ago(self, at_least: int, at_most: int) -> datetime:
        days = at_least + self._draws.integer(at_most - at_least + 1)
        return self._midnight - timedelta(days=days) + timedelta(hours=8, seconds=self._draws.integer(9 * 3600))

    def _note(self) -> str:
        return "\n\n".join(f"{heading}\n{' '.join(self._some(_PHRASES, 3, 6))}" for heading in _HEADINGS)


def _physicians(practitioners: Mapping[str, Sequence[str]]) -> list[str]:
    """The ids of all who see patients by appointment; at a site without physicians, of everybody."""
    of_physicians = [ids for persona, ids in practitioners.items() if persona.endswith(_PHYSICIANS)]
    return [one for ids in of_physicians or practitioners.values() for one in ids]


def _words(name: str) -> str:
    """`primary-care-physician` → `Primary care physician`."""
    return name.replace("-", " ").capitalize()
