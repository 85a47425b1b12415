"""A load that is watched, and what becomes of it where its folder does not stay."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import performance as module
from harness.cli.outlook import Outlook
from harness.errors import RunError
from harness.rundir import RunDir, create_run_dir

OUTLOOK = Outlook("quick-rush", "http://127.0.0.1:9/fhir", True, 30.0, 2.5, [30.0], [""], [0.0], [3])


class Fleet:
    """Over as soon as it is looked at."""

    running = False
    ended_by = ""
    silent_s = 0.0
    stopped = False

    def __init__(self, run_dir: RunDir, how: str = "") -> None:
        self._run_dir, self._how = run_dir, how

    def start(self) -> None:
        pass

    def stop_at_once(self) -> None:
        self.stopped = True

    def join(self) -> int:
        if self._how:
            raise RunError(self._how)
        return 0


class Hosts:
    """In the place of a gathering: the folder is taken away while files are waited for."""

    on_loopback = True

    def __init__(self, run_dir: RunDir, how: str) -> None:
        self._run_dir, self._how = run_dir, how

    def fleet(self, _target: str) -> Fleet:
        return Fleet(self._run_dir, self._how)

    def fetch(self, _stop: Callable[[], bool]) -> None:
        shutil.rmtree(self._run_dir.path)

    def facts(self) -> dict[str, Any]:
        return {"workers": []}


@pytest.mark.parametrize("how", ["", "the load ended with code 1"])
def test_a_folder_taken_away_while_hosts_hand_in_is_told_as_that(tmp_path: Path, how: str) -> None:
    run_dir = create_run_dir("quick-rush", tmp_path / "run")
    performance = module.Performance(run_dir, OUTLOOK, 1, Hosts(run_dir, how))  # type: ignore[arg-type]
    with pytest.raises(RunError, match="folder was taken away while the run went on"):
        performance.play()
    assert not run_dir.path.exists()


def test_where_the_view_cannot_be_shown_the_load_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class View:
        def start(self) -> None:
            raise OSError(5, "Input/output error")

        stop = start

    run_dir = create_run_dir("quick-rush", tmp_path / "run")
    fleet = Fleet(run_dir)
    monkeypatch.setattr(module, "LiveView", lambda *_: View())
    monkeypatch.setattr(module, "LocalFleet", lambda *_: fleet)
    with pytest.raises(OSError, match="Input/output"):
        module.Performance(run_dir, OUTLOOK, 1).play()
    assert fleet.stopped
