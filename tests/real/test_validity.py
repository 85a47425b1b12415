"""Everything that the harness writes is valid R4 in the eyes of a validator that nobody here wrote."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.clinic.charts import write_chart
from harness.control import ControlClient, clean_up, read_capabilities, seed_sites
from harness.control.cleanup import KINDS
from harness.fhir.call import Call
from harness.scenario import population_of
from harness.scenario.model import RunSpec

pytestmark = pytest.mark.real
Resource = dict[str, Any]

HOSPITAL = dict.fromkeys(
    (
        "hospitalist",
        "ed-physician",
        "biller",
        "radiologist",
        "bed-coordinator",
        "document-clerk",
        "prior-authorization-specialist",
    ),
    1,
)
"""Staff for whom everything is made that a hospital's charts hold."""
NOT_HELD = re.compile(r"CodeSystem is unknown and can't be validated|Unknown code system")
"""What HAPI says of a code that it cannot judge: it has no copy of LOINC, RxNorm or ICD-10-CM, which are large."""


def validate(client: ControlClient, resource: Resource) -> tuple[list[str], int]:
    """What `$validate` finds wrong, and how many codes it could not judge, whose systems the server does not hold."""
    call = Call("POST", f"{resource['resourceType']}/$validate", "validate", json.dumps(resource).encode())
    issues = client.send(call).json()["issue"]
    not_held = [issue for issue in issues if NOT_HELD.search(issue["diagnostics"])]
    errors = [issue for issue in issues if issue["severity"] in ("error", "fatal") and issue not in not_held]
    return [f"{issue.get('location', [''])[0]}: {issue['diagnostics']}" for issue in errors], len(not_held)


def seeded_resources(spec: RunSpec) -> Iterator[Resource]:
    for locale in ("en_US", "es_MX", "fr_FR", "de_DE"):
        population = population_of(spec, spec.sites[0].model_copy(update={"locale": locale}))
        staff = {persona: ["s1"] for persona in population.staff}
        for entry in population.foundation()[:3]:
            yield entry["resource"]
        for ordinal in range(2):
            yield from (entry["resource"] for entry in write_chart(population, ordinal, "o1", staff))
    hospital = population_of(spec, spec.sites[0].model_copy(update={"heads": HOSPITAL, "patients": 30}))
    staff, beds = {persona: ["s1"] for persona in HOSPITAL}, [f"b{number}" for number in range(len(hospital.bed_keys))]
    yield from (entry["resource"] for entry in hospital.beds("o1")[4:6])
    for ordinal in (0, 1, 2):  # two lie on a ward, one waits for a bed
        yield from (entry["resource"] for entry in write_chart(hospital, ordinal, "o1", staff, beds))


def written_resources(calls: list[Call]) -> Iterator[Resource]:
    """What the bodies of creates, updates and bundles hold."""
    for call in calls:
        body = json.loads(call.body) if call.body else {}
        if body.get("resourceType") == "Bundle":
            yield from (entry["resource"] for entry in body["entry"] if "resource" in entry)
        elif body:
            yield body


def is_valid(
    client: ControlClient, resources: Iterator[Resource], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seen, not_held = Counter[str](), Counter[str]()
    wrong: list[str] = []
    for resource in resources:
        kind = resource["resourceType"]
        # An id of our own is refused in what is to be created; the check is about the rest.
        errors, unknown = validate(client, {name: value for name, value in resource.items() if name != "id"})
        seen[kind] += 1
        not_held[kind] += unknown
        wrong += [f"{kind}: {error}" for error in errors]
    with capsys.disabled():
        print(f"\n{what}: resources given to $validate, and codes whose system this server does not hold")
        for kind, number in sorted(seen.items()):
            print(f"  {kind:<26}{number:>6}{not_held[kind]:>6}")
    assert sorted(set(wrong)) == []
    assert set(seen) <= set(KINDS)
    assert not_held.total() > 0  # this server holds none of them: else the count above counts nothing


def test_what_seeding_writes_is_valid(client: ControlClient, spec: RunSpec, capsys: pytest.CaptureFixture[str]) -> None:
    is_valid(client, seeded_resources(spec), "seeding", capsys)


def test_what_workflows_write_is_valid(
    client: ControlClient, spec: RunSpec, work_everything: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    capabilities = read_capabilities(client)
    register = seed_sites(client, capabilities, spec).people[0].register()
    world = work_everything(client, register, "0badcafe")
    is_valid(client, written_resources(world.calls), "workflows", capsys)
    assert clean_up(client, capabilities).complete


def test_the_validator_does_find_what_is_wrong(client: ControlClient) -> None:
    errors, _ = validate(client, {"resourceType": "Observation", "code": {"text": "x"}})
    assert any("status" in error for error in errors)
    errors, _ = validate(client, {"resourceType": "Patient", "gender": "nurse"})
    assert errors
