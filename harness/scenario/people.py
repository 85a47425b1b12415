"""Who works and who is cared for at a site of a run, before anybody is created."""

from __future__ import annotations

from harness.clinic.site_population import SitePopulation, site_population
from harness.scenario.clock import moment_of, utc_offset_s
from harness.scenario.model import RunSpec, Site
from harness.scenario.staff import staff_of

__all__ = ["population_of"]


def population_of(spec: RunSpec, site: Site) -> SitePopulation:
    """The people that `site` has in this run; whatever slice of its time is played, they are the same."""
    scenario = spec.scenario
    begins = moment_of(scenario.date, (scenario.plays or scenario.timeline)[0], spec.clock_zone)
    return site_population(
        spec.seed,
        site.name,
        site.locale,
        site.patients,
        staff_of(scenario, site),
        scenario.date,
        utc_offset_s=utc_offset_s(begins, site.time_zone),
        identifier_system=site.identifier_system or "",
    )
