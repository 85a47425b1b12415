"""Workflows of one's own on the wire, also such as go wrong only there: each is counted, and none hangs a run."""

from __future__ import annotations

import json
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end

QUICK = Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml"
HEAD = """\
import time

from harness.clinic import Clinician, workflow
from harness.fhir import codes, requests, resources

DONE: list[str] = []

"""


def workflow_text(name: str, body: str, need: str = "Observation?patient&category") -> str:
    """A workflow that looks at a chart, and on the wire does `body` besides."""
    return (
        f'\n\n@workflow("{name}", lane="charting", needs=("{need}",))\n'
        f"def {name.replace('-', '_')}(nurse: Clinician) -> None:\n"
        '    nurse.search("Observation", patient=nurse.own_patient(4), category="vital-signs", _count="5")\n'
        '    if nurse.post.site == "virtual":\n        return\n' + textwrap.indent(body, "    ") + "\n"
    )


def scenario(folder: Path, bodies: dict[str, str], **needs: str) -> str:
    """A quick rush whose nurses do these workflows, and room patients as often."""
    texts = [workflow_text(name, body, **needs) for name, body in bodies.items()]
    (folder / "mine.py").write_text(HEAD + "".join(texts).lstrip("\n"))
    own = "".join(f"      {name}: {{weight: 1, source: assumption (a test)}}\n" for name in bodies)
    shipped = "      room-patient: {weight: 1"
    text = QUICK.read_text().replace("name: quick-rush", "name: mine\nworkflow_files: [mine.py]")
    (folder / "mine.yaml").write_text(text.replace(shipped, own + shipped))
    return str(folder / "mine.yaml")


def failures(run: Any, workflow: str) -> list[dict[str, Any]]:
    lines = (run.folder / "failures.jsonl").read_text().splitlines()
    return [one for one in map(json.loads, lines) if one.get("workflow") == workflow]


def outcomes(run: Any, workflow: str) -> set[str]:
    table = run.table("workflows")
    return set(table[table.workflow == workflow].outcome)


def test_what_a_workflow_trips_over_is_counted_and_everybody_stays_on_duty(emrload: Any, tmp_path: Path) -> None:
    told = {
        "misses-a-key": ("found = {'Jane Doe': 1}\nfound['aspirin']", "KeyError at mine.py:"),
        "ends-the-program": ("raise SystemExit('Jane Doe')", "SystemExit at mine.py:"),
        "goes-round": ("goes_round(nurse)", "RecursionError at mine.py:"),
        "reads-a-word": ("int('Jane Doe')", "ValueError at mine.py:"),
    }
    bodies = {name: body for name, (body, _) in told.items()}
    bodies["goes-well"] = "nurse.think('read them')"
    options = ["--sites", "2", "--duration", "20s", "--workers", "2", "--target", "sandbox"]
    run = emrload.run(*options, scenario=scenario(tmp_path, bodies))
    assert run.verdict["verdict"] in ("fail", "pass", "invalid"), run.out
    for name, (_, detail) in told.items():
        assert outcomes(run, name) <= {"failed", "cut"}
        details = {one["detail"] for one in failures(run, name)}
        assert len(details) == 1, (name, details)
        assert details.pop().startswith(detail)
    assert "ok" in outcomes(run, "goes-well")
    assert "ok" in outcomes(run, "room-patient")
    assert set(run.table("duty").reason) == {"slot_end"}
    assert "Jane Doe" not in (run.folder / "failures.jsonl").read_text()
    assert not {"completed", "started-finished", "workers", "clinician-time"} & run.failed_checks()


def test_who_stands_still_is_ended_and_the_run_is_not_believed(emrload: Any, tmp_path: Path) -> None:
    body = "if not DONE:\n    DONE.append('once')\n    while True:\n        pass"
    begun_s = time.monotonic()
    options = ["--sites", "1", "--duration", "15s", "--target", "sandbox"]
    run = emrload.run(*options, scenario=scenario(tmp_path, {"stands-still": body}))
    assert time.monotonic() - begun_s < 90
    assert run.code == 3, run.out
    (failed,) = failures(run, "stands-still")
    assert failed["detail"].startswith("stood still for 3 s without a request or a pause, mine.py:")
    assert "ok" in outcomes(run, "stands-still")
    assert "generator-stall" in run.failed_checks()
    assert set(run.table("duty").reason) == {"slot_end"}


def test_who_swallows_the_end_of_her_day_is_ended(emrload: Any, tmp_path: Path) -> None:
    body = (
        "while True:\n    try:\n        nurse.think('one more')\n"
        "        nurse.search('Observation', patient=nurse.own_patient(4), _count='1')\n"
        "    except Exception:\n        pass"
    )
    begun_s = time.monotonic()
    options = ["--sites", "1", "--duration", "12s", "--target", "sandbox"]
    run = emrload.run(*options, scenario=scenario(tmp_path, {"never-leaves": body}))
    assert time.monotonic() - begun_s < 90
    assert run.code in (1, 3), run.out
    assert outcomes(run, "never-leaves") == {"failed"}
    assert all(one["detail"].startswith("went on after her slot was over") for one in failures(run, "never-leaves"))


def test_a_pause_of_ones_own_is_no_thinking_and_the_run_is_not_believed(emrload: Any, tmp_path: Path) -> None:
    options = ["--sites", "1", "--duration", "15s", "--target", "sandbox"]
    run = emrload.run(*options, scenario=scenario(tmp_path, {"sleeps": "time.sleep(2)"}))
    assert run.code == 3, run.out
    assert "clinician-time" in run.failed_checks()


def test_what_the_target_does_not_declare_is_skipped(emrload: Any, tmp_path: Path) -> None:
    mine = scenario(tmp_path, {"needs-too-much": "pass"}, need="Observation?patient&phase-of-the-moon")
    run = emrload.run("--sites", "1", "--duration", "12s", "--target", "sandbox", scenario=mine)
    assert outcomes(run, "needs-too-much") <= {"skipped"}
    assert "needs-too-much" in run.manifest["unsupported"]


def test_a_file_that_is_wrong_ends_before_anything_is_sent(emrload: Any, tmp_path: Path) -> None:
    mine = scenario(tmp_path, {"look": "pass"})
    (tmp_path / "mine.py").write_text("def look(nurse):\n")
    done = emrload.call("run", mine, "--sites", "1", "--duration", "12s", "--target", "sandbox")
    assert done.returncode == 2
    assert "mine.py:1: this is not Python" in done.stderr
    assert not (tmp_path / "reports").exists()
