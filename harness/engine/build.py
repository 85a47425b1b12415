"""`python -m harness.engine.build`: compile the hot path with mypyc and the system's C compiler, half a minute.

The sources are compiled as they are, from the types that mypy checks in them; what comes out does the same, with less
ado.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from harness.engine import HOT_PATH, PACKAGE, STAMP, SUFFIX, compiled_folder, source_of, sources_digest
from harness.errors import HarnessError

__all__ = ["compile_hot_path"]

_SET_UP: Final = """\
import sys
from mypyc.build import mypycify
from setuptools import setup
modules = mypycify(sys.argv[1:], opt_level="3")
setup(name="hot-path", packages=[], py_modules=[], ext_modules=modules, script_args=["build_ext", "--inplace"])
"""
_LAST_WORDS: Final = 800


def compile_hot_path(folder: Path) -> None:
    """Compile HOT_PATH into `folder`; what was there is replaced once that has worked, and is left as it was else.

    Raises HarnessError where mypyc, a C compiler or Python's own headers are missing.
    """
    if find_spec("mypyc") is None or find_spec("setuptools") is None:
        raise HarnessError("the hot path is compiled by mypyc, which is not here", "pip install mypy setuptools")
    with TemporaryDirectory(prefix="emrload-") as temporary:
        place = Path(temporary)
        shutil.copytree(PACKAGE, place / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
        files = [str(source_of(name).relative_to(PACKAGE.parent)) for name in HOT_PATH]
        done = subprocess.run(  # noqa: S603 (our own interpreter with our own arguments)
            [sys.executable, "-c", _SET_UP, "--ignore-missing-imports", *files],
            cwd=place,
            env={**os.environ, "MYPY_CACHE_DIR": str(place / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        made = [file for file in place.rglob(f"*{SUFFIX}") if "build" not in file.relative_to(place).parts]
        if done.returncode or not made:
            raise HarnessError(
                f"the hot path cannot be compiled: {(done.stdout + done.stderr).strip()[-_LAST_WORDS:]}",
                "a C compiler and Python's headers are needed (on Debian: gcc python3-dev)",
            )
        _replace(folder, place, made)


def _replace(folder: Path, place: Path, made: list[Path]) -> None:
    """The stamp comes last: without it, nothing here is used."""
    shutil.rmtree(folder, ignore_errors=True)
    for file in made:
        target = folder / file.relative_to(place)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    (folder / STAMP).write_text(json.dumps({"sha256": sources_digest()}))


def _main() -> int:
    try:
        compile_hot_path(compiled_folder())
    except HarnessError as error:
        sys.stderr.write(f"{error}\n{error.hint}\n")
        return error.exit_code
    sys.stdout.write(f"compiled {len(HOT_PATH)} modules; load processes use them from now on\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
