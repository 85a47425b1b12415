"""Texts that people read, pinned word for word in files of this folder.

A changed text is a failed test that shows the difference; EMRLOAD_RENEW_GOLDEN=1 writes the files anew, to be read in
the diff before they are committed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.cli.program import run_program

FOLDER = Path(__file__).parent


class Told(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with the file `name` of this folder."""

    def compare(name: str, text: str) -> None:
        path = FOLDER / name
        text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
        if os.environ.get("EMRLOAD_RENEW_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"no golden text {name} yet: write it with EMRLOAD_RENEW_GOLDEN=1 and read it"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def emrload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Run `emrload` in an empty folder, 80 columns wide, without colours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Told:
        code = run_program(list(arguments))
        captured = capfd.readouterr()  # a run is prepared by another process
        return Told(code, captured.out, captured.err)

    return run
