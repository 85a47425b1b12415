"""Where a run goes, and the commands that name those servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.control import Destinations, destinations_of, parse_target, seed_command
from harness.errors import InputError
from harness.scenario import TARGET
from harness.scenario.model import RunSpec

HERE = parse_target("http://127.0.0.1:8080/fhir")
FAR = parse_target("https://ehr.example.org/fhir", i_own=["ehr.example.org"])
EAST = "https://east.example.org/r4"


def going(spec: RunSpec, *endpoints: str | None) -> RunSpec:
    pairs = zip(spec.sites, endpoints, strict=True)
    sites = tuple(site.model_copy(update={"endpoint": endpoint}) for site, endpoint in pairs)
    return spec.model_copy(update={"sites": sites})


def test_each_server_is_a_place_with_its_own_sites(spec: RunSpec) -> None:
    where = destinations_of(going(spec, EAST, None), HERE, i_own=["east.example.org"])
    target, east = where.places()
    assert (target.endpoint, target.target, [site.name for site in target.spec.sites]) == (TARGET, HERE, ["lake"])
    assert (east.endpoint, east.target.host, [site.name for site in east.spec.sites]) == (
        *(EAST, "east.example.org"),
        ["river"],
    )
    assert where.several
    assert where.arguments() == ["--target", HERE.url, "--i-own", "east.example.org"]


def test_where_nobody_named_a_target_only_the_sites_own_servers_are_places(spec: RunSpec) -> None:
    where = destinations_of(going(spec, EAST, None), None, i_own=["east.example.org"])
    assert [place.endpoint for place in where.places()] == [EAST]
    assert where.at_target == 1
    assert [place.endpoint for place in where.with_target(HERE).places()] == [TARGET, EAST]
    assert list(destinations_of(spec, None).places()) == []


def test_a_site_that_asks_from_an_address_of_nobody_here_is_refused(spec: RunSpec) -> None:
    # RFC 5737: nobody has an address in 192.0.2.0/24
    sites = (spec.sites[0].model_copy(update={"source_address": "192.0.2.1"}), *spec.sites[1:])
    with pytest.raises(InputError, match=r"source_address of site 'river': 192\.0\.2\.1 cannot be the source"):
        destinations_of(spec.model_copy(update={"sites": sites}), HERE)


def test_a_target_to_which_no_site_goes_is_refused(spec: RunSpec) -> None:
    with pytest.raises(InputError, match="no site goes there: each of the 2 sites has an endpoint of its own"):
        destinations_of(going(spec, EAST, EAST), HERE, i_own=["east.example.org"])


def test_the_command_to_seed_is_complete_and_can_be_pasted(spec: RunSpec) -> None:
    assert seed_command("my rush.yaml", Destinations(spec, FAR, {}), ["think_factor=0.5"]) == (
        "emrload seed 'my rush.yaml' --sites 2 --seed 7 --target https://ehr.example.org/fhir --i-own ehr.example.org "
        "--set think_factor=0.5"
    )
    mixed = destinations_of(going(spec, EAST, None), HERE, i_own=["east.example.org"])
    assert seed_command("rush", mixed, (), Path("my sites.csv")) == (
        f"emrload seed rush --sites-file 'my sites.csv' --seed 7 --target {HERE.url} --i-own east.example.org"
    )


def test_the_command_to_seed_brings_the_greedy_sites_along(spec: RunSpec) -> None:
    greedy = spec.model_copy(update={"greedy": {"lake": 2.5}})
    assert seed_command("rush", Destinations(greedy, HERE, {})).endswith(" --greedy lake=2.5")


def test_a_command_says_who_owns_each_host_once(spec: RunSpec) -> None:
    assert Destinations(spec, HERE, {}).arguments() == ["--target", HERE.url]
    far = Destinations(spec, FAR, {FAR.url + "/2": FAR})
    assert far.arguments() == ["--target", FAR.url, "--i-own", "ehr.example.org"]
