"""Create the people and charts of a run, one transaction a chart, in a way that may be broken off and taken up again.

    what is there already? ─▶ foundation (Organization, staff) ─▶ charts that are missing, a few connections at once
    an answer is lost ─▶ look the patient up: there? it was stored. not there? send it again

A transaction is stored whole or not at all, so a patient who is there has all of her chart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from harness.clinic.charts import SitePopulation
from harness.clinic.register import keys_of
from harness.control.client import PERHAPS_DONE, ControlClient
from harness.control.parallel import in_parallel
from harness.control.people import People, find_people, find_site
from harness.control.refusals import refusal_text
from harness.errors import TargetError
from harness.fhir import requests
from harness.fhir.capabilities import Capabilities
from harness.fhir.checks import is_bundle_response
from harness.fhir.systems import TAG_SYSTEM
from harness.scenario.model import RunSpec

__all__ = ["SeedProgress", "Seeded", "seed_sites"]

Entries = list[dict[str, Any]]

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
class _Chart:
    site: str
    key: str
    entries: Entries
    population: SitePopulation


@dataclass(frozen=True, slots=True)
class _Sent:
    """How it went with one transaction."""

    resources: int
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
    result = Seeded()
    there = find_people(client, spec)
    result.staff_skipped = sum(len(people.practitioners) for people in there)
    result.patients_skipped = sum(len(people.patients) for people in there)
    laying = in_parallel(lambda people: _lay_foundation(client, people), there, client.connections, client.give_up)
    grounded = list(laying)
    for _people, sent in grounded:
        _add(result, sent)
    founded = {people.site: people for people, _sent in grounded}
    result.staff_created = sum(len(people.practitioners) for people in founded.values()) - result.staff_skipped
    total = sum(site.patients for site in spec.sites)
    charts = _missing_charts([founded[site.name] for site in spec.sites])
    storing = in_parallel(lambda chart: _store_chart(client, chart), charts, client.connections, client.give_up)
    for sent in storing:
        _add(result, sent)
        result.patients_created += sent.patients
        on_progress(SeedProgress(result.patients_skipped + result.patients_created, total, result.resources_created))
    result.people = _read_back(client, spec)
    result.throttled = client.traffic.after_throttling
    result.took_s = time.monotonic() - began
    return result


def _require_abilities(client: ControlClient, capabilities: Capabilities) -> None:
    needs = ["transaction", *(f"{kind}?_tag" for kind in ("Organization", "Practitioner", "Patient"))]
    missing = capabilities.lacks(needs)
    if missing:
        raise TargetError(
            f"{client.target.url}: cannot be seeded: it does not declare {', '.join(missing)}",
            "One GET of its /metadata was sent, nothing was written. Seeding needs transactions and search by tag.",
        )


def _lay_foundation(client: ControlClient, people: People) -> tuple[People, _Sent]:
    """The site with its Organization and all its staff there."""
    missing = set(people.missing_staff)
    if not missing:
        return people, _Sent(0)
    entries = [entry for entry in people.population.foundation() if missing.intersection(keys_of(entry["resource"]))]

    def is_there() -> bool:
        return not find_site(client, people.population).missing_staff

    sent = _store(client, "foundation", entries, is_there)
    return find_site(client, people.population), sent


def _missing_charts(sites: Sequence[People]) -> Iterator[_Chart]:
    """Charts of patients who are not there, one site after the other; made when they are asked for."""
    for people in sites:
        staff, population = people.staff_ids(), people.population
        keys = population.patient_keys
        for ordinal in people.missing_patients:
            entries = population.chart(ordinal, people.organization, staff)
            yield _Chart(people.site, keys[ordinal], entries, population)


def _store_chart(client: ControlClient, chart: _Chart) -> _Sent:
    def is_there() -> bool:
        # The same MRN may be there from another population: the tag tells them apart.
        sought = {"identifier": chart.key, "_tag": f"{TAG_SYSTEM}|{chart.population.tag}"}
        return any(True for _ in client.find("Patient", sought, page_size=1))

    sent = _store(client, "chart", chart.entries, is_there)
    return _Sent(sent.resources, 1, sent.sent_again, sent.found_after_loss)


def _store(client: ControlClient, name: str, entries: Entries, is_there: Callable[[], bool]) -> _Sent:
    """Send one transaction until it is stored; `is_there` tells after a lost answer whether it was."""
    call = requests.bundle("transaction", name, entries)
    for tried in range(1, MAX_SENDS + 1):
        answer = client.send(call, tries=1)
        if answer.outcome == "ok":
            wrong = is_bundle_response(answer, "transaction", len(entries))
            if wrong:
                raise TargetError(f"{client.target.url}: {call.operation}: {wrong}", _KEPT)
            return _Sent(len(entries), sent_again=tried - 1)
        if answer.status not in (*_NOT_STORED, *_PERHAPS_STORED):
            break
        client.be_patient(answer, tried)
        if answer.status in _PERHAPS_STORED and is_there():
            return _Sent(len(entries), sent_again=tried - 1, found_after_loss=1)
    raise TargetError(f"{client.target.url}: {call.operation}: {refusal_text(answer)}", _KEPT)


def _read_back(client: ControlClient, spec: RunSpec) -> list[People]:
    """Everybody, as a run will find them. Raises TargetError where somebody cannot be found after a while."""
    for tried in range(MAX_SENDS):
        people = find_people(client, spec)
        lacking = sum(len(site.missing_patients) + len(site.missing_staff) for site in people)
        if not lacking:
            return people
        # A server may need a moment until what it stored is found by searching.
        time.sleep(_LOOK_PAUSE_S * 2**tried)
    raise TargetError(
        f"{client.target.url}: {lacking} of the people that were stored there are not found by their tag",
        "Does the server index tags? Ask it: GET Patient?_tag=…; the same command may be given again.",
    )


def _add(result: Seeded, sent: _Sent) -> None:
    result.resources_created += sent.resources
    result.sent_again += sent.sent_again
    result.found_after_loss += sent.found_after_loss
