"""Files of workers, taken in piece by piece: each may break off anywhere and goes on where it did.

    offer(size, sha256) ─▶ piece(offset, bytes) … ─▶ whole: digest right? ─▶ on disk for good ─▶ in its place ─▶ told
                           incoming/<worker>/….part    no: begun anew

No file is called whole before it would survive a power cut. Which names a worker may use, and where each goes, stands
in `_place_of`: no name leads out of the run's folder, and no worker writes what another has.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from harness.rundir import RunDir

__all__ = ["LARGEST_FILE_BYTES", "Intake", "Offered", "RefusedFile", "sha256_of"]

LARGEST_FILE_BYTES: Final = 1 << 40
_STREAM: Final = re.compile(r"streams/[a-z]{1,20}-w(\d{1,5})\.(arrows|jsonl)")
_LIVE: Final = re.compile(r"streams/progress-w\d{1,5}\.jsonl")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class RefusedFile(Exception):  # noqa: N818 (what became of it)
    """A file, or a piece of one, that is not taken; the text says why."""


@dataclass(frozen=True)
class Offered:
    """One file as its worker describes it."""

    path: str
    size: int
    sha256: str

    @classmethod
    def from_json(cls, told: Any) -> Offered:
        """Raises RefusedFile where it does not describe a file."""
        try:
            path, size, sha256 = str(told["path"]), int(told["size"]), str(told["sha256"])
        except (TypeError, KeyError, ValueError) as error:
            raise RefusedFile("this describes no file") from error
        if not 0 <= size <= LARGEST_FILE_BYTES or not _SHA256.fullmatch(sha256):
            raise RefusedFile("this is no size and digest of a file")
        return cls(path, size, sha256)

    @property
    def worker_index(self) -> int | None:
        """The number of the load process that wrote it, by Locust's count; None for a log."""
        found = _STREAM.fullmatch(self.path)
        return int(found[1]) if found else None


@dataclass
class _Coming:
    offered: Offered
    whole: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Intake:
    """Takes files into the folder of one run; for several threads."""

    def __init__(self, run_dir: RunDir) -> None:
        self._run_dir = run_dir
        self._incoming = run_dir.path / "incoming"
        self._coming: dict[str, dict[str, _Coming]] = {}
        self._owners: dict[str, str] = {}
        self._lock = threading.Lock()

    def offer(self, worker: str, files: list[Offered]) -> dict[str, int]:
        """Note what a worker has for us; path → how many bytes of it are here. Raises RefusedFile."""
        with self._lock:
            for one in files:
                self._claim(worker, one.path)
            known = self._coming.setdefault(worker, {})
            for one in files:
                if one.path not in known or known[one.path].offered != one:
                    known[one.path] = _Coming(one)
        return {one.path: self._held(worker, known[one.path]) for one in files}

    def piece(self, worker: str, path: str, offset: int, data: bytes) -> tuple[int, bool]:
        """Add a piece; gives how many bytes are here then, and whether the file is whole and in its place.

        A piece that does not go on where the last one ended changes nothing, and the number tells where to go on. So
        does 0 where a file was complete and had not the digest that was offered. Raises RefusedFile, OSError.
        """
        with self._lock:
            coming = self._coming.get(worker, {}).get(path)
        if coming is None:
            raise RefusedFile(f"{path} was not offered")
        with coming.lock:
            held = self._held(worker, coming)
            if coming.whole:
                return held, True
            part = self._part(worker, path)
            if offset == held and held + len(data) <= coming.offered.size:
                _append(part, data)
                held += len(data)
            if held < coming.offered.size:
                return held, False
            return self._finish(coming, part, path)

    def whole(self, worker: str) -> list[Offered]:
        """The files of this worker that are in their places."""
        with self._lock:
            coming = list(self._coming.get(worker, {}).values())
        return [one.offered for one in coming if one.whole]

    def lacking(self, worker: str) -> list[Offered]:
        """What was offered and is not here yet."""
        with self._lock:
            coming = list(self._coming.get(worker, {}).values())
        return [one.offered for one in coming if not one.whole]

    def lacking_paths(self, worker: str) -> list[str]:
        return [one.path for one in self.lacking(worker)]

    def add_live(self, worker: str, path: str, offset: int, data: bytes) -> int:
        """Progress lines as they are written, for whoever watches; gives how many bytes are here. Raises RefusedFile,
        OSError."""
        if not _LIVE.fullmatch(path):
            raise RefusedFile(f"{path} is none that can be watched")
        with self._lock:
            self._claim(worker, path)
            place = self._place_of(worker, path)
            held = place.stat().st_size if place.exists() else 0
            if offset != held or not data:
                return held
            with place.open("ab") as file:
                file.write(data)
            return held + len(data)

    def close(self) -> list[str]:
        """Take no more. Gives the parts that are left, by their path in the run's folder."""
        with self._lock:
            left = sorted(path for path in self._incoming.rglob("*.part"))
            if not left:
                shutil.rmtree(self._incoming, ignore_errors=True)
            return [str(path.relative_to(self._run_dir.path)) for path in left]

    def _claim(self, worker: str, path: str) -> None:
        self._place_of(worker, path)
        index = _STREAM.fullmatch(path)
        whose = f"w{index[1]}" if index else path
        if self._owners.setdefault(whose, worker) != worker:
            raise RefusedFile(f"{path} is another worker's: {self._owners[whose]}'s")

    def _place_of(self, worker: str, path: str) -> Path:
        if not _STREAM.fullmatch(path) and path != f"logs/{worker}.log":
            raise RefusedFile(f"'{path[:80]}' is not the name of a file that a worker leaves")
        return self._run_dir.path / path

    def _part(self, worker: str, path: str) -> Path:
        return self._incoming / worker / f"{path.replace('/', '_')}.part"

    def _held(self, worker: str, coming: _Coming) -> int:
        if coming.whole:
            return coming.offered.size
        part = self._part(worker, coming.offered.path)
        return part.stat().st_size if part.exists() else 0

    def _finish(self, coming: _Coming, part: Path, path: str) -> tuple[int, bool]:
        if not part.exists():  # an empty file is whole without a piece
            _append(part, b"")
        if sha256_of(part) != coming.offered.sha256:
            part.unlink()
            return 0, False
        place = self._run_dir.path / path
        _settle(part)
        part.replace(place)
        _settle(place.parent)
        coming.whole = True
        return coming.offered.size, True


def sha256_of(path: Path) -> str:
    """Hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _append(part: Path, data: bytes) -> None:
    """Raises OSError, too, where the run's folder is gone, which is not made again."""
    for folder in (part.parent.parent, part.parent):
        folder.mkdir(exist_ok=True)
    with part.open("ab") as file:
        file.write(data)


def _settle(path: Path) -> None:
    """Have it on disk for good; of a folder, the names in it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
