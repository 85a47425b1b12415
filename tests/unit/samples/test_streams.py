"""What a load process writes can be read after the run: all of it, or all up to where it broke off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.rundir import RunDir, create_run_dir
from harness.samples import FORMAT_VERSION, schemas
from harness.samples import reader as reader_module
from harness.samples.columns import DUTY, HEALTH, SAMPLES, WORKFLOWS, Columns
from harness.samples.reader import merge_streams
from harness.samples.sink import Sink
from harness.samples.writer import FAILURES_OF_A_KIND, FLUSH_ROWS, Names, StreamWriter, names_path, stream_path

name = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = {
    "float64": st.floats(allow_nan=False),
    "float32": st.floats(width=32, allow_nan=False),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int16": st.integers(-(2**15), 2**15 - 1),
    "int8": st.integers(-128, 127),
    "bool": st.booleans(),
    "name": name,
}


def rows_of(columns: Columns) -> st.SearchStrategy[list[tuple]]:
    return st.lists(st.tuples(*(VALUES[kind] for kind in columns.values())), max_size=40)


@pytest.fixture
def run_dir(tmp_path) -> RunDir:
    return create_run_dir("morning-rush", tmp_path / "run")


class Worker:
    """Writes rows with names, as a load process does."""

    def __init__(self, streams: Path, number: int, table: str, columns: Columns) -> None:
        self.columns = columns
        sink = Sink()
        self.names = Names(sink, names_path(streams, number))
        self.stream = StreamWriter(sink, stream_path(streams, table, number), columns)
        self.path = stream_path(streams, table, number)

    def write(self, rows: list[tuple], flush_every: int = 10**9) -> None:
        for number, row in enumerate(rows, 1):
            pairs = zip(self.columns.values(), row, strict=True)
            self.stream.append(*(self.names.code(value) if kind == "name" else value for kind, value in pairs))
            if number % flush_every == 0:
                self.stream.flush()

    def close(self) -> None:
        self.stream.close()
        self.stream.close()
        self.names.close()


def read(path: Path) -> list[tuple]:
    return [tuple(row.values()) for row in pq.read_table(path).to_pylist()]


def fresh(run_dir: RunDir) -> None:
    for path in run_dir.streams.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("table", "columns"), [("samples", SAMPLES), ("workflows", WORKFLOWS), ("duty", DUTY), ("health", HEALTH)]
)
@given(data=st.data())
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_what_is_written_is_read_back_worker_after_worker(run_dir, table, columns, data):
    fresh(run_dir)
    parts = data.draw(st.lists(rows_of(columns), min_size=1, max_size=3))
    flush_every = data.draw(st.integers(1, 20))
    for number, rows in enumerate(parts):
        worker = Worker(run_dir.streams, number, table, columns)
        worker.write(rows, flush_every)
        worker.close()
    merged = merge_streams(run_dir)
    assert read(run_dir.path / f"{table}.parquet") == [row for rows in parts for row in rows]
    assert merged.rows[table] == sum(len(rows) for rows in parts)
    assert merged.torn == ()
    assert merged.workers == tuple(range(len(parts)))


def some_rows(count: int) -> list[tuple]:
    return [(n, 0, n / 2, n / 2, n + 1.0, f"reason-{n % 7}", 1.0, 2.0, 3.0) for n in range(count)]


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_stream_cut_anywhere_keeps_what_came_before_and_is_named(run_dir, data):
    """As a killed process or a full disk leaves it."""
    fresh(run_dir)
    share = data.draw(st.floats(0, 1, exclude_max=True))
    rows = some_rows(30)
    worker = Worker(run_dir.streams, 0, "duty", DUTY)
    worker.write(rows, flush_every=10)
    worker.close()
    whole = worker.path.read_bytes()
    worker.path.write_bytes(whole[: int(share * len(whole))])
    other = Worker(run_dir.streams, 1, "duty", DUTY)
    other.write(rows)
    other.close()
    merged = merge_streams(run_dir)
    read_back = read(run_dir.duty)
    kept = len(read_back) - len(rows)
    assert kept in (0, 10, 20, 30)
    assert read_back == rows[:kept] + rows
    assert merged.torn == ("duty-w0.arrows",)


def test_every_place_to_cut_is_survived(run_dir):
    rows = some_rows(4)
    worker = Worker(run_dir.streams, 0, "duty", DUTY)
    worker.write(rows, flush_every=2)
    worker.close()
    whole = worker.path.read_bytes()
    kept: list[int] = []
    for length in range(0, len(whole), 8):  # Arrow pads everything to 8 bytes
        worker.path.write_bytes(whole[:length])
        assert merge_streams(run_dir).torn == ("duty-w0.arrows",)
        kept.append(len(read(run_dir.duty)))
    assert kept == sorted(kept)
    assert set(kept) == {0, 2, 4}


def test_names_that_were_lost_cost_only_the_rows_that_need_them(run_dir):
    worker = Worker(run_dir.streams, 0, "duty", DUTY)
    worker.write(some_rows(5))
    worker.stream.flush()
    worker.write(some_rows(7))
    worker.close()
    names = names_path(run_dir.streams, 0)
    names.write_bytes(names.read_bytes()[:-4])  # the last line has lost its end
    merged = merge_streams(run_dir)
    assert merged.torn == ("duty-w0.arrows",)
    assert read(run_dir.duty) == some_rows(5)


def test_a_name_is_on_disk_before_a_row_that_uses_it(tmp_path):
    names = Names(Sink(), names_path(tmp_path, 0))
    code = names.code("Patient.read")
    assert names_path(tmp_path, 0).read_text() == '"Patient.read"\n'
    assert names.code("Patient.read") == code
    assert names.name(code) == "Patient.read"
    with pytest.raises(IndexError):
        names.name(code + 1)
    names.close()


def test_a_full_buffer_is_written_by_itself(run_dir):
    worker = Worker(run_dir.streams, 0, "duty", DUTY)
    seen: list[int] = []
    worker.stream.on_batch(lambda rows: seen.append(len(rows)))
    worker.write(some_rows(FLUSH_ROWS + 5))
    assert seen == [FLUSH_ROWS]
    worker.stream.flush()
    worker.stream.flush()
    assert seen == [FLUSH_ROWS, 5]
    worker.close()
    assert merge_streams(run_dir).rows["duty"] == FLUSH_ROWS + 5


def test_a_batch_is_safe_before_anybody_is_shown_it(run_dir):
    worker = Worker(run_dir.streams, 0, "duty", DUTY)

    def killed_in_the_middle(rows: Any) -> None:
        raise KeyboardInterrupt

    worker.stream.on_batch(killed_in_the_middle)
    worker.write(some_rows(3))
    with pytest.raises(KeyboardInterrupt):
        worker.stream.flush()
    worker.close()
    merge_streams(run_dir)
    assert read(run_dir.duty) == some_rows(3)


def test_a_long_run_is_read_in_few_row_groups(run_dir, monkeypatch):
    """A batch a second for hours would else be as many row groups, and reading them slower than the run."""
    monkeypatch.setattr(reader_module, "_ROW_GROUP_ROWS", 100)
    for number in range(2):
        worker = Worker(run_dir.streams, number, "duty", DUTY)
        worker.write(some_rows(250), flush_every=1)
        worker.close()
    merge_streams(run_dir)
    file = pq.ParquetFile(run_dir.duty)
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [100, 100, 50] * 2
    assert file.schema_arrow.metadata[b"format_version"] == str(FORMAT_VERSION).encode()
    assert file.schema_arrow.field("reason").type == schemas.DUTY.field("reason").type


def test_a_run_that_left_nothing_has_empty_tables(run_dir):
    merged = merge_streams(run_dir)
    assert merged.rows == dict.fromkeys(("samples", "workflows", "duty", "health"), 0)
    assert (merged.torn, merged.workers) == ((), ())
    assert pq.read_table(run_dir.samples).schema.equals(schemas.SAMPLES)
    assert run_dir.failures.read_text() == ""


def test_the_first_failures_of_each_kind_are_kept_over_all_workers(run_dir):
    for worker in range(2):
        lines = [{"time_s": 2 * n + worker, "kind": "a", "detail": "naïve"} for n in range(FAILURES_OF_A_KIND)]
        lines.append({"time_s": 1e6, "kind": f"b{worker}"})
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (run_dir.streams / f"failures-w{worker}.jsonl").write_text(text + '{"time_s": 3, "ki')
    merge_streams(run_dir)
    told = [json.loads(line) for line in run_dir.failures.read_text(encoding="utf-8").splitlines()]
    assert [one["time_s"] for one in told if one["kind"] == "a"] == list(range(FAILURES_OF_A_KIND))
    assert [one["kind"] for one in told[FAILURES_OF_A_KIND:]] == ["b0", "b1"]


def test_a_value_that_does_not_fit_its_column_is_an_error_and_not_another_value(tmp_path):
    worker = Worker(tmp_path, 0, "duty", DUTY)
    row = list(some_rows(1)[0])
    row[1] = 2**15  # worker is 16 bits wide
    with pytest.raises(Exception, match="format requires"):
        worker.write([tuple(row)])
    worker.write(some_rows(1))
    worker.close()
    assert pa.ipc.open_stream(worker.path.read_bytes()).read_all().num_rows == 1
