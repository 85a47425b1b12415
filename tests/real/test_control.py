"""check, seed and cleanup against HAPI, as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.cli.program import run_program
from harness.control import ControlClient, clean_up, parse_target, preflight, read_capabilities, seed_sites
from harness.control.cleanup import KINDS
from harness.fhir.systems import SYNTHETIC, TAG_SYSTEM
from harness.scenario.model import RunSpec

pytestmark = pytest.mark.real
Output = pytest.CaptureFixture[str]
SMALL = ("--set", "templates.clinic.peak=8", "--set", "templates.clinic.patients=10")


def left_behind(client: ControlClient) -> dict[str, int]:
    """Resources that carry our tag, by kind, counted by reading every page."""
    tag = {"_tag": f"{TAG_SYSTEM}|{SYNTHETIC}"}
    counts = {kind: sum(1 for _ in client.find(kind, tag, page_size=50)) for kind in KINDS}
    return {kind: count for kind, count in counts.items() if count}


def test_check_seed_check_cleanup(hapi: str, capsys: Output) -> None:
    rush = ("morning-rush", "--sites", "2", *SMALL, "--target", hapi)
    assert run_program(["check", *rush]) == 2
    assert "Type: emrload seed morning-rush" in capsys.readouterr().err
    assert run_program(["seed", *rush]) == 0
    assert "Created 20 patients and 16 staff at 2 sites" in capsys.readouterr().out
    assert run_program(["seed", *rush]) == 0
    assert "Skipped 20 patients and 16 staff: there already." in capsys.readouterr().out
    assert run_program(["check", *rush, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["software"].startswith("HAPI FHIR Server")
    assert found["unsupported"] == {}
    assert {row["outcome"] for row in found["rows"]} == {"ok"}
    assert run_program(["cleanup", "--target", hapi]) == 0
    assert "A fresh search finds nothing more." in capsys.readouterr().out
    with ControlClient(parse_target(hapi)) as client:
        assert left_behind(client) == {}


@pytest.mark.parametrize("kind", ["hapi", "strict_hapi"])
def test_every_workflow_is_done_and_clean_up_leaves_nothing(
    kind: str, request: pytest.FixtureRequest, spec: RunSpec, work_everything: Callable[..., Any]
) -> None:
    """Also where the server keeps referential integrity when it writes and when it deletes."""
    with ControlClient(parse_target(request.getfixturevalue(kind))) as client:
        capabilities = read_capabilities(client)
        seeded = seed_sites(client, capabilities, spec)
        register = preflight(client, spec, probe=False).register[spec.sites[0].name]
        world = work_everything(client, register, "0badcafe")
        failed = [(name, detail) for name, outcome, detail in world.ended if outcome != "ok"]
        assert failed == []

        of_run = clean_up(client, capabilities, "0badcafe")
        assert of_run.complete
        assert of_run.deleted.total() > 0
        assert preflight(client, spec, probe=False).register[spec.sites[0].name].patients == register.patients

        rest = clean_up(client, capabilities)
        assert rest.complete
        assert rest.deleted.total() == seeded.resources_created
        assert left_behind(client) == {}


def test_people_are_found_beyond_the_first_page(client: ControlClient, spec: RunSpec) -> None:
    capabilities = read_capabilities(client)
    site = spec.sites[0].model_copy(update={"patients": 45})
    many = spec.model_copy(update={"sites": (site,)})
    seed_sites(client, capabilities, many)
    tag = {"_tag": f"{TAG_SYSTEM}|{SYNTHETIC}"}
    ids = [patient["id"] for patient in client.find("Patient", tag, page_size=10)]
    assert len(ids) == len(set(ids)) == 45
    assert clean_up(client, capabilities).complete
