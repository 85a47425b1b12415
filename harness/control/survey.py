"""All that is known of a run's servers before the load: one preflight each, and what comes of them together.

target ─────▶ preflight ─┐
endpoint A ─▶ preflight ─┼─▶ Survey ─▶ register.json, capabilities.json, facts for the manifest
endpoint B ─▶ preflight ─┘
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.clinic.register import SiteRegister, write_register
from harness.control.client import ControlClient
from harness.control.destinations import Destinations
from harness.control.preflight import Preflight, Row, preflight
from harness.fhir.capabilities import Capabilities
from harness.rundir import RunDir, write_json
from harness.scenario import TARGET, PatientsFile, unsupported_facts
from harness.scenario.model import RunSpec

__all__ = ["Survey", "survey"]


@dataclass(frozen=True)
class Survey:
    """`found` is what each endpoint (`TARGET` or a URL) was found to be; `spec` the run at these, with what that says
    of it."""

    spec: RunSpec
    found: Mapping[str, Preflight]
    rows: tuple[Row, ...]

    @property
    def register(self) -> dict[str, SiteRegister]:
        """Who is at each site, in the order of the sites."""
        everywhere = {name: register for one in self.found.values() for name, register in one.register.items()}
        return {site.name: everywhere[site.name] for site in self.spec.sites}

    @property
    def capabilities(self) -> dict[str, Capabilities]:
        """What each endpoint declares."""
        return {name: one.capabilities for name, one in self.found.items()}

    def write(self, run_dir: RunDir) -> None:
        """Leave what the load reads: register.json by site, capabilities.json by endpoint."""
        write_register(run_dir.register, self.register)
        write_json(run_dir.capabilities, {name: one.to_json() for name, one in self.capabilities.items()})

    def manifest_facts(self) -> dict[str, Any]:
        """What a manifest says of the servers: `target`, with the `endpoints` of sites, and what they cannot do."""
        target = self.found.get(TARGET)
        own = [_facts(one) for name, one in self.found.items() if name != TARGET]
        whole = {**(_facts(target) if target else {}), "endpoints": own}
        return {"target": whole, **unsupported_facts(self.spec, self.capabilities)}

    def to_json(self) -> dict[str, Any]:
        """For programs: the target as it was found, or the first endpoint where no site goes there, and the others."""
        first, *others = self.found.values()
        sites = {name: site for one in self.found.values() for name, site in one.to_json()["sites"].items()}
        return {
            **first.to_json(),
            **unsupported_facts(self.spec, self.capabilities),
            "sites": {site.name: sites[site.name] for site in self.spec.sites},
            "endpoints": [{name: value for name, value in one.to_json().items() if name != "rows"} for one in others],
            "rows": [asdict(row) for row in self.rows],
        }


def survey(
    where: Destinations,
    *,
    patients: PatientsFile | None = None,
    how_to_seed: str = "",
    on_row: Callable[[Row], None] = lambda _row: None,
) -> Survey:
    """Look at every server of a run, one after the other, as `preflight` does at one.

    With `patients` those are whom the run works with. Rows name the endpoint where there are several.

    Raises TargetError where one of them cannot be used, NoPatients where people of a site are not there.
    """
    rows: list[Row] = []
    found: dict[str, Preflight] = {}
    for place in where.places():

        def note(row: Row, url: str = place.target.url if where.several else "") -> None:
            rows.append(replace(row, endpoint=url))
            on_row(rows[-1])

        at_sites = patients.at([site.name for site in place.spec.sites]) if patients else None
        with ControlClient(place.target) as client:
            found[place.endpoint] = preflight(
                client, place.spec, patients=at_sites, how_to_seed=how_to_seed, on_row=note
            )
    told = {site.name: site for one in found.values() if one.spec is not None for site in one.spec.sites}
    sites = tuple(told[site.name] for site in where.spec.sites if site.name in told)
    spec = where.spec.model_copy(update={"sites": sites, "seeded": patients is None})
    return Survey(spec, found, tuple(rows))


def _facts(one: Preflight) -> dict[str, Any]:
    return {
        "url": one.target.url,
        "i_own": "" if one.target.loopback else one.target.host,
        "sites": [site.name for site in one.spec.sites] if one.spec else [],
        "software": one.capabilities.software,
        "fhir_version": one.capabilities.fhir_version,
        "volumes": dict(one.volumes),
    }
