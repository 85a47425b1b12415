"""`scenario.yaml` of a run: written whole, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ScenarioError
from harness.scenario import dump_spec, load_scenario, read_spec, resolve
from harness.scenario.model import Scenario


@pytest.fixture
def file(tmp_path: Path, quick_rush: Scenario, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    dump_spec(resolve(quick_rush, sites=2, seed=7), tmp_path / "scenario.yaml")
    return tmp_path / "scenario.yaml"


def test_the_shipped_scenario_is_read_as_it_was_written(tmp_path: Path) -> None:
    spec = resolve(load_scenario("morning-rush", ["think_factor=0.02"]), seed=7, window=(8.75 * 3600, 9.25 * 3600))
    dump_spec(spec, tmp_path / "scenario.yaml")
    assert read_spec(tmp_path / "scenario.yaml") == spec


def test_it_is_for_people_too(file: Path) -> None:
    text = file.read_text()
    assert text.startswith("scenario:\n  name: quick-rush\n")
    assert "seed: 7" in text


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("seed: 7", "seed: seven", 'seed is "seven", but should be a valid integer'),
        ("seed: 7", "sed: 7", "unknown key 'sed'"),
        ("mean_s: 0.5", "mean_s: -0.5", "is -0.5, but should be greater than or equal to 0"),
        ("time_zone: America/New_York", "time_zone: America/Nowhere", "unknown time zone 'America/Nowhere'"),
    ],
)
def test_a_changed_file_is_told_with_its_line(file: Path, old: str, new: str, what: str) -> None:
    text = file.read_text()
    line = text[: text.index(old)].count("\n") + 1
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(ScenarioError) as caught:
        read_spec(file)
    assert f"scenario.yaml:{line}: " in str(caught.value)
    assert what in str(caught.value)
    assert "take it from the run's folder" in caught.value.hint


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="there is no such file"):
        read_spec(tmp_path / "scenario.yaml")
