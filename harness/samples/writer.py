"""Rows packed into preallocated memory, written to an Arrow IPC stream in batches.

A killed process loses only what was not yet flushed.

    append(values) ──▶ buffer of packed rows ──flush, each 0.8 s──▶ streams/<table>-w<worker>.arrows
    names.code("Patient.read") ──▶ 17 ──first use──▶ streams/names-w<worker>.jsonl

A name is written before the batch that uses its code, so that whatever can be read can also be named.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import nanoarrow
import numpy as np
import orjson
from nanoarrow.ipc import StreamWriter as ArrowStreamWriter

from harness.samples.columns import Columns, Kind
from harness.samples.sink import Sink

__all__ = ["Names", "Rows", "StreamWriter", "names_path", "stream_path"]

Rows = np.ndarray[Any, np.dtype[Any]]
"""A batch as a structured array: one field a column, names as codes."""

FLUSH_ROWS: Final = 4096
"""A batch of this many rows is written at once: larger ones stall the generator for tens of milliseconds."""

FAILURES_OF_A_KIND: Final = 100
"""So many of the same kind tell what is wrong; all are counted in the samples."""

_LETTERS: Final[Mapping[Kind, str]] = {
    "bool": "?",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "float32": "f",
    "float64": "d",
    "name": "i",
}
"""Kind → how `struct` packs it, and numpy reads it."""

_ARROW: Final = {kind: getattr(nanoarrow, {"bool": "bool_", "name": "int32"}.get(kind, kind)) for kind in _LETTERS}
"""Kind → nanoarrow's type, made by a call."""


def stream_path(streams: Path, table: str, worker: int) -> Path:
    return streams / f"{table}-w{worker}.arrows"


def names_path(streams: Path, worker: int) -> Path:
    return streams / f"names-w{worker}.jsonl"


class _Codes(dict[str, int]):
    """Gives a name that it does not know the next code, once `announce` has taken it down."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        super().__init__()
        self._announce = announce

    def __missing__(self, name: str) -> int:
        self._announce(name)
        self[name] = code = len(self)
        return code


class Names:
    """Strings as small integers, the same code for the same string in every table of one worker."""

    def __init__(self, sink: Sink, path: Path) -> None:
        self._names: list[str] = []
        self._file = sink.open(path, append=True)
        self.code: Callable[[str], int] = _Codes(self._take_down).__getitem__
        """The code of a name; asked several times a request, so a known one costs no call of ours."""

    def _take_down(self, name: str) -> None:
        self._file.write(orjson.dumps(name) + b"\n")
        self._names.append(name)

    def name(self, code: int) -> str:
        """The name of a code given out before. Raises IndexError for any other."""
        return self._names[code]

    def close(self) -> None:
        self._file.close()


class StreamWriter:
    """One table of one worker. Values are given in the columns' order, names as codes from `Names`.

    Nothing raises where the disk refuses: the sink is told, and the rows are counted there as not written.
    """

    def __init__(self, sink: Sink, path: Path, columns: Columns) -> None:
        self._sink = sink
        self._path = path
        letters = [_LETTERS[kind] for kind in columns.values()]
        packer = struct.Struct("<" + "".join(letters))
        self.pack = packer.pack_into
        """For who adds a row without a call of ours: values to `buffer` at `used_bytes`, then `packed`."""
        self._dtype = np.dtype([(name, f"<{letter}") for name, letter in zip(columns, letters, strict=True)])
        self._schema = nanoarrow.struct({name: _ARROW[kind]() for name, kind in columns.items()})
        self._row_bytes = packer.size
        self._full_bytes = self._row_bytes * FLUSH_ROWS
        self.buffer = bytearray(self._full_bytes)
        self.used_bytes = 0
        self._listeners: list[Callable[[Rows], None]] = []
        self._file = sink.open(path)
        self._stream = ArrowStreamWriter.from_writable(self._file)  # type: ignore[no-untyped-call]  # nanoarrow's
        self._stream.write_stream(nanoarrow.c_array_stream([], self._schema))  # a stream without a row is one, too

    def on_batch(self, listener: Callable[[Rows], None]) -> None:
        """Have `listener` see each batch once it is written."""
        self._listeners.append(listener)

    def append(self, *values: Any) -> None:
        """Add one row."""
        self.pack(self.buffer, self.used_bytes, *values)
        self.packed()

    def packed(self) -> None:
        """A row was packed into `buffer` at `used_bytes`; a buffer that is full then is written."""
        self.used_bytes += self._row_bytes
        if self.used_bytes == self._full_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what the buffer holds, then show it; a listener that is stopped half-way takes no sample with it."""
        if not self.used_bytes:
            return
        count = self.used_bytes // self._row_bytes
        try:
            # a copy, and the buffer free again at once: a listener may let others run, and they append
            rows = np.frombuffer(bytes(memoryview(self.buffer)[: self.used_bytes]), self._dtype)
            self.used_bytes = 0
            self._stream.write_array(_batch(rows, self._schema))
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and getattr(error, "code", 0) != errno.ENOMEM:  # so nanoarrow has it
                raise
            self.used_bytes = 0
            self._sink.fail(self._path, MemoryError())
        if self._sink.failure is not None:
            self._sink.rows_unwritten += count
            return
        for listener in self._listeners:
            listener(rows)

    def close(self) -> None:
        """Write what is left and the end of the stream; a second call does nothing."""
        if self._file.closed:
            return
        self.flush()
        self._stream.close()
        self._file.close()


def _batch(rows: Rows, schema: nanoarrow.Schema) -> Any:
    """A copy of `rows`, column by column, from raw buffers."""
    columns = []
    for field in schema.fields:
        values = rows[field.name]
        data = np.packbits(values, bitorder="little") if values.dtype == np.bool_ else np.ascontiguousarray(values)
        columns.append(nanoarrow.c_array_from_buffers(field, len(rows), [None, data]))
    return nanoarrow.c_array_from_buffers(schema, len(rows), [None], children=columns)
