"""What a worker on another host is given to work from, and what it must be to get it.

The run's folder as it is before the load, each file with its digest; to a worker of the same versions, which must come
to the same roster from it.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any, Final

from harness.rundir import RunDir
from harness.samples import FORMAT_VERSION

__all__ = ["Handover", "Told", "differing", "own_versions"]

_NOT_HANDED: Final = ("logs/", "streams/")
_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def own_versions() -> dict[str, str]:
    """What two hosts must have alike to play one run: the roster and the samples depend on it."""
    return {
        "emr-load-harness": version("emr-load-harness"),
        "samples format": str(FORMAT_VERSION),
        "locust": version("locust"),
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def differing(theirs: Mapping[str, Any]) -> str:
    """`locust 2.40.1 where this run has 2.47.0`; empty where all versions are ours."""
    return ", ".join(
        f"{name} {str(theirs.get(name, 'of no version'))[:40]} where this run has {ours}"
        for name, ours in own_versions().items()
        if theirs.get(name) != ours
    )


@dataclass(frozen=True)
class Told:
    """One file of the hand-over as a worker is told of it."""

    path: str
    size: int
    sha256: str

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Told:
        """Raises ValueError where the name would lead out of the folder it is written to."""
        path = str(told["path"])
        if not _FILE.fullmatch(path) or PurePosixPath(path).name != path:
            raise ValueError(f"'{path[:80]}' is not the name of a file of a run")
        return cls(path, int(told["size"]), str(told["sha256"]))


@dataclass(frozen=True)
class Handover:
    """A run as its workers get it; taken once, since the folder changes as soon as the load begins."""

    run_id: str
    folder: str
    roster_digest: str
    workers: int
    connections: int
    """The most that one load process holds."""
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, run_dir: RunDir, workers: int, connections: int) -> Handover:
        manifest = run_dir.read_manifest()
        names = [name for name in run_dir.unsealed_evidence() if not name.startswith(_NOT_HANDED)]
        files = {name: (run_dir.path / name).read_bytes() for name in [run_dir.manifest.name, *names]}
        name = run_dir.path.resolve().name
        return cls(manifest["run_id"], name, manifest["roster_digest"], workers, connections, files)

    def to_json(self) -> dict[str, Any]:
        """All but what is in the files."""
        return {
            "run_id": self.run_id,
            "folder": self.folder,
            "roster_digest": self.roster_digest,
            "workers": self.workers,
            "connections": self.connections,
            "files": [
                {"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for name, content in self.files.items()
            ],
        }
