"""What a scenario names is found beside it first, then among what ships."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import ScenarioError
from harness.scenario import library, load_scenario


@pytest.fixture
def mine(tmp_path: Path, quick_rush_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The quick rush without templates and personas of its own, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    text = quick_rush_file.read_text()
    without = text[: text.index("templates:")] + text[text.index("curves:") :]
    path = tmp_path / "mine.yaml"
    more = "".join(f"  {name}: shared\n" for name in ("biller", "document-clerk", "prior-authorization-specialist"))
    without = without.replace("curves:\n", f"curves:\n{more}")
    path.write_text(without.replace("template: small-clinic", "template: clinic"))
    return path


def test_what_ships_is_found_from_any_folder(mine: Path) -> None:
    assert load_scenario(str(mine)).templates["clinic"].peak == 80


def test_a_template_beside_the_scenario_comes_before_the_shipped_one(mine: Path) -> None:
    (mine.parent / "templates").mkdir()
    (mine.parent / "templates" / "clinic.yaml").write_text(
        "title: Mine\npeak: 7\nmix: {nurse: 1, primary-care-physician: 1, registration-clerk: 1, lab-technician: 1}\n"
        "patients: 9\nsource: assumption\n"
    )
    assert load_scenario(str(mine)).templates["clinic"].peak == 7


def test_a_persona_file_must_be_of_whom_its_name_says(mine: Path) -> None:
    (mine.parent / "personas").mkdir()
    shipped = library.shipped_folder() / "personas" / "nurse.yaml"
    text = shipped.read_text().replace("name: nurse", "name: night-nurse")
    (mine.parent / "personas" / "nurse.yaml").write_text(text)
    with pytest.raises(ScenarioError, match=r"personas/nurse.yaml:\d+: 'nurse' says that its name is 'night-nurse'"):
        load_scenario(str(mine))


def test_a_broken_persona_file_is_told_with_its_own_line(mine: Path) -> None:
    (mine.parent / "personas").mkdir()
    (mine.parent / "personas" / "nurse.yaml").write_text("name: nurse\n\tthink: 3s\n")
    with pytest.raises(ScenarioError, match=r"^personas/nurse.yaml:2: a tab"):
        load_scenario(str(mine))


def test_objectives_beside_the_scenario_come_before_the_shipped_ones(mine: Path) -> None:
    objectives = mine.read_text().partition("\nobjectives:\n")[2]
    shared = re.findall(r"^  (\S+): shared$", objectives, re.MULTILINE)
    entry = "{scope: network, p50: 20ms, required: false, source: assumption}"
    (mine.parent / "objectives.yaml").write_text("".join(f"{name}: {entry}\n" for name in shared))
    bounds = {objective.id: objective.bound for objective in load_scenario(str(mine)).objectives}
    assert shared
    assert {bounds[name] for name in shared} == {20.0}


@pytest.mark.parametrize("name", ["x" * 300, "../personas/nurse", "rural-dsl/../rural-dsl", "Rural-DSL", "", "\0", "."])
def test_what_is_no_name_is_not_looked_for(name: str, tmp_path: Path) -> None:
    assert library.find_entry("links", name, tmp_path) is None


def test_a_file_whose_name_no_entry_can_have_is_not_suggested(tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "Our Line.yaml").write_text("title: Ours\n")
    (tmp_path / "links" / "our-line.yaml").write_text("title: Ours\n")
    assert {"our-line", "rural-dsl"} <= set(library.entry_names("links", tmp_path))
    assert "Our Line" not in library.entry_names("links", tmp_path)


def test_a_link_that_is_set_to_a_path_is_unknown(mine: Path) -> None:
    with pytest.raises(ScenarioError, match=r"unknown link '\.\./personas/nurse'"):
        load_scenario(str(mine), ["templates.clinic.link=../personas/nurse"])
    with pytest.raises(ScenarioError, match="unknown link 'xxx"):
        load_scenario(str(mine), ["sites.0.link=" + "x" * 300])


def test_an_installed_package_has_its_scenarios_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_PACKAGE", tmp_path / "harness")
    assert library.shipped_folder() == tmp_path / "scenarios"
    (tmp_path / "harness" / "shipped" / "scenarios").mkdir(parents=True)
    assert library.shipped_folder() == tmp_path / "harness" / "shipped" / "scenarios"
