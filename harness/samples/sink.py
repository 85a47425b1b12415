"""The files of one load process, which all close at the first write that fails: a stream that is torn stays readable up
to the tear, and what is not written is counted.

    write ──▶ disk            no space left, a size limit, a read-only mount, a folder taken away
              └── fails ──▶ `failure` named once, `on_failure` told ──▶ from then on nothing is written to any file
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["Sink", "SinkFile", "WriteFailure"]

_REMEDIES: Final = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or have the quota raised",
    errno.EFBIG: "raise `ulimit -f`",
    errno.EROFS: "make the disk writable again",
    errno.EACCES: "make the folder writable again",
    errno.EPERM: "make the folder writable again",
    errno.EIO: "look after the disk, it is failing",
    errno.ENOENT: "leave the folder of a run where it is while the run goes on",
    errno.ENOMEM: "give the load more memory, or spread it over --workers",
}
"""Error → what helps against it; whatever else is told without."""


@dataclass(frozen=True)
class WriteFailure:
    """What could not be written, and why. `file` is relative to the run's folder."""

    file: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file} cannot be written ({self.reason})"

    @classmethod
    def of(cls, file: str, error: OSError | MemoryError) -> WriteFailure:
        if isinstance(error, MemoryError):
            return cls(file, "out of memory", _REMEDIES[errno.ENOMEM])
        return cls(file, error.strerror or str(error), _REMEDIES.get(error.errno or 0, ""))


class Sink:
    """Opens the files of one process, and writes to them until one of them refuses."""

    def __init__(self) -> None:
        self.failure: WriteFailure | None = None
        self.rows_unwritten = 0
        """Rows that came after the failure, or were in the batch that failed."""
        self._files: list[SinkFile] = []
        self._listeners: list[Callable[[WriteFailure], None]] = []

    def on_failure(self, listener: Callable[[WriteFailure], None]) -> None:
        """Have `listener` told of the first failure, at once and in whatever is running then: it must not wait."""
        self._listeners.append(listener)
        if self.failure is not None:
            listener(self.failure)

    def open(self, path: Path, *, append: bool = False) -> SinkFile:
        """Raises OSError where the file cannot be made: a run that cannot begin says so at once."""
        made = SinkFile(self, path, append=append)
        self._files.append(made)
        return made

    def fail(self, path: Path, error: OSError | MemoryError) -> None:
        """From now on nothing is written any more; a second failure is that of the first."""
        if self.failure is None:
            self.failure = WriteFailure.of(f"{path.parent.name}/{path.name}", error)
            for listener in self._listeners:
                listener(self.failure)

    def look(self) -> None:
        """See whether every file is still where it was made; what is written to one that is not, nobody finds."""
        if self.failure is None:
            for file in self._files:
                file.look()


class SinkFile:
    """One file, unbuffered. Writing raises nothing: what cannot be written is told to the sink, and dropped."""

    def __init__(self, sink: Sink, path: Path, *, append: bool) -> None:
        self._sink = sink
        self._path = path
        self._file = path.open("ab" if append else "wb", buffering=0)
        self._inode = os.fstat(self._file.fileno()).st_ino

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: Any) -> int:
        """All of `data`, any object with bytes in it, or nothing from the failure on; gives its length."""
        whole = memoryview(data).cast("B")
        rest = whole
        try:
            while rest and self._sink.failure is None:
                rest = rest[self._file.write(rest) or 0 :]  # the last write to a disk that fills up takes a part only
        except OSError as error:
            self._sink.fail(self._path, error)
        return len(whole)

    def look(self) -> None:
        if self._file.closed:
            return
        try:
            found = self._path.stat().st_ino
        except OSError as error:
            self._sink.fail(self._path, error)
            return
        if found != self._inode:
            self._sink.fail(self._path, FileNotFoundError(errno.ENOENT, "it was replaced by another file"))

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """A second call does nothing; a disk that complains only now (a network's) has failed, too."""
        try:
            self._file.close()
        except OSError as error:
            self._sink.fail(self._path, error)
