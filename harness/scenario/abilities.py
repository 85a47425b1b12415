"""Which workflows a run plays, and which of them the server cannot do that a site goes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.clinic import WORKFLOWS
from harness.fhir.capabilities import Capabilities
from harness.scenario.endpoints import sites_by_endpoint
from harness.scenario.model import RunSpec

__all__ = ["unsupported_by_site", "unsupported_facts", "unsupported_workflows", "workflows_of"]

Missing = tuple[str, ...]


def workflows_of(spec: RunSpec) -> list[str]:
    """Names of the workflows that somebody on the roster or an arrival may do, in the order of the personas."""
    coming = {persona for site in spec.sites for persona, heads in site.heads.items() if heads}
    coming |= {
        persona
        for site in spec.sites
        for persona, arrival in spec.scenario.templates[site.template].arrivals.items()
        if arrival.rate_per_s
    }
    personas = [persona for name, persona in spec.scenario.personas.items() if name in coming]
    return list(dict.fromkeys(name for persona in personas for name in (*persona.on_arrival, *persona.workflows)))


def unsupported_workflows(spec: RunSpec, capabilities: Capabilities) -> dict[str, Missing]:
    """Workflows of the run that one server does not declare everything for, with what is missing."""
    lacking = {name: capabilities.lacks(WORKFLOWS[name].needs) for name in workflows_of(spec)}
    return {name: missing for name, missing in lacking.items() if missing}


def unsupported_by_site(spec: RunSpec, capabilities: Mapping[str, Capabilities]) -> dict[str, dict[str, Missing]]:
    """Site → workflows that cannot be done there, with what is missing; `capabilities` by endpoint (`TARGET` or URL).

    Of an endpoint only those count that some site does which goes there. Raises KeyError for an endpoint of a site that
    nothing is known of.
    """
    found: dict[str, dict[str, Missing]] = {}
    for endpoint, sites in sites_by_endpoint(spec).items():
        missing = unsupported_workflows(spec.model_copy(update={"sites": sites}), capabilities[endpoint])
        found.update((site.name, missing) for site in sites)
    return {site.name: found[site.name] for site in spec.sites}


def unsupported_facts(spec: RunSpec, capabilities: Mapping[str, Capabilities]) -> dict[str, Any]:
    """What a manifest says of it: `unsupported`, workflow → all that is missing for it at one site or another.

    Where not all sites lack the same, `unsupported_by_site` says what each lacks. JSON-ready.
    """
    by_site = unsupported_by_site(spec, capabilities)
    anywhere: dict[str, list[str]] = {}
    for workflows in by_site.values():
        for name, missing in workflows.items():
            anywhere[name] = list(dict.fromkeys((*anywhere.get(name, ()), *missing)))
    listed = {site: {name: list(missing) for name, missing in workflows.items()} for site, workflows in by_site.items()}
    facts: dict[str, Any] = {"unsupported": anywhere}
    if any(workflows != anywhere for workflows in listed.values()):
        facts["unsupported_by_site"] = listed
    return facts
