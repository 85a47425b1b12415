"""Where what a load left cannot be written up, nothing of it is lost: the error says what is kept, and how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import RunError
from harness.rundir import RunDir
from harness.samples.sink import WriteFailure

__all__ = ["keeping", "require_folder"]


@contextmanager
def keeping(run_dir: RunDir) -> Iterator[None]:
    """Raises RunError for what the system refuses meanwhile: a full disk, a read-only one, a folder that is gone."""
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads on: no matter of the disk
    except OSError as error:
        require_folder(run_dir)
        failure = WriteFailure.of(Path(error.filename).name if error.filename else "a file of the run", error)
        first = f"{failure.remedy[0].upper()}{failure.remedy[1:]}, then" if failure.remedy else "Then"
        again = f"emrload report {shlex.quote(str(run_dir.path))}"
        raise RunError(f"no verdict yet: {failure}", f"What was measured is kept. {first}: {again}") from error


def require_folder(run_dir: RunDir) -> None:
    """Raises RunError where the run's folder, or the manifest in it, has been taken away."""
    if not run_dir.manifest.is_file():
        what = f"no verdict: the run's folder was taken away while the run went on ({run_dir.path})"
        raise RunError(what, "Run it again, and leave the folder where it is until the run has ended.")
