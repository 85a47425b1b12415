"""The leading process and whoever started it, over a real pipe."""

from __future__ import annotations

import os
import time

import gevent
import pytest

from harness.fleet.hearing import Hearing
from harness.load import lifeline as lifeline_module
from harness.load.lifeline import Lifeline
from harness.rundir import LIFELINE_VARIABLE


@pytest.fixture
def hearing(monkeypatch):
    made = Hearing()
    monkeypatch.setenv(LIFELINE_VARIABLE, str(os.dup(made.handle)))
    monkeypatch.setattr(lifeline_module, "BEAT_EVERY_S", 0.05)
    yield made
    made.close()


def test_a_beat_is_a_sign_of_life_and_no_word(hearing):
    Lifeline()
    time.sleep(0.3)
    hearing.listen(under_load=True)
    assert hearing.silent_s >= 0.3
    gevent.sleep(0.2)
    hearing.listen(under_load=True)
    assert hearing.silent_s < 0.2
    assert hearing.words == []


def test_what_is_said_is_heard_on_one_line(hearing):
    Lifeline().say("samples-w0.arrows cannot be written\n(No space left on device)")
    hearing.listen(under_load=True)
    assert hearing.words == ["samples-w0.arrows cannot be written (No space left on device)"]


def test_a_process_that_it_starts_is_not_listened_to(hearing):
    Lifeline()
    assert LIFELINE_VARIABLE not in os.environ


def test_a_listener_that_does_not_read_stops_nobody(hearing):
    speaker = Lifeline()
    for _ in range(3000):
        speaker.say("x" * 100)
    hearing.listen(under_load=True)
    assert set(hearing.words) == {"x" * 100}


def test_a_listener_that_is_gone_stops_nobody(monkeypatch):
    ours, theirs = os.pipe()
    monkeypatch.setenv(LIFELINE_VARIABLE, str(theirs))
    speaker = Lifeline()
    os.close(ours)
    speaker.say("to nobody")
    speaker.say("again")
    os.close(theirs)


def test_without_a_listener_nothing_is_said(monkeypatch):
    monkeypatch.delenv(LIFELINE_VARIABLE, raising=False)
    Lifeline().say("to nobody")


def test_half_a_line_is_waited_for(hearing):
    os.write(hearing.handle, b"cannot be ")
    hearing.listen(under_load=True)
    assert hearing.words == []
    os.write(hearing.handle, b"written\n")
    hearing.listen(under_load=True)
    assert hearing.words == ["cannot be written"]
    hearing.speaker_has_it()
    hearing.listen(under_load=True)
    assert hearing.words == ["cannot be written"]


def test_the_longest_gap_is_by_the_speakers_clock_and_under_load(hearing):
    def beat(*at_s: float) -> None:
        os.write(hearing.handle, "".join(f"beat {one}\n" for one in at_s).encode())

    beat(10.0, 19.0)  # it compiles the plan
    hearing.listen(under_load=False)
    assert hearing.longest_gap_s == 0.0
    beat(20.0, 21.5, 22.5)
    time.sleep(0.1)
    hearing.listen(under_load=True)
    assert hearing.longest_gap_s == 1.5
