"""A line when a request arrives, a line before its answer leaves: what the server knows even after SIGKILL.

    {"e":"a","id":"00c0ffee00c0ffee","t":1795342001.123456,"site":"river","op":"Patient.read"}
    {"e":"z","id":"00c0ffee00c0ffee","t":1795342001.125,"site":"river","op":"Patient.read","status":200,"residence_ms":1.877}

`e` is `a` arrived, `z` answered, `d` arrived while the server played dead and got no answer, `s` a process started.
Each line is one unbuffered write, so a killed process tears at most the last one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

__all__ = ["Arrival", "Journal", "JournalRecord", "JournalledAnswer", "TornLine", "journal_lines", "read_journal"]


class Journal:
    """Appends to `path`; opening it writes the line of a new process."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if _ends_torn(path):
            os.write(self._descriptor, b"\n")
        self._write({"e": "s", "t": time.time(), "pid": os.getpid()})

    def arrived(self, request_id: str, site: str, operation: str) -> None:
        self._write({"e": "a", "id": request_id, "t": time.time(), "site": site, "op": operation})

    def answered(self, request_id: str, site: str, operation: str, status: int, residence_ms: float) -> None:
        self._write(
            {
                "e": "z",
                "id": request_id,
                "t": time.time(),
                "site": site,
                "op": operation,
                "status": status,
                "residence_ms": round(residence_ms, 3),
            }
        )

    def dropped(self, request_id: str, site: str, operation: str) -> None:
        self._write({"e": "d", "id": request_id, "t": time.time(), "site": site, "op": operation})

    def close(self) -> None:
        os.close(self._descriptor)

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._descriptor, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def _ends_torn(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


class TornLine:
    """Stands for a line that a killed process left unfinished."""


def journal_lines(path: Path) -> Iterator[dict[str, Any] | TornLine]:
    """The lines in the order written."""
    with path.open("rb") as file:
        for line in file:
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                yield TornLine()


@dataclass(frozen=True, slots=True)
class Arrival:
    """`t` in seconds since 1970."""

    t: float
    site: str
    operation: str


@dataclass(frozen=True, slots=True)
class JournalledAnswer:
    t: float
    site: str
    operation: str
    status: int
    residence_ms: float


@dataclass(slots=True)
class JournalRecord:
    """A journal by request id. What arrived and is not in `answers` was never answered."""

    arrivals: dict[str, Arrival] = field(default_factory=dict)
    answers: dict[str, JournalledAnswer] = field(default_factory=dict)
    dropped: dict[str, Arrival] = field(default_factory=dict)
    """Met the planted fault `down`; not among the arrivals."""
    starts_s: list[float] = field(default_factory=list)
    torn_lines: int = 0
    repeated_ids: int = 0
    """Arrivals under an id that had arrived before; the last one counts."""


def read_journal(path: Path) -> JournalRecord:
    """Raises OSError where there is no journal at `path`."""
    record = JournalRecord()
    for line in journal_lines(path):
        if isinstance(line, TornLine):
            record.torn_lines += 1
            continue
        match line["e"]:
            case "a":
                record.repeated_ids += line["id"] in record.arrivals
                record.arrivals[line["id"]] = Arrival(line["t"], line["site"], line["op"])
            case "z":
                record.answers[line["id"]] = JournalledAnswer(
                    line["t"], line["site"], line["op"], line["status"], line["residence_ms"]
                )
            case "d":
                record.dropped[line["id"]] = Arrival(line["t"], line["site"], line["op"])
            case "s":
                record.starts_s.append(line["t"])
    return record
