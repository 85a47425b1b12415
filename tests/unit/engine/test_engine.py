"""What was compiled is used where it was compiled of these sources for this Python, all of it, and else not at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import harness.engine as engine_module
from harness.engine import (
    ENGINE_VARIABLE,
    HOT_PATH,
    STAMP,
    SUFFIX,
    engine,
    is_stale,
    source_of,
    sources_digest,
    use_compiled,
)
from harness.engine.build import compile_hot_path
from harness.errors import HarnessError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(engine_module, "compiled_folder", lambda: tmp_path)
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    return tmp_path


def stamp(folder: Path, digest: str) -> None:
    (folder / STAMP).write_text(json.dumps({"sha256": digest}))


def test_every_module_of_the_hot_path_has_a_source():
    assert all(source_of(name).is_file() for name in HOT_PATH)


def test_where_nothing_was_compiled_python_interprets(folder: Path):
    assert engine() == "interpreted"
    assert not is_stale()


def test_what_was_compiled_of_these_sources_is_used(folder: Path):
    stamp(folder, sources_digest())
    assert engine() == "compiled"
    assert not is_stale()


@pytest.mark.parametrize("text", ['{"sha256": "0"}', "[]", "", "\xff"])
def test_what_was_compiled_of_others_is_not(folder: Path, text: str):
    (folder / STAMP).write_bytes(text.encode("latin-1"))
    assert engine() == "interpreted"
    assert is_stale()


def test_it_can_be_left_aside(folder: Path, monkeypatch: pytest.MonkeyPatch):
    stamp(folder, sources_digest())
    monkeypatch.setenv(ENGINE_VARIABLE, "interpreted")
    assert engine() == "interpreted"


def test_a_source_that_was_changed_since_is_seen(folder: Path, monkeypatch: pytest.MonkeyPatch):
    before = sources_digest()
    changed = folder / "changed.py"
    changed.write_text("# another\n")
    monkeypatch.setattr(engine_module, "source_of", lambda name: changed if name == HOT_PATH[3] else source_of(name))
    assert sources_digest() != before


def test_compiled_modules_are_found_by_their_names(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.setattr(engine_module, "HOT_PATH", ("harness.load.nowhere",))
    monkeypatch.setattr(engine_module, "source_of", lambda _: Path(__file__))
    stamp(folder, sources_digest())
    file = folder / "harness" / "load" / f"nowhere{SUFFIX}"
    file.parent.mkdir(parents=True)
    file.touch()
    use_compiled()
    (finder,) = sys.meta_path
    found = finder.find_spec("harness.load.nowhere", None)
    assert found is not None
    assert found.origin == str(file)
    assert finder.find_spec("harness.load.elsewhere", None) is None


def test_none_is_used_where_one_of_it_is_there_already(folder: Path, monkeypatch: pytest.MonkeyPatch):
    import harness.fhir.call  # noqa: F401

    monkeypatch.setattr(sys, "meta_path", [])
    stamp(folder, sources_digest())
    use_compiled()
    assert sys.meta_path == []


def test_without_a_compiler_it_says_what_is_needed_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / STAMP).write_text("as it was")
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setattr(engine_module.build, "HOT_PATH", ("harness.load.clock",))
    with pytest.raises(HarnessError, match="cannot be compiled") as refusal:
        compile_hot_path(tmp_path)
    assert "C compiler" in refusal.value.hint
    assert (tmp_path / STAMP).read_text() == "as it was"
