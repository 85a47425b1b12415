"""Problems between the parts of a scenario, and those of form, are told together and in reading order."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ScenarioError
from harness.scenario import load_scenario


@pytest.fixture
def problems(tmp_path: Path, quick_rush_file: Path, monkeypatch: pytest.MonkeyPatch):
    """What is said of the quick rush with these changes."""
    monkeypatch.chdir(tmp_path)

    def told(*changes: tuple[str, str]) -> list[str]:
        text = quick_rush_file.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        (tmp_path / "mine.yaml").write_text(text)
        with pytest.raises(ScenarioError) as caught:
            load_scenario("mine.yaml")
        return [str(problem) for problem in caught.value.problems]

    return told


def test_problems_come_in_the_order_of_the_file(problems) -> None:
    told = problems(
        ("default_sites: 3", "default_sites: three"),
        ("review-schedule: {weight: 1", "review-shedule: {weight: 1"),
        ("peak: 12", "peak: -1"),
        ("time: 08:00..09:00", "time: 07:30..09:00"),
    )
    lines = [int(one.split(":")[1]) for one in told]
    assert lines == sorted(lines)
    assert len(told) == 4


def test_phases_that_overlap_are_told(problems) -> None:
    (told,) = problems(("time: 08:00..09:00", "time: 07:30..09:00"))
    assert "phase 'clinics-open' begins before 'results-read' has ended" in told
    assert "let it begin at 08:00" in told


def test_an_objective_about_a_workflow_that_nobody_does_is_told(problems) -> None:
    own = "  own: {scope: each-workflow, only: [find-histery], p95: 1s, required: true, source: assumption}\n"
    (told,) = problems(("  history-found: shared\n", own))
    assert "unknown workflow 'find-histery' in objective 'own'" in told
    assert "did you mean 'find-history'?" in told


def test_an_objective_about_a_lane_names_one(problems) -> None:
    own = "  own: {scope: each-lane, only: [lab], p95: 1s, required: true, source: assumption}\n"
    (told,) = problems(("  history-found: shared\n", own))
    assert "unknown lane 'lab' in objective 'own'" in told
    assert "did you mean 'labs'?" in told


def test_two_bounds_in_one_objective_are_told(problems) -> None:
    own = "  own: {scope: network, p95: 1s, p99: 3s, required: true, source: assumption}\n"
    (told,) = problems(("  history-found: shared\n", own))
    assert "objective 'own' bounds p95 and p99" in told


def test_a_curve_for_somebody_whom_no_site_has_is_told(problems) -> None:
    (told,) = problems(("phases:", "  pharmacist: {points: {06:30: 0%, 10:30: 9%}, source: assumption}\nphases:"))
    assert "curve for 'pharmacist', whom no site of this scenario has" in told


def test_a_source_for_a_figure_that_is_not_there_is_told(problems) -> None:
    (told,) = problems(("sources:\n", "sources:\n  weather: assumption\n"))
    assert "a source for 'weather', which is none of the scenario's own figures" in told


def test_a_misspelt_key_is_told_once_and_not_as_missing_too(problems) -> None:
    (told,) = problems(("connect_timeout: 2s", "conect_timeout: 2s"))
    assert "unknown key 'conect_timeout'" in told
    assert "did you mean 'connect_timeout'?" in told
