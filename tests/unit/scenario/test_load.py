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


def test_who_works_in_shifts_everywhere_or_only_arrives_needs_no_curve(tmp_path: Path, quick_rush_file: Path) -> None:
    text = quick_rush_file.read_text()
    curve = next(line for line in text.splitlines(keepends=True) if line.startswith("  nurse: {points"))
    shift = "time: 07:00..19:00, share: 100%, arrive: 15m, linger: 30m, source: assumption"
    patients = "    patients: 24\n"
    more = (
        f"    shifts: {{nurse: {{day: {{{shift}}}}}}}\n    arrivals: {{walk-in: {{rate: 3/h, source: assumption}}}}\n"
    )
    (tmp_path / "mine.yaml").write_text(text.replace(curve, "").replace(patients, patients + more))
    scenario = load_scenario(str(tmp_path / "mine.yaml"))
    assert "nurse" not in scenario.curves
    assert set(scenario.templates["small-clinic"].arrivals) == {"walk-in"}


def test_who_has_shifts_at_one_kind_of_site_only_needs_a_curve_for_the_other(problems) -> None:
    shift = "time: 07:00..19:00, share: 100%, arrive: 0s, linger: 0s, source: assumption"
    curve = "  nurse: {points: {06:30: 25%, 09:00: 100%, 10:30: 75%}, source: assumption (a test)}\n"
    told = problems(
        ("sites:\n", "sites:\n  - {template: satellite, weight: 1, time_zone: UTC, source: assumption}\n"),
        ("    patients: 24\n", f"    patients: 24\n    shifts: {{nurse: {{day: {{{shift}}}}}}}\n"),
        (curve, ""),
    )
    assert any("no curve for persona 'nurse'" in one for one in told)


def test_a_curve_within_one_day_repeats_over_a_timeline_of_several(tmp_path: Path, quick_rush_file: Path) -> None:
    text = quick_rush_file.read_text().replace("timeline: 06:30..10:30", "timeline: 06:30..2d10:30")
    (tmp_path / "mine.yaml").write_text(text)
    assert load_scenario(str(tmp_path / "mine.yaml")).timeline == (23_400.0, 210_600.0)


def test_a_bound_of_a_site_is_in_the_unit_of_its_objective(tmp_path: Path, quick_rush_file: Path) -> None:
    text = quick_rush_file.read_text().replace(
        "weight: 1, time_zone", "weight: 1, bounds: {site-p95: 1500ms}, time_zone"
    )
    (tmp_path / "mine.yaml").write_text(text)
    assert load_scenario(str(tmp_path / "mine.yaml")).sites[0].bounds == {"site-p95": 1500.0}
