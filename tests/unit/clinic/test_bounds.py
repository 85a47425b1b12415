"""What a workflow of one's own may cost: none can hang a plan or a run, and what it trips over is its own failure."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from harness.clinic import bounds
from harness.clinic.alarm import NoEnd
from harness.clinic.bounds import OwnPlays, told_of
from harness.clinic.own import read_workflows, register
from harness.clinic.registry import WORKFLOWS, Workflow
from harness.clinic.shift import work_shift
from harness.clinic.virtual import VirtualWorld
from harness.errors import InputError

pytestmark = pytest.mark.usefixtures("forget_own")
HEAD = 'from harness.clinic import workflow\n\n@workflow("look", lane="charting", needs=())\ndef look(nurse):\n'


@pytest.fixture(autouse=True)
def nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PLAYS_WITHIN_S", 0.5)


def doing(body: str) -> Workflow:
    """A workflow of one's own whose body begins in line 5 of mine.py."""
    (one,) = read_workflows("mine.py", HEAD + textwrap.indent(body, "    "))
    register([one])
    return one


@pytest.fixture
def nurse(clinic: Any) -> Any:
    return clinic.clinician("nurse", end_s=3600.0)


ENDLESS = {
    "a loop": ("while True:\n    pass", 5, 6),
    "a pause of its own": ("import time\ntime.sleep(60)", 6, 6),
    "many small pauses": ("import time\nfor _ in range(10_000):\n    time.sleep(0.001)", 6, 7),
    "a loop that swallows": ("while True:\n    try:\n        sum(range(9))\n    except:\n        pass", 5, 9),
    "a wait for a colleague": ("import threading\nthreading.Event().wait()", 6, 6),
    "requests": ("while True:\n    nurse.search('Patient')", 6, 6),
    "pauses": ("while True:\n    nurse.pause(nurse.habits.think)", 6, 6),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_does_not_end_is_one_error_with_its_line(name: str, clinic: Any) -> None:
    body, first_line, last_line = ENDLESS[name]
    nurse = clinic.clinician("nurse")
    with pytest.raises(InputError, match="workflow 'look' does not come to an end") as caught:
        OwnPlays(doing(body)).play(nurse)
    (problem,) = caught.value.problems
    file, _, line = problem.where.partition(":")
    assert file == "mine.py"
    assert first_line <= int(line) <= last_line
    assert isinstance(nurse.world, VirtualWorld)


def test_plays_that_are_each_quick_are_not_slow_together(nurse: Any) -> None:
    plays = OwnPlays(doing("import time\ntime.sleep(0.02)"))

    def play_a_hundred() -> None:
        for _ in range(100):
            plays.play(nurse)

    with pytest.raises(InputError, match="its plays take more than"):
        play_a_hundred()


@pytest.mark.parametrize(
    "body",
    [
        "nurse.world.wait(float('nan'))",
        "nurse.world.wait(float('inf'))",
        "nurse.world.wait(-5)",
        "nurse.world.wait(1e300)",
        "nurse.think(float('inf'))",
        "nurse.think(-5)",
        "from harness.clinic import Pace; nurse.pause(Pace(float('nan'), 0.0))",
        "from harness.clinic import Pace; nurse.pause(Pace(float('inf'), 0.0))",
        "from harness.clinic import Pace; nurse.pause(Pace(-5.0, 0.0))",
    ],
)
def test_a_pause_that_cannot_be_is_the_workflows_fault(body: str, nurse: Any, clinic: Any) -> None:
    one = doing(body)
    with pytest.raises(InputError, match=r"mine.py:5: workflow 'look' raises (Value|Type)Error"):
        OwnPlays(one).play(clinic.clinician("nurse"))
    work_shift(nurse, 0.0, lambda _: {one.name: 1.0}, ())
    assert {played.outcome for played in nurse.world.played} == {"failed"}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("nurse.serach('Patient')", "a clinician has no `serach`; did you mean `search`?"),
        ("nurse.world.wiat(3)", "a clinician's world has no `wiat`; did you mean `wait`?"),
        ("nurse.xyzzy()", "a clinician has no `xyzzy`"),
    ],
)
def test_what_a_clinician_has_not_is_told_in_the_readers_words(body: str, told: str, nurse: Any, clinic: Any) -> None:
    one = doing(body)
    with pytest.raises(InputError) as caught:
        OwnPlays(one).play(clinic.clinician("nurse"))
    (problem,) = caught.value.problems
    assert (problem.where, problem.what) == ("mine.py:5", f"workflow 'look': {told}")
    work_shift(nurse, 0.0, lambda _: {one.name: 1.0}, ())
    assert {played.detail for played in nurse.world.played} == {f"AttributeError at mine.py:5: {told}"}


def test_what_a_workflow_only_learns_as_it_goes_is_not_written_down_as_what_she_has_not(nurse: Any) -> None:
    one = doing("getattr(nurse, 'Jane' + 'Doe')")
    work_shift(nurse, 0.0, lambda _: {one.name: 1.0}, ())
    assert {played.detail for played in nurse.world.played} == {"AttributeError at mine.py:5"}


def test_a_step_that_fails_on_made_up_answers_is_no_error(nurse: Any) -> None:
    told = OwnPlays(doing("nurse.search('CarePlan', at_least=1)")).play(nurse)
    assert "CarePlan.search: content" in told
    assert OwnPlays(doing("nurse.search('Patient')")).play(nurse) == ""


def test_a_shipped_workflow_raises_what_it_raises(nurse: Any) -> None:
    def play(_: Any) -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        OwnPlays(Workflow("shipped", "charting", (), play, "")).play(nurse)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{}['Jane Doe']", "KeyError at mine.py:5"),
        ("nurse.think('look')\nraise SystemExit('Jane Doe')", "SystemExit at mine.py:6"),
        ("raise BaseException('Jane Doe')", "BaseException at mine.py:5"),
        ("int('Jane Doe')", "ValueError at mine.py:5"),
        ("look(nurse)", "RecursionError at mine.py:5"),
        ("nurse.read()", "TypeError at mine.py:5"),
    ],
)
def test_on_duty_what_a_workflow_trips_over_is_its_failure_and_she_goes_on(body: str, told: str, nurse: Any) -> None:
    one = doing(body)
    work_shift(nurse, 0.0, lambda _: {one.name: 1.0, "room-patient": 1.0}, ())
    failed = [played for played in nurse.world.played if played.workflow == "look"]
    assert len(failed) > 3
    assert {(played.outcome, played.detail) for played in failed} == {("failed", told)}
    assert sum(played.workflow == "room-patient" and played.outcome == "ok" for played in nurse.world.played) > 3


def test_a_shipped_workflow_that_raises_is_told_by_its_files_name(nurse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def play(_: Any) -> None:
        raise KeyError("ours")

    monkeypatch.setitem(WORKFLOWS, "broken", Workflow("broken", "charting", (), play, ""))
    work_shift(nurse, 0.0, lambda _: {"broken": 1.0}, ())
    line = play.__code__.co_firstlineno + 1
    assert nurse.world.played[0].detail == f"KeyError at test_bounds.py:{line}"


def test_a_shift_that_is_over_ends_a_workflow_that_swallows_it(nurse: Any) -> None:
    one = doing("while True:\n    try:\n        nurse.search('Patient')\n    except Exception:\n        pass")
    work_shift(nurse, 0.0, lambda _: {one.name: 1.0}, ())
    (played,) = nurse.world.played
    assert nurse.world.now_s >= 3600.0
    assert (played.outcome, played.detail) == ("failed", "went on after her slot was over, mine.py:7")


@pytest.mark.parametrize("thrown", [KeyboardInterrupt(), GeneratorExit()])
def test_what_ends_a_clinician_from_outside_is_let_by(thrown: BaseException, clinic: Any) -> None:
    def spoil(*_: Any) -> Any:
        raise thrown

    nurse = clinic.clinician("nurse", spoil, end_s=3600.0)
    one = doing("nurse.search('Patient')")
    with pytest.raises(type(thrown)):
        work_shift(nurse, 0.0, lambda _: {one.name: 1.0}, ())


def test_what_is_told_of_standing_still_has_its_line() -> None:
    assert told_of(NoEnd("stood still for 3 s", 7), doing("pass")) == "stood still for 3 s, mine.py:7"
