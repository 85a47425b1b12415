"""What a worker measured comes whole to its leader, wherever the line between them breaks."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.fleet import Depot, DepotServer
from harness.fleet import handing_in as module
from harness.fleet.handing_in import HandedIn, hand_in
from harness.rundir import RunDir

from .conftest import connect, facts_of, line_that_is_cut, seat

CONTENT = {
    "streams/samples-w0.arrows": bytes(range(256)) * 3,
    "streams/names-w0.jsonl": b'"Patient.read"\n',
    "streams/failures-w0.jsonl": b"",
    "logs/lake.log": b"nothing to tell\n",
}
HEAD = 390
"""A request's head has about so many bytes, an answer's about 160."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0.001)
    monkeypatch.setattr(module, "PIECE_BYTES", 100)


@pytest.fixture
def left(tmp_path: Path) -> RunDir:
    """A worker's folder after its load."""
    run_dir = RunDir(tmp_path / "worker")
    for name, content in CONTENT.items():
        path = run_dir.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return run_dir


@pytest.fixture
def started(serve: Callable[..., tuple[Depot, DepotServer]]) -> tuple[Depot, DepotServer]:
    depot, server = serve(workers=1)
    assert seat(depot) == "lake"
    depot.begin(5557)
    return depot, server


def whole(led: RunDir) -> bool:
    return all((led.path / name).read_bytes() == content for name, content in CONTENT.items())


def nothing(_: str) -> None:
    pass


def test_every_file_is_with_the_leader_and_told(started, left, led) -> None:
    depot, server = started
    done = hand_in(connect(server.port), left, 0, nothing)
    assert done == HandedIn(4, sum(map(len, CONTENT.values())))
    assert whole(led)
    told = facts_of(depot)
    assert (told["handed_in"], told["files"], told["indexes"], told["load_code"]) == (True, 4, [0], 0)
    assert depot.close() == []


THERE = [0, 1, 40, HEAD - 1, HEAD, HEAD + 1, HEAD + 50, 2 * HEAD + 700, 2 * HEAD + 701, 3 * HEAD + 900]
"""Before anything, within the request line, around the end of the head, within the offer, within pieces."""
BACK = [0, 1, 12, 150, 170, 200, 400, 620]
"""Before the answer, within its status line, its head, its body; of the offer, and of pieces."""


@pytest.mark.parametrize("cut", [*((at, None) for at in THERE), *((None, at) for at in BACK)], ids=str)
def test_after_a_cut_anywhere_it_goes_on_where_it_was(started, left, led, cut) -> None:
    depot, server = started
    said: list[str] = []
    with line_that_is_cut(server.port, [cut]) as port:
        done = hand_in(connect(port), left, 0, said.append)
    assert done.lacking == ""
    assert whole(led)
    assert facts_of(depot)["handed_in"]
    assert depot.close() == []


def test_what_is_on_disk_is_not_asked_for_again(started, left, led, monkeypatch) -> None:
    """The line breaks again and again, on the way there and on the way back; each piece is taken once all the same."""
    depot, server = started
    taken: list[tuple[str, int]] = []
    take = depot.piece
    monkeypatch.setattr(depot, "piece", lambda *piece: taken.append((piece[1], piece[2])) or take(*piece))
    cuts = [*[(HEAD + 1450, None)] * 3, *[(None, 400)] * 12]
    channel = connect(server.port)
    channel.tell("sync", {})  # it knows its leader
    channel.close()
    with line_that_is_cut(server.port, cuts) as channel.port:
        done = hand_in(channel, left, 0, nothing)
    assert done.lacking == ""
    assert whole(led)
    assert len(cuts) < 12, "the line was hardly ever cut"
    assert sorted(taken) == sorted(set(taken))
    assert [at for path, at in taken if path == "streams/samples-w0.arrows"] == list(range(0, 768, 100))


def test_without_an_answer_it_gives_up_and_says_so(left) -> None:
    said: list[str] = []
    channel = connect(1)
    done = hand_in(channel, left, 0, said.append, give_up_s=0.05)
    assert done.lacking.startswith("no answer for 50 ms: ")
    assert len(said) == 1
    assert "trying again" in said[0]
    assert sorted(path.name for path in left.streams.iterdir())  # all of it is still here


def test_a_leader_that_answers_and_takes_nothing_is_not_tried_for_ever(started, left, led) -> None:
    """Its folder was taken away: what it says of itself is no reason to go on."""
    _, server = started
    shutil.rmtree(led.path)
    said: list[str] = []
    began_s = time.monotonic()
    done = hand_in(connect(server.port), left, 0, said.append, give_up_s=0.3)
    assert time.monotonic() - began_s < 5
    assert "the leader cannot write" in done.lacking
    assert len(said) == 1
    assert not led.path.exists()


def test_as_long_as_pieces_are_taken_it_goes_on(started, left, led, monkeypatch) -> None:
    """Each second one is lost on the way, for longer than nothing may be taken."""
    depot, server = started
    take, lost = depot.piece, [0]

    def lossy(*piece: Any) -> dict[str, Any]:
        lost[0] += 1
        time.sleep(0.06)
        if lost[0] % 2:
            raise OSError(28, "No space left on device")
        return take(*piece)

    monkeypatch.setattr(depot, "piece", lossy)
    done = hand_in(connect(server.port), left, 0, nothing, give_up_s=0.8)
    assert lost[0] * 0.06 > 0.8
    assert done.lacking == ""
    assert whole(led)


def test_whoever_is_tired_of_waiting_may_stop_it(left) -> None:
    done = hand_in(connect(1), left, 0, nothing, stop=lambda: True)
    assert done.lacking.startswith("no answer")


def test_over_a_good_line_it_stops_at_once_too(started, left, led, monkeypatch) -> None:
    depot, server = started
    taken: list[tuple[str, int]] = []
    take = depot.piece
    monkeypatch.setattr(depot, "piece", lambda *piece: taken.append((piece[1], piece[2])) or take(*piece))
    done = hand_in(connect(server.port), left, 0, nothing, stop=lambda: len(taken) == 3)
    assert done.lacking == "no answer is waited for any more, since somebody stopped it"
    assert len(taken) == 3
    assert not whole_if_there(led)


def test_nor_are_digests_of_all_files_made_first(left, monkeypatch) -> None:
    made: list[Path] = []
    monkeypatch.setattr(module, "sha256_of", lambda path: made.append(path) or "0" * 64)
    done = hand_in(connect(1), left, 0, nothing, stop=lambda: len(made) == 2)
    assert done.lacking.endswith("somebody stopped it")
    assert len(made) == 2


def whole_if_there(led: RunDir) -> bool:
    return all((led.path / name).exists() for name in CONTENT) and whole(led)


def test_files_that_the_leader_does_not_take_are_told(started, left) -> None:
    _, server = started
    (left.logs / "other.log").write_text("x")
    done = hand_in(connect(server.port), left, 0, nothing)
    assert "not the name of a file that a worker leaves" in done.lacking


def test_a_file_that_never_comes_as_it_was_described_is_told(started, left, monkeypatch) -> None:
    depot, server = started
    monkeypatch.setattr(module, "sha256_of", lambda path: "0" * 64)
    done = hand_in(connect(server.port), left, 0, nothing)
    assert done.lacking == "logs/lake.log came 3 times with another digest"
    assert not facts_of(depot)["handed_in"]
