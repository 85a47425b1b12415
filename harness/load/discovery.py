"""Under plain Locust nobody has looked at the target before: the load reads its capabilities and finds its people.

One `/metadata`, then searches by identifier (record numbers of patients, identifiers of staff and organization), many
in one request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from harness.clinic.charts import SitePopulation
from harness.clinic.register import SiteRegister, keys_of, known_patient
from harness.errors import NoPatients, TargetError
from harness.fhir import checks, requests
from harness.fhir.call import Answer, Call, Check
from harness.fhir.capabilities import Capabilities
from harness.fhir.systems import TAG_SYSTEM
from harness.load.client import Connection, Endpoint, ExchangeFailed
from harness.load.judging import judge_answer
from harness.scenario import population_of
from harness.scenario.model import RunSpec

__all__ = ["Discovered", "discover"]

KEYS_A_REQUEST: Final = 40
"""Identifiers searched for at once: a request line of about 3 kB, which every server takes."""
ANSWER_TIMEOUT_S: Final = 60.0

Resource = dict[str, Any]


@dataclass(frozen=True)
class Discovered:
    """What the load needs to know of a target."""

    capabilities: Capabilities
    register: dict[str, SiteRegister]


def discover(spec: RunSpec, target: str) -> Discovered:
    """Raises TargetError where `target` is no FHIR server that answers, NoPatients where people are missing."""
    try:
        looker = _Looker(Endpoint.from_url(target), spec.scenario.connect_timeout_s)
    except ValueError as error:
        raise TargetError(str(error), "give the FHIR base URL with --host") from error
    with closing(looker):
        statement = looker.ask(requests.capabilities(), checks.is_capability_statement)
        sites = {site.name: looker.find(population_of(spec, site)) for site in spec.sites}
    return Discovered(Capabilities.from_statement(statement), sites)


class _Looker:
    """Asks one question after the other over one connection, as control traffic."""

    def __init__(self, endpoint: Endpoint, connect_timeout_s: float) -> None:
        self._endpoint = endpoint
        self._connection = Connection(endpoint, connect_timeout_s)
        self._asked = 0

    def close(self) -> None:
        self._connection.close()

    def ask(self, call: Call, check: Check) -> Resource:
        self._asked += 1
        head = (
            f"{call.method} {self._endpoint.request_target(call.path)} HTTP/1.1\r\nHost: {self._endpoint.authority}\r\n"
        )
        head += f"Accept: application/fhir+json\r\nX-Request-Id: control-{self._asked:032x}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in call.headers)
        try:
            exchange = self._connection.exchange(f"{head}\r\n".encode("latin-1"), ANSWER_TIMEOUT_S)
        except ExchangeFailed as failure:
            raise TargetError(
                f"the target does not answer: {failure.detail}", "is it up, and is --host right?"
            ) from failure
        answer = judge_answer(exchange, call, check)
        if answer.outcome != "ok":
            what = answer.detail or f"status {answer.status}"
            raise TargetError(f"{call.operation}: {what}", "give the FHIR base URL with --host")
        resource: Resource = answer.json()
        return resource

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
            tuple(known_patient(patients[key]) for key in population.patient_keys),
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
