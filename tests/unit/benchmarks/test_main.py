"""What `python -m benchmarks` prints, and leaves, where a benchmark fails and where none does."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.row import Row


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch) -> Path:
    """Where temporary folders are made meanwhile."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def good(folder: Path) -> list[Row]:
    (folder / "much").write_text("figures")
    return [Row("plan", "1.0 s", "< 2 s", held=True)]


def bad(folder: Path) -> list[Row]:
    (folder / "log").write_text("why")
    raise RuntimeError(f"the tool ended with 1: {folder}")


def ask(monkeypatch, *names: str, **parts: object) -> int:
    monkeypatch.setattr("sys.argv", ["benchmarks", *names])
    monkeypatch.setattr(benchmarks, "BENCHMARKS", parts)
    return benchmarks.main()


def test_nothing_is_left_of_what_held(scratch, monkeypatch, capsys):
    assert ask(monkeypatch, "plan", "help", "plan", plan=good, help=good) == 0
    assert list(scratch.iterdir()) == []
    assert capsys.readouterr().out.count("holds") == 2


def test_what_a_failed_one_wrote_is_kept_and_its_folder_named_and_the_others_are_measured(scratch, monkeypatch, capsys):
    assert ask(monkeypatch, "help", "plan", help=bad, plan=good) == 1
    (folder,) = scratch.iterdir()
    assert [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))] == ["help", "help/log"]
    told = capsys.readouterr().out
    assert f"what the failed ones left is in {folder}" in told
    assert "holds" in told
    assert "MISSED" in told


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError])
def test_nothing_is_left_where_it_is_interrupted_or_faulty(scratch, monkeypatch, end):
    def ended(folder: Path) -> list[Row]:
        (folder / "half").write_text("figures")
        raise end

    with pytest.raises(end):
        ask(monkeypatch, "plan", "help", plan=good, help=ended)
    assert list(scratch.iterdir()) == []


def test_an_unknown_name_is_told_with_the_known_ones(scratch, monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        ask(monkeypatch, "plans", plan=good)
    assert ended.value.code == 2
    assert "no benchmark is called plans; known: plan, requests" in capsys.readouterr().err
    assert list(scratch.iterdir()) == []
