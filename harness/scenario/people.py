"""Who works and who is cared for at a site of a run, before anybody is created."""

from __future__ import annotations

from harness.clinic.charts import SitePopulation, site_population
from harness.scenario.model import RunSpec, Site
from harness.scenario.staff import staff_of

__all__ = ["population_of"]


def population_of(spec: RunSpec, site: Site) -> SitePopulation:
    """The people that `site` has in this run."""
    return site_population(
        spec.seed,
        site.name,
        site.locale,
        site.patients,
        staff_of(spec.scenario, site),
        spec.scenario.date,
        utc_offset_s=site.utc_offset_s,
        identifier_system=site.identifier_system or "",
    )
