"""Code of one's own is interrupted; what it called keeps what it holds, unless it waits for good."""

from __future__ import annotations

import textwrap
import threading
import time
from typing import Any

import pytest

from harness.clinic.alarm import NoEnd, within
from harness.clinic.own import read_workflows

HEAD = 'from harness.clinic import workflow\n\n@workflow("look", lane="charting", needs=())\ndef look(it):\n'


def interrupted(body: str, it: Any) -> NoEnd:
    """What is thrown into a workflow that does `body` with `it`."""
    (one,) = read_workflows("mine.py", HEAD + textwrap.indent(body, "    "))
    with pytest.raises(NoEnd, match="too long") as caught, within(0.05, "too long"):
        one.play(it)
    return caught.value


def test_code_that_is_not_ones_own_is_not_interrupted() -> None:
    with within(0.05, "too long"):
        for _ in range(2_000_000):
            pass


BUSY = """
end_s = time.monotonic() + {seconds}
while time.monotonic() < end_s:
    pass
"""


def test_what_it_called_gives_back_what_it_holds() -> None:
    lock = threading.Lock()

    def carefully() -> None:
        lock.acquire()  # as somebody writes who does not reckon with being interrupted
        exec(BUSY.format(seconds=0.005))
        lock.release()

    loop = "it()\n" + BUSY.format(seconds=0.002)  # the first ring comes while it holds the lock, a later one does not
    assert interrupted("import time\nwhile True:\n" + textwrap.indent(loop, "    "), carefully).line >= 6
    assert lock.acquire(blocking=False)


def test_what_waits_for_good_in_what_it_called_is_interrupted_there() -> None:
    begun_s = time.monotonic()
    assert interrupted("it()", threading.Event().wait).line == 5
    assert time.monotonic() - begun_s >= 0.9  # it was spared for a second


def test_what_is_half_counted_is_never_interrupted() -> None:
    """A request whose row is not written yet."""
    inside: dict[str, Any] = {"__name__": "harness.load.wire", "time": time, "done": []}
    perform = "def perform():\n" + textwrap.indent(BUSY.format(seconds=1.5) + "done.append(1)", "    ")
    exec(perform, inside)
    assert interrupted("it()\nwhile True:\n    pass", inside["perform"]).line >= 6
    assert inside["done"] == [1]
