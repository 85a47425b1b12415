"""A file becomes values that know their lines, or one clear problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ScenarioError
from harness.scenario.tree import plain, read_scalar, read_tree, read_value


def problem(path: Path, text: str | bytes) -> str:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ScenarioError) as caught:
        read_tree(path)
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10:30", "10:30"),
        ("on", "on"),
        ("no", "no"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("2026-11-10", "2026-11-10"),
        ("true", True),
        ("~", None),
        ("", None),
        ("-7", -7),
        ("08", 8),
        ("2.5", 2.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("20%", "20%"),
        ("1" * 25, float("1" * 25)),
    ],
)
def test_a_word_means_what_a_clinician_would_think(text: str, value: object) -> None:
    assert read_scalar(text) == value


def test_what_is_quoted_is_text(file: Path) -> None:
    file.write_text("a: '10'\nb: \"true\"\nc: !!str 3\nd: |\n  7\n")
    assert plain(read_tree(file)) == {"a": "10", "b": "true", "c": "3", "d": "7\n"}


def test_every_value_knows_the_line_of_its_key(file: Path) -> None:
    file.write_text("name: mine\nsites:\n  - template: small\n\n  - template: large\ncurves: {nurse: {a: 1}}\n")
    root = read_tree(file)
    assert root.fields["sites"].where == "mine.yaml:2"
    assert [item.where for item in root.fields["sites"].items] == ["mine.yaml:3", "mine.yaml:5"]
    assert root.fields["curves"].fields["nurse"].fields["a"].where == "mine.yaml:6"


def test_a_file_elsewhere_is_named_in_full(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("a: 1\n")
    assert read_tree(path).fields["a"].where == f"{path}:1"


def test_an_alias_stands_for_what_it_names(file: Path) -> None:
    file.write_text("a: &pace {mean: 5s}\nb: *pace\n")
    assert plain(read_tree(file)) == {"a": {"mean": "5s"}, "b": {"mean": "5s"}}


def test_a_byte_order_mark_is_no_part_of_the_first_key(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfname: mine\n")
    assert plain(read_tree(file)) == {"name": "mine"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: *nobody\n", "mine.yaml:2: unknown alias '*nobody'\n    anchors above this line: none"),
        ("a: 1\n---\nb: 2\n", "mine.yaml:2: a second document begins"),
        ("? [a, b]\n: 1\n", "mine.yaml:1: a key that is not a word"),
        ("just words\n", "mine.yaml:1: the file holds a single value"),
        ("a: 1\nb:\n  c: 1\n\td: 2\n", "mine.yaml:4: a tab where YAML wants spaces"),
        ("a: @home\n", "mine.yaml:1: not YAML: found character that cannot start any token"),
        ("a: 'open\n", "mine.yaml:2: not YAML: found unexpected end of stream"),
        ("", "mine.yaml: the file is empty"),
        (b"\xff\xfe\x00n", "mine.yaml: this is not text"),
    ],
)
def test_what_is_no_scenario_is_told_in_one_problem(file: Path, text: str | bytes, said: str) -> None:
    assert problem(file, text).startswith(said)


def test_every_key_that_stands_twice_is_told(file: Path) -> None:
    told = problem(file, "a: 1\na: 2\nb: {c: 1, c: 2}\n")
    assert "mine.yaml:2: key 'a' stands twice" in told
    assert "mine.yaml:3: key 'c' stands twice" in told


def test_a_file_that_may_not_be_read_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may read everything, so the refusal is planted.
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    file.write_text("a: 1\n")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ScenarioError, match=r"mine\.yaml: cannot be read: Permission denied"):
        read_tree(file)


def test_a_list_on_the_command_line_is_read() -> None:
    node = read_value("[north, 2]", "--set site_names=[north, 2]")
    assert plain(node) == ["north", 2]
    assert node.items[0].where == "--set site_names=[north, 2]"


@pytest.mark.parametrize("text", ["[north", "{a: 1, a: 2}", "[!x 1]"])
def test_a_broken_list_on_the_command_line_is_told(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_value(text, f"--set a={text}")
    assert caught.value.problems[0].where == f"--set a={text}"
