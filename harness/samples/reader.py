"""From the workers' streams to one Parquet file a table; a torn end (a killed process) is cut off, counted and named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.rundir import RunDir
from harness.samples.columns import DUTY, FORMAT_VERSION, HEALTH, SAMPLES, WORKFLOWS, coded_columns

__all__ = ["Merged", "merge_streams"]

_BYTES_OF_AN_END = 8
"""A closed stream ends in an end-of-stream marker; one without it was torn."""


@dataclass(frozen=True)
class Merged:
    """What the streams held. `torn` names the streams that ended without their end mark."""

    rows: dict[str, int]
    torn: tuple[str, ...]
    workers: tuple[int, ...]


def merge_streams(run_dir: RunDir) -> Merged:
    """Write samples, workflows, duty, health (Parquet) and failures (JSON lines) from what each worker streamed."""
    tables = {
        "samples": (SAMPLES, run_dir.samples),
        "workflows": (WORKFLOWS, run_dir.workflows),
        "duty": (DUTY, run_dir.duty),
        "health": (HEALTH, run_dir.health),
    }
    rows: dict[str, int] = {}
    torn: list[str] = []
    workers: set[int] = set()
    for table, (schema, target) in tables.items():
        streams = sorted(run_dir.streams.glob(f"{table}-w*.arrows"), key=_worker_of)
        workers.update(_worker_of(stream) for stream in streams)
        rows[table] = _merge_table(schema, streams, target, torn)
    _merge_failures(run_dir)
    return Merged(rows, tuple(torn), tuple(sorted(workers)))


def _merge_table(schema: pa.Schema, streams: list[Path], target: Path, torn: list[str]) -> int:
    written = schema.with_metadata({"format_version": str(FORMAT_VERSION)})
    draft = target.with_name(target.name + ".part")
    count = 0
    with pq.ParquetWriter(draft, written, compression="zstd", store_schema=True) as writer:
        for stream in streams:
            names = _read_names(stream.with_name(f"names-w{_worker_of(stream)}.jsonl"))
            whole = True
            for batch, whole in _batches(stream):  # noqa: B007 (`whole` of the last one is used below)
                if batch is not None:
                    writer.write_batch(_named(batch, written, names))
                    count += batch.num_rows
            if not whole:
                torn.append(stream.name)
    draft.replace(target)
    return count


def _batches(stream: Path) -> Iterator[tuple[pa.RecordBatch | None, bool]]:
    """Batches with True; a last (None, False) where the stream breaks off."""
    data = stream.read_bytes()
    try:
        reader = pa.ipc.open_stream(data)
        while True:
            yield reader.read_next_batch(), True
    except StopIteration:
        closed = data[-_BYTES_OF_AN_END:] == b"\xff\xff\xff\xff\x00\x00\x00\x00"
        yield None, closed
    except (pa.ArrowInvalid, OSError):
        yield None, False


def _named(batch: pa.RecordBatch, schema: pa.Schema, names: pa.StringArray) -> pa.RecordBatch:
    coded = set(coded_columns(schema))
    columns = [
        pa.DictionaryArray.from_arrays(batch.column(name), names) if name in coded else batch.column(name)
        for name in schema.names
    ]
    return pa.record_batch(columns, schema=schema)


def _read_names(path: Path) -> pa.StringArray:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return pa.array([json.loads(line) for line in lines], pa.string())


def _merge_failures(run_dir: RunDir) -> None:
    parts = sorted(run_dir.streams.glob("failures-w*.jsonl"))
    run_dir.failures.write_bytes(b"".join(part.read_bytes() for part in parts))


def _worker_of(stream: Path) -> int:
    return int(stream.stem.rpartition("-w")[2])
