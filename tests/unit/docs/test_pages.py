"""The documentation says what is so: pages are fresh, commands are taken, examples work, links lead somewhere."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from harness.cli.program import run_program
from harness.scenario.library import shipped_folder
from harness.scenario.sites_file import COLUMNS
from harness.verdict.finding import FINDERS
from harness.verdict.validity import CHECKS

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if "_build" not in path.parts)
RENEW = "run .venv/bin/python docs/generate.py and read the diff"
WITHOUT_TRAFFIC = ("scenarios", "plan", "check")


def commands_of(text: str) -> list[list[str]]:
    """The words after `emrload` of each command in the shell blocks of a page."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if re.match(r"(\S*/)?emrload ", line)]
    return [shlex.split(line, comments=True)[1:] for line in lines]


def block(page: str, language: str, holding: str) -> str:
    """The code block of a page that holds these words."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    (found,) = [one for one in blocks if holding in one]
    return found


COMMANDS = {
    shlex.join(words): words for page in PAGES for words in commands_of((DOCS / page).read_text(encoding="utf-8"))
}


@pytest.fixture
def examples(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    forget_own: object,  # what the examples register is taken out again
) -> Path:
    """A copy of the examples' folder, to work in."""
    folder = tmp_path / "examples"
    shutil.copytree(DOCS / "examples", folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NO_COLOR", "1")
    return folder


@pytest.fixture(scope="module")
def generated() -> Iterator[dict[str, str]]:
    sys.path.insert(0, str(DOCS))
    try:
        pages = importlib.import_module("generate").pages()
    finally:
        sys.path.remove(str(DOCS))
    return {path.as_posix(): text for path, text in pages.items()}


def test_generated_pages_say_what_the_scenarios_and_personas_say_now(generated: dict[str, str]) -> None:
    stale = [
        name
        for name, text in generated.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != text
    ]
    assert not stale, f"stale: {', '.join(stale)}; {RENEW}"


def test_every_scenario_that_ships_has_a_page_and_a_picture(generated: dict[str, str]) -> None:
    for path in shipped_folder().glob("*.yaml"):
        if path.name not in ("objectives.yaml", "curves.yaml"):
            assert {f"scenarios/{path.stem}.md", f"scenarios/{path.stem}.svg"} <= set(generated)


@pytest.mark.parametrize(
    "line", [line for line, words in COMMANDS.items() if "--target" in words or words[0] not in WITHOUT_TRAFFIC]
)
def test_a_command_that_sends_something_is_one_that_the_program_takes(line: str, examples: Path) -> None:
    name, *arguments = COMMANDS[line]
    command: click.Command = importlib.import_module(f"harness.cli.{name}").command
    with command.make_context(name, arguments):  # raises where an option or a value would be refused
        pass


@pytest.mark.parametrize(
    "line", [line for line, words in COMMANDS.items() if "--target" not in words and words[0] in WITHOUT_TRAFFIC]
)
def test_a_command_without_traffic_does_what_the_page_says(
    line: str, examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_program(COMMANDS[line]) == 0, capsys.readouterr().err


def test_the_example_of_thirty_sites_names_every_column_and_plans(
    examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, *sites = [line for line in Path("sites.csv").read_text().splitlines() if not line.startswith("#")]
    assert len(sites) == 30
    assert set(COLUMNS) <= set(header.split(","))
    assert run_program(["plan", "morning-rush", "--sites-file", "sites.csv"]) == 0
    assert "at 30 sites" in capsys.readouterr().out


def test_the_sites_with_servers_of_their_own_can_be_planned(examples: Path) -> None:
    Path("own.csv").write_text(block("your-organisation.md", "text", "partner,satellite"))
    assert run_program(["plan", "morning-rush", "--sites-file", "own.csv"]) == 0


def test_the_kind_of_site_and_the_link_of_the_page_can_be_played(
    examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, name, words in (("templates", "urgent-care", "Urgent care"), ("links", "village", "copper")):
        text = block("your-organisation.md", "yaml", words)
        assert yaml.safe_load(text)["name"] == name
        Path(folder).mkdir()
        Path(folder, f"{name}.yaml").write_text(text)
    shutil.copy(shipped_folder() / "morning-rush.yaml", "morning-rush.yaml")
    Path("own.csv").write_text("name,template,time_zone,link\nmall,urgent-care,America/New_York,village\n")
    code = run_program(["plan", "morning-rush.yaml", "--sites-file", "own.csv", "--window", "08:30..09:00"])
    assert code == 0, capsys.readouterr().err


def test_the_patients_file_of_the_page_is_one(examples: Path) -> None:
    from harness.scenario import read_patients_file

    Path("patients.csv").write_text(block("your-server.md", "text", "pat-17"))
    file = read_patients_file(Path("patients.csv"), ["river", "lake", "hill"])
    assert [row.site for row in file.rows] == ["river", "lake", "hill", "river"]


def test_every_column_check_and_finding_is_explained() -> None:
    organisation, report = ((DOCS / name).read_text() for name in ("your-organisation.md", "reading-the-report.md"))
    assert [column for column in COLUMNS if f"`{column}`" not in organisation] == []
    assert [
        name for name in (*CHECKS, *FINDERS) if not re.search(rf"^\| ([a-z-]+, )*{name}(, [a-z-]+)* \|", report, re.M)
    ] == []


def test_every_page_can_be_built_and_no_link_within_leads_nowhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-d", str(tmp_path / "doctrees")]
    done = subprocess.run([*command, str(DOCS), str(tmp_path / "html")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "scenarios" / "shift-change.html").is_file()
