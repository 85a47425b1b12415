"""A sites file as it is written: a CSV with a header, read with limits, each row with the line it begins on.

Commas, semicolons or tabs; columns in any order; quoted cells, a byte-order mark, any line ends, blank lines and lines
that begin with `#` are fine. What the cells mean is told in `harness.scenario.sites_file`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import InputError, Problem, shortened
from harness.scenario.model import MOST_SITES
from harness.scenario.tree import shown_path
from harness.units import count_text

__all__ = ["SiteRow", "SitesTable", "read_sites_table"]

LARGEST_FILE_BYTES = 1_000_000
"""10,000 sites with a hundred characters each."""
LONGEST_PATH = 300
_FORM = "give a CSV file with a header, such as `name,template,time_zone`"


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One site: what stands under each column, stripped, and where."""

    where: str
    cells: dict[str, str]

    def get(self, column: str) -> str:
        """What stands there; "" where nothing does."""
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class SitesTable:
    """All rows that have the header's form; `problems` tells of the others."""

    shown: str
    header_where: str
    columns: tuple[str, ...]
    rows: tuple[SiteRow, ...]
    problems: tuple[Problem, ...]

    def named(self, column: str) -> list[str]:
        """All that stands under `column`, each once."""
        return [name for name in dict.fromkeys(row.get(column) for row in self.rows) if name]


def read_sites_table(path: Path) -> SitesTable:
    """The table in `path`. Raises InputError where there is no header and not one row to be read."""
    shown = shown_path(path)
    lines = list(_records(_text(path, shown), shown))
    if not lines:
        raise InputError(Problem("the sites file is empty", shown, _FORM))
    (header_where, header), *records = lines
    while header and not header[-1]:
        header = header[:-1]
    problems = list(_bad_header(header, header_where))
    if problems:
        raise InputError(problems)
    if not records:
        raise InputError(Problem("there is a header, but no site", header_where, "write one site a line below it"))
    if len(records) > MOST_SITES:
        what = f"the sites file has {count_text(len(records), 'site')}"
        raise InputError(Problem(what, shown, f"give at most {MOST_SITES:,}"))
    rows = []
    for where, cells in records:
        if len(cells) < len(header) or any(cells[len(header) :]):
            what = f"{count_text(len(cells), 'cell')} under {count_text(len(header), 'column')}"
            problems.append(Problem(what, where, "write as many, empty ones too; quote a cell that holds a comma"))
        else:
            rows.append(SiteRow(where, dict(zip(header, cells, strict=False))))
    return SitesTable(shown, header_where, tuple(header), tuple(rows), tuple(problems))


def _records(text: str, shown: str) -> Iterator[tuple[str, list[str]]]:
    """`file:line` and cells of each record that is no comment and not blank."""
    # A comment becomes a blank line, so that lines keep their numbers and its quotes quote nothing.
    lines = ["\n" if line.lstrip().startswith("#") else line for line in io.StringIO(text, newline="")]
    head = next((line for line in lines if line.strip()), "")
    delimiter = next((letter for letter in ",;\t" if letter in head), ",")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        where = f"{shown}:{reader.line_num + 1}"
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            what = f"this cannot be read as CSV: {error}"
            raise InputError(Problem(what, where, "close each quote; write a quote inside of one twice")) from error
        if any(cells):
            yield where, cells


def _bad_header(header: list[str], where: str) -> Iterator[Problem]:
    for number, column in enumerate(header, start=1):
        if not column:
            yield Problem(f"column {number} has no name", where, "name it, or take it out")
        elif column in header[: number - 1]:
            yield Problem(f"column '{shortened(column)}' stands twice", where, "keep one")


def _text(path: Path, shown: str) -> str:
    where = shortened(shown, LONGEST_PATH)
    try:
        if path.exists() and not path.is_file():
            raise InputError(Problem("this is not a file", where, _FORM))
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(Problem("this is not text", where, "save it as CSV in UTF-8")) from error
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a NUL in its name
        raise InputError(Problem("there is no such file", where, _FORM)) from error
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", where, _FORM)) from error
    if len(content) > LARGEST_FILE_BYTES:
        raise InputError(Problem("the sites file has more than 1 MB", where, f"{MOST_SITES:,} sites need less"))
    if any(letter < " " and letter not in "\t\r\n" for letter in text):
        raise InputError(Problem("this is not text", where, "save it as CSV in UTF-8"))
    return text
