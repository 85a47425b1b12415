"""The embedded FHIR server as a child process: started for one run, gone with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final

from harness.errors import RunError

__all__ = ["SandboxProcess"]

_END_WITHIN_S: Final = 10.0


class SandboxProcess:
    """A context manager; inside it `url` is the FHIR base URL. The server also ends when this process is gone."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.url = ""

    def __enter__(self) -> SandboxProcess:
        """Raises RunError where the server does not come up."""
        command = [sys.executable, "-m", "harness.cli", "sandbox", "--end-with-parent"]
        with self._log.open("ab") as sink:
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=sink,
                start_new_session=True,  # a Ctrl-C at the terminal must not end the server before the load
            )
        assert self._process.stdout is not None  # noqa: S101 (asked for a pipe)
        line = self._process.stdout.readline()
        try:
            self.url = json.loads(line)["url"]
        except (ValueError, KeyError) as error:
            self._end()
            raise RunError("the sandbox did not come up", f"its log: {self._log}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
