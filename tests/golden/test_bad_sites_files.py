"""What somebody reads whose sites file is wrong: every problem at once, each with its line and column."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RUSH = str(Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml")
GOOD = """\
name,template,time_zone,nurse,registration-clerk,site-p95
north,small-clinic,America/Denver,3,2,1500ms
south,small-clinic,,,,
"""

WRONG: dict[str, str | bytes] = {
    "empty": "",
    "only-comments": "# sites of ours\n\n",
    "only-a-header": "name,template\n",
    "not-text": b"\x89PNG\r\n\x1a\n\x00\xff",
    "utf-16": GOOD.encode("utf-16"),
    "control-characters": GOOD.replace("north", "no\0rth"),
    "too-large": b"a" * 1_000_001,
    "too-many": "name,template\n" + "a,b\n" * 10_001,
    "no-header": "north,small-clinic\nsouth,small-clinic\n",
    "no-name": GOOD.replace("name,", "nmae,"),
    "no-template": "name,time_zone\nnorth,UTC\n",
    "unknown-column": GOOD.replace("nurse", "nurze"),
    "unknown-column-like-none": GOOD.replace("nurse", "beds" * 30),
    "column-twice": GOOD.replace("nurse", "template"),
    "column-without-a-name": GOOD.replace("nurse", ""),
    "objective-of-the-network": GOOD.replace("site-p95", "network-p95"),
    "ragged": GOOD.replace("south,small-clinic,,,,", "south,small-clinic,,") + "east,small-clinic,,,,,,7\n",
    "quote-left-open": GOOD.replace("north", '"north'),
    "name-empty": GOOD.replace("north", ""),
    "name-twice": GOOD.replace("south", "north"),
    "name-no-name": GOOD.replace("north", "North Clinic"),
    "template-empty": GOOD.replace("small-clinic", "", 1),
    "unknown-template": GOOD.replace("small-clinic", "smal-clinic", 1),
    "unknown-time-zone": GOOD.replace("Denver", "Denvre"),
    "no-time-zone": "name,template\nnorth,satellite\n",
    "unknown-locale": "name,template,locale\nnorth,small-clinic,en_USA\n",
    "unknown-link": "name,template,link\nnorth,small-clinic,rural-dls\n",
    "offset-without-unit": "name,template,start_offset\nnorth,small-clinic,15\n",
    "offset-of-days": "name,template,start_offset\nnorth,small-clinic,3d\n",
    "endpoint-with-a-password": "name,template,endpoint\nnorth,small-clinic,https://me:secret@ehr.example.org/fhir\n",
    "endpoint-no-url": "name,template,endpoint\nnorth,small-clinic,ehr\n",
    "source-address": "name,template,source_address\nnorth,small-clinic,10.0.0.300\n",
    "identifier-system": "name,template,identifier_system\nnorth,small-clinic,mrn|4711\n",
    "patients-0": "name,template,patients\nnorth,small-clinic,0\n",
    "patients-many": "name,template,patients\nnorth,small-clinic,1e9\n",
    "think-factor-0": "name,template,think_factor\nnorth,small-clinic,0\n",
    "think-factor-nan": "name,template,think_factor\nnorth,small-clinic,nan\n",
    "heads-negative": GOOD.replace(",3,", ",-3,"),
    "heads-half": GOOD.replace(",3,", ",2.5,"),
    "heads-all-zero": GOOD.replace(",3,2,", ",0,0,"),
    "heads-without-a-curve": "name,template,pharmacist\nnorth,small-clinic,2\n",
    "template-without-curves": "name,template,time_zone\nnorth,hospital,UTC\n",
    "novice-unknown": "name,template,novice\nnorth,small-clinic,20%\n",
    "novice-no-share": "name,template,time_zone,novice\nnorth,hospital,UTC,120%\n",
    "novice-and-expert": "name,template,time_zone,novice\nnorth,hospital,UTC,90%\n",
    "bound-without-unit": GOOD.replace("1500ms", "1500"),
    "bound-as-a-share": GOOD.replace("1500ms", "2%"),
    "several-at-once": (
        "# ours\r\n"
        "template,name,patients,nurse,beds\r\n"
        "small-clinic,north,many,3,4\r\n"
        "smal-clinic,south,,,\r\n"
        "\r\n"
        "small-clinic,north,10\r\n"
        "small-clinic,South,,three,\r\n"
    ),
    "sixty-wrong-rows": "name,template\n" + "".join(f"site-{number},clinc\n" for number in range(60)),
}


def test_the_file_that_the_others_are_made_from_is_good(emrload: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text(GOOD)
    told = emrload("plan", RUSH, "--sites-file", "sites.csv", "--duration", "20s")
    assert told.code == 0, told.err
    assert f"next     emrload run {RUSH} --sites-file sites.csv --duration 20s" in told.out


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_sites_file_is_explained(
    name: str, emrload: Callable[..., Any], golden: Callable[[str, str], None], tmp_path: Path
) -> None:
    content = WRONG[name]
    (tmp_path / "sites.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    told = emrload("plan", RUSH, "--sites-file", "sites.csv")
    assert told.code == 2, told.err
    assert told.out == ""
    assert "Traceback" not in told.err
    assert "secret" not in told.err
    golden(f"bad-sites/{name}.txt", told.err)


@pytest.mark.parametrize(
    ("case", "options"),
    [
        ("missing", ["--sites-file", "./sites.csv"]),
        ("a-folder", ["--sites-file", "."]),
        ("no-path", ["--sites-file", ""]),
        ("and-a-number", ["--sites-file", "sites.csv", "--sites", "3"]),
    ],
)
def test_a_sites_file_that_is_not_there_is_explained(
    case: str, options: list[str], emrload: Callable[..., Any], golden: Callable[[str, str], None]
) -> None:
    told = emrload("plan", RUSH, *options)
    assert (told.code, told.out) == (2, "")
    golden(f"bad-sites/{case}.txt", told.err)
