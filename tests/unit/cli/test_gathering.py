"""A run that waits for workers of other hosts, and for what they bring home."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import gathering as module
from harness.cli.channel_options import Address, require_secret, secret_from
from harness.cli.gathering import Gathering
from harness.cli.hosting import Hosting
from harness.errors import InputError
from harness.fleet import Channel, Secret, join
from harness.plan import compile_plan, manifest_facts
from harness.rundir import RunDir, create_run_dir
from harness.scenario import dump_spec, load_scenario, resolve

QUICK = Path(__file__).parents[2] / "scenarios" / "quick-rush.yaml"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    words: list[str] = []
    monkeypatch.setattr(module, "say", words.append)
    return words


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    monkeypatch.chdir(tmp_path)
    spec = resolve(load_scenario(str(QUICK), ()), sites=2, seed=5, duration_s=30.0)
    made = create_run_dir("quick-rush", tmp_path / "led")
    dump_spec(spec, made.scenario)
    made.update_manifest(**manifest_facts(compile_plan(spec)))
    return made


@pytest.fixture
def gathering(run_dir: RunDir, said: list[str]) -> Iterator[Gathering]:
    made = Gathering(Hosting(1, Address("127.0.0.1", 0), Secret()))
    with made.open(run_dir, 10):
        yield made


def port_of(gathering: Gathering) -> int:
    return gathering._here.port


def test_it_says_what_to_start_and_goes_on_once_all_are_there(gathering: Gathering, said: list[str]) -> None:
    channel = Channel("127.0.0.1", port_of(gathering), Secret(), "a")
    threading.Timer(0.1, lambda: join(channel, "lake", None, 20.0, [].append)).start()
    gathering.gather()
    channel.close()
    start = f"workers  waiting for 1 worker, each started by: emrload worker --master 127.0.0.1:{port_of(gathering)}"
    assert said[0] == start
    assert said[1].startswith("joined   lake from 127.0.0.1 (1 of 1), its clock ")
    assert [each["name"] for each in gathering.facts()["workers"]] == ["lake"]


def test_workers_that_do_not_come_end_it(gathering: Gathering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "JOIN_WITHIN_S", 0.1)
    with pytest.raises(InputError, match="1 of 1 worker did not join within 100 ms") as caught:
        gathering.gather()
    assert "emrload worker --master 127.0.0.1" in str(caught.value)


def test_files_are_waited_for_until_somebody_is_tired_of_it(
    gathering: Gathering, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOLD_AFTER_S", 0.05)
    channel = Channel("127.0.0.1", port_of(gathering), Secret(), "a")
    join(channel, "lake", None, 5.0, [].append)
    channel.close()
    gathering.gather()
    gathering.depot.begin(1)
    tired_at_s = time.monotonic() + 0.5
    gathering.fetch(lambda: time.monotonic() > tired_at_s)
    assert time.monotonic() >= tired_at_s
    (waiting,) = [line for line in said if "waiting for those of lake (last heard of" in line]
    assert "Ctrl-C judges without them" in waiting
    assert gathering.facts()["workers"][0]["handed_in"] is False


def test_files_that_have_no_place_any_more_are_not_waited_for(gathering: Gathering, run_dir: RunDir) -> None:
    channel = Channel("127.0.0.1", port_of(gathering), Secret(), "a")
    join(channel, "lake", None, 5.0, [].append)
    channel.close()
    gathering.depot.begin(1)
    shutil.rmtree(run_dir.path)
    began_s = time.monotonic()
    gathering.fetch(lambda: time.monotonic() - began_s > 10)
    assert time.monotonic() - began_s < 5


def test_where_nobody_took_part_nothing_is_waited_for(gathering: Gathering) -> None:
    gathering.fetch(lambda: False)


def test_the_port_of_locust_is_the_next_one_or_one_that_is_free(run_dir: RunDir, said: list[str]) -> None:
    free = module.free_port("127.0.0.1")
    for port in (free, 0):
        made = Gathering(Hosting(1, Address("127.0.0.1", port), Secret())).open(run_dir, 10)
        fleet = made.fleet("http://127.0.0.1/fhir")
        assert (fleet._port == free + 1) if port else (fleet._port not in (0, 1))
        made._server._server.server_close()


# ---- the secret


def test_a_secret_comes_from_a_file_or_else_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMRLOAD_FLEET_SECRET", raising=False)
    assert secret_from(None) == Secret()
    monkeypatch.setenv("EMRLOAD_FLEET_SECRET", " of the environment, long enough\n")
    assert secret_from(None) == Secret(b"of the environment, long enough")
    file = tmp_path / "secret"
    file.write_bytes(b"of the file, and long enough\n")
    assert secret_from(file) == Secret(b"of the file, and long enough")


def test_a_short_one_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMRLOAD_FLEET_SECRET", "hunter2")
    with pytest.raises(InputError, match="7 characters") as caught:
        secret_from(None)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["10.0.0.1", "0.0.0.0", "leader", "169.254.0.1"])
def test_whoever_can_be_reached_needs_one(host: str) -> None:
    require_secret(Secret(b"long enough to be one"), Address(host, 1), "--bind")
    with pytest.raises(InputError, match="needs a secret"):
        require_secret(Secret(), Address(host, 1), "--bind")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost"])
def test_on_loopback_nobody_else_can_listen(host: str) -> None:
    require_secret(Secret(), Address(host, 1), "--bind")


def test_a_secret_is_the_same_either_way_whatever_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = b"\xff\xfe of bytes \x80 that are no text, \xc3\xbc\n"
    monkeypatch.setitem(os.environb, b"EMRLOAD_FLEET_SECRET", value)
    file = tmp_path / "secret"
    file.write_bytes(value)
    assert secret_from(None) == secret_from(file) == Secret(value.strip())
