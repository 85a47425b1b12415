"""The server's own count: arrivals, answers by status, time in residence; by site, by lane, control traffic apart.

A process that is started again on the same data goes on counting from the journal.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.sandbox.journal import TornLine, journal_lines
from harness.sandbox.routes import lane_of

__all__ = ["CONTROL_PREFIX", "NO_SITE", "Tally", "Truth"]

CONTROL_PREFIX = "control-"
"""How the X-Request-Id of preflight, seeding, clean-up and audit begins."""
NO_SITE = "(none)"
"""Stands for the site of a request without X-Site."""

_QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


@dataclass(slots=True)
class Tally:
    """Counts of one scope. `residences_ms` holds every single one, so that quantiles are exact."""

    arrivals: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    residences_ms: array[float] = field(default_factory=lambda: array("d"))

    def answered(self, status: int, residence_ms: float) -> None:
        self.answers[status] += 1
        self.residences_ms.append(residence_ms)

    def counts(self) -> dict[str, Any]:
        return {"arrivals": self.arrivals, "answers": {str(status): n for status, n in sorted(self.answers.items())}}

    def as_json(self) -> dict[str, Any]:
        return {**self.counts(), "residence_ms": _quantiles(self.residences_ms)}


class Truth:
    """Counts; `in_flight` is what this process has not answered yet."""

    def __init__(self) -> None:
        self.load = Tally()
        self.control = Tally()
        self.by_site: dict[str, Tally] = {}
        self.by_lane: dict[str, Tally] = {}
        self.in_flight = 0
        self.dropped = 0
        self.unanswered = 0
        self.torn_lines = 0

    def arrived(self, request_id: str, site: str, lane: str) -> None:
        if request_id.startswith(CONTROL_PREFIX):
            self.control.arrivals += 1
            return
        self.in_flight += 1
        for tally in self._scopes(site, lane):
            tally.arrivals += 1

    def answered(self, request_id: str, site: str, lane: str, status: int, residence_ms: float) -> None:
        if request_id.startswith(CONTROL_PREFIX):
            self.control.answered(status, residence_ms)
            return
        self.in_flight -= 1
        for tally in self._scopes(site, lane):
            tally.answered(status, residence_ms)

    def gave_up(self, request_id: str) -> None:
        """A request that arrived will never be answered."""
        if not request_id.startswith(CONTROL_PREFIX):
            self.in_flight -= 1
            self.unanswered += 1

    def _scopes(self, site: str, lane: str) -> tuple[Tally, Tally, Tally]:
        at_site = self.by_site.get(site)
        if at_site is None:
            at_site = self.by_site[site] = Tally()
        in_lane = self.by_lane.get(lane)
        if in_lane is None:
            in_lane = self.by_lane[lane] = Tally()
        return self.load, at_site, in_lane

    def restore(self, journal: Path) -> None:
        """Count what earlier processes wrote down. What they had not answered when they died never will be."""
        for line in journal_lines(journal):
            if isinstance(line, TornLine):
                self.torn_lines += 1
            elif line["e"] == "a":
                self.arrived(line["id"], line["site"], lane_of(line["op"]))
            elif line["e"] == "z":
                self.answered(line["id"], line["site"], lane_of(line["op"]), line["status"], line["residence_ms"])
            elif line["e"] == "d":
                self.dropped += 1
        self.unanswered += self.in_flight
        self.in_flight = 0

    def as_json(self) -> dict[str, Any]:
        """As `GET /_sandbox/truth` gives it; quantiles interpolate linearly, and are null where there is nothing."""
        return {
            **self.load.as_json(),
            "in_flight": self.in_flight,
            "unanswered": self.unanswered,
            "dropped": self.dropped,
            "journal_torn_lines": self.torn_lines,
            "by_site": _each(self.by_site),
            "by_lane": _each(self.by_lane),
            "control": self.control.counts(),
        }


def _each(tallies: Mapping[str, Tally]) -> dict[str, Any]:
    return {name: tally.as_json() for name, tally in sorted(tallies.items())}


def _quantiles(values_ms: array[float]) -> dict[str, float | None]:
    if not values_ms:
        return dict.fromkeys((*_QUANTILES, "max"))
    import numpy as np

    copied = np.array(values_ms)
    points = np.quantile(copied, list(_QUANTILES.values()))
    figures = dict(zip(_QUANTILES, points, strict=True))
    return {name: round(float(figure), 3) for name, figure in {**figures, "max": copied.max()}.items()}
