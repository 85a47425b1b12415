"""A sites file says what was written into it, however it is laid out; whatever else it holds is a list of problems."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import InputError, Problem
from harness.scenario import scenario_with_sites
from harness.scenario.model import Site

QUICK_RUSH = str(Path(__file__).parent.parent / "scenarios" / "quick-rush.yaml")
PERSONAS = ("primary-care-physician", "nurse", "registration-clerk", "lab-technician")
NAMES = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)


def sites_of(content: str) -> tuple[Site, ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sites.csv"
        path.write_text(content, encoding="utf-8", newline="")
        return scenario_with_sites(QUICK_RUSH, (), path)[1]


ROWS = st.fixed_dictionaries(
    {
        "template": st.just("small-clinic"),
        "time_zone": st.sampled_from(["America/New_York", "America/Denver", "Europe/Berlin", "Asia/Kathmandu", "UTC"]),
        "locale": st.sampled_from(["en_US", "de_DE", "fr_FR"]),
        "start_offset": st.integers(0, 86_400).map(lambda seconds: f"{seconds}s"),
        "link": st.sampled_from(["rural-dsl", "metro-fiber"]),
        "endpoint": st.sampled_from(["http://127.0.0.1:8080/fhir", "https://ehr.example.org/fhir"]),
        "source_address": st.sampled_from(["10.0.0.7", "2001:db8::7"]),
        "identifier_system": st.sampled_from(["urn:mrn", "https://ehr.example.org/mrn?of=north;4"]),
        "patients": st.integers(1, 1_000_000),
        "think_factor": st.integers(1, 1000).map(lambda tenths: tenths / 10),
        "site-p95": st.integers(0, 60_000).map(lambda number: f"{number}ms"),
        "nurse": st.integers(1, 400),
        "lab-technician": st.integers(0, 400),
    }
)


def as_site(name: str, row: dict[str, object]) -> Site:
    return Site(
        name=name,
        template=str(row["template"]),
        time_zone=str(row["time_zone"]),
        locale=str(row["locale"]),
        utc_offset_s=0.0,
        start_offset_s=float(str(row["start_offset"]).removesuffix("s")),
        heads={**dict.fromkeys(PERSONAS, 0), **{name: int(str(row[name])) for name in ("nurse", "lab-technician")}},
        patients=int(str(row["patients"])),
        link=str(row["link"]),
        endpoint=str(row["endpoint"]),
        source_address=str(row["source_address"]),
        identifier_system=str(row["identifier_system"]),
        think_factor=float(str(row["think_factor"])),
        bounds={"site-p95": float(str(row["site-p95"]).removesuffix("ms"))},
    )


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(NAMES, ROWS, min_size=1, max_size=6),
    st.randoms(use_true_random=False),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["", "\ufeff"]),
)
def test_sites_that_are_written_are_read_as_they_were(
    rows: dict[str, dict[str, object]], order: Random, delimiter: str, ends: str, quoting: int, mark: str
) -> None:
    columns = ["name", *next(iter(rows.values()))]
    order.shuffle(columns)
    file = io.StringIO()
    table = csv.DictWriter(file, columns, delimiter=delimiter, lineterminator=ends, quoting=quoting)
    table.writeheader()
    for name, row in rows.items():
        file.write(order.choice(["", ends, f"# {name}, the next{ends}"]))
        table.writerow({"name": name, **row})
    assert sites_of(mark + file.getvalue()) == tuple(as_site(name, row) for name, row in rows.items())


CELLS = st.text(st.characters(codec="utf-8"), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=80)
    | st.lists(st.lists(CELLS, max_size=4), max_size=4).map(
        lambda rows: "name,template,nurse\n" + "\n".join(",".join(row) for row in rows)
    )
)
def test_anything_else_is_a_list_of_problems_with_places(content: str) -> None:
    problems = problems_of(content)
    assert all("sites.csv" in problem.where for problem in problems)
    assert all(problem.what.isprintable() for problem in problems)


def problems_of(content: str) -> tuple[Problem, ...]:
    try:
        sites_of(content)
    except InputError as error:
        return error.problems
    return ()
