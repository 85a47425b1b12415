"""One patient's chart in the making: the entries so far, whom it is about, who looks after her, what it draws from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta, timezone
from functools import cached_property
from typing import Any, Final, TypeVar

from harness.clinic.hospital import Whereabouts, bed_of, rank, whereabouts
from harness.clinic.site_population import SitePopulation
from harness.fhir import codes
from harness.fhir.systems import ID_SYSTEM
from harness.population.stream import Stream

__all__ = ["Chart"]

Resource = dict[str, Any]
T = TypeVar("T")

_CARED_FOR_BY: Final[Mapping[Whereabouts, str]] = {
    "ward": "hospitalist",
    "emergency": "ed-physician",
    "home": "primary-care-physician",
}
_PHYSICIANS: Final = ("physician", "hospitalist")
_UNIDENTIFIED: Final = frozenset({"Binary"})
"""Kinds that have no identifier in R4."""


class Chart:
    """References to what is in the chart itself are `urn:uuid:…`, all others ids as the server gave them."""

    def __init__(
        self,
        population: SitePopulation,
        ordinal: int,
        organization: str,
        practitioners: Mapping[str, Sequence[str]],
        beds: Sequence[str],
    ) -> None:
        self.entries: list[Resource] = []
        self.population = population
        self.ordinal = ordinal
        self.organization = f"Organization/{organization}"
        self.patient = population.urn("patient", ordinal)
        self.draws = Stream(population.seed, population.site, "chart", ordinal)
        self.midnight = datetime.combine(population.day, time(), timezone(timedelta(seconds=population.utc_offset_s)))
        self._practitioners = practitioners
        self._beds = beds

    @property
    def where(self) -> Whereabouts:
        return whereabouts(self.ordinal) if self.population.is_hospital else "home"

    @cached_property
    def turn(self) -> int:
        """Her place among those who are where she is; they are dealt out to the physicians, one after the other."""
        return rank(self.ordinal) if self.population.is_hospital else self.ordinal

    @cached_property
    def physicians(self) -> list[str]:
        """The ids of those who see patients where she is; where nobody does, of all physicians, else of everybody."""
        staff = self._practitioners
        of_all = [ids for persona, ids in staff.items() if persona.endswith(_PHYSICIANS)]
        own = list(staff.get(_CARED_FOR_BY[self.where], ()))
        return own or [one for ids in of_all or staff.values() for one in ids]

    @property
    def physician(self) -> str:
        """Who looks after her, as a reference; "" at a site without staff."""
        return f"Practitioner/{self.physicians[self.turn % len(self.physicians)]}" if self.physicians else ""

    @property
    def bed(self) -> str:
        """Where she lies, as a reference; "" where she does not, or where the target holds no beds."""
        number = bed_of(self.ordinal) if self.where == "ward" else None
        known = self._beds[number] if number is not None and number < len(self._beds) else ""
        return f"Location/{known}" if known else ""

    @property
    def awaits_bed(self) -> bool:
        """One in four in the emergency department is admitted and waits there, where somebody places patients."""
        return self.where == "emergency" and self.has("bed-coordinator") and self.turn % 4 == 0

    def has(self, persona: str) -> bool:
        """Whether the site has such people: what only they look for is made for them alone."""
        return bool(self.population.staff.get(persona))

    def is_one_in(self, number: int) -> bool:
        """So for every `number`-th patient of the site, the first of them included."""
        return self.ordinal % number == 0

    def add(self, resource: Resource) -> str:
        """Put `resource` into the chart; how others in it refer to it."""
        name = ("chart", self.ordinal, len(self.entries))
        if resource["resourceType"] not in _UNIDENTIFIED:
            own = {"system": ID_SYSTEM, "value": self.population.name(*name)}
            resource["identifier"] = [own, *resource.get("identifier", ())]
        self.entries.append(self.population.entry(resource, *name))
        return self.population.urn(*name)

    def some(self, items: Sequence[T], at_least: int, at_most: int) -> list[T]:
        """Different ones of `items`, between so many and so many."""
        left = list(items)
        count = at_least + self.draws.integer(at_most - at_least + 1)
        return [left.pop(self.draws.integer(len(left))) for _ in range(count)]

    def between(self, measured: codes.Lab | codes.VitalSign, beyond: float = 0.0) -> float:
        """A value in its range, or out of it by up to the share `beyond` of it on either side."""
        span = measured.high - measured.low
        return measured.low + span * (self.draws.uniform() * (1 + 2 * beyond) - beyond)

    def this_morning(self) -> datetime:
        """Between 04:00 and 08:00 (55% of a day's orders, Am J Clin Pathol 2014)."""
        return self.midnight + timedelta(hours=4, seconds=self.draws.integer(4 * 3600))

    def last_evening(self) -> datetime:
        """Between 18:00 and midnight of the day before, so that it is over whenever a run begins."""
        return self.midnight - timedelta(seconds=1 + self.draws.integer(6 * 3600))

    def days_ago(self, at_least: int, at_most: int) -> datetime:
        """Between 08:00 and 17:00 of one of these days."""
        days = at_least + self.draws.integer(at_most - at_least + 1)
        return self.midnight - timedelta(days=days) + timedelta(hours=8, seconds=self.draws.integer(9 * 3600))
