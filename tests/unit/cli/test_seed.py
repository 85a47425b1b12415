"""What `emrload seed` says of what it created, and of what a target could not take."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.cli.seed import _as_json, _print
from harness.control import Seeded

URL = "http://127.0.0.1:8080/fhir"


@pytest.fixture
def seeded() -> Seeded:
    kinds = Counter({"Observation": 2213, "Patient": 400, "Location": 300})
    left_out = Counter({"DocumentReference": 400, "Binary": 600})
    return Seeded(
        patients_created=400,
        staff_created=60,
        resources_created=kinds.total(),
        kinds_created=kinds,
        left_out=left_out,
        undeclared={"Binary"},
    )


def test_what_was_created_is_told_by_kind_the_most_first(seeded: Seeded, capsys: pytest.CaptureFixture[str]):
    _print(seeded, URL)
    said = capsys.readouterr().out
    assert "of these 2,213 Observation, 400 Patient, 300 Location\n" in said
    assert "Left out 600 Binary, 400 DocumentReference\n" in said
    assert "the target does not declare create and search by tag of Binary\n" in said


def test_of_what_was_not_there_nothing_is_said(capsys: pytest.CaptureFixture[str]):
    _print(Seeded(), URL)
    said = capsys.readouterr().out
    assert "of these" not in said
    assert "Left out" not in said


def test_many_kinds_go_over_several_lines(seeded: Seeded, capsys: pytest.CaptureFixture[str]):
    seeded.kinds_created = Counter({f"Kind{number}": 1000 for number in range(20)})
    _print(seeded, URL)
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines[1:]) <= 100
    assert sum(line.startswith(" " * 9) for line in lines) >= 3


def test_a_program_gets_the_same_counts(seeded: Seeded):
    told = _as_json(seeded, URL)
    assert told["kinds_created"]["Location"] == 300
    assert told["left_out"] == {"Binary": 600, "DocumentReference": 400}
    assert told["undeclared"] == ["Binary"]
