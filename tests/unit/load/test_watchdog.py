"""A workflow of one's own that stands still is ended, and nobody else is."""

from __future__ import annotations

import signal
import textwrap
import time
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from harness.clinic.alarm import NoEnd
from harness.clinic.own import read_workflows
from harness.load.watchdog import Watchdog

STILL_S = 0.3
HEAD = 'from harness.clinic import workflow\n\n@workflow("look", lane="charting", needs=())\ndef look(nurse):\n'


@pytest.fixture(autouse=True)
def watchdog() -> Iterator[Watchdog]:
    before = signal.getsignal(signal.SIGALRM), signal.setitimer(signal.ITIMER_REAL, 0)  # pytest's own
    dog = Watchdog(STILL_S)
    dog.start()
    yield dog
    dog.stop()
    assert signal.getsignal(signal.SIGALRM) == before[0]
    signal.setitimer(signal.ITIMER_REAL, *before[1])


def looking(body: str) -> gevent.Greenlet[Any, BaseException | None]:
    """Somebody at work; gives what was thrown into her, if anything was."""
    (one,) = read_workflows("mine.py", HEAD + textwrap.indent(body, "    "))

    def work() -> BaseException | None:
        try:
            one.play(None)  # type: ignore[arg-type]
        except NoEnd as thrown:
            return thrown
        return None

    return gevent.spawn(work)


@pytest.mark.parametrize(
    "body",
    [
        "while True:\n    pass",
        "while True:\n    try:\n        sum(range(9))\n    except:\n        pass",
        "import os\nos.read(os.pipe()[0], 1)",
    ],
    ids=["loops", "swallows", "blocks"],
)
def test_what_stands_still_is_ended_and_the_others_go_on(body: str, watchdog: Watchdog) -> None:
    breaths: list[float] = []

    def breathe() -> None:
        while True:
            breaths.append(time.monotonic())
            gevent.sleep(0.01)

    colleague = gevent.spawn(breathe)
    thrown = looking(body).get(timeout=20)
    assert str(thrown) == "stood still for 0.3 s without a request or a pause"
    assert isinstance(thrown, NoEnd)
    assert thrown.line >= 5
    assert watchdog.thrown >= 1
    before = len(breaths)
    gevent.sleep(0.1)
    assert len(breaths) > before
    colleague.kill()


def test_who_hands_over_is_left_alone(watchdog: Watchdog) -> None:
    assert looking("import gevent\nfor _ in range(60):\n    gevent.sleep(0.01)").get(timeout=20) is None
    assert watchdog.thrown == 0


def test_code_that_is_not_ones_own_is_left_alone(watchdog: Watchdog) -> None:
    end_s = time.monotonic() + 3 * STILL_S
    while time.monotonic() < end_s:
        pass
    assert watchdog.thrown == 0


def test_a_second_start_and_a_second_stop_do_nothing(watchdog: Watchdog) -> None:
    watchdog.start()
    watchdog.stop()
    watchdog.stop()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_colleague_who_begins_as_somebody_is_ended_is_left_alone(watchdog: Watchdog) -> None:
    """She works for a moment before the watchdog's own turn comes."""
    stuck = looking("while True:\n    pass")
    colleague = looking("import time\nend_s = time.monotonic() + 0.15\nwhile time.monotonic() < end_s:\n    pass")
    assert isinstance(stuck.get(timeout=20), NoEnd)
    assert colleague.get(timeout=20) is None
    assert watchdog.thrown == 1
