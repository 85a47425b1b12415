"""One row of the table: what is done to a run, when, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.faults.means import Harm
from tests.faults.stage import LENGTH_S

INVALID: Final = ("invalid", frozenset({3}))
FAIL: Final = ("fail", frozenset({1}))
KILLED: Final = ("invalid", frozenset({-9}))
"""`emrload run` itself was killed; `emrload report` comes to the verdict."""
NO_SPACE: Final = ("invalid", frozenset({3, 4}))
"""3 where there was a little space left for the verdict; else 4, and the verdict comes with `emrload report`."""
NOT_BEGUN: Final = ("none", frozenset({4}))
NOTHING_SENT: Final = ("none", frozenset({2, 4, -9}))


@dataclass(frozen=True)
class Row:
    """`harm` is done while the run goes on, after `before` it was started; it must end as `ends` says, and name why:
    `says` (a regular expression) stands in what was printed or in the sentence of a check that failed."""

    name: str
    when: str
    harm: Harm
    ends: tuple[str, frozenset[int]]
    says: str
    workers: int = 1
    before: Harm | None = None
    stops: bool = False
    """The load itself notices, and must stop within a second of that."""
    leaves: bool = True
    """`emrload report` finds something to work on."""


EARLY: Final = "while it prepares"
MIDDLE: Final = "in the middle"
LAST: Final = LENGTH_S - 0.4
