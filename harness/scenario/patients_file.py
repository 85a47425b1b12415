"""`--patients FILE`: who is at a target that cannot be seeded, as a CSV with a header.

    id,identifier,site,mrn,family,given,birthdate      the id, or an identifier as system|value, is needed;
    pat-17,,river,,,,1980-02-29                        what is left open is filled in from the server;
    ,urn:mrn|4711,,,,,                                 who has no site is dealt out over all, in order

An error names the line and never what stands there: it may be a person's.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import cycle
from pathlib import Path
from typing import Final

from harness.errors import InputError, Problem, shortened
from harness.scenario.suggest import suggest
from harness.units import count_text

__all__ = ["PatientRow", "PatientsFile", "read_patients_file"]

COLUMNS: Final = ("id", "identifier", "site", "mrn", "family", "given", "birthdate")
MOST_BYTES: Final = 1_000_000
MOST_ROWS: Final = 100_000
"""As many patients are asked for one by one before the load; a file beyond this is a slip, or another kind of file."""
MOST_PROBLEMS: Final = 10
"""More are not read; how many more there are is said."""
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
"""R4, 2.24.0.1."""
_IDENTIFIER: Final = re.compile(r"[^\s|,]+\|[^\s|,\\]+")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_FORM: Final = "give a CSV file with a header, such as `id,site,mrn`"


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One line of the file, at its site; "" where nothing stands. `identifier` is `system|value`."""

    line: int
    site: str
    id: str
    identifier: str
    mrn: str
    family: str
    given: str
    birthdate: str


@dataclass(frozen=True, slots=True)
class PatientsFile:
    """The file as the user named it, and its rows in their order."""

    name: str
    rows: tuple[PatientRow, ...]

    def at(self, sites: Sequence[str]) -> PatientsFile:
        """As much of it as is at these sites."""
        wanted = set(sites)
        return PatientsFile(self.name, tuple(row for row in self.rows if row.site in wanted))


def read_patients_file(path: Path, sites: Sequence[str]) -> PatientsFile:
    """The patients of `path`, each at one of `sites`; who has no site of her own is dealt out, one after the other.

    Raises InputError with every line that cannot be used, or where a site is left without a patient.
    """
    shown = shortened(str(path))
    table = list(_records(_text(path, shown), shown))
    if not table:
        raise _bad(shown, "the file is empty", _FORM)
    (header_line, header), *records = table
    columns = [name.strip().lower() for name in header]
    if problems := list(_bad_header(columns, f"{shown}:{header_line}")):
        raise InputError(problems)
    if not records:
        raise _bad(shown, "there is a header, but no patient", "write one patient a line", header_line)
    if len(records) > MOST_ROWS:
        raise _bad(shown, f"it holds {len(records):,} patients", f"give at most {MOST_ROWS:,}")
    rows: list[PatientRow] = []
    problems, seen, dealt = [], dict[str, int](), cycle(sites)
    for line, values in records:
        where = f"{shown}:{line}"
        if len(values) != len(columns):
            what = f"{count_text(len(values), 'value')} under {count_text(len(columns), 'column')}"
            problems.append(
                Problem(what, where, "write a value or nothing for each column; quote one that has a comma")
            )
            continue
        row = dict(zip(columns, map(str.strip, values), strict=True))
        wrong = list(_bad_row(row, sites, where)) or list(_twice(row, line, seen, where))
        problems += wrong
        if not wrong:
            rest = {name: row.get(name, "") for name in COLUMNS if name != "site"}
            rows.append(PatientRow(line=line, site=row.get("site") or next(dealt), **rest))
    problems = problems or list(_lonely_sites(rows, sites, shown))
    if problems:
        more = len(problems) - MOST_PROBLEMS
        hint = f"{count_text(more, 'more line')} cannot be used either." if more > 0 else ""
        raise InputError(problems[:MOST_PROBLEMS], hint)
    return PatientsFile(str(path), tuple(rows))


def _text(path: Path, shown: str) -> str:
    try:
        if path.exists() and not path.is_file():
            # such as a pipe, which would be waited for
            raise _bad(shown, "this is not a file", _FORM)
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a NUL in its name
        raise _bad(shown, "there is no such file", _FORM) from error
    except OSError as error:
        raise _bad(shown, f"cannot be read: {error.strerror}", _FORM) from error
    if len(content) > MOST_BYTES:
        raise _bad(
            shown, "it is longer than 1 MB", "give fewer patients: a site needs no more than its clinicians meet"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(shown, "it is not text in UTF-8", _FORM) from error
    if "\0" in text:
        raise _bad(shown, "it is not text", _FORM)
    return text


def _records(text: str, shown: str) -> Iterator[tuple[int, list[str]]]:
    """The records with the line on which each begins; lines on which nothing stands are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader, None)
        except csv.Error as error:
            raise _bad(shown, f"it is no CSV: {error}", "quote a value that has a comma or a quote", line) from error
        if values is None:
            return
        if values and any(map(str.strip, values)):
            yield line, values


def _bad_header(columns: Sequence[str], where: str) -> Iterator[Problem]:
    """By their numbers: where the header is missing, the names are a patient's."""
    apart = any(re.search("[;\t]", name) for name in columns)
    if not any(name in COLUMNS for name in columns):
        how = "separate the columns with commas" if apart else "write what stands in each column above the patients"
        what = "the first line is no header: none of its columns is known"
        yield Problem(what, where, f"{how}.  {suggest('', COLUMNS)}")
        return
    for number, name in enumerate(columns, start=1):
        if name not in COLUMNS:
            yield Problem(f"column {number} has no name that is known", where, suggest(name, COLUMNS))
        elif columns.count(name) > 1:
            yield Problem(f"the column '{name}' stands twice", where, "give each column once")
            return
    if all(name in COLUMNS for name in columns) and not {"id", "identifier"} & set(columns):
        yield Problem("there is no column 'id'", where, "give each patient's id, or an identifier as system|value")


def _bad_row(row: Mapping[str, str], sites: Sequence[str], where: str) -> Iterator[Problem]:
    site, birthdate = row.get("site", ""), row.get("birthdate", "")
    if not row.get("id") and not row.get("identifier"):
        yield Problem("the id is missing", where, "give the patient's id, or an identifier as system|value")
    if row.get("id") and not _ID.fullmatch(row["id"]):
        yield Problem("that is no id", where, "an id is up to 64 letters, digits, '-' and '.': without 'Patient/'")
    if row.get("identifier") and not _IDENTIFIER.fullmatch(row["identifier"]):
        yield Problem("that is no identifier", where, "write system|value, such as http://ehr.example.org/mrn|4711")
    if site and site not in sites:
        column = list(row).index("site") + 1
        yield Problem(f"column {column} names no site of this run", where, suggest(site, sites))
    if birthdate and not _is_date(birthdate):
        yield Problem("the birthdate is no date", where, "write year, month and day, such as 1980-02-29")


def _is_date(text: str) -> bool:
    try:
        return bool(_DATE.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _twice(row: Mapping[str, str], line: int, seen: dict[str, int], where: str) -> Iterator[Problem]:
    """A patient who stood on an earlier line already, whichever site she is to be at."""
    for key in filter(None, (row.get("id"), row.get("identifier"))):
        first = seen.setdefault(key, line)
        if first != line:
            yield Problem(
                f"the same patient as on line {first}", where, "name each patient once: a patient has one site"
            )
            return


def _lonely_sites(rows: Sequence[PatientRow], sites: Sequence[str], shown: str) -> Iterator[Problem]:
    somebody = {row.site for row in rows}
    if lonely := [site for site in sites if site not in somebody]:
        more = f" and {count_text(len(lonely) - 1, 'other site')}" if len(lonely) > 1 else ""
        what = f"nobody for site '{lonely[0]}'{more}"
        help_text = f"give at least one patient a site: there are {count_text(len(sites), 'site')}"
        yield Problem(what, shown, help_text)


def _bad(shown: str, what: str, help_text: str, line: int = 0) -> InputError:
    return InputError(Problem(what, f"{shown}:{line}" if line else shown, help_text))
