"""The embedded FHIR server as a child process: started for one run, gone with it."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from harness.errors import RunError

__all__ = ["SandboxProcess"]

_COMMAND: Final = (sys.executable, "-m", "harness.cli", "sandbox", "--end-with-parent")
_UP_WITHIN_S: Final = 30.0
_END_WITHIN_S: Final = 10.0


class SandboxProcess:
    """A context manager; inside it `url` is the FHIR base URL. The server also ends when this process is gone.

    `options` are those of `emrload sandbox`, such as `("--servers", "4", "--service", "50ms")`.
    """

    def __init__(self, log: Path, options: Sequence[str] = ()) -> None:
        self._log = log
        self._options = options
        self._data: Path | None = None
        self.url = ""

    def __enter__(self) -> SandboxProcess:
        """Raises RunError where the server does not come up."""
        with self._log.open("ab") as sink:
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                [*_COMMAND, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=sink,
                start_new_session=True,  # a Ctrl-C at the terminal must not end the server before the load
            )
        assert self._process.stdout is not None  # noqa: S101 (asked for a pipe)
        try:
            said, _, _ = select.select([self._process.stdout], [], [], _UP_WITHIN_S)
            told = json.loads(self._process.stdout.readline() if said else b"")
            self.url, self._data = told["url"], None if "--data" in self._options else Path(told["data"])
        except (ValueError, KeyError, TypeError) as error:
            self._end()
            raise RunError("the sandbox did not come up", f"its log: {self._log}") from error
        except BaseException:  # interrupted while it came up: nobody else would end it
            self._end()
            raise
        return self

    def plant(self, *faults: Mapping[str, str]) -> None:
        """Replace the faults that are planted; their times count from now. Raises RunError where that is refused."""
        import httpx

        try:
            answer = httpx.put(self.url.removesuffix("/fhir") + "/_sandbox/faults", json=list(faults), trust_env=False)
        except httpx.HTTPError as error:
            raise RunError(f"the sandbox took no faults ({type(error).__name__})", f"its log: {self._log}") from error
        if answer.status_code != httpx.codes.OK:
            raise RunError(f"the sandbox refused its faults: {answer.text}", f"its log: {self._log}")

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
        if self._data is not None:  # one that was killed could not take it away itself
            shutil.rmtree(self._data, ignore_errors=True)
