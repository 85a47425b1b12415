"""How a clinician asks: a call is performed in her world, and what is neither right nor a refusal that it expects is a
failed step.

On the way of each request, and so among what can be compiled (`harness.engine.HOT_PATH`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.clinic.found import Found
from harness.clinic.world import StepFailed, World
from harness.fhir import checks, requests
from harness.fhir.call import Answer, Call, Check

__all__ = ["ask", "search", "send_bundle"]

Resource = dict[str, Any]


def ask(world: World, call: Call, check: Check) -> Answer:
    """The answer, where it is right or a refusal that `call` expects. Raises StepFailed for any other."""
    answer = world.perform(call, check)
    if answer.outcome == "ok" or (answer.outcome == "expected_refusal" and answer.status in call.expected):
        return answer
    raise StepFailed(f"{call.operation}: {answer.outcome} {answer.status or ''} {answer.detail}".rstrip())


def search(
    world: World, kind: str, patient_id: str | None, parameters: Mapping[str, str | Sequence[str]], at_least: int
) -> Found:
    """At least so many of `kind`, all about the patient where one is given; a parameter that is "" is left out."""
    asked = {name: value for name, value in parameters.items() if value != ""}
    call = requests.search(kind, patient_id or "", asked)
    return Found(ask(world, call, lambda answer: checks.is_search_result(answer, kind, patient_id, at_least)))


def send_bundle(world: World, kind: str, name: str, entries: Sequence[Resource], origin_tag: str) -> Answer | None:
    """A batch or transaction whose entries went well; what it creates is tagged. None where it was refused.

    What is updated keeps the tag of whoever created it, so that cleaning up a run leaves seeded data in place.
    """
    tagged = [
        {**entry, "resource": requests.tagged(entry["resource"], origin_tag)}
        if entry["request"]["method"] == "POST"
        else entry
        for entry in entries
    ]
    call = requests.bundle(kind, name, tagged)
    answer = ask(world, call, lambda answer: checks.is_bundle_response(answer, kind, len(tagged)))
    return None if answer.refused else answer
