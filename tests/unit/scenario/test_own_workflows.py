"""Workflows of one's own travel with the run, and are there where it is played and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.clinic import WORKFLOWS
from harness.errors import ScenarioError
from harness.scenario import dump_spec, load_scenario, read_spec, resolve, use_workflows

pytestmark = pytest.mark.usefixtures("forget_own")
TEXT = """\
# Ours: tabs\t, quotes " and ', a \\ and a line that is long, long, long, long, long, long, long, long, long, long
from harness.clinic import Clinician, workflow
from harness.fhir import codes, requests, resources


@workflow("count-doses", lane="charting", needs=("MedicationRequest?patient",))
def count_doses(nurse: Clinician) -> None:
    nurse.think("zählen")  \n
"""


@pytest.fixture
def mine(tmp_path: Path, quick_rush_file: Path) -> Path:
    """A quick rush whose nurses count doses."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "mine.py").write_text(TEXT)
    text = quick_rush_file.read_text()
    own = "      count-doses: {weight: 1, source: assumption (a test)}\n"
    shipped = "      room-patient: {weight: 1"
    text = text.replace("name: quick-rush", "name: quick-rush\nworkflow_files: [ours/mine.py]")
    (tmp_path / "mine.yaml").write_text(text.replace(shipped, own + shipped))
    return tmp_path / "mine.yaml"


def test_a_scenario_may_name_what_stands_in_its_files(mine: Path) -> None:
    scenario = load_scenario(str(mine))
    (file,) = scenario.workflow_files
    assert (file.name, file.text) == ("ours/mine.py", TEXT)
    assert WORKFLOWS["count-doses"].text == TEXT
    assert load_scenario(str(mine)) == scenario


@pytest.mark.parametrize("line_ends", ["\n", "\r\n"])
def test_the_text_travels_with_the_run_as_it_is(mine: Path, line_ends: str) -> None:
    (mine.parent / "ours" / "mine.py").write_text(TEXT, newline=line_ends)
    spec = resolve(load_scenario(str(mine)), seed=1)
    dump_spec(spec, mine.parent / "scenario.yaml")
    assert read_spec(mine.parent / "scenario.yaml") == spec


def test_who_only_looks_at_a_run_does_not_run_its_code_and_who_plays_it_does(
    mine: Path, forget_own: Callable[[], None]
) -> None:
    dump_spec(resolve(load_scenario(str(mine)), seed=1), mine.parent / "scenario.yaml")
    forget_own()
    (mine.parent / "ours" / "mine.py").unlink()
    spec = read_spec(mine.parent / "scenario.yaml")
    assert "count-doses" not in WORKFLOWS
    use_workflows(spec.scenario)
    assert WORKFLOWS["count-doses"].text == TEXT


def test_a_run_whose_code_cannot_be_believed_is_refused_where_it_is_played(mine: Path) -> None:
    scenario = load_scenario(str(mine))
    (file,) = scenario.workflow_files
    broken = scenario.model_copy(update={"workflow_files": (file.model_copy(update={"text": "1 +"}),)})
    with pytest.raises(ScenarioError, match=r"ours/mine\.py:1: this is not Python"):
        use_workflows(broken)


def test_another_scenario_cannot_name_them(mine: Path, quick_rush_file: Path) -> None:
    load_scenario(str(mine))
    mine.write_text(mine.read_text().replace("workflow_files: [ours/mine.py]\n", ""))
    with pytest.raises(ScenarioError, match="unknown workflow 'count-doses' of persona 'nurse'"):
        load_scenario(str(mine))


def test_two_files_cannot_hold_a_workflow_of_the_same_name(mine: Path) -> None:
    (mine.parent / "more.py").write_text(TEXT)
    with pytest.raises(ScenarioError, match=r"more.py: workflow 'count-doses' stands in ours/mine.py too"):
        load_scenario(str(mine), ["workflow_files=[ours/mine.py, more.py]"])
