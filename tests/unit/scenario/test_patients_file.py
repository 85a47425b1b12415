"""Whom a CSV of patients names, and at which site each is; the error texts are in tests/golden/bad-patients/."""

from __future__ import annotations

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
