"""Resources in one SQLite file: the current versions, those before them, and four narrow indexes over the current ones.

    resource   one row a resource, body included          previous   versions that were replaced
    token · reference · date · string                     (parameter, key, rid, second), current versions only

One writer thread, one transaction a request; readers never wait for it (WAL).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson

from harness.errors import InputError, Problem
from harness.sandbox.dates import instant_text
from harness.sandbox.extract import PARAMETER_NUMBER, Entries, entries_of

__all__ = ["ReadSession", "Store", "Stored", "WriteSession"]

T = TypeVar("T")

_INDEXES = ("token", "reference", "date", "string")
_CACHE_KIB = 65_536
_SLOW_READERS = 2

_SCHEMA = """
CREATE TABLE resource (
    rid INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL, deleted INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (kind, id));
CREATE INDEX resource_by_time ON resource (kind, updated_ms) WHERE deleted = 0;
CREATE TABLE previous (
    kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL, deleted INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (kind, id, version));
CREATE TABLE layout (digest TEXT NOT NULL);
""" + "".join(
    f"""
CREATE TABLE "{name}" (
    parameter INTEGER NOT NULL, key {"INTEGER" if name == "date" else "TEXT"} NOT NULL, rid INTEGER NOT NULL,
    second {"INTEGER" if name == "date" else "TEXT"} NOT NULL, PRIMARY KEY (parameter, key, rid, second)) WITHOUT ROWID;
CREATE INDEX "{name}_by_rid" ON "{name}" (rid, parameter);
"""
    for name in _INDEXES
)

# A data folder written under another parameter table would answer searches wrongly: its numbers mean something else.
_LAYOUT = hashlib.sha256((_SCHEMA + repr(sorted(PARAMETER_NUMBER.items()))).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of a resource. `body` is its JSON as it goes on the wire, empty where it is deleted."""

    rid: int
    kind: str
    id: str
    version: int
    updated_ms: int
    deleted: bool
    body: bytes

    @property
    def etag(self) -> str:
        return f'W/"{self.version}"'


class ReadSession:
    """Looks things up on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def current(self, kind: str, resource_id: str) -> Stored | None:
        row = self.connection.execute(
            "SELECT rid, version, updated_ms, deleted, body FROM resource WHERE kind = ? AND id = ?",
            (kind, resource_id),
        ).fetchone()
        return row and Stored(row[0], kind, resource_id, row[1], row[2], bool(row[3]), row[4])

    def versions(self, kind: str, resource_id: str) -> list[Stored]:
        """Newest first; empty where it never existed."""
        current = self.current(kind, resource_id)
        if current is None:
            return []
        rows = self.connection.execute(
            "SELECT version, updated_ms, deleted, body FROM previous WHERE kind = ? AND id = ? ORDER BY version DESC",
            (kind, resource_id),
        )
        earlier = (Stored(current.rid, kind, resource_id, row[0], row[1], bool(row[2]), row[3]) for row in rows)
        return [current, *earlier]

    def version(self, kind: str, resource_id: str, version: int) -> Stored | None:
        return next((stored for stored in self.versions(kind, resource_id) if stored.version == version), None)

    def by_rid(self, rids: Sequence[int]) -> list[Stored]:
        """In the order given; what is deleted by now is left out."""
        marks = ",".join("?" * len(rids))
        rows = self.connection.execute(
            "SELECT rid, kind, id, version, updated_ms, body FROM resource "  # noqa: S608 (question marks only)
            f"WHERE rid IN ({marks}) AND deleted = 0",
            list(rids),
        )
        found = {row[0]: Stored(row[0], row[1], row[2], row[3], row[4], False, row[5]) for row in rows}
        return [found[rid] for rid in rids if rid in found]


class WriteSession(ReadSession):
    """One transaction. Index rows are written together: a search sees this session's writes after `flush`."""

    def __init__(self, connection: sqlite3.Connection, counters: _Counters) -> None:
        super().__init__(connection)
        self._counters = counters
        self._now_ms = counters.now_ms()
        self._fresh: list[tuple[int, str, str, int, int, int, bytes]] = []
        self._entries: Entries = {name: [] for name in _INDEXES}

    def new_id(self) -> tuple[int, str]:
        """A row number and an id that nobody has."""
        rid = self._counters.next_rid()
        return rid, str(rid)

    def put(self, kind: str, place: tuple[int, str], resource: Mapping[str, Any], before: Stored | None) -> Stored:
        """Store `resource` as the version after `before` (or as the first) under `place`, the row number and the id.

        Raises FhirError 400 where an indexed element has a shape that FHIR does not know; nothing is stored then.
        """
        rid, resource_id = place
        version = before.version + 1 if before else 1
        given_meta = resource.get("meta")
        meta = {**given_meta} if isinstance(given_meta, Mapping) else {}
        meta.update(versionId=str(version), lastUpdated=instant_text(self._now_ms))
        whole = {"resourceType": kind, "id": resource_id, "meta": meta}
        whole.update((name, value) for name, value in resource.items() if name not in whole)
        stored = Stored(rid, kind, resource_id, version, self._now_ms, False, orjson.dumps(whole))
        entries: Entries = {name: [] for name in _INDEXES}
        entries_of(kind, rid, whole, entries)
        if before:
            self._replace(before, stored)
        else:
            self._fresh.append((rid, kind, resource_id, version, self._now_ms, 0, stored.body))
        for name, rows in entries.items():
            self._entries[name].extend(rows)
        return stored

    def delete(self, before: Stored) -> Stored:
        stored = Stored(before.rid, before.kind, before.id, before.version + 1, self._now_ms, True, b"")
        self._replace(before, stored)
        return stored

    def _replace(self, before: Stored, stored: Stored) -> None:
        execute = self.connection.execute
        execute(
            "INSERT INTO previous VALUES (?, ?, ?, ?, ?, ?)",
            (before.kind, before.id, before.version, before.updated_ms, before.deleted, before.body),
        )
        execute(
            "UPDATE resource SET version = ?, updated_ms = ?, deleted = ?, body = ? WHERE rid = ?",
            (stored.version, stored.updated_ms, stored.deleted, stored.body, stored.rid),
        )
        for name in _INDEXES:
            execute(f'DELETE FROM "{name}" WHERE rid = ?', (stored.rid,))  # noqa: S608 (a name of ours)

    def flush(self) -> None:
        if self._fresh:
            self.connection.executemany("INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?, ?)", self._fresh)
            self._fresh = []
        for name, rows in self._entries.items():
            if rows:
                # Two codings of one concept, or two names alike, give the same row twice: one is enough.
                self.connection.executemany(f'INSERT OR IGNORE INTO "{name}" VALUES (?, ?, ?, ?)', rows)  # noqa: S608
                self._entries[name] = []


class _Counters:
    """Row numbers and a clock that never goes back, for the one writer."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        rid, updated_ms = connection.execute("SELECT max(rid), max(updated_ms) FROM resource").fetchone()
        self._rid = rid or 0
        self._now_ms = updated_ms or 0

    def next_rid(self) -> int:
        self._rid += 1
        return self._rid

    def now_ms(self) -> int:
        self._now_ms = max(self._now_ms, int(time.time() * 1000))
        return self._now_ms


class Store:
    """The file, its writer thread and its readers. `close` is to be called from the thread that opened it."""

    def __init__(self, path: Path) -> None:
        """Open or create the database at `path`.

        Raises InputError where the file is not one of this version's.
        """
        self._path = path
        try:
            self._reader = ReadSession(self._connect())
            self._check_layout()
        except sqlite3.DatabaseError as error:
            raise self._not_ours() from error
        self._writing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._write_connection = self._connect()
        self._counters = _Counters(self._write_connection)
        self._slow_reading = ThreadPoolExecutor(max_workers=_SLOW_READERS, thread_name_prefix="reader")
        self._local = threading.local()
        self._slow_connections: list[sqlite3.Connection] = []

    def _connect(self) -> sqlite3.Connection:
        # Each connection is used by one thread at a time; only closing happens elsewhere.
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=512)
        connection.execute("PRAGMA journal_mode = WAL")
        # Survives a killed process; only a power cut could lose the last writes, which an embedded test server may.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        return connection

    def _check_layout(self) -> None:
        connection = self._reader.connection
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            connection.executescript(f"BEGIN; {_SCHEMA}")
            connection.execute("INSERT INTO layout VALUES (?)", (_LAYOUT,))
            connection.execute("COMMIT")
            return
        written = connection.execute("SELECT digest FROM layout").fetchone() if "layout" in tables else None
        if written != (_LAYOUT,):
            connection.close()
            raise self._not_ours()

    def _not_ours(self) -> InputError:
        what = f"{self._path.name} was not written by this version of the sandbox"
        return InputError(Problem(what, "--data", "choose another folder, or delete this one and seed again"))

    @property
    def reader(self) -> ReadSession:
        """For the event loop's thread: what takes at most a few milliseconds."""
        return self._reader

    async def write(self, work: Callable[[WriteSession], T]) -> T:
        """Run `work` in one transaction on the writer thread; whatever it raises rolls everything back."""
        return await asyncio.get_running_loop().run_in_executor(self._writing, self.write_now, work)

    def write_now(self, work: Callable[[WriteSession], T]) -> T:
        """The same on the calling thread; nobody else may be writing."""
        with _transaction(self._write_connection):
            session = WriteSession(self._write_connection, self._counters)
            result = work(session)
            session.flush()
            return result

    async def read_slowly(self, work: Callable[[ReadSession], T]) -> T:
        """Run a long read beside the event loop; SQLite lets go of the interpreter while it searches."""
        return await asyncio.get_running_loop().run_in_executor(self._slow_reading, self._with_own_reader, work)

    def _with_own_reader(self, work: Callable[[ReadSession], T]) -> T:
        session: ReadSession | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = ReadSession(self._connect())
            self._slow_connections.append(session.connection)
        return work(session)

    def close(self) -> None:
        self._slow_reading.shutdown()
        self._writing.shutdown()
        for connection in (*self._slow_connections, self._write_connection, self._reader.connection):
            connection.close()


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
