"""What somebody reads whose file of patients is wrong: the line, what is wrong, how to write it; no person is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Golden = Callable[[str, str], None]
Run = Callable[..., Any]
RUSH = str(Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml")

WRONG: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n  \n",
    "only-a-byte-order-mark": b"\xef\xbb\xbf\n",
    "only-commas": b",,,\n,,,\n",
    "without-a-header": b"Smith,John,1980-01-01\nDoe,Jane,1970-01-01\n",
    "a-header-and-nobody": b"id,site\n",
    "not-text": b"\x89PNG\r\n\x1a\n\0\0",
    "other-encoding": "id,family\na,Müller\n".encode("latin-1"),
    "nul-inside": b"id\na\0b\n",
    "too-large": b"id\n" + b"x" * 1_000_000,
    "too-many": b"id\n" + b"".join(b"p%d\n" % number for number in range(100_001)),
    "unknown-column": b"id,famly,dob\na,b,c\n",
    "semicolons": b"id;site;mrn\na;river;1\n",
    "no-column-for-the-patient": b"site,mrn\nriver,1\n",
    "column-twice": b"id,mrn,id\na,1,b\n",
    "id-missing": b"id,identifier,site\na,,river\n,,lake\n",
    "id-that-is-none": b"id\na\nPatient/12\nJane Doe\n",
    "identifier-without-system": b"identifier\nurn:mrn|1\n4711\n",
    "same-patient-twice": b"id,site\na,river\nb,lake\na,lake\n",
    "same-identifier-twice": b"identifier\nurn:mrn|1\nurn:mrn|1\n",
    "unknown-site": b"id,site\na,rivr\nb,lake\n",
    "bad-birthdate": b"id,birthdate\na,1980-02-30\nb,29.2.1980\nc,1980-02-29\n",
    "ragged": b"id,site,mrn\na,river,1\nb,lake\nc,lake,1,2\n",
    "quote-left-open": b'id,family\na,"b\n',
    "nobody-for-a-site": b"id,site\na,river\nb,river\n",
    "several-at-once": b"id,site,birthdate\n,rivr,then\na b,lake,1980-01-01\n",
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_the_file_is_said_with_its_line(
    case: str, emrload: Run, golden: Golden, tmp_path: Path
) -> None:
    (tmp_path / "mine.csv").write_bytes(WRONG[case])
    told = emrload("check", RUSH, "--sites", "2", "--patients", "mine.csv")
    assert told.code == 2
    assert told.out == ""
    golden(f"bad-patients/{case}.txt", told.err)


GIVEN: dict[str, list[str]] = {
    "no-such-file": ["check", RUSH, "--sites", "2", "--patients", "their.csv"],
    "a-folder": ["check", RUSH, "--sites", "2", "--patients", "."],
    "empty-path": ["run", RUSH, "--patients", "", "--target", "http://127.0.0.1:9/fhir"],
    "of-no-scenario": ["check", "--target", "http://127.0.0.1:9/fhir", "--patients", "mine.csv"],
    "at-the-sandbox": ["run", RUSH, "--sites", "2", "--patients", "mine.csv"],
}


@pytest.mark.parametrize("case", GIVEN)
def test_a_file_that_cannot_be_meant_is_refused(case: str, emrload: Run, golden: Golden, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("id\na\nb\n")
    told = emrload(*GIVEN[case])
    assert told.code == 2
    assert told.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
    golden(f"bad-patients/{case}.txt", told.err)
