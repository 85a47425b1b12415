"""What the leader of a run says to workers of other hosts, and what it takes from them."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import Any

import pytest

from harness.errors import RunError
from harness.fleet import depot as module
from harness.fleet import silence
from harness.fleet.depot import Depot
from harness.fleet.handover import own_versions
from harness.fleet.refusal import Refused
from harness.rundir import RunDir

from .conftest import Clock, facts_of, seat


def own(**versions: str) -> dict[str, object]:
    return {"name": "lake", "versions": {**own_versions(), **versions}}


def offered(path: str, data: bytes) -> dict[str, object]:
    return {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def hand_in(depot: Depot, worker: str, path: str, data: bytes = b"x") -> bool:
    depot.offer(worker, {"files": [offered(path, data)], "load_code": 0})
    return bool(depot.piece(worker, path, 0, data)["handed_in"])


def test_a_worker_is_given_the_plan_and_everything_beside_it(depot: Depot, led: RunDir) -> None:
    told = depot.join("a", own(), "10.0.0.7")
    assert told["name"] == "lake"
    assert told["roster_digest"] == led.read_manifest()["roster_digest"]
    assert {each["path"] for each in told["files"]} == {"manifest.json", "scenario.yaml", "arrivals.json"}
    for each in told["files"]:
        content = depot.plan_file("a", each["path"])
        assert hashlib.sha256(content).hexdigest() == each["sha256"]
        assert content == (led.path / each["path"]).read_bytes()


def test_what_is_handed_over_stays_as_it_was_before_the_load(depot: Depot, led: RunDir) -> None:
    depot.join("a", own(), "10.0.0.7")
    led.update_manifest(state="running")
    assert json.loads(depot.plan_file("a", "manifest.json"))["state"] == "preparing"


@pytest.mark.parametrize("name", ["../led/manifest.json", "streams/x", "", "verdict.json"])
def test_nothing_else_is_handed_over(depot: Depot, name: str) -> None:
    depot.join("a", own(), "10.0.0.7")
    with pytest.raises(Refused):
        depot.plan_file("a", name)


@pytest.mark.parametrize("which", ["emr-load-harness", "samples format", "locust", "python"])
def test_another_version_is_refused_by_name(depot: Depot, which: str) -> None:
    with pytest.raises(Refused, match=f"{which} 0.0.1 where this run has ") as caught:
        depot.join("a", own(**{which: "0.0.1"}), "10.0.0.7")
    assert caught.value.kind == "version"
    assert depot.facts() == {"workers": [], "refused": {"version": 1}}
    assert "lake at 10.0.0.7 is of another version" in depot.notes[0]


def test_a_worker_that_says_nothing_of_its_versions_is_refused(depot: Depot) -> None:
    with pytest.raises(Refused, match="of no version"):
        depot.join("a", {}, "10.0.0.7")


def test_another_roster_is_refused_and_its_seat_is_free_again(depot: Depot) -> None:
    depot.join("a", own(), "10.0.0.7")
    with pytest.raises(Refused, match="another roster"):
        depot.ready("a", {"roster_digest": "0", "clock": {}})
    assert depot.facts()["refused"] == {"digest": 1}
    assert depot.missing == 2
    seat(depot, "b")
    seat(depot, "c")
    assert depot.gathered


def test_more_than_are_expected_are_refused_and_counted(depot: Depot) -> None:
    seat(depot, "a", "lake")
    seat(depot, "b", "hill")
    with pytest.raises(Refused, match="the run has all of its 2 workers"):
        seat(depot, "c", "river")
    assert depot.facts()["refused"] == {"surplus": 1}
    assert depot.gathered


@pytest.mark.parametrize("workers", [1])
def test_a_late_one_is_refused_and_counted(depot: Depot) -> None:
    seat(depot, "a", "lake")
    depot.begin(5557)
    with pytest.raises(Refused, match="after the run had begun"):
        seat(depot, "c", "river")
    assert depot.facts()["refused"] == {"late": 1}


def test_one_that_did_not_hear_its_answer_joins_again_on_the_same_seat(depot: Depot) -> None:
    assert seat(depot, "a") == seat(depot, "a") == "lake"
    assert depot.missing == 1


def test_no_two_have_the_same_name_and_none_has_one_that_leads_elsewhere(depot: Depot) -> None:
    assert seat(depot, "a", "../lake 1") == "lake-1"
    assert seat(depot, "b", "lake-1") == "lake-1-2"


def test_whoever_has_no_seat_is_not_heard(depot: Depot) -> None:
    for ask in (
        lambda: depot.sync("a", {}),
        lambda: depot.offer("a", {}),
        lambda: depot.piece("a", "streams/duty-w0.arrows", 0, b""),
        lambda: depot.leave("a", ""),
        lambda: depot.ready("a", {}),
        lambda: depot.plan_file("a", "manifest.json"),
    ):
        with pytest.raises(Refused, match="no seat"):
            ask()


def test_a_dead_worker_does_not_keep_its_seat_from_another(depot: Depot, clock: Clock) -> None:
    seat(depot, "a", "lake")
    clock.now_s += silence.WAITING_S + 1
    seat(depot, "b", "hill")
    seat(depot, "c", "river")
    assert depot.gathered
    assert [note for note in depot.notes if "no sign for 16 s" in note]
    with pytest.raises(Refused):
        depot.sync("a", {})


def test_one_that_compiles_a_large_plan_is_given_time(depot: Depot, clock: Clock) -> None:
    depot.join("a", own(), "10.0.0.7")
    clock.now_s += silence.PREPARING_S - 1
    assert not depot.gathered
    assert depot.facts()["workers"]
    clock.now_s += 2
    assert not depot.gathered
    assert not depot.facts()["workers"]


@pytest.mark.parametrize("workers", [1])
def test_the_state_of_the_run_is_told_with_each_sign_of_life(depot: Depot) -> None:
    seat(depot, "a")
    assert depot.sync("a", {})["state"] == "waiting"
    depot.begin(5557)
    told = depot.sync("a", {})
    assert (told["state"], told["locust_port"]) == ("begun", 5557)
    depot.end()
    assert depot.sync("a", {})["state"] == "over"


@pytest.mark.parametrize("workers", [1])
def test_progress_is_where_the_console_looks(depot: Depot, led: RunDir) -> None:
    seat(depot, "a")
    depot.begin(5557)
    name = "streams/progress-w1.jsonl"
    told = depot.sync("a", {"progress": {name: {"offset": 0, "text": "{}\n"}}})
    assert told["progress"] == {name: 3}
    assert (led.path / name).read_text() == "{}\n"
    assert facts_of(depot)["indexes"] == [1]


@pytest.mark.parametrize("workers", [1])
def test_each_reading_of_a_clock_is_a_line(depot: Depot, led: RunDir, clock: Clock) -> None:
    seat(depot, "a")
    depot.begin(5557)
    clock.now_s += 60
    depot.sync("a", {"clocks": [{"at_epoch_s": 1e9 + 60, "offset_s": -0.01, "uncertainty_s": 0.002}]})
    clock.now_s += 60
    depot.end()
    lines = [json.loads(line) for line in led.clocks.read_text().splitlines()]
    assert [(line["worker"], line["offset_s"]) for line in lines] == [("lake", 0.001), ("lake", -0.01)]
    assert facts_of(depot)["clock"] == {
        "worker": "lake",
        "readings": 2,
        "offset_s": -0.01,
        "uncertainty_s": 0.002,
        "longest_gap_s": 60.0,
    }


def test_a_reading_that_is_none_is_refused(depot: Depot) -> None:
    seat(depot, "a")
    with pytest.raises(Refused, match="none"):
        depot.sync("a", {"clocks": [{"at_epoch_s": 1, "offset_s": "nan", "uncertainty_s": 0}]})


def test_a_silence_during_the_load_is_told_and_one_after_it_is_not(depot: Depot, clock: Clock) -> None:
    seat(depot, "a", "lake")
    seat(depot, "b", "hill")
    clock.now_s += 7
    depot.begin(5557)
    for _ in range(3):
        clock.now_s += 1
        depot.sync("a", {})
    depot.sync("b", {})
    clock.now_s += 12
    depot.sync("a", {})
    depot.sync("a", {"load_code": 0})
    depot.end()
    clock.now_s += 40
    depot.offer("a", {"files": [], "load_code": 0})
    assert facts_of(depot, "lake")["silent_s"] == 12.0
    assert facts_of(depot, "hill")["silent_s"] == 12.0  # never heard of again, up to the end of the load


@pytest.mark.parametrize("workers", [1])
def test_a_worker_has_handed_in_once_all_it_offered_is_here(depot: Depot) -> None:
    seat(depot, "a")
    depot.begin(5557)
    files = [offered("streams/duty-w0.arrows", b"abc"), offered("logs/lake.log", b"")]
    told = depot.offer("a", {"files": files, "load_code": 0})
    assert told["have"] == {"streams/duty-w0.arrows": 0, "logs/lake.log": 0}
    assert (told["whole"], told["handed_in"]) == ([], False)
    assert facts_of(depot)["lacking"] == ["streams/duty-w0.arrows", "logs/lake.log"]
    assert not depot.piece("a", "streams/duty-w0.arrows", 0, b"abc")["handed_in"]
    assert depot.piece("a", "logs/lake.log", 0, b"")["handed_in"]
    told = facts_of(depot)
    assert (told["handed_in"], told["files"], told["lacking"], told["load_code"]) == (True, 2, [], 0)


@pytest.mark.parametrize("workers", [1])
def test_one_that_offers_nothing_has_handed_nothing_in(depot: Depot) -> None:
    seat(depot, "a")
    depot.begin(5557)
    assert not depot.offer("a", {"files": [], "load_code": 1})["handed_in"]


def test_files_that_are_another_workers_are_refused(depot: Depot) -> None:
    seat(depot, "a", "lake")
    seat(depot, "b", "hill")
    depot.begin(5557)
    assert hand_in(depot, "a", "streams/duty-w0.arrows")
    with pytest.raises(Refused, match="another worker's"):
        hand_in(depot, "b", "streams/duty-w0.arrows")


def test_files_are_waited_for_as_long_as_they_may_come(depot: Depot, clock: Clock) -> None:
    """A line that is cut for 90 s: its worker's Locust gives up after 60 s, the files come when the line is back."""
    seat(depot, "a", "lake")
    seat(depot, "b", "hill")
    depot.begin(5557)
    clock.now_s += 30
    depot.sync("a", {})
    depot.sync("b", {})
    depot.end()
    assert hand_in(depot, "b", "streams/duty-w1.arrows")
    clock.now_s += 100
    assert depot.awaited() == ["lake (last heard of 100 s ago)"]
    assert hand_in(depot, "a", "streams/duty-w0.arrows")
    assert depot.awaited() == []


@pytest.mark.parametrize("workers", [1])
def test_but_not_for_ever(depot: Depot, clock: Clock) -> None:
    seat(depot, "a", "lake")
    depot.begin(5557)
    depot.end()
    clock.now_s += silence.AWAITED_S + 1
    assert depot.awaited() == []
    while clock.now_s + 10 <= module.FETCHED_WITHIN_S:
        clock.now_s += 10
        depot.sync("a", {})
    assert depot.awaited()
    clock.now_s += 10
    depot.sync("a", {})
    assert depot.awaited() == []


@pytest.mark.parametrize("workers", [1])
def test_one_that_left_is_not_waited_for_as_long_and_says_why(depot: Depot, clock: Clock) -> None:
    seat(depot, "a", "lake")
    depot.begin(5557)
    depot.leave("a", "somebody interrupted it")
    assert depot.gone() == "lake left: somebody interrupted it"
    clock.now_s += silence.WAITING_S + 1
    assert depot.awaited() == []
    assert facts_of(depot)["left"] == "somebody interrupted it"


def test_one_that_leaves_before_the_load_makes_room(depot: Depot) -> None:
    seat(depot, "a", "lake")
    depot.leave("a", "it has too few file handles")
    seat(depot, "b")
    seat(depot, "c")
    assert depot.gathered


@pytest.mark.parametrize("workers", [1])
@pytest.mark.parametrize("after_s", [silence.WAITING_S + 1, 1])
def test_whoever_is_gone_before_the_load_begins_is_named(depot: Depot, clock: Clock, after_s: float) -> None:
    seat(depot, "a", "lake")
    depot.begin(5557)
    assert depot.gone() == ""
    if after_s == 1:
        depot.sync("a", {"load_code": 1})
        assert depot.gone() == "the load process of lake ended with code 1"
    else:
        clock.now_s += after_s
        assert depot.gone() == "lake has given no sign for 16 s"


@pytest.mark.parametrize("workers", [1])
def test_once_the_run_is_judged_no_file_is_taken_any_more(depot: Depot, led: RunDir) -> None:
    """A table is being made from what is there."""
    seat(depot, "a", "lake")
    depot.begin(5557)
    depot.offer("a", {"files": [offered("streams/duty-w0.arrows", b"abc")], "load_code": 0})
    assert depot.close() == []
    for ask in (
        lambda: depot.piece("a", "streams/duty-w0.arrows", 0, b"abc"),
        lambda: depot.offer("a", {"files": [offered("streams/duty-w0.arrows", b"abc")]}),
    ):
        with pytest.raises(Refused, match="judged without them") as caught:
            ask()
        assert caught.value.kind == "closed"
    assert not (led.path / "streams/duty-w0.arrows").exists()


def test_once_it_is_closed_it_writes_nothing_more(depot: Depot, led: RunDir) -> None:
    """What is there then is sealed."""
    seat(depot, "a", "lake")
    depot.join("b", own(), "10.0.0.8")
    live = {"streams/progress-w1.jsonl": {"offset": 0, "text": "{}\n"}}
    reading = {"at_epoch_s": 1e9, "offset_s": 0.5, "uncertainty_s": 0.1}
    depot.close()
    before = {path: path.read_bytes() for path in led.path.rglob("*") if path.is_file()}
    told = depot.sync("a", {"progress": live, "clocks": [reading], "load_code": 7})
    assert (told["state"], told["progress"]) == ("over", {})
    with pytest.raises(Refused, match="judged without them"):
        depot.ready("b", {"roster_digest": led.read_manifest()["roster_digest"], "clock": reading})
    with pytest.raises(Refused, match="after the run had begun"):
        seat(depot, "c")
    assert {path: path.read_bytes() for path in led.path.rglob("*") if path.is_file()} == before
    assert facts_of(depot)["load_code"] is None


def test_it_is_closed_once_pieces_under_way_are_there(
    depot: Depot, led: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat(depot, "a", "lake")
    take, begun, go_on = depot._intake.piece, threading.Event(), threading.Event()

    def slow(*piece: Any) -> tuple[int, bool]:
        begun.set()
        assert go_on.wait(20)
        return take(*piece)

    monkeypatch.setattr(depot._intake, "piece", slow)
    handing = threading.Thread(target=hand_in, args=(depot, "a", "streams/duty-w0.arrows"))
    handing.start()
    assert begun.wait(20)
    closing = threading.Thread(target=depot.close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    go_on.set()
    handing.join(20)
    closing.join(20)
    assert not closing.is_alive()
    assert facts_of(depot)["handed_in"]
    assert (led.path / "streams/duty-w0.arrows").read_bytes() == b"x"


def test_a_piece_of_what_was_not_offered_is_refused_as_that(depot: Depot) -> None:
    seat(depot, "a", "lake")
    with pytest.raises(Refused, match="not offered"):
        depot.piece("a", "streams/duty-w0.arrows", 0, b"x")


def test_the_load_does_not_begin_without_one_that_left_when_all_had_come(depot: Depot) -> None:
    """Locust would wait for it, and nobody could take its seat any more."""
    seat(depot, "a", "lake")
    seat(depot, "b", "hill")
    assert depot.gathered
    depot.leave("b", "somebody interrupted it")
    with pytest.raises(RunError, match="the load did not begin: hill left: somebody interrupted it"):
        depot.begin(5557)
    assert depot.sync("a", {})["state"] == "waiting"
    seat(depot, "c", "river")
    depot.begin(5557)
    assert depot.gone() == ""


def test_nor_without_one_that_fell_silent(depot: Depot, clock: Clock) -> None:
    seat(depot, "a", "lake")
    clock.now_s += silence.WAITING_S + 1
    seat(depot, "b", "hill")
    with pytest.raises(RunError, match="lake has given no sign for 16 s"):
        depot.begin(5557)


def test_a_seat_that_is_empty_once_it_has_begun_is_told(depot: Depot) -> None:
    seat(depot, "a", "lake")
    seat(depot, "b", "hill")
    depot.begin(5557)
    with pytest.raises(Refused, match="another roster"):
        depot.ready("b", {"roster_digest": "0"})
    assert depot.gone() == "hill came to another roster"
