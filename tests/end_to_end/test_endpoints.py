"""A health system of two servers: two sites go to the target, one to a server of its own, and each server sees just its
sites."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.end_to_end

QUICK = Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml"
NUMBERS = "urn:oid:2.16.840.1.113883.19.5"
TEMPLATE = "small-clinic"


@pytest.fixture
def east(sandbox: Any, tmp_path: Path) -> Iterator[Any]:
    """A second server."""
    folder = tmp_path / "east"
    folder.mkdir()
    server = type(sandbox)(folder)
    try:
        yield server.start()
    finally:
        server.end()


def sites_file(folder: Path, east: str) -> Path:
    """Three sites; the hill has a server of its own, and record numbers of another system."""
    path = folder / "sites.csv"
    rows = [f"river,{TEMPLATE},,", f"lake,{TEMPLATE},,", f"hill,{TEMPLATE},{east},{NUMBERS}"]
    path.write_text("\n".join(["name,template,endpoint,identifier_system", *rows]) + "\n")
    return path


def test_each_server_sees_just_its_sites(emrload: Any, sandbox: Any, east: Any, tmp_path: Path) -> None:
    sandbox.start()
    system = ("--sites-file", str(sites_file(tmp_path, east.url)), "--target", sandbox.url)
    seeded = emrload.call("seed", str(QUICK), "--seed", "7", *system)
    assert seeded.returncode == 0, seeded.stderr

    ended = emrload.run(*system, "--duration", "12s")

    assert ended.code in (0, 3), ended.out  # a busy machine may make so short a run invalid
    samples = ended.table("samples")
    for server, sites in ((sandbox, {"river", "lake"}), (east, {"hill"})):
        truth = server.truth()
        assert set(truth["by_site"]) == sites
        answered = samples[(samples.status > 0) & samples.site.isin(sites)]
        assert len(answered) == truth["arrivals"] > 0
    target = ended.manifest["target"]
    assert (target["url"], target["sites"]) == (sandbox.url, ["river", "lake"])
    assert [(one["url"], one["sites"]) for one in target["endpoints"]] == [(east.url, ["hill"])]
    patients = httpx.get(f"{east.url}/Patient", params={"_count": "500"}, timeout=60).json()["entry"]
    systems = {one["system"] for entry in patients for one in entry["resource"]["identifier"]}
    assert systems == {NUMBERS}, "somebody registered a newcomer under another system"

    cleaned = emrload.call("cleanup", str(ended.folder), "--json")
    assert cleaned.returncode == 0, cleaned.stderr
    each = json.loads(cleaned.stdout)["endpoints"]
    assert [one["target"] for one in each] == [sandbox.url, east.url]
    assert all(one["deleted"] for one in each)


def test_sites_without_a_server_of_their_own_go_to_the_sandbox_that_the_run_starts(
    emrload: Any, east: Any, tmp_path: Path
) -> None:
    system = ("--sites-file", str(sites_file(tmp_path, east.url)))
    seeded = emrload.call("seed", str(QUICK), "--seed", "7", *system)
    assert "Not seeded: 2 sites without an own endpoint" in seeded.stdout
    ended = emrload.run(*system, "--target", "sandbox", "--duration", "12s")
    assert ended.code in (0, 3), ended.out
    assert set(east.truth()["by_site"]) == {"hill"}
    assert ended.manifest["target"]["sandbox"] is True
    assert set(ended.table("samples").site.unique()) == {"river", "lake", "hill"}


def test_a_server_that_cannot_be_seeded_is_worked_with_through_a_file_of_patients(
    emrload: Any, sandbox: Any, tmp_path: Path
) -> None:
    """Nothing but what the run itself wrote is changed or deleted."""
    sandbox.start()
    made = []
    for number in range(6):
        identifier = [{"system": NUMBERS, "value": f"T{number}"}]
        name = [{"family": f"Theirs{number}", "given": ["Ann"]}]
        body = {"resourceType": "Patient", "identifier": identifier, "name": name, "birthDate": "1980-02-29"}
        answer = httpx.post(f"{sandbox.url}/Patient", json=body, timeout=60)
        made.append(answer.json()["id"])
    (tmp_path / "mine.csv").write_text("\n".join(["id", *made]) + "\n")

    ended = emrload.run(
        *("--sites", "2", "--target", sandbox.url, "--patients", str(tmp_path / "mine.csv"), "--duration", "12s")
    )

    assert ended.code in (0, 1, 3), ended.out
    assert ended.manifest["patients"] == {"file": "mine.csv", "rows": 6}
    assert set(ended.table("duty").reason) == {"slot_end"}
    workflows = ended.table("workflows")
    ended_ok = workflows[workflows.outcome == "ok"]
    assert "find-patient" in set(ended_ok.workflow), "nobody found a patient by the server's own record number"
    assert emrload.call("cleanup", str(ended.folder)).returncode == 0
    for one in made:
        patient = httpx.get(f"{sandbox.url}/Patient/{one}", timeout=60)
        assert (patient.status_code, patient.json()["meta"]["versionId"]) == (200, "1")
