"""Whom a CSV of patients names, and at which site each is; the error texts are in tests/golden/bad-patients/."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.scenario import read_patients_file
from harness.scenario.patients_file import MOST_PROBLEMS, PatientsFile

SITES = ("river", "lake")


@pytest.fixture
def read(tmp_path: Path):
    def reading(text: str, sites: tuple[str, ...] = SITES) -> PatientsFile:
        path = tmp_path / "mine.csv"
        path.write_text(text, encoding="utf-8")
        return read_patients_file(path, sites)

    return reading


def test_who_has_no_site_is_dealt_out_over_all_in_order(read) -> None:
    file = read("id\na\nb\nc\n")
    assert [(row.id, row.site, row.line) for row in file.rows] == [
        ("a", "river", 2),
        ("b", "lake", 3),
        ("c", "river", 4),
    ]


def test_who_has_a_site_is_there_and_takes_nobodys_turn(read) -> None:
    file = read("id,site\na,lake\nb,\nc,lake\nd,\n")
    assert [row.site for row in file.rows] == ["lake", "river", "lake", "lake"]
    assert [row.id for row in file.at(["river"]).rows] == ["b"]


def test_every_column_is_read_and_what_is_empty_is_left_open(read) -> None:
    header = "Identifier, MRN ,family,given,birthdate,site"
    file = read(f'\ufeff{header}\r\nurn:a|1,1,"O\'Hara, Ann",Ann,1980-02-29,river\r\n\r\nurn:a|2,,,,,lake\r\n')
    first, second = file.rows
    assert (first.id, first.identifier, first.mrn) == ("", "urn:a|1", "1")
    assert (first.family, first.given, first.birthdate) == ("O'Hara, Ann", "Ann", "1980-02-29")
    assert (second.line, second.family, second.birthdate) == (4, "", "")


def test_a_value_over_two_lines_does_not_shift_the_numbers(read) -> None:
    file = read('id,family\na,"two\nlines"\nb,\n')
    assert [row.line for row in file.rows] == [2, 4]


def test_the_first_problems_are_told_and_the_others_counted(read) -> None:
    with pytest.raises(InputError) as bad:
        read("id\n" + "not an id\n" * 14)
    assert len(bad.value.problems) == MOST_PROBLEMS
    assert bad.value.hint == "4 more lines cannot be used either."


def test_an_error_repeats_no_patients_data(read) -> None:
    with pytest.raises(InputError) as bad:
        read("id,identifier,birthdate\nJane Doe,mrn-4812,1.1.1980\n")
    assert not any(secret in str(bad.value) for secret in ("Jane", "4812", "1.1.1980"))


def test_a_file_without_a_header_does_not_give_away_its_first_patient(read) -> None:
    for text in ("Miller,Jane,1980-01-01\n", "Miller;Jane;1980-01-01\n", "id,Miller,Jane\na,b,c\n"):
        with pytest.raises(InputError) as bad:
            read(text)
        assert not any(secret in str(bad.value) for secret in ("Miller", "Jane", "1980"))


def test_what_stands_for_a_site_is_not_repeated_but_where_it_stands(read) -> None:
    with pytest.raises(InputError, match="column 2 names no site of this run") as bad:
        read("id,site\na,Miller Jane\nb,rivr\n")
    assert [problem.where.rpartition(":")[2] for problem in bad.value.problems] == ["2", "3"]
    assert "Miller" not in str(bad.value)
    assert "did you mean 'river'?" in str(bad.value)


@pytest.mark.parametrize("text", ["\ufeff", "\ufeff\r\n", ",,,\n,,,\n", " , \n", '""\n'])
def test_a_file_in_which_nothing_stands_is_empty(text: str, read) -> None:
    with pytest.raises(InputError, match="the file is empty"):
        read(text)


def test_what_would_wait_for_somebody_to_write_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="this is not a file"):
        read_patients_file(tmp_path / "pipe", SITES)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_a_name_that_no_file_can_have_is_explained(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_patients_file(tmp_path / name, SITES)
