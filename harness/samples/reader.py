"""From the workers' streams to one Parquet file a table.

A torn end (a killed process) is cut off, and named; what came before it is kept.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from harness.rundir import RunDir
from harness.samples import FORMAT_VERSION
from harness.samples.schemas import DUTY, HEALTH, SAMPLES, WORKFLOWS, coded_columns
from harness.samples.writer import FAILURES_OF_A_KIND, names_path

__all__ = ["TABLES", "Merged", "merge_streams"]

TABLES: Final = ("samples", "workflows", "duty", "health")
"""Those that each worker writes a stream of."""
_END_MARK: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""What a stream ends with when its writer closed it."""
_ROW_GROUP_ROWS: Final = 131_072
"""Streams hold a batch a second; as row groups these would make a reader of a long run slow."""


@dataclass(frozen=True)
class Merged:
    """What the streams held. `torn` names the streams that ended without their end mark."""

    rows: dict[str, int]
    torn: tuple[str, ...]
    workers: tuple[int, ...]


def merge_streams(run_dir: RunDir) -> Merged:
    """Write samples, workflows, duty, health (Parquet) and failures (JSON lines) from what each worker streamed."""
    schemas = (SAMPLES, WORKFLOWS, DUTY, HEALTH)
    targets = (run_dir.samples, run_dir.workflows, run_dir.duty, run_dir.health)
    rows: dict[str, int] = {}
    torn: list[str] = []
    workers: set[int] = set()
    for table, schema, target in zip(TABLES, schemas, targets, strict=True):
        streams = sorted(run_dir.streams.glob(f"{table}-w*.arrows"), key=_worker_of)
        workers.update(_worker_of(stream) for stream in streams)
        rows[table] = _merge_table(schema, streams, target, torn)
    _merge_failures(run_dir)
    return Merged(rows, tuple(torn), tuple(sorted(workers)))


def _merge_table(schema: pa.Schema, streams: list[Path], target: Path, torn: list[str]) -> int:
    """Write `target`; the names of torn streams are added to `torn`. Gives the number of rows."""
    written = schema.with_metadata({"format_version": str(FORMAT_VERSION)})
    draft = target.with_name(target.name + ".part")
    count = 0
    try:
        with pq.ParquetWriter(draft, written, compression="zstd", store_schema=True) as writer:
            for stream in streams:
                try:
                    for table in _in_row_groups(_named_batches(stream, written), written):
                        writer.write_table(table, row_group_size=_ROW_GROUP_ROWS)
                        count += table.num_rows
                except _Torn:
                    torn.append(stream.name)
        draft.replace(target)
    except OSError as error:  # no space, most likely: half a table is of no use to anybody, and takes some
        with suppress(OSError):
            draft.unlink()
        reason = os.strerror(error.errno) if error.errno else str(error)  # Arrow's own words name no file
        raise OSError(error.errno, reason, str(target)) from error
    return count


def _in_row_groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """The batches, many in one table. Where they end torn, the last table still comes before that is raised."""
    gathered: list[pa.RecordBatch] = []
    rows = 0
    try:
        for batch in batches:
            gathered.append(batch)
            rows += batch.num_rows
            if rows >= _ROW_GROUP_ROWS:
                yield pa.Table.from_batches(gathered, schema)
                gathered, rows = [], 0
    except _Torn:
        if gathered:
            yield pa.Table.from_batches(gathered, schema)
        raise
    if gathered:
        yield pa.Table.from_batches(gathered, schema)


def _named_batches(stream: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The stream's batches with names for codes. Raises _Torn at the end where it breaks off."""
    names = _read_names(names_path(stream.parent, _worker_of(stream)))
    coded = set(coded_columns(schema))
    try:
        with pa.OSFile(str(stream), "rb") as file:
            for batch in pa.ipc.open_stream(file):
                columns = [
                    pa.DictionaryArray.from_arrays(batch.column(name), names) if name in coded else batch.column(name)
                    for name in schema.names
                ]
                yield pa.record_batch(columns, schema=schema)
    except (pa.ArrowException, OSError, IndexError) as error:
        raise _Torn from error
    with stream.open("rb") as end:
        end.seek(-len(_END_MARK), 2)
        if end.read() != _END_MARK:
            raise _Torn


class _Torn(Exception):  # noqa: N818 (what happened to a stream)
    """A stream that its writer did not close."""


def _read_names(path: Path) -> pa.StringArray:
    """The n-th line is the name with code n; a line that a killed process left without its end is none."""
    content = path.read_bytes() if path.exists() else b""
    return pa.array([json.loads(line) for line in content.split(b"\n")[:-1]], pa.string())


def _merge_failures(run_dir: RunDir) -> None:
    """The first of each kind over all workers, in the order of time."""
    told: list[dict[str, Any]] = []
    for part in sorted(run_dir.streams.glob("failures-w*.jsonl"), key=_worker_of):
        told += [json.loads(line) for line in part.read_bytes().split(b"\n")[:-1]]
    kept: Counter[str] = Counter()
    with run_dir.failures.open("w", encoding="utf-8") as file:
        for failure in sorted(told, key=lambda failure: float(failure["time_s"])):
            kept[failure["kind"]] += 1
            if kept[failure["kind"]] <= FAILURES_OF_A_KIND:
                file.write(json.dumps(failure, ensure_ascii=False) + "\n")


def _worker_of(stream: Path) -> int:
    return int(stream.stem.rpartition("-w")[2])
