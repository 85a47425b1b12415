"""One's own sites from a CSV: what a cell says holds, what is empty is as the scenario has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.scenario import load_scenario, resolve, scenario_with_sites
from harness.scenario.model import Scenario, Site

QUICK = str(Path(__file__).parents[2] / "scenarios" / "quick-rush.yaml")


@pytest.fixture
def sites(tmp_path: Path):
    """The sites of a file with this content, for the quick rush unless another scenario is named."""

    def read(content: str | bytes, scenario: str = QUICK, sets: tuple[str, ...] = ()) -> tuple[Site, ...]:
        path = tmp_path / "sites.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return scenario_with_sites(scenario, sets, path)[1]

    return read


def like_the_scenarios(quick_rush: Scenario, name: str) -> Site:
    (site,) = resolve(quick_rush, sites=1, seed=1).sites
    return site.model_copy(update={"name": name, "utc_offset_s": 0.0})


def test_a_row_with_nothing_but_name_and_template_is_a_site_as_the_scenario_has_it(sites, quick_rush) -> None:
    assert sites("name,template\nnorth,small-clinic\n") == (like_the_scenarios(quick_rush, "north"),)


def test_every_cell_says_something_about_its_site(sites) -> None:
    (site,) = sites(
        "link,name,template,time_zone,locale,start_offset,endpoint,source_address,identifier_system,patients,think_factor,"
        "site-p95\n"
        "rural-dsl,north,small-clinic,America/Denver,de_DE,15m,http://127.0.0.1:9/fhir,10.0.0.7,urn:mrn,7,1.5,1500ms\n"
    )
    assert (site.link, site.name, site.template) == ("rural-dsl", "north", "small-clinic")
    assert (site.time_zone, site.locale, site.start_offset_s) == ("America/Denver", "de_DE", 900.0)
    assert (site.endpoint, site.identifier_system) == ("http://127.0.0.1:9/fhir", "urn:mrn")
    assert site.source_address == "10.0.0.7"
    assert (site.patients, site.think_factor, site.bounds) == (7, 1.5, {"site-p95": 1500.0})


def test_a_bound_is_read_as_its_objective_measures(sites) -> None:
    content = "name,template,site-p95\nnorth,small-clinic,2%\n"
    share = ("objectives.site-p95={scope: each-site, error_rate: 1%, required: true, source: a test}",)
    assert sites(content, sets=share)[0].bounds == {"site-p95": 0.02}


def test_once_a_row_counts_one_persona_its_counts_stand(sites) -> None:
    counted, not_counted = sites("name,template,nurse,lab-technician\nnorth,small-clinic,7,\nsouth,small-clinic,,\n")
    heads = {"primary-care-physician": 0, "nurse": 7, "registration-clerk": 0, "lab-technician": 0}
    assert counted.heads == heads
    assert not_counted.heads == {
        "primary-care-physician": 4,
        "nurse": 4,
        "registration-clerk": 2,
        "lab-technician": 2,
    }


def test_an_empty_cell_is_as_the_first_entry_of_that_template(sites, tmp_path: Path) -> None:
    text = Path(QUICK).read_text()
    line = next(line for line in text.splitlines(keepends=True) if line.startswith("  - {template: small-clinic"))
    denver = line.replace("America/New_York", "America/Denver, link: rural-dsl, start_offset: 5m")
    (tmp_path / "mine.yaml").write_text(text.replace(line, denver + line))
    (site,) = sites("name,template,time_zone\nnorth,small-clinic,\n", str(tmp_path / "mine.yaml"))
    assert (site.time_zone, site.link, site.start_offset_s) == ("America/Denver", "rural-dsl", 300.0)


def test_a_link_that_only_the_sites_file_names_is_found_beside_the_scenario_first(sites, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(Path(QUICK).read_text())
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "rural-dsl.yaml").write_text("title: Ours\nround_trip: 7ms\nsource: measured\n")
    (tmp_path / "sites.csv").write_text("name,template,link\nnorth,small-clinic,rural-dsl\n")
    scenario, (site,) = scenario_with_sites(str(tmp_path / "mine.yaml"), (), tmp_path / "sites.csv")
    assert site.link == "rural-dsl"
    assert scenario.links["rural-dsl"].round_trip_s == 0.007


def test_a_template_that_only_the_sites_file_names_comes_with_its_personas(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("name,template,time_zone,nurse\nnorth,satellite,UTC,2\n")
    scenario, (site,) = scenario_with_sites(QUICK, (), tmp_path / "sites.csv")
    assert site.heads["nurse"] == 2
    assert site.template == "satellite"
    assert set(scenario.templates["satellite"].mix) <= set(scenario.personas)
    assert set(load_scenario(QUICK).templates) == {"small-clinic"}


def test_novices_are_as_many_as_the_row_says_where_the_template_knows_them(sites) -> None:
    (site,) = sites("name,template,novice,expert\nnorth,hospital,40%,\n", "morning-rush")
    assert (site.novice, site.expert) == (0.4, 0.3)


def test_a_run_of_a_sites_file_has_its_sites_and_each_its_offset(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text(
        "name,template,time_zone,nurse\nnorth,small-clinic,America/Denver,20\nsouth,small-clinic,UTC,2\n"
    )
    scenario, own = scenario_with_sites(QUICK, (), tmp_path / "sites.csv")
    spec = resolve(scenario, own_sites=own, seed=3)
    assert [site.name for site in spec.sites] == ["north", "south"]
    assert spec.clock_zone == "America/Denver"
    assert [site.utc_offset_s for site in spec.sites] == [-7 * 3600.0, 0.0]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfname,template\nnorth,small-clinic\n",
        b"name,template\r\nnorth,small-clinic\r\n",
        b"name,template\rnorth,small-clinic\r",
        b'"name","template"\n"north","small-clinic"\n',
        b"template,name\n\n\nsmall-clinic,north",
        b'# ours, "as of\ntoday"\n'[:14] + b"\nname,template\n  # and more\nnorth,small-clinic\n",
        b"name;template;\nnorth;small-clinic;\n",
        b"name\ttemplate\nnorth\tsmall-clinic\n",
        b" name , template \n north , small-clinic ,,\n,,\n",
    ],
    ids=["BOM", "CRLF", "CR", "quoted", "blank lines", "comments", "semicolons", "tabs", "blanks"],
)
def test_a_table_as_programs_write_it_is_read(content: bytes, sites, quick_rush) -> None:
    assert sites(content) == (like_the_scenarios(quick_rush, "north"),)


def problems_of(sites, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        sites(*arguments)
    return "\n".join(map(str, caught.value.problems))


@pytest.mark.parametrize("name", ["x" * 300, "../personas/nurse"])
def test_what_is_no_name_is_unknown_wherever_it_stands(name: str, sites) -> None:
    assert "unknown column" in problems_of(sites, f"name,template,{name}\nnorth,small-clinic,1\n")
    assert "unknown template" in problems_of(sites, f"name,template\nnorth,{name}\n")
    assert "unknown link" in problems_of(sites, f"name,template,link\nnorth,small-clinic,{name}\n")


@pytest.mark.parametrize(("name", "kind"), [("nurse", "persona"), ("patients", "setting of a site")])
def test_an_objective_that_is_called_as_a_column_is_told_as_such(name: str, kind: str, sites, tmp_path: Path) -> None:
    text = Path(QUICK).read_text().replace("\n  site-p95:", f"\n  {name}:")
    assert f"\n  {name}:" in text
    (tmp_path / "mine.yaml").write_text(text)
    mine = str(tmp_path / "mine.yaml")
    told = problems_of(sites, f"name,template,{name}\nnorth,small-clinic,20\n", mine)
    assert told.count("\n") == 1
    assert f"column '{name}' is a {kind} and an objective" in told
    assert sites("name,template\nnorth,small-clinic\n", mine)


VISITORS = QUICK.replace("quick-rush", "quick-visitors")


@pytest.mark.parametrize("cell", ["", "3"])
def test_who_comes_at_a_rate_is_no_column(cell: str, sites) -> None:
    template = next(iter(load_scenario(VISITORS).templates))
    told = problems_of(sites, f"name,template,walk-in\nnorth,{template},{cell}\n", VISITORS)
    assert "column 'walk-in' is of a persona that comes at a rate and is never on duty" in told
    assert told.count("\n") == 1


def test_the_hint_for_whom_nobody_says_when_she_is_there_can_be_followed(sites, tmp_path: Path) -> None:
    content = "name,template,biller,hospitalist\nnorth,small-clinic,2,\nsouth,small-clinic,,3\n"
    told = problems_of(sites, content)
    assert "`biller: shared`" in told
    assert "`hospitalist: shared`" not in told
    assert "`hospitalist: {points: {00:00: 100%, 24:00: 100%}, source: …}`" in told
    assert "`hospitalist: 0` to the `mix`" in told
    text = Path(QUICK).read_text()
    added = "  biller: shared\n  hospitalist: {points: {00:00: 100%, 24:00: 100%}, source: a test}\n"
    mix = next(line for line in text.splitlines() if line.lstrip().startswith("mix:"))
    text = text.replace("\ncurves:\n", f"\ncurves:\n{added}").replace(mix, mix.replace("{", "{hospitalist: 0, "))
    (tmp_path / "mine.yaml").write_text(text)
    north, south = sites(content, str(tmp_path / "mine.yaml"))
    assert (north.heads["biller"], south.heads["hospitalist"]) == (2, 3)


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("PST", "America/Los_Angeles"),
        ("pdt", "America/Los_Angeles"),
        ("EST5", "America/New_York"),
        ("CST", "America/Chicago"),
        ("MDT", "America/Denver"),
        ("AKST", "America/Anchorage"),
        ("HAST", "Pacific/Honolulu"),
        ("Eastern", "America/New_York"),
        ("America/Denvre", "America/Denver"),
        ("utz", "UTC"),
    ],
)
def test_a_zone_of_the_united_states_is_suggested_with_its_daylight_saving(zone: str, meant: str, sites) -> None:
    told = problems_of(sites, f"name,template,time_zone\nnorth,small-clinic,{zone}\n")
    assert f"did you mean '{meant}'?" in told


def test_no_zone_without_a_city_is_suggested(sites) -> None:
    told = problems_of(sites, "name,template,time_zone\nnorth,small-clinic,XST\n")
    assert "did you mean" not in told
    assert "Area/City" in told


def test_an_error_counts_lines_as_an_editor_does(sites) -> None:
    with pytest.raises(InputError) as caught:
        sites('# ours\n\nname,template\n"nor\nth",small-clinic\n# here\nsouth,smal-clinic\n')
    assert [problem.where.rpartition(":")[2] for problem in caught.value.problems] == ["4", "7"]
