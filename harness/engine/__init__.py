"""The load engine's hot path compiled to machine code, where somebody has had it compiled; else Python interprets it.

    python -m harness.engine.build ──mypyc──▶ <prefix>/share/emrload/engine/…so + sources.json
    import harness.load ──▶ use_compiled() ──▶ the modules of HOT_PATH come from there, all of them or none

The sources stay what is read, tested and changed. What was compiled of others than these, or for another Python, is not
used.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Final, Literal

__all__ = [
    "ENGINE_VARIABLE",
    "HOT_PATH",
    "PACKAGE",
    "STAMP",
    "SUFFIX",
    "Engine",
    "compiled_folder",
    "engine",
    "is_stale",
    "source_of",
    "sources_digest",
    "use_compiled",
]

Engine = Literal["compiled", "interpreted"]

HOT_PATH: Final = (
    "harness.fhir.call",
    "harness.fhir.checks",
    "harness.fhir.requests",
    "harness.clinic.asking",
    "harness.clinic.bounded_world",
    "harness.clinic.found",
    "harness.plan.steps",
    "harness.population.stream",
    "harness.samples.writer",
    "harness.load.answer",
    "harness.load.client",
    "harness.load.clock",
    "harness.load.deadline",
    "harness.load.endpoint",
    "harness.load.headers",
    "harness.load.judging",
    "harness.load.line",
    "harness.load.posting",
    "harness.load.recorder",
    "harness.load.rows",
    "harness.load.wire",
)
"""What runs for each request, but for what workflows of one's own touch: they may do with it what Python allows."""
ENGINE_VARIABLE: Final = "EMRLOAD_ENGINE"
"""In the environment: `interpreted` leaves what was compiled aside."""
STAMP: Final = "sources.json"
SUFFIX: Final = EXTENSION_SUFFIXES[0]
"""Of a compiled module's file, for this Python and no other."""
PACKAGE: Final = Path(__file__).parents[1]


def compiled_folder() -> Path:
    """Where the environment that this Python belongs to keeps it."""
    return Path(sys.prefix) / "share" / "emrload" / "engine"


def sources_digest() -> str:
    """SHA-256 of all that is compiled and of the Python that it is compiled for."""
    told = hashlib.sha256(f"{sys.version}{SUFFIX}".encode())
    for name in HOT_PATH:
        told.update(f"\0{name}\0".encode() + source_of(name).read_bytes())
    return told.hexdigest()


def source_of(name: str) -> Path:
    """The file of one of HOT_PATH."""
    return PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py")


def engine() -> Engine:
    """What a load process that starts now will run."""
    if os.environ.get(ENGINE_VARIABLE) == "interpreted" or not (compiled_folder() / STAMP).exists() or is_stale():
        return "interpreted"
    return "compiled"


def is_stale() -> bool:
    """Whether something was compiled, but of other sources than these, or for another Python."""
    try:
        return bool(json.loads((compiled_folder() / STAMP).read_bytes()) != {"sha256": sources_digest()})
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True


def use_compiled() -> None:
    """Have HOT_PATH imported as it was compiled; does nothing where it was not, or where one of it is there already."""
    if engine() == "compiled" and not any(name in sys.modules for name in HOT_PATH):
        sys.meta_path.insert(0, _Finder(_files(compiled_folder())))


def _files(folder: Path) -> Mapping[str, Path]:
    """Module → its file."""
    return {".".join(file.relative_to(folder).parts).removesuffix(SUFFIX): file for file in folder.rglob(f"*{SUFFIX}")}


class _Finder(MetaPathFinder):
    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        file = self._files.get(fullname)
        if file is None:
            return None
        return spec_from_file_location(fullname, file, loader=ExtensionFileLoader(fullname, str(file)))
