"""The file that resources live in."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest

from harness.errors import InputError
from harness.sandbox.store import Store


@pytest.fixture
def make_store(tmp_path):
    stores = []

    def make():
        stores.append(Store(tmp_path / "fhir.sqlite"))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def put(store, name, kind="Patient"):
    return store.write_now(lambda session: session.put(kind, session.new_id(), {"name": [{"family": name}]}, None))


def test_what_was_written_is_there_after_a_restart_and_new_ids_are_new(make_store):
    first = make_store()
    stored = put(first, "a")
    first.close()
    again = make_store()
    assert again.reader.current("Patient", stored.id) == stored
    assert put(again, "b").id != stored.id


def test_the_time_of_change_never_goes_back(make_store, monkeypatch):
    store = make_store()
    stored = put(store, "a")
    monkeypatch.setattr(time, "time", lambda: 1.0)
    assert put(store, "b").updated_ms >= stored.updated_ms


def test_a_write_that_fails_leaves_nothing(make_store):
    store = make_store()

    def half(session):
        session.put("Patient", session.new_id(), {}, None)
        session.flush()
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        store.write_now(half)
    assert store.reader.connection.execute("SELECT count(*) FROM resource").fetchone() == (0,)
    put(store, "the next one works")


def test_a_reader_does_not_wait_for_a_long_write(make_store):
    store = make_store()
    stored = put(store, "a")
    begun, go_on = threading.Event(), threading.Event()

    def slow(session):
        session.put("Patient", session.new_id(), {}, None)
        session.flush()
        begun.set()
        go_on.wait(10)

    writing = threading.Thread(target=store.write_now, args=(slow,))
    writing.start()
    assert begun.wait(10)
    assert store.reader.current("Patient", stored.id) is not None
    assert writing.is_alive()  # the answer came while the write was under way
    go_on.set()
    writing.join()


def test_the_index_holds_nothing_of_what_was_replaced_or_deleted(make_store):
    store = make_store()
    stored = put(store, "a")
    place = (stored.rid, stored.id)
    second = store.write_now(lambda session: session.put("Patient", place, {"name": [{"family": "b"}]}, stored))
    rows = store.reader.connection.execute("SELECT DISTINCT key FROM string WHERE rid = ?", (stored.rid,)).fetchall()
    assert rows == [("b",)]
    store.write_now(lambda session: session.delete(second))
    assert store.reader.connection.execute("SELECT count(*) FROM string").fetchone() == (0,)


def test_a_file_of_another_version_or_program_is_not_touched(tmp_path):
    path = tmp_path / "fhir.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE somebody_elses (a)")
    connection.close()
    with pytest.raises(InputError, match="not written by this version") as caught:
        Store(path)
    assert "another folder" in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "fhir.sqlite"
    path.write_text("hello, this is no database at all " * 100)
    with pytest.raises(InputError, match="not written by this version"):
        Store(path)
