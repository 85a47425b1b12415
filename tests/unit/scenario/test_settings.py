"""`--set`: one value changed, its source saying so; a path that is not there is told with what is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ScenarioError
from harness.scenario import load_scenario
from harness.scenario.model import (
    MOST_SITES,
    ArrivalRate,
    Link,
    Model,
    Objective,
    Patience,
    Persona,
    Phase,
    Scenario,
    SiteMix,
    SiteTemplate,
    WorkflowShare,
)
from harness.scenario.settings import MAY_BE_ADDED
from harness.scenario.shape import WRITTEN_AS


@pytest.fixture
def problem(quick_rush_file: Path):
    def told(*sets: str) -> list[str]:
        with pytest.raises(ScenarioError) as caught:
            load_scenario(str(quick_rush_file), sets)
        return [str(one) for one in caught.value.problems]

    return told


def test_a_figure_of_the_scenario_changes_and_its_source_says_so(quick_rush_file: Path) -> None:
    scenario = load_scenario(str(quick_rush_file), ["answer_timeout=3s"])
    assert scenario.answer_timeout_s == 3.0
    assert (
        scenario.sources["answer_timeout"] == "--set answer_timeout=3s (was 10s; assumption (a test waits no longer))"
    )


def test_a_key_that_the_file_leaves_to_its_default_can_be_set(quick_rush_file: Path) -> None:
    scenario = load_scenario(
        str(quick_rush_file), ["think_factor=0.02", "site_header=null", "sites.0.start_offset=15m"]
    )
    assert scenario.think_factor == 0.02
    assert scenario.site_header is None
    assert scenario.sites[0].start_offset_s == 900.0


def test_what_may_be_added_is_what_the_model_has_a_default_for() -> None:
    values = _optional(Scenario) - {"sources", "links"}  # which are sections
    assert set(MAY_BE_ADDED[""]) == {WRITTEN_AS.get(key, key) for key in values}
    models = {
        "sites.*": SiteMix,
        "templates.*": SiteTemplate,
        "templates.*.arrivals.*": ArrivalRate,
        "personas.*": Persona,
        "personas.*.workflows.*": WorkflowShare,
        "personas.*.patience": Patience,
        "phases.*": Phase,
        "objectives.*": Objective,
        "links.*": Link,
    }
    assert {""} | set(models) == set(MAY_BE_ADDED)
    written = {place: {WRITTEN_AS.get(key, key) for key in _optional(model)} for place, model in models.items()}
    written["links.*"].add("bandwidth")  # both of them
    assert {place: set(keys) for place, keys in MAY_BE_ADDED.items() if place} == written


def _optional(model: type[Model]) -> set[str]:
    return {name for name, field in model.model_fields.items() if not field.is_required()}


@pytest.mark.parametrize(
    "setting",
    [
        "links.rural-dsl.outages=[09:00..09:05]",
        "phases.clinics-open.emphasis={nurse: {room-patient: 2}}",
        "personas.nurse.on_arrival=[room-patient]",
        "personas.nurse.workflows.room-patient.by_hour={00:00: 1, 12:00: 2}",
    ],
)
def test_a_key_with_a_default_can_be_set_in_any_section(quick_rush_file: Path, setting: str) -> None:
    load_scenario(str(quick_rush_file), ["templates.small-clinic.link=rural-dsl", setting])


def test_a_stretch_that_is_played_by_itself_can_be_set_and_has_a_source_then(quick_rush_file: Path) -> None:
    scenario = load_scenario(str(quick_rush_file), ["plays=08:00..09:00"])
    assert scenario.plays == (28_800.0, 32_400.0)
    assert scenario.sources["plays"].startswith("--set plays=08:00..09:00")


def test_a_link_that_is_set_is_found_among_what_ships(quick_rush_file: Path) -> None:
    scenario = load_scenario(str(quick_rush_file), ["templates.small-clinic.link=rural-dsl"])
    assert scenario.templates["small-clinic"].link == "rural-dsl"
    assert scenario.links["rural-dsl"].round_trip_s > 0
    with pytest.raises(ScenarioError, match="unknown link 'rural-dls'\n    did you mean 'rural-dsl'"):
        load_scenario(str(quick_rush_file), ["templates.small-clinic.link=rural-dls"])


@pytest.mark.parametrize("entry", ["sites.0", "sites.small-clinic"])
def test_an_entry_of_a_list_is_found_by_number_or_by_name(quick_rush_file: Path, entry: str) -> None:
    scenario = load_scenario(str(quick_rush_file), [f"{entry}.time_zone=America/Denver"])
    assert scenario.sites[0].time_zone == "America/Denver"
    assert scenario.sites[0].source.startswith(f"--set {entry}.time_zone=America/Denver (was America/New_York; ")


def test_a_name_that_two_entries_share_finds_neither(tmp_path: Path, quick_rush_file: Path) -> None:
    text = quick_rush_file.read_text()
    line = next(line for line in text.splitlines() if line.startswith("  - {template"))
    (tmp_path / "mine.yaml").write_text(text.replace(line, f"{line}\n{line}"))
    with pytest.raises(ScenarioError, match=r"unknown key 'small-clinic' in sites\n    Known: 0, 1"):
        load_scenario(str(tmp_path / "mine.yaml"), ["sites.small-clinic.weight=2"])
    assert load_scenario(str(tmp_path / "mine.yaml"), ["sites.1.weight=2"]).sites[1].weight == 2


def test_a_figure_from_another_file_changes_too() -> None:
    scenario = load_scenario("morning-rush", ["personas.nurse.think.mean=5s", "templates.clinic.peak=8"])
    assert scenario.personas["nurse"].think.mean_s == 5.0
    assert scenario.personas["nurse"].think.source.startswith("--set personas.nurse.think.mean=5s (was 45s; ")
    assert scenario.templates["clinic"].peak == 8


def test_a_point_of_a_curve_and_a_bound_change(quick_rush_file: Path) -> None:
    scenario = load_scenario(str(quick_rush_file), ["curves.nurse.points.09:00=90%", "objectives.site-p95.p95=250ms"])
    assert dict(scenario.curves["nurse"].points)[9 * 3600.0] == 0.9
    assert scenario.curves["nurse"].source.startswith("--set ")
    assert {o.id: o.bound for o in scenario.objectives}["site-p95"] == 250.0


def test_the_last_of_two_settings_holds(quick_rush_file: Path) -> None:
    assert load_scenario(str(quick_rush_file), ["default_sites=5", "default_sites=4"]).default_sites == 4


def test_another_template_can_be_chosen() -> None:
    scenario = load_scenario("morning-rush", ["sites.0.template=satellite"])
    assert scenario.sites[0].template == "satellite"


def test_setting_a_source_says_what_it_says(quick_rush_file: Path) -> None:
    scenario = load_scenario(
        str(quick_rush_file), ["sources.timeline=requirement of ours", "curves.nurse.source=a study"]
    )
    assert scenario.sources["timeline"] == "requirement of ours"
    assert scenario.curves["nurse"].source == "a study"


def test_the_bound_on_the_first_byte_can_be_set_although_the_file_has_none(quick_rush_file: Path) -> None:
    assert load_scenario(str(quick_rush_file), []).first_byte_timeout_s is None
    scenario = load_scenario(str(quick_rush_file), ["first_byte_timeout=1500ms"])
    assert scenario.first_byte_timeout_s == 1.5
    assert scenario.sources["first_byte_timeout"] == "--set first_byte_timeout=1500ms ()"


def test_a_cap_on_those_who_come_by_themselves_can_be_set_although_the_file_has_none(quick_rush_file: Path) -> None:
    assert load_scenario(str(quick_rush_file), []).max_open_in_flight is None
    scenario = load_scenario(str(quick_rush_file), ["max_open_in_flight=40"])
    assert scenario.max_open_in_flight == 40
    assert scenario.sources["max_open_in_flight"] == "--set max_open_in_flight=40 ()"


def test_a_list_can_be_set(quick_rush_file: Path) -> None:
    assert load_scenario(str(quick_rush_file), ["site_names=[north, south]"]).site_names == ("north", "south")


@pytest.mark.parametrize(
    ("setting", "what", "help_"),
    [
        ("think_factr=0.5", "unknown key 'think_factr'", "did you mean 'think_factor'?"),
        ("curves.nurze.source=x", "unknown key 'nurze' in curves", "did you mean 'nurse'?"),
        (
            "default_sites.x=1",
            "unknown key 'x' in default_sites",
            "default_sites is a single value: nothing is below it",
        ),
        ("sites.9.weight=1", "unknown key '9' in sites", "Known: small-clinic, 0"),
        ("think_factor.x=1", "unknown key 'think_factor'", ""),
        ("think_factor", "this sets nothing", "write PATH=VALUE"),
        ("=3", "this sets nothing", "write PATH=VALUE"),
        ("a..b=3", "this sets nothing", "write PATH=VALUE"),
        ("think_factor=nan", 'think_factor is "nan", but should be a valid number', ""),
        ("think_factor=-1", "think_factor is -1, but should be greater than or equal to 0", ""),
        ("answer_timeout=0s", "answer_timeout is 0.0, but should be greater than 0", ""),
        ("first_byte_timeout=0s", "first_byte_timeout is 0.0, but should be greater than 0", ""),
        ("first_byte_timeout=10s", "first_byte_timeout is 10 s, but answer_timeout 10 s", "write a shorter one"),
        ("first_byte_timeout_s=1", "unknown key 'first_byte_timeout_s'", "did you mean 'first_byte_timeout'?"),
        ("sites.0.source_address=here", "'here' is no IP address", "such as 10.0.0.7"),
        ("site_header=X Site", "site_header: 'X Site' is not a header's name", ""),
        ("default_sites=0", "default_sites is 0, but should be greater than or equal to 1", ""),
        (f"default_sites={MOST_SITES + 1}", "default_sites is 10001, but should be less than or equal to 10000", ""),
        ("date=2026-02-30", 'date is "2026-02-30"', ""),
        ("name=My Rush", "name: 'My Rush' is no name", ""),
        ("site_names=[a, a]", "site_names: 'a' stands twice", ""),
        ("curves=5", "'curves' is not a mapping", ""),
        ("objectives=5", "'objectives' is not a mapping", ""),
        ("objectives.site-p95=5", "objectives.3 is 5, but should be a mapping", ""),
        ("personas.nurse=5", "personas.nurse is 5, but should be a mapping", ""),
        ("personas.nurse.think=5s", 'personas.nurse.think is "5s", but should be a mapping', ""),
        ("phases.clinics-open=5", "phases.1 is 5, but should be a mapping", ""),
        ("curves.nurse.points=5", "curves.nurse.points is 5, but should be a list", ""),
        ("curves.nurse.points={06:30: 1%}", "a curve needs at least two points", ""),
        ("phases.clinics-open.time=[]", "'[]' is not a window", ""),
        ("personas.nurse.think.mean=true", "'True' is not a duration", ""),
        ("timeline=06:30", "'06:30' is not a window", ""),
        ("personas.nurse.think.mean=[1]", "'what stands here' is not a duration", ""),
    ],
)
def test_a_wrong_setting_is_told_where_it_was_written(problem, setting: str, what: str, help_: str) -> None:
    told = next(one for one in problem(setting) if what in one)
    assert told.startswith(f"--set {setting}: ")
    assert help_ in told


@pytest.mark.parametrize(
    "setting",
    [
        "sites.0.endpoint=https://nurse:secret7@ehr.example.org/fhir",
        "sites.0.endpoint=https:/nurse:secret7@ehr.example.org/fhir",
        "sites.0.endpoint=[https://nurse:secret7@ehr.example.org/fhir",
        "https://nurse:secret7@ehr.example.org/fhir",
        "https://nurse:secret7=x@ehr.example.org/fhir",
    ],
)
def test_a_password_in_a_setting_is_not_repeated(problem, setting: str) -> None:
    told = problem(setting)
    assert told[0].startswith("--set ")
    assert not any("secret7" in one for one in told)


def test_a_weight_that_leaves_nobody_is_told(problem) -> None:
    (told,) = problem("sites.0.weight=0")
    assert "sites: weights are all zero" in told


def test_all_wrong_settings_are_told_at_once(problem) -> None:
    told = problem("think_factr=1", "default_sites=ten", "x")
    assert len(told) == 3
