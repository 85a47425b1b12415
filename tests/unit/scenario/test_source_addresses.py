"""A run whose connections are to come from an address that this machine has not is refused before anything is sent."""

from __future__ import annotations

import pytest

from harness.errors import InputError
from harness.scenario import resolve, vet_source_addresses
from harness.scenario.model import RunSpec, Scenario


def spec_with(quick_rush: Scenario, *addresses: str | None) -> RunSpec:
    spec = resolve(quick_rush, sites=len(addresses), seed=1)
    sites = [
        site.model_copy(update={"source_address": address}) for site, address in zip(spec.sites, addresses, strict=True)
    ]
    return spec.model_copy(update={"sites": tuple(sites)})


def test_addresses_of_this_machine_are_taken(quick_rush: Scenario) -> None:
    vet_source_addresses(spec_with(quick_rush, "127.0.0.1", None, "127.0.0.7"))


def test_each_other_address_is_told_once_with_the_first_site_that_has_it(quick_rush: Scenario) -> None:
    # RFC 5737 and RFC 3849: nobody has such addresses
    spec = spec_with(quick_rush, "127.0.0.1", "192.0.2.1", "2001:db8::7", "192.0.2.1")
    with pytest.raises(InputError) as refused:
        vet_source_addresses(spec)
    first, second = refused.value.problems
    assert first.what == "192.0.2.1 cannot be the source of connections: cannot assign requested address"
    assert first.where == f"source_address of site '{spec.sites[1].name}'"
    assert "such as 10.0.0.7" in first.help
    assert second.what.startswith("2001:db8::7 cannot be")
