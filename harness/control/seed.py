"""Create the people and charts of a run, one transaction a chart, in a way that may be broken off and taken up again.

    what is there already? ─▶ foundation (Organization, staff) ─▶ beds ─▶ charts that are missing, a few at once
    an answer is lost ─▶ look the patient up: there? it was stored. not there? send it again

A transaction is stored whole or not at all, so a patient who is there has all of her chart. What a target does not
declare it cannot take: such kinds are left out and counted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from harness.clinic.charts import write_chart
from harness.clinic.register import keys_of
from harness.clinic.site_population import SitePopulation
from harness.control.client import PERHAPS_DONE, ControlClient
from harness.control.parallel import in_parallel
from harness.control.people import People, find_beds, find_people, find_site
from harness.control.refusals import refusal_text
from harness.control.taking import Taker
from harness.errors import TargetError
from harness.fhir import requests
from harness.fhir.capabilities import Capabilities
from harness.fhir.checks import is_bundle_response
from harness.fhir.systems import TAG_SYSTEM
from harness.scenario.model import RunSpec

__all__ = ["SeedProgress", "Seeded", "seed_sites"]

Entries = list[dict[str, Any]]
T = TypeVar("T")

MAX_SENDS: Final = 6
"""So often a transaction is sent before seeding gives up."""
_LOOK_PAUSE_S: Final = 0.5
_NOT_STORED: Final = (409, 412, 429)
"""Two transactions met over something that both touch (on HAPI: a new tag), or the target asks for patience."""
_PERHAPS_STORED: Final = (0, *PERHAPS_DONE)
"""No answer, or that of a proxy, which does not know what became of the request."""
_KEPT: Final = (
    "What was stored until then is kept: the same command goes on from there; "
    "`emrload cleanup --target URL` deletes it."
)


@dataclass(slots=True)
class Seeded:
    """What seeding came to. `people` is who is there now, site by site."""

    people: list[People] = field(default_factory=list)
    patients_created: int = 0
    patients_skipped: int = 0
    """Were there already."""
    staff_created: int = 0
    staff_skipped: int = 0
    resources_created: int = 0
    kinds_created: Counter[str] = field(default_factory=Counter)
    """The same, by kind."""
    left_out: Counter[str] = field(default_factory=Counter)
    """By kind, what the target cannot take: it does not declare it, or something that it refers to."""
    undeclared: set[str] = field(default_factory=set)
    """Kinds that the target does not let create or find by tag."""
    sent_again: int = 0
    """Transactions sent again after a conflict or a lost answer."""
    found_after_loss: int = 0
    """Lost answers after which the patient was found to be stored."""
    throttled: int = 0
    """Times that the target asked for patience (429, 503)."""
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SeedProgress:
    """How far it is: patients there, of all that there shall be, and resources created so far."""

    patients: int
    of: int
    resources: int


@dataclass(frozen=True, slots=True)
class _Site:
    """A site that stands: its people, and the ids of its beds in the order of `bed_keys`."""

    people: People
    beds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Chart:
    key: str
    entries: Entries
    left_out: Counter[str]
    population: SitePopulation


@dataclass(frozen=True, slots=True)
class _Sent:
    """How it went with one transaction, or with several."""

    kinds: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    patients: int = 0
    sent_again: int = 0
    found_after_loss: int = 0


def seed_sites(
    client: ControlClient,
    capabilities: Capabilities,
    spec: RunSpec,
    on_progress: Callable[[SeedProgress], None] = lambda _progress: None,
) -> Seeded:
    """Create whoever of the run's people is not at the target yet; who is there is skipped and counted.

    Raises TargetError where the target lacks what seeding needs, refuses a transaction, or stops answering; what was
    stored until then is found and skipped when the same is seeded again.
    """
    _require_abilities(client, capabilities)
    began = time.monotonic()
    result, taker = Seeded(), Taker(capabilities)
    there = find_people(client, spec)
    result.staff_skipped = sum(len(people.practitioners) for people in there)
    result.patients_skipped = sum(len(people.patients) for people in there)
    laying = in_parallel(lambda people: _lay_site(client, taker, people), there, client.connections, client.give_up)
    sites = {}
    for site, steps in laying:
        sites[site.people.site] = site
        for sent in steps:
            _add(result, sent)
    result.staff_created = sum(len(site.people.practitioners) for site in sites.values()) - result.staff_skipped
    total = sum(site.patients for site in spec.sites)
    charts = _missing_charts([sites[site.name] for site in spec.sites], taker)
    storing = in_parallel(lambda chart: _store_chart(client, chart), charts, client.connections, client.give_up)
    for sent in storing:
        _add(result, sent)
        result.patients_created += sent.patients
        on_progress(SeedProgress(result.patients_skipped + result.patients_created, total, result.resources_created))
    result.undeclared = {kind for kind in result.left_out if taker.lacking(kind)}
    result.people = _read_back(client, spec)
    result.throttled = client.traffic.after_throttling
    result.took_s = time.monotonic() - began
    return result


def _require_abilities(client: ControlClient, capabilities: Capabilities) -> None:
    people = ("Organization", "Practitioner", "Patient")
    needs = ["transaction", *(f"{kind}?_tag" for kind in people), *(f"{kind}.create" for kind in people)]
    missing = capabilities.lacks(needs)
    if missing:
        raise TargetError(
            f"{client.target.url}: cannot be seeded: it does not declare {', '.join(missing)}",
            "One GET of its /metadata was sent, nothing was written. Seeding needs transactions and search by tag.",
        )


def _lay_site(client: ControlClient, taker: Taker, people: People) -> tuple[_Site, list[_Sent]]:
    """The site with its Organization, all its staff and its beds there, and what was sent for that."""
    people, founded = _lay_foundation(client, people)
    beds, made = _make_beds(client, taker, people)
    return _Site(people, beds), [founded, made]


def _lay_foundation(client: ControlClient, people: People) -> tuple[People, _Sent]:
    """The site with its Organization and all its staff there."""
    missing = set(people.missing_staff)
    if not missing:
        return people, _Sent()
    entries = [entry for entry in people.population.foundation() if missing.intersection(keys_of(entry["resource"]))]

    def look() -> People:
        return find_site(client, people.population)

    sent = _store(client, "foundation", entries, lambda: not look().missing_staff)
    return _found_in_time(client, look, lambda found: len(found.missing_staff)), sent


def _make_beds(client: ControlClient, taker: Taker, people: People) -> tuple[tuple[str, ...], _Sent]:
    """Ids of all the site's beds; none where it has none, or where the target does not take them."""
    population = people.population
    keys = population.bed_keys
    if not keys or taker.lacking("Location"):
        return (), _Sent(left_out=Counter({"Location": len(keys)} if keys else {}))

    def look() -> dict[str, str]:
        return find_beds(client, population)

    there, sent = look(), _Sent()
    if len(there) < len(keys):
        entries = population.beds(people.organization, there)
        sent = _store(client, "beds", entries, lambda: len(look()) == len(keys))
        there = _found_in_time(client, look, lambda found: len(keys) - len(found))
    return tuple(there[key] for key in keys), sent


def _missing_charts(sites: Sequence[_Site], taker: Taker) -> Iterator[_Chart]:
    """Charts of patients who are not there, one site after the other; made when they are asked for."""
    for site in sites:
        people, population = site.people, site.people.population
        staff, keys = people.staff_ids(), population.patient_keys
        for ordinal in people.missing_patients:
            chart = write_chart(population, ordinal, people.organization, staff, site.beds)
            yield _Chart(keys[ordinal], *taker.sort_out(chart), population)


def _store_chart(client: ControlClient, chart: _Chart) -> _Sent:
    def is_there() -> bool:
        # The same MRN may be there from another population: the tag tells them apart.
        sought = {"identifier": chart.key, "_tag": f"{TAG_SYSTEM}|{chart.population.tag}"}
        return any(True for _ in client.find("Patient", sought, page_size=1))

    sent = _store(client, "chart", chart.entries, is_there)
    return replace(sent, patients=1, left_out=chart.left_out)


def _store(client: ControlClient, name: str, entries: Entries, is_there: Callable[[], bool]) -> _Sent:
    """Send one transaction until it is stored; `is_there` tells after a lost answer whether it was."""
    call = requests.bundle("transaction", name, entries)
    kinds = Counter(entry["resource"]["resourceType"] for entry in entries)
    for tried in range(1, MAX_SENDS + 1):
        answer = client.send(call, tries=1)
        if answer.outcome == "ok":
            wrong = is_bundle_response(answer, "transaction", len(entries))
            if wrong:
                raise TargetError(f"{client.target.url}: {call.operation}: {wrong}", _KEPT)
            return _Sent(kinds, sent_again=tried - 1)
        if answer.status not in (*_NOT_STORED, *_PERHAPS_STORED):
            break
        client.be_patient(answer, tried)
        if answer.status in _PERHAPS_STORED and is_there():
            return _Sent(kinds, sent_again=tried - 1, found_after_loss=1)
    raise TargetError(f"{client.target.url}: {call.operation}: {refusal_text(answer)}", _KEPT)


def _read_back(client: ControlClient, spec: RunSpec) -> list[People]:
    """Everybody, as a run will find them. Raises TargetError where somebody cannot be found after a while."""
    return _found_in_time(
        client,
        lambda: find_people(client, spec),
        lambda people: sum(len(site.missing_patients) + len(site.missing_staff) for site in people),
    )


def _found_in_time(client: ControlClient, look: Callable[[], T], lacking: Callable[[T], int]) -> T:
    """What `look` finds, once it lacks nothing. Raises TargetError where that takes too long."""
    for tried in range(MAX_SENDS):
        found = look()
        missing = lacking(found)
        if not missing:
            return found
        # A server may need a moment until what it stored is found by searching.
        time.sleep(_LOOK_PAUSE_S * 2**tried)
    raise TargetError(
        f"{client.target.url}: {missing} of the people and beds that were stored there are not found by their tag",
        "Does the server index tags? Ask it: GET Patient?_tag=…; the same command may be given again.",
    )


def _add(result: Seeded, sent: _Sent) -> None:
    result.resources_created += sent.kinds.total()
    result.kinds_created.update(sent.kinds)
    result.left_out.update(sent.left_out)
    result.sent_again += sent.sent_again
    result.found_after_loss += sent.found_after_loss
