"""Under plain Locust nobody has looked at the target before: the load reads its capabilities and finds its people.

At each endpoint one `/metadata`, then searches by identifier (record numbers of patients, identifiers of staff and
organization), many in one request; or the patients of a file one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from harness.clinic.register import SiteRegister, keys_of, known_patient
from harness.clinic.site_population import SitePopulation
from harness.errors import NoPatients, TargetError
from harness.fhir import checks, requests
from harness.fhir.call import Answer, Call, Check
from harness.fhir.capabilities import Capabilities
from harness.fhir.systems import TAG_SYSTEM
from harness.load.client import Connection
from harness.load.endpoint import Endpoint
from harness.load.exchange_failed import ExchangeFailed
from harness.load.judging import judge_answer
from harness.scenario import PatientsFile, population_of, sites_by_endpoint, with_sites_of
from harness.scenario.model import RunSpec, Site
from harness.scenario.patients_file import PatientRow
from harness.scenario.seating import call_for, seat

__all__ = ["Discovered", "discover"]

KEYS_A_REQUEST: Final = 40
"""Identifiers searched for at once: a request line of about 3 kB, which every server takes."""
A_PAGE: Final = 200
"""Practitioners looked up where patients are a file's; a larger staff shares these."""
ANSWER_TIMEOUT_S: Final = 60.0
_NOT_THERE: Final = (404, 410)

Resource = dict[str, Any]


@dataclass(frozen=True)
class Discovered:
    """What the load needs to know of a target, and of the endpoints that sites have of their own."""

    spec: RunSpec
    """The run, with the systems of the record numbers of a file's patients."""
    capabilities: dict[str, Capabilities]
    """By endpoint: `TARGET`, or the URL of a site's own."""
    register: dict[str, SiteRegister]


def discover(spec: RunSpec, target: str, patients: PatientsFile | None = None) -> Discovered:
    """The run's sites at `target` and at their own endpoints, with seeded patients or those of a file.

    Raises TargetError where one is no FHIR server that answers, NoPatients where people are missing.
    """
    capabilities: dict[str, Capabilities] = {}
    register: dict[str, SiteRegister] = {}
    settled: dict[str, Site] = {}
    for endpoint, sites in sites_by_endpoint(spec).items():
        url = endpoint or target
        try:
            looker = _Looker(Endpoint.from_url(url), spec.scenario.connect_timeout_s)
        except ValueError as error:
            raise TargetError(str(error), "give the FHIR base URL with --host") from error
        with closing(looker):
            statement = looker.ask(requests.capabilities(), checks.is_capability_statement)
            capabilities[endpoint] = Capabilities.from_statement(statement)
            part = with_sites_of(spec, endpoint)
            if patients is None:
                register |= {site.name: looker.find(population_of(spec, site)) for site in sites}
            else:
                at_sites = patients.at([site.name for site in sites])
                seated = seat(part, at_sites, {row.line: looker.patient(row) for row in at_sites.rows}, url)
                practitioners, organizations = looker.whoever("Practitioner"), looker.whoever("Organization")
                register |= seated.registers(part, practitioners, next(iter(organizations), ""))
                part = seated.settle(part)
            settled |= {site.name: site for site in part.sites}
    placed = tuple(settled[site.name] for site in spec.sites)
    whole = spec.model_copy(update={"sites": placed, "seeded": patients is None})
    return Discovered(whole, capabilities, {site.name: register[site.name] for site in spec.sites})


class _Looker:
    """Asks one question after the other over one connection, as control traffic."""

    def __init__(self, endpoint: Endpoint, connect_timeout_s: float) -> None:
        self._endpoint = endpoint
        self._connection = Connection(endpoint, connect_timeout_s)
        self._asked = 0

    def close(self) -> None:
        self._connection.close()

    def ask(self, call: Call, check: Check) -> Resource:
        answer = self._answer(call, check)
        if answer.outcome != "ok":
            what = answer.detail or f"status {answer.status}"
            raise TargetError(f"{call.operation}: {what}", "give the FHIR base URL with --host")
        resource: Resource = answer.json()
        return resource

    def _answer(self, call: Call, check: Check) -> Answer:
        self._asked += 1
        try:
            target = self._endpoint.request_target(call.path)
        except ValueError as error:
            raise TargetError(f"{call.operation}: the target gave a link that is no URL") from error
        head = f"{call.method} {target} HTTP/1.1\r\nHost: {self._endpoint.authority}\r\n"
        if self._connection.cookies is not None:
            head += self._connection.cookies.line_for(target)
        head += f"Accept: application/fhir+json\r\nX-Request-Id: control-{self._asked:032x}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in call.headers)
        try:
            exchange = self._connection.exchange(f"{head}\r\n".encode("latin-1"), ANSWER_TIMEOUT_S)
        except ExchangeFailed as failure:
            raise TargetError(
                f"the target does not answer: {failure.detail}", "is it up, and is --host right?"
            ) from failure
        return judge_answer(exchange, call, check)

    def patient(self, row: PatientRow) -> list[Resource]:
        """The Patients that a row of a file may mean."""
        call = call_for(row)
        if not row.id:
            result = self.ask(call, lambda answer: checks.is_search_result(answer, "Patient", None, 0))
            return list(checks.split_search_result(result)[0])
        answer = self._answer(call, lambda answer: checks.is_resource(answer, "Patient", row.id))
        if answer.outcome != "ok" and answer.status not in _NOT_THERE:
            raise TargetError(f"{call.operation}: {answer.detail or f'status {answer.status}'}")
        return [answer.json()] if answer.outcome == "ok" else []

    def whoever(self, kind: str) -> list[str]:
        """Ids of the first page of all there are; none where the target does not tell."""
        call = requests.search(kind, "", {"_count": str(A_PAGE)})
        answer = self._answer(call, lambda answer: checks.is_search_result(answer, kind, None, 0))
        matches = checks.split_search_result(answer.json())[0] if answer.outcome == "ok" else ()
        return [str(one["id"]) for one in matches if one.get("id")]

    def find(self, population: SitePopulation) -> SiteRegister:
        """One site's people. Raises NoPatients where some are missing."""
        organizations = self._by_key(population, "Organization", [population.organization_key])
        staff = [key for keys in population.staff_keys.values() for key in keys]
        practitioners = self._by_key(population, "Practitioner", staff)
        patients = self._by_key(population, "Patient", population.patient_keys)
        missing = len(population.patient_keys) - len(patients) + len(staff) - len(practitioners)
        if missing or not organizations:
            raise NoPatients(
                f"{missing} people of site '{population.site}' are not at the target",
                "seed them first with the same scenario, sites and seed: emrload seed --help",
            )
        return SiteRegister(
            tuple(known_patient(patients[key], key) for key in population.patient_keys),
            {
                persona: tuple(str(practitioners[key]["id"]) for key in keys)
                for persona, keys in population.staff_keys.items()
            },
            str(organizations[population.organization_key]["id"]),
        )

    def _by_key(self, population: SitePopulation, kind: str, keys: Sequence[str]) -> dict[str, Resource]:
        """By identifier and by the population's tag: record numbers are the same in populations of other seeds."""
        wanted, found = set(keys), dict[str, Resource]()
        for start in range(0, len(keys), KEYS_A_REQUEST):
            parameters = {
                "identifier": ",".join(keys[start : start + KEYS_A_REQUEST]),
                "_tag": f"{TAG_SYSTEM}|{population.tag}",
                "_count": str(KEYS_A_REQUEST),
            }
            for resource in self._pages(kind, requests.search(kind, "", parameters)):
                found.update((key, resource) for key in keys_of(resource) if key in wanted)
        return found

    def _pages(self, kind: str, call: Call) -> Iterator[Resource]:
        def is_result(answer: Answer) -> str:
            return checks.is_search_result(answer, kind, None, 0)

        while True:
            matches, _, following = checks.split_search_result(self.ask(call, is_result))
            yield from matches
            if not following:
                return
            call = requests.next_page(kind, following)
