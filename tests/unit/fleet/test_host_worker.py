"""The life of a worker of another host, from joining to handing in; small programs stand in the place of Locust."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cli import signals
from harness.cli.program import run_program
from harness.cli.signals import handled_by
from harness.errors import InputError, RunError
from harness.fleet import Depot, DepotServer, HostWorker, SeatLost, Secret, handing_in, join, joining
from harness.fleet import host_worker as module
from harness.fleet.handover import Handover
from harness.rundir import RunDir

from .conftest import SECRET, connect, facts_of, seat

LOAD = """
import pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
def leave(*_): (folder / "streams" / "duty-w{index}.arrows").write_text("cut"); sys.exit(3)
signal.signal(signal.SIGINT, leave)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {{signal.SIGINT}})
(folder / "streams" / "samples-w{index}.arrows").write_text("all that was measured")
(folder / "streams" / "progress-w{index}.jsonl").write_text("{{}}\\n{{")
print("hello", flush=True)
time.sleep({seconds})
sys.exit({code})
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SYNC_EVERY_S", 0.02)
    monkeypatch.setattr(handing_in, "PAUSE_S", 0.01)
    monkeypatch.setattr(joining, "PAUSE_S", 0.01)
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What stands in the place of Locust; each worker launches the next."""

    def set_loads(*programs: str) -> None:
        waiting = list(programs)

        def command(run_dir: RunDir, *arguments: str) -> list[str]:
            assert arguments[:3] == ("--worker", "--master-host", "127.0.0.1")
            return [sys.executable, "-c", waiting.pop(0), str(run_dir.path.resolve())]

        monkeypatch.setattr(module, "locust_command", command)

    return set_loads


def load(index: int = 0, seconds: float = 0.2, code: int = 0) -> str:
    return LOAD.format(index=index, seconds=seconds, code=code)


class Life:
    """One worker in a thread of its own."""

    def __init__(self, server: DepotServer, name: str, *, keep: bool = False) -> None:
        self.said: list[str] = []
        channel = connect(server.port, worker=name)
        self.joined = join(channel, name, None, 5.0, self.said.append)
        self.worker = HostWorker(channel, self.joined, self.said.append, keep=keep)
        self.code: int | None = None
        self.lost = ""
        self._thread = threading.Thread(target=self._live)
        self._thread.start()

    def _live(self) -> None:
        try:
            self.code = self.worker.work(5.0)
        except SeatLost as lost:
            self.lost = str(lost) or "lost"

    def end(self) -> Life:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self


def until(condition: Callable[[], object]) -> None:
    give_up_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_s
        time.sleep(0.01)


def test_two_workers_join_work_and_leave_nothing_behind(serve, loads, led) -> None:
    depot, server = serve()
    loads(load(0), load(1))
    lives = [Life(server, "lake"), Life(server, "hill")]
    assert depot.gathered
    folders = sorted(path.name for path in Path("reports").iterdir())
    assert folders == ["led-worker-hill", "led-worker-lake"]
    assert Path("reports/led-worker-lake/scenario.yaml").read_bytes() == led.scenario.read_bytes()
    depot.begin(5557)
    assert [life.end().code for life in lives] == [0, 0]
    for life in lives:
        told = facts_of(depot, life.joined.name)
        assert (told["handed_in"], told["load_code"], told["silent_s"] < 5) == (True, 0, True)
        assert told["clock"]["readings"] == 2
    assert {path.name for path in led.streams.iterdir()} == {
        f"{kind}-w{index}.{end}" for kind, end in (("samples", "arrows"), ("progress", "jsonl")) for index in (0, 1)
    }
    assert (led.logs / "lake.log").read_text() == "hello\n"
    assert list(Path("reports").glob("*")) == []  # the folder itself goes with whoever made it, if it is the last


def test_progress_comes_while_the_load_is_on_whole_lines_only(serve, loads, led) -> None:
    depot, server = serve(workers=1)
    loads(load(seconds=60))
    life = Life(server, "lake")
    depot.begin(5557)
    live = led.streams / "progress-w0.jsonl"
    until(lambda: live.exists() and live.read_text())
    assert live.read_text() == "{}\n"
    life.worker.interrupted = 1
    life.end()


def test_the_folder_is_kept_where_that_is_asked_for(serve, loads) -> None:
    depot, server = serve(workers=1)
    loads(load())
    life = Life(server, "lake", keep=True)
    depot.begin(5557)
    assert life.end().code == 0
    assert Path("reports/led-worker-lake/streams/samples-w0.arrows").is_file()
    assert any(line.startswith("kept") for line in life.said)


def test_a_load_process_that_dies_is_told_and_its_files_come(serve, loads, led) -> None:
    depot, server = serve(workers=1)
    loads(load(code=7))
    life = Life(server, "lake")
    depot.begin(5557)
    assert life.end().code == 3
    assert facts_of(depot)["load_code"] == 7
    assert (led.streams / "samples-w0.arrows").is_file()


def test_an_interrupt_finishes_the_step_hands_in_and_is_told(serve, loads, led) -> None:
    depot, server = serve(workers=1)
    loads(load(seconds=60))
    life = Life(server, "lake")
    depot.begin(5557)
    until((led.streams / "progress-w0.jsonl").exists)
    life.worker.interrupted = 1
    assert life.end().code == 3
    assert "Ctrl-C" in facts_of(depot)["left"]
    assert facts_of(depot)["handed_in"]
    assert (led.streams / "duty-w0.arrows").read_text() == "cut"


def test_an_interrupt_while_it_waits_gives_the_seat_back(serve) -> None:
    depot, server = serve(workers=1)
    life = Life(server, "lake")
    life.worker.interrupted = 1
    assert life.end().code == 3
    assert depot.missing == 1
    assert not Path("reports").exists()


def test_a_load_that_outlives_its_run_is_ended(serve, loads, monkeypatch) -> None:
    monkeypatch.setattr(module, "LEAVE_WITHIN_S", 0.1)
    depot, server = serve(workers=1)
    loads(load(seconds=60))
    life = Life(server, "lake")
    depot.begin(5557)
    until(lambda: life.said and life.said[-1].startswith("working"))
    time.sleep(0.3)
    depot.end()
    assert life.end().code == 3
    assert facts_of(depot)["handed_in"]


def test_files_that_nobody_takes_stay_and_the_way_out_is_told(serve, loads, monkeypatch) -> None:
    monkeypatch.setattr(module, "hand_in", lambda *a, **k: handing_in.HandedIn(2, 10, "no answer for 10 min"))
    depot, server = serve(workers=1)
    loads(load())
    life = Life(server, "lake")
    depot.begin(5557)
    assert life.end().code == 3
    told = "\n".join(life.said)
    assert "they stay in reports/led-worker-lake" in told
    assert "emrload report reports/led --rejudge --out NEW" in told
    assert Path("reports/led-worker-lake/streams/samples-w0.arrows").is_file()


def test_a_leader_that_began_anew_is_joined_anew(serve) -> None:
    depot, server = serve(workers=1)
    life = Life(server, "lake")
    depot.leave("lake", "it is not known any more")
    assert "no seat" in life.end().lost


# ---- joining


def refused(server: DepotServer, secret: Secret | None = None, name: str = "lake") -> str:
    channel = connect(server.port, secret, name) if secret else connect(server.port, worker=name)
    with pytest.raises(InputError) as caught:
        join(channel, name, None, 0.2, [].append)
    assert not Path("reports").exists()
    return str(caught.value)


def test_another_secret_is_said_with_the_way_out(serve) -> None:
    _, server = serve()
    told = refused(server, Secret(b"what another run knows"))
    assert told.startswith(f"--secret-file: our secret is not that of the run at 127.0.0.1:{server.port}")
    assert "EMRLOAD_FLEET_SECRET" in told


def test_another_version_is_said_by_name(serve, monkeypatch) -> None:
    depot, server = serve()
    versions = {**joining.own_versions(), "locust": "1.0"}
    monkeypatch.setattr(joining, "own_versions", lambda: versions)
    assert "locust 1.0 where this run has" in refused(server)
    assert depot.facts()["refused"] == {"version": 1}


def test_another_roster_is_refused(serve, monkeypatch) -> None:
    depot, server = serve()
    monkeypatch.setattr(joining, "_roster_digest", lambda run_dir: "0")
    assert "another roster from the same plan" in refused(server)
    assert depot.facts()["refused"] == {"digest": 1}


def test_a_run_that_is_full_or_has_begun_is_said(serve) -> None:
    depot, server = serve(workers=1)
    seat(depot, "a", "hill")
    assert "came too many" in refused(server)
    depot.begin(5557)
    assert "after the run had begun" in refused(server)


def test_a_clock_that_is_minutes_off_is_said_as_one(serve, monkeypatch) -> None:
    _, server = serve()
    true_s = time.time
    from harness.fleet import signature

    monkeypatch.setattr(signature.time, "time", lambda: true_s() - 1000)
    server._server.gate._now_s = true_s
    assert "more than 5 min from that of" in refused(server)


def test_nobody_there_is_said_once_and_tried_for_a_while() -> None:
    said: list[str] = []
    with pytest.raises(InputError, match=r"nobody answers at 127\.0\.0\.1:1") as caught:
        join(connect(1), "lake", None, 0.2, said.append)
    assert "--expect-workers" in str(caught.value)
    assert len(said) == 1


def test_a_leader_that_comes_later_is_found(serve) -> None:
    _, server = serve()
    channel, port = connect(1), server.port
    threading.Timer(0.15, lambda: setattr(channel, "port", port)).start()
    assert join(channel, "lake", None, 20.0, [].append).name == "lake"


def test_a_file_that_is_not_what_was_told_is_not_used(serve, monkeypatch) -> None:
    depot, server = serve()
    monkeypatch.setattr(depot, "plan_file", lambda worker, path: b"another plan")
    with pytest.raises(RunError, match="did not come as it was told"):
        join(connect(server.port), "lake", None, 1.0, [].append)
    assert not Path("reports").exists()
    assert depot.missing == 2
    assert not depot.facts()["workers"]


def test_one_that_cannot_make_its_folder_gives_its_seat_back(serve) -> None:
    depot, server = serve(workers=1)
    Path("full").mkdir()
    Path("full/x").write_text("x")
    with pytest.raises(InputError, match="not empty"):
        join(connect(server.port), "lake", Path("full"), 1.0, [].append)
    assert not depot.facts()["workers"]
    assert [note for note in depot.notes if "left     lake" in note and "not empty" in note]
    assert join(connect(server.port, worker="b"), "hill", None, 0.0, [].append).name == "hill"


def test_one_that_comes_when_all_seats_are_taken_waits_for_one(serve) -> None:
    depot, server = serve(workers=1)
    seat(depot, "a", "hill")
    threading.Timer(0.15, lambda: depot.leave("a", "it is gone")).start()
    said: list[str] = []
    assert join(connect(server.port, worker="b"), "lake", None, 20.0, said.append).name == "lake"
    (told,) = said
    assert told.startswith(f"waiting  the run at 127.0.0.1:{server.port} has no seat for us yet (lake at 127.0.0.1 ")
    assert depot.facts()["refused"] == {}
    assert len([note for note in depot.notes if note.startswith("refused")]) == 1


def test_until_the_run_has_begun(serve) -> None:
    depot, server = serve(workers=1)
    seat(depot, "a", "hill")
    threading.Timer(0.15, lambda: depot.begin(5557)).start()
    with pytest.raises(InputError, match="after the run had begun"):
        join(connect(server.port, worker="b"), "lake", None, 20.0, [].append)
    assert depot.facts()["refused"] == {"late": 1}


@pytest.mark.parametrize("path", ["../x", "streams/x", "/etc/x", ".hidden", ""])
def test_a_name_that_leads_out_of_the_folder_is_not_written(serve, monkeypatch, path) -> None:
    depot, server = serve()
    honest = depot._handover
    lying = Handover(honest.run_id, honest.folder, honest.roster_digest, 2, 10, {path: b"x"})
    monkeypatch.setattr(depot, "_handover", lying)
    with pytest.raises(ValueError, match="not the name of a file of a run"):
        join(connect(server.port), "lake", None, 1.0, [].append)
    assert not Path("reports").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_that_is_ended_while_it_joins_gives_its_seat_back_and_leaves_nothing(serve, monkeypatch, number) -> None:
    depot, server = serve(workers=1)
    monkeypatch.setattr(signals, "leave_the_terminal", lambda: None)
    monkeypatch.setenv("EMRLOAD_FLEET_SECRET", SECRET.value.decode())
    monkeypatch.setattr(joining, "_roster_digest", lambda run_dir: os.kill(os.getpid(), number))
    with handled_by(lambda *_: pytest.fail("nobody heeds it"), signal.SIGTERM, signal.SIGHUP):
        assert run_program(["worker", "--master", f"127.0.0.1:{server.port}"]) == 3
    assert not Path("reports").exists()
    assert not depot.facts()["workers"]


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before + 4  # those of the server, which goes after this


def test_a_plan_that_needs_more_handles_than_there_are_is_said_and_the_seat_is_free(serve, monkeypatch) -> None:
    depot, server = serve()
    monkeypatch.setattr(depot, "_handover", Handover(*_of(depot), 10**9, depot._handover.files))
    with pytest.raises(InputError, match="ulimit -n"):
        join(connect(server.port), "lake", None, 1.0, [].append)
    assert not depot.facts()["workers"]


def _of(depot: Depot) -> tuple[str, str, str, int]:
    it = depot._handover
    return it.run_id, it.folder, it.roster_digest, it.workers
