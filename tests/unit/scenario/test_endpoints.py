"""Sites that go to servers of their own: each is vetted like the target, and what one server lacks, others may do."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.clinic import WORKFLOWS
from harness.errors import InputError
from harness.fhir.capabilities import Capabilities
from harness.scenario import (
    TARGET,
    population_of,
    resolve,
    sites_by_endpoint,
    unsupported_by_site,
    unsupported_facts,
    vet_endpoints,
    with_sites_of,
    workflows_of,
)
from harness.scenario.model import RunSpec, Scenario
from harness.target import parse_target

EAST = "http://127.0.0.1:8081/east"
WEST = "http://127.0.0.1:8082/fhir"


@pytest.fixture(autouse=True)
def nobody_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def spec(quick_rush: Scenario) -> RunSpec:
    return resolve(quick_rush, sites=3, seed=7)


def going(spec: RunSpec, *endpoints: str | None) -> RunSpec:
    pairs = zip(spec.sites, endpoints, strict=True)
    sites = tuple(site.model_copy(update={"endpoint": endpoint}) for site, endpoint in pairs)
    return spec.model_copy(update={"sites": sites})


def endpoints(spec: RunSpec) -> list[str | None]:
    return [site.endpoint for site in spec.sites]


def able(spec: RunSpec, without: str = "") -> Capabilities:
    """A server that declares all that the run needs, but for one kind of resource."""
    interactions: dict[str, set[str]] = {}
    parameters: dict[str, set[str]] = {}
    for need in {need for name in workflows_of(spec) for need in WORKFLOWS[name].needs}:
        kind, dot, interaction = need.partition(".")
        if dot:
            interactions.setdefault(kind, set()).add(interaction)
        elif "?" in need:
            kind, _, names = need.partition("?")
            interactions.setdefault(kind, set()).add("search-type")
            parameters.setdefault(kind, set()).update(
                name.partition(":")[0].partition(".")[0] for name in names.split("&")
            )
    declared = {kind: frozenset(names) for kind, names in interactions.items() if kind != without}
    known = {kind: frozenset(names) for kind, names in parameters.items()}
    return Capabilities("4.0.1", "", declared, known, frozenset({"transaction"}))


def test_sites_without_an_endpoint_of_their_own_go_to_the_target(spec: RunSpec) -> None:
    assert list(sites_by_endpoint(spec)) == [TARGET]
    mixed = going(spec, EAST, None, EAST)
    found = {endpoint: [site.name for site in sites] for endpoint, sites in sites_by_endpoint(mixed).items()}
    first, second, third = (site.name for site in spec.sites)
    assert found == {TARGET: [second], EAST: [first, third]}
    assert [site.name for site in with_sites_of(mixed, EAST).sites] == [first, third]
    assert with_sites_of(mixed, WEST).sites == ()


def test_one_server_written_in_two_ways_is_one_endpoint(spec: RunSpec) -> None:
    settled, own = vet_endpoints(going(spec, f"{EAST}/", EAST, None), None)
    assert endpoints(settled) == [EAST, EAST, None]
    assert own == {EAST: parse_target(EAST)}


def test_a_site_whose_endpoint_is_the_target_goes_to_the_target(spec: RunSpec) -> None:
    settled, own = vet_endpoints(going(spec, f"{WEST}/", EAST, None), parse_target(WEST))
    assert endpoints(settled) == [None, EAST, None]
    assert list(own) == [EAST]


def test_load_goes_to_no_host_that_the_user_did_not_name(spec: RunSpec) -> None:
    named = going(spec, "https://a.example.org/fhir", "https://b.example.org/fhir", "https://b.example.org/fhir")
    with pytest.raises(InputError) as none:
        vet_endpoints(named, None)
    assert [problem.where for problem in none.value.problems] == [
        f"endpoint of site '{spec.sites[0].name}'",
        f"endpoint of site '{spec.sites[1].name}'",
    ]
    with pytest.raises(InputError, match=r"the host of the endpoint of site 'lake' is b\.example\.org, but you said"):
        vet_endpoints(named, None, i_own=["a.example.org"])
    settled, own = vet_endpoints(named, None, i_own=["a.example.org", "b.example.org"])
    assert endpoints(settled) == endpoints(named)
    assert [target.loopback for target in own.values()] == [False, False]


def test_what_one_server_cannot_do_is_skipped_there_and_done_elsewhere(spec: RunSpec) -> None:
    mixed = going(spec, EAST, None, None)
    capabilities = {TARGET: able(spec), EAST: able(spec, without="Appointment")}
    found = unsupported_by_site(mixed, capabilities)
    first, *others = (site.name for site in spec.sites)
    assert found[first]
    assert all(need.startswith("Appointment") for needs in found[first].values() for need in needs)
    assert [found[other] for other in others] == [{}, {}]

    facts = unsupported_facts(mixed, capabilities)
    assert facts["unsupported"] == {name: list(missing) for name, missing in found[first].items()}
    assert facts["unsupported_by_site"] == {first: facts["unsupported"], **{other: {} for other in others}}


def test_where_all_lack_the_same_it_is_said_once(spec: RunSpec) -> None:
    lacking = able(spec, without="Appointment")
    facts = unsupported_facts(going(spec, EAST, None, None), {TARGET: lacking, EAST: lacking})
    assert list(facts) == ["unsupported"]
    assert facts["unsupported"]


def test_a_site_may_have_record_numbers_of_a_system_of_its_own(spec: RunSpec) -> None:
    site = spec.sites[0]
    other = site.model_copy(update={"identifier_system": "urn:oid:2.16.840.1.113883.19.5"})
    keys = population_of(spec, other).patient_keys
    assert {key.partition("|")[0] for key in keys} == {"urn:oid:2.16.840.1.113883.19.5"}
    assert population_of(spec, site).tag != population_of(spec, other).tag
