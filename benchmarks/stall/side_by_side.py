"""Theory, emrload, Locust and k6 after one another, each beside its truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.peers.k6 import k6_path
from benchmarks.stall import by_emrload, by_k6, by_locust
from benchmarks.stall.truths import TRUTHS, Told, told_by_theory

__all__ = ["CASES", "WITHIN", "Line", "lines"]

CASES: Final = {
    "open": "whoever comes, any number served at once",
    "queue": "whoever comes, twenty queues, each before one server that is busy half of the time",
    "closed": "500 people who think 5 s and wait, lognormal pauses",
    "closed, exponential": "500 people who think 5 s and wait, exponential pauses",
}
"""The cases of `TRUTHS` in words."""

WITHIN: Final = 0.08
"""Three standard deviations of a p99 that hangs on the 120 who come in the first 1.2 s of the stall."""


@dataclass(frozen=True)
class Line:
    """Who says what of which case; None where it was not asked."""

    who: str
    case: str
    told: Told | None

    @property
    def truth_p99_ms(self) -> float:
        return told_by_theory(self.case).p99_ms

    @property
    def is_true(self) -> bool:
        """Whether its p99 is that of theory, as nearly as one run can tell."""
        return self.told is not None and abs(self.told.p99_ms / self.truth_p99_ms - 1) <= WITHIN


def lines(folder: Path) -> Iterator[Line]:
    """Theory, emrload, Locust, k6. Raises RuntimeError where one of them ends badly."""
    for case in TRUTHS:
        yield Line("theory", case, told_by_theory(case))
    measured = by_emrload.measure(folder / "emrload")
    for kind in ("open", "queue", "closed"):
        yield Line("emrload", kind, measured.told(kind))
    for population, told in zip(by_locust.POPULATIONS, by_locust.measure(folder / "locust"), strict=True):
        yield Line(f"Locust, {population.what}", population.truth, told)
    k6 = k6_path()
    found = [None] * len(by_k6.SCRIPTS) if k6 is None else by_k6.measure(k6, folder / "k6")
    for script, said in zip(by_k6.SCRIPTS, found, strict=True):
        yield Line(f"k6, {script.what}", script.truth, said)
