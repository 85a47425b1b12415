"""The folder of one run: where each file is, and the manifest that says what was run, on what, and how it ended."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import InputError, OutputError, Problem, shortened

__all__ = [
    "ARRIVAL_FATES",
    "BEAT",
    "DEFECT_VARIABLE",
    "LIFELINE_VARIABLE",
    "PARENT_VARIABLE",
    "RunDir",
    "conductor_path",
    "create_run_dir",
    "new_folder",
    "open_run_dir",
    "rfc3339",
    "write_json",
]

DEFECT_VARIABLE = "EMRLOAD_PLANTED_DEFECT"
"""Asks the load processes of one run for a planted defect: `NAME@FOLDER`, the run's folder in full."""
PARENT_VARIABLE = "EMRLOAD_PARENT_PID"
"""Tells a load process who started it, so that it ends when that one is gone."""
LIFELINE_VARIABLE = "EMRLOAD_LIFELINE"
"""Tells the leading load process on which descriptor whoever started it listens."""
BEAT = "beat"
"""How a sign of life begins there; every other line is a word to be told."""

_RENDERED = ("report.html", "latency.csv", "concurrency.csv", "figures/")
"""Files that `emrload report` makes again; their digests are renewed, those of the evidence never."""


ARRIVAL_FATES = ("dropped", "lost", "idle")
"""What becomes of arrivals that no row tells of, `arrivals_…` in the manifest: turned away above the cap; lost to an
error of ours, or because all was stopped although nobody had ended the run; come when there was nothing to do."""


def conductor_path(streams: Path) -> Path:
    """Where the load's leading process says how the load went, among the `streams` of a run."""
    return streams / "conductor.json"


class RunDir:
    """Paths of one run; every file is named here and nowhere else."""

    def __init__(self, path: Path, made: Sequence[Path] = ()) -> None:
        """`made`: the folders, innermost first, that did not exist before the run; only `discard` asks."""
        self.path = path
        self._made = tuple(made)
        self.manifest = path / "manifest.json"
        self.scenario = path / "scenario.yaml"
        self.plan = path / "plan.parquet"
        self.shares = path / "shares.json"
        self.arrivals = path / "arrivals.json"
        self.expected = path / "expected.json"
        self.register = path / "register.json"
        self.capabilities = path / "capabilities.json"
        self.duty = path / "duty.parquet"
        self.samples = path / "samples.parquet"
        self.workflows = path / "workflows.parquet"
        self.health = path / "health.parquet"
        self.clocks = path / "clocks.jsonl"
        self.failures = path / "failures.jsonl"
        self.summary = path / "summary.json"
        self.verdict = path / "verdict.json"
        self.report = path / "report.html"
        self.latency_csv = path / "latency.csv"
        self.concurrency_csv = path / "concurrency.csv"
        self.figures = path / "figures"
        self.logs = path / "logs"
        self.streams = path / "streams"

    def __fspath__(self) -> str:
        return str(self.path)

    def discard(self) -> None:
        """Take the run away again, with every folder that was made for it; one that was there before is left, empty."""
        if self.path.is_dir():
            for path in self.path.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for folder in self._made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def read_manifest(self) -> dict[str, Any]:
        """Raises InputError where the folder holds no manifest that can be read."""
        try:
            manifest = json.loads(self.manifest.read_bytes())
            if not isinstance(manifest, dict):
                raise ValueError("not an object")
        except (OSError, ValueError) as error:
            problem = Problem(
                f"no run here: {self.manifest.name} is missing or unreadable ({type(error).__name__})",
                str(self.path),
                "give the folder of a run, such as reports/2026-11-22T091500Z-morning-rush-3fa1",
            )
            raise InputError(problem) from error
        return manifest

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Write atomically: a killed process leaves the old manifest or the new one."""
        write_json(self.manifest, manifest)

    def update_manifest(self, **changes: Any) -> dict[str, Any]:
        manifest = {**self.read_manifest(), **changes}
        self.write_manifest(manifest)
        return manifest

    def digest(self, names: Collection[str]) -> dict[str, str]:
        """SHA-256 of these files, by relative path."""
        return {name: _sha256(self.path / name) for name in names}

    def unsealed_evidence(self) -> list[str]:
        """Files that rendering does not make again and that the manifest has no digest of, by relative path."""
        sealed = self.read_manifest().get("sha256", {})
        return [name for name in self._files() if name not in sealed and not name.startswith(_RENDERED)]

    def _files(self) -> list[str]:
        """Every file but the manifest itself, by relative path."""
        files = sorted(path for path in self.path.rglob("*") if path.is_file() and path != self.manifest)
        return [str(path.relative_to(self.path)) for path in files]

    def discard_if_unplayed(self) -> None:
        """A run that never began leaves nothing behind; one that did keeps all it has."""
        if self.read_manifest()["state"] == "preparing":
            self.discard()

    def seal(self, digests: Mapping[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        """Write the digests into the manifest, with `changes`; those of evidence that is sealed already are kept, and
        `digests` are not made again."""
        manifest = {**self.read_manifest(), **changes}
        sealed = manifest.get("sha256", {})
        known = {name: digest for name, digest in sealed.items() if not name.startswith(_RENDERED)}
        known = {**(digests or {}), **known}
        manifest["sha256"] = self.digest([name for name in self._files() if name not in known]) | known
        self.write_manifest(manifest)
        return manifest

    def changed_files(self) -> list[str]:
        """Files whose content is not what the manifest says, or that are missing."""
        recorded: dict[str, str] = self.read_manifest().get("sha256", {})
        return [
            name
            for name, digest in recorded.items()
            if not (self.path / name).is_file() or _sha256(self.path / name) != digest
        ]


def create_run_dir(scenario: str, out: Path | None = None) -> RunDir:
    """Make `out`, or `reports/<UTC time>-<scenario>-<4 hex>/` under the working folder; its manifest names the run.

    Raises OutputError where it cannot be written or already holds something.
    """
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    run_id = secrets.token_hex(4)
    path = out or Path("reports") / f"{stamp}-{scenario}-{run_id[:4]}"
    run_dir = RunDir(path, _missing_folders(path))
    new_folder(path)
    try:
        run_dir.logs.mkdir()
        run_dir.streams.mkdir()
        run_dir.write_manifest({"run_id": run_id, "state": "preparing", "scenario": scenario})
    except OSError as error:
        run_dir.discard()
        raise _not_writable(path, error) from error
    return run_dir


def new_folder(path: Path) -> None:
    """Make `path` and the folders above it. Raises OutputError where that is not possible or it already holds
    something."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        occupied = any(path.iterdir())
    except OSError as error:
        raise _not_writable(path, error) from error
    if occupied:
        raise OutputError(
            Problem(
                "the output folder is not empty", str(path), "give a new folder with --out DIR; nothing is overwritten"
            )
        )


def _not_writable(path: Path, error: OSError) -> OutputError:
    why = "a file is in the way" if isinstance(error, (FileExistsError, NotADirectoryError)) else error.strerror
    return OutputError(
        Problem(f"cannot write there: {why}", shortened(str(path)), "give another folder with --out DIR")
    )


def _missing_folders(path: Path) -> list[Path]:
    """`path` and the folders above it that are not there yet, innermost first."""
    missing = []
    for folder in (path, *path.parents):
        try:
            folder.lstat()
        except FileNotFoundError:
            missing.append(folder)
            continue
        except OSError:  # whoever makes the folder says what is wrong with it
            pass
        break
    return missing


def open_run_dir(path: Path) -> RunDir:
    """An existing run. Raises InputError where there is none."""
    run_dir = RunDir(path)
    run_dir.read_manifest()
    return run_dir


def rfc3339(epoch_s: float) -> str:
    """UTC, to the millisecond."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically; where that cannot be, nothing is left of it."""
    draft = path.with_name(path.name + ".part")
    try:
        draft.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
