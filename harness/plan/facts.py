"""What a manifest says of a plan: enough to tell whether two runs played the same."""

from __future__ import annotations

import hashlib
from typing import Any

from harness.plan.model import Plan
from harness.scenario.model import Scenario

__all__ = ["manifest_facts", "scenario_digest"]


def manifest_facts(plan: Plan) -> dict[str, Any]:
    """JSON-ready; `duration_s` is how long the plan lasts, in seconds."""
    spec = plan.spec
    return {
        "scenario": spec.scenario.name,
        "seed": spec.seed,
        "sites": len(spec.sites),
        "scenario_digest": scenario_digest(spec.scenario),
        "roster_digest": plan.roster_digest,
        "time_lapse": plan.time_lapse,
        "rehearsal": plan.rehearsal,
        "think_factor": spec.scenario.think_factor,
        "duration_s": plan.length_s,
        "timeline": list(spec.scenario.timeline),
        "played": list(spec.played),
        "window": list(spec.window) if spec.window else None,
        **({"greedy": dict(spec.greedy)} if spec.greedy else {}),
    }


def scenario_digest(scenario: Scenario) -> str:
    """SHA-256 of the scenario as resolved, personas, templates and settings included."""
    return hashlib.sha256(scenario.model_dump_json().encode()).hexdigest()
