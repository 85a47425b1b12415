"""Which workflows a run plays, and which of them a target cannot do."""

from __future__ import annotations

from harness.clinic import WORKFLOWS
from harness.fhir.capabilities import Capabilities
from harness.scenario.model import RunSpec

__all__ = ["unsupported_workflows", "workflows_of"]


def workflows_of(spec: RunSpec) -> list[str]:
    """Names of the workflows that somebody on the roster may do, in the order of the personas."""
    on_roster = {persona for site in spec.sites for persona, heads in site.heads.items() if heads}
    personas = [persona for name, persona in spec.scenario.personas.items() if name in on_roster]
    return list(dict.fromkeys(name for persona in personas for name in persona.workflows))


def unsupported_workflows(spec: RunSpec, capabilities: Capabilities) -> dict[str, tuple[str, ...]]:
    """Workflows of the run that the target does not declare everything for, with what is missing."""
    lacking = {name: capabilities.lacks(WORKFLOWS[name].needs) for name in workflows_of(spec)}
    return {name: missing for name, missing in lacking.items() if missing}
