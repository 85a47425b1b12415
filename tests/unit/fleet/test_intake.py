"""Files that come in pieces: broken off anywhere they go on where they did, and nothing half is ever in place."""

from __future__ import annotations

import hashlib
import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fleet.intake import Intake, Offered, RefusedFile
from harness.rundir import RunDir

NAME = "streams/samples-w3.arrows"


def offered(data: bytes, path: str = NAME) -> Offered:
    return Offered(path, len(data), hashlib.sha256(data).hexdigest())


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return folder(tmp_path / "run")


def folder(path: Path) -> RunDir:
    run_dir = RunDir(path)
    run_dir.streams.mkdir(parents=True, exist_ok=True)
    run_dir.logs.mkdir(exist_ok=True)
    return run_dir


def test_a_file_is_in_place_only_once_it_is_whole(run_dir):
    intake, place = Intake(run_dir), run_dir.path / NAME
    assert intake.offer("lake", [offered(b"abcdef")]) == {NAME: 0}
    assert intake.piece("lake", NAME, 0, b"abc") == (3, False)
    assert not place.exists()
    assert [one.path for one in intake.lacking("lake")] == [NAME]
    assert intake.piece("lake", NAME, 3, b"def") == (6, True)
    assert place.read_bytes() == b"abcdef"
    assert [one.path for one in intake.whole("lake")] == [NAME]
    assert intake.piece("lake", NAME, 3, b"xyz") == (6, True)  # told again, since the answer may have been lost
    assert place.read_bytes() == b"abcdef"
    assert intake.close() == []
    assert sorted(path.name for path in run_dir.path.iterdir()) == ["logs", "streams"]


@given(data=st.binary(max_size=200), cuts=st.lists(st.tuples(st.integers(0, 250), st.integers(0, 80)), max_size=30))
def test_whatever_comes_in_whatever_order_only_the_file_itself_gets_in_place(tmp_path_factory, data, cuts):
    run_dir = folder(tmp_path_factory.mktemp("run"))
    intake = Intake(run_dir)
    have, whole = intake.offer("lake", [offered(data)])[NAME], False
    for offset, size in cuts:
        have, whole = intake.piece("lake", NAME, offset, data[offset : offset + size])
    while not whole:
        have, whole = intake.piece("lake", NAME, have, data[have : have + 64])
    assert (run_dir.path / NAME).read_bytes() == data


def test_a_new_intake_of_the_same_folder_goes_on_where_the_last_broke_off(run_dir):
    first = Intake(run_dir)
    first.offer("lake", [offered(b"abcdef")])
    first.piece("lake", NAME, 0, b"abcd")
    second = Intake(run_dir)
    assert second.offer("lake", [offered(b"abcdef")]) == {NAME: 4}
    assert second.piece("lake", NAME, 4, b"ef") == (6, True)


def test_a_file_with_another_digest_is_begun_anew(run_dir):
    intake = Intake(run_dir)
    intake.offer("lake", [offered(b"abcdef")])
    assert intake.piece("lake", NAME, 0, b"abcdeX") == (0, False)
    assert not (run_dir.path / NAME).exists()
    assert intake.piece("lake", NAME, 0, b"abcdef") == (6, True)


def test_an_empty_file_is_whole_with_an_empty_piece(run_dir):
    intake = Intake(run_dir)
    intake.offer("lake", [offered(b"")])
    assert intake.piece("lake", NAME, 0, b"") == (0, True)
    assert (run_dir.path / NAME).read_bytes() == b""


def test_more_than_was_offered_is_not_taken(run_dir):
    intake = Intake(run_dir)
    intake.offer("lake", [offered(b"abc")])
    assert intake.piece("lake", NAME, 0, b"abcdef") == (0, False)


@pytest.mark.parametrize(
    "path",
    [
        "../manifest.json",
        "manifest.json",
        "streams/../manifest.json",
        "streams/conductor.json",
        "streams/samples-w3.arrows/x",
        "/etc/passwd",
        "streams/samples-w3.exe",
        "logs/hill.log",
        "logs/../lake.log",
        "",
    ],
)
def test_no_name_leads_elsewhere(run_dir, path):
    with pytest.raises(RefusedFile):
        Intake(run_dir).offer("lake", [offered(b"x", path)])


def test_a_worker_has_a_log_of_its_own_name(run_dir):
    intake = Intake(run_dir)
    intake.offer("lake", [offered(b"x", "logs/lake.log")])
    assert intake.piece("lake", "logs/lake.log", 0, b"x") == (1, True)


def test_two_workers_do_not_write_the_same_streams(run_dir):
    intake = Intake(run_dir)
    intake.offer("lake", [offered(b"x")])
    with pytest.raises(RefusedFile, match="another worker's: lake's"):
        intake.offer("hill", [offered(b"y", "streams/duty-w3.arrows")])
    intake.offer("hill", [offered(b"y", "streams/duty-w4.arrows")])


def test_what_was_not_offered_is_not_taken(run_dir):
    with pytest.raises(RefusedFile, match="not offered"):
        Intake(run_dir).piece("lake", NAME, 0, b"x")


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        {"path": NAME, "size": "many", "sha256": ""},
        {"path": NAME, "size": -1, "sha256": "0" * 64},
        {"path": NAME, "size": 1, "sha256": "0" * 63},
    ],
)
def test_what_describes_no_file_is_refused(told):
    with pytest.raises(RefusedFile):
        Offered.from_json(told)


def test_progress_can_be_watched_and_gives_way_to_the_whole_file(run_dir):
    intake, live = Intake(run_dir), "streams/progress-w3.jsonl"
    place = run_dir.path / live
    assert intake.add_live("lake", live, 0, b"{1}\n") == 4
    assert intake.add_live("lake", live, 0, b"{1}\n") == 4  # said again after an answer that was lost
    assert intake.add_live("lake", live, 4, b"{2}\n") == 8
    assert place.read_bytes() == b"{1}\n{2}\n"
    with pytest.raises(RefusedFile):
        intake.add_live("lake", NAME, 0, b"x")
    with pytest.raises(RefusedFile):
        intake.add_live("hill", live, 8, b"x")
    whole = b"{1}\n{2}\n{3}\n"
    intake.offer("lake", [offered(whole, live)])
    assert intake.piece("lake", live, 0, whole) == (12, True)
    assert place.read_bytes() == whole


@pytest.mark.parametrize("begun", [False, True])
def test_a_folder_that_was_taken_away_is_not_made_again(run_dir, begun):
    intake = Intake(run_dir)
    intake.offer("lake", [offered(b"abc")])
    if begun:
        intake.piece("lake", NAME, 0, b"a")
    shutil.rmtree(run_dir.path)
    for data in (b"abc", b"a"):
        with pytest.raises(FileNotFoundError):
            intake.piece("lake", NAME, 0, data)
    assert intake.close() == []
    assert not run_dir.path.exists()


def test_parts_that_are_left_are_named(run_dir):
    intake = Intake(run_dir)
    intake.offer("lake", [offered(b"abc")])
    intake.piece("lake", NAME, 0, b"ab")
    assert intake.close() == ["incoming/lake/streams_samples-w3.arrows.part"]


def test_the_same_piece_from_two_threads_is_there_once(run_dir):
    intake, data = Intake(run_dir), bytes(range(256)) * 40
    intake.offer("lake", [offered(data)])
    start = threading.Barrier(4)

    def send() -> None:
        start.wait()
        have, whole = 0, False
        while not whole:
            have, whole = intake.piece("lake", NAME, have, data[have : have + 999])

    threads = [threading.Thread(target=send) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (run_dir.path / NAME).read_bytes() == data
