"""Workflows of one's own from a file's text: apart from what ships, read once, and each fault with its line."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

import pytest

from harness.clinic import WORKFLOWS
from harness.clinic.own import BadFile, read_workflows, register

pytestmark = pytest.mark.usefixtures("forget_own")
TEXT = '''"""Ours."""
from dataclasses import dataclass

from harness.clinic import Clinician, workflow


@dataclass
class Dose:
    drug: str


@workflow("count-doses", lane="charting", needs=("MedicationRequest?patient",), steps=("count", "note"))
def count_doses(nurse: Clinician) -> None:
    """Count what is left."""
    nurse.think("count")


@workflow("lock-cupboard", lane="orders", needs=())
def lock_cupboard(nurse, *, twice=False):
    nurse.think("lock")
'''


def test_what_stands_in_a_text_is_read_and_not_yet_registered(forget_own: Callable[[], None]) -> None:
    shipped = dict(WORKFLOWS)
    doses, cupboard = read_workflows("mine.py", TEXT)
    assert (doses.name, doses.lane, doses.needs) == ("count-doses", "charting", ("MedicationRequest?patient",))
    assert (doses.steps, doses.story, doses.text) == (("count", "note"), "Count what is left.", TEXT)
    assert cupboard.name == "lock-cupboard"
    assert shipped == WORKFLOWS
    register((doses, cupboard))
    assert set(WORKFLOWS) - set(shipped) == {"count-doses", "lock-cupboard"}
    forget_own()
    assert shipped == WORKFLOWS


def test_the_same_text_is_run_once_and_gives_the_same_workflows() -> None:
    text = TEXT + "\nimport sys\nsys.our_count = getattr(sys, 'our_count', 0) + 1\n"
    first = read_workflows("mine.py", text)
    register(first)
    assert read_workflows("mine.py", text) is first
    assert vars(sys).pop("our_count") == 1


def test_another_text_with_the_same_names_takes_its_place() -> None:
    register(read_workflows("mine.py", TEXT))
    register(read_workflows("mine.py", TEXT.replace("Count what is left", "Count all")))
    assert WORKFLOWS["count-doses"].story == "Count all."


def test_a_name_that_ships_is_not_taken_and_nothing_is_left_behind() -> None:
    shipped = dict(WORKFLOWS)
    with pytest.raises(BadFile, match="there is a workflow 'find-history' already") as caught:
        read_workflows("mine.py", TEXT.replace("lock-cupboard", "find-history"))
    assert [fault.line for fault in caught.value.faults] == [18]
    assert shipped == WORKFLOWS


def test_all_that_is_wrong_with_the_workflows_of_a_file_is_told_at_once() -> None:
    text = TEXT.replace("MedicationRequest?patient", "MedicationRequest").replace("nurse, *", "nurse, patient, *")
    with pytest.raises(BadFile) as caught:
        read_workflows("mine.py", text)
    assert [(fault.line, fault.help.partition(" ")[0]) for fault in caught.value.faults] == [
        (12, "write"),
        (18, "write"),
    ]


def test_what_a_file_prints_does_not_stand_in_the_way_of_what_a_command_prints(capsys) -> None:
    read_workflows("mine.py", TEXT + "print('here we are')\n")
    assert capsys.readouterr() == ("", "here we are\n")


def test_who_breaks_off_while_a_file_is_loaded_breaks_off() -> None:
    with pytest.raises(KeyboardInterrupt):
        read_workflows("mine.py", "raise KeyboardInterrupt")


def test_an_alarm_of_somebody_else_goes_on_as_it_went() -> None:
    rung: list[float] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
    try:
        begun_s = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        read_workflows("mine.py", TEXT + "import time\ntime.sleep(0.1)\n")
        while not rung and time.monotonic() < begun_s + 20:
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert rung[0] - begun_s >= 0.29
