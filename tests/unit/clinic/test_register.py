"""The people of a run as a file: whole or not at all, and for nobody else's eyes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.clinic.register import KnownPatient, SiteRegister, read_register, write_register

RIVER = {"river": SiteRegister((KnownPatient("p1", "4711", "Doe", "Jane", "1980-02-29"),), {"nurse": ("c1",)}, "o1")}


@pytest.fixture(autouse=True)
def nothing_is_masked() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_only_its_owner_may_read_it_whatever_was_there_before(tmp_path: Path) -> None:
    for name in ("register.json", "register.json.part"):
        (tmp_path / name).write_text("left by another")
        assert mode_of(tmp_path / name) == 0o666
    write_register(tmp_path / "register.json", RIVER)
    assert mode_of(tmp_path / "register.json") == 0o600
    assert read_register(tmp_path / "register.json") == RIVER
    assert len(list(tmp_path.iterdir())) == 1


def test_who_cannot_write_it_leaves_the_old_one_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "register.json"
    write_register(path, RIVER)
    modes: list[int] = []

    def full(draft: Path, _: Any) -> None:
        modes.append(mode_of(draft))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_register(path, {})
    assert modes == [0o600]
    assert read_register(path) == RIVER
    assert len(list(tmp_path.iterdir())) == 1
