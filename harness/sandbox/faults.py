"""What can be planted to go wrong, as a table, and what is planted now.

`--fault slow-site:site=river,delay=800ms` on the command line, or `PUT /_sandbox/faults` with
`[{"name": "slow-site", "site": "river", "delay": "800ms"}]` while the server runs.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from harness.errors import InputError, Problem
from harness.sandbox.parameters import PARAMETERS
from harness.sandbox.routes import INTERACTIONS
from harness.units import parse_duration, parse_share

__all__ = ["FAULTS", "FaultBoard", "FaultKind", "Parameter", "PlantedFault", "parse_fault", "plant_from_json"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """`read` turns the text into a value or raises ValueError with a sentence; no `default` means none unless given."""

    meaning: str
    read: Callable[[str], Any]
    default: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class FaultKind:
    sentence: str
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """`written` is what was asked for, defaults filled in; `values` the same, read."""

    name: str
    written: Mapping[str, str]
    values: Mapping[str, Any]


def _operation(text: str) -> str:
    kind, _, name = text.partition(".")
    if text in ("transaction", "batch", "metadata") or (kind in PARAMETERS and name in INTERACTIONS):
        return text
    raise ValueError(
        f"'{text}' is no operation: write TYPE.INTERACTION such as Observation.search "
        f"({', '.join(INTERACTIONS)}), or transaction, batch, metadata"
    )


def _status(text: str) -> int:
    if re.fullmatch(r"[45]\d\d", text):
        return int(text)
    raise ValueError(f"'{text}' is no error status: write 400 to 599")


def _positive(text: str) -> int:
    if re.fullmatch(r"[1-9]\d{0,8}", text):
        return int(text)
    raise ValueError(f"'{text}' is no whole number above 0")


def _times(text: str) -> float:
    if re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text) and float(text) >= 1:
        return float(text)
    raise ValueError(f"'{text}' is no factor: write 1 or more, such as 1.1")


def _site(text: str) -> str:
    if text:
        return text
    raise ValueError("a site's name is empty")


FAULTS: Mapping[str, FaultKind] = {
    "slow-site": FaultKind(
        "Every request of one site waits a while longer; no server is held meanwhile, so no other site feels it.",
        {
            "site": Parameter("the site, as X-Site names it", _site, required=True),
            "delay": Parameter("how much longer", parse_duration, "800ms"),
        },
    ),
    "slow-operation": FaultKind(
        "One operation takes so many times as long as it would; with a known capacity it holds its server as long.",
        {
            "operation": Parameter("the operation, such as Observation.search", _operation, required=True),
            "factor": Parameter("how many times as long", _times, "2"),
        },
    ),
    "error-rate": FaultKind(
        "Some requests are refused with an error instead of being served: a share at random, or exactly every n-th.",
        {
            "rate": Parameter("share of the matching requests", parse_share, "1%"),
            "every": Parameter("every n-th matching request instead of a share", _positive),
            "operation": Parameter("only this operation, such as Observation.search or transaction", _operation),
            "site": Parameter("only this site", _site),
            "status": Parameter("the HTTP status", _status, "500"),
        },
    ),
    "stall": FaultKind(
        "For a while no request is begun, as in a stop-the-world pause: whoever asks waits, then all go on in turn.",
        {
            "after": Parameter("from planting until it stands still", parse_duration, "20s"),
            "for": Parameter("how long it stands still", parse_duration, "5s"),
        },
    ),
    "down": FaultKind(
        "For a while the server is as good as dead: all connections are closed, a request on a new one gets no answer.",
        {
            "after": Parameter("from planting until it goes down", parse_duration, "20s"),
            "for": Parameter("how long it stays down", parse_duration, "5s"),
        },
    ),
}


def parse_fault(text: str) -> PlantedFault:
    """A fault from `NAME[:key=value,…]`.

    Raises InputError with every problem of it.
    """
    name, _, rest = text.partition(":")
    asked: dict[str, str] = {}
    problems = []
    for pair in rest.split(",") if rest else ():
        key, equals, value = pair.partition("=")
        if not equals:
            problems.append(Problem(f"'{pair}' is no key=value", "--fault", f"write {name}:key=value,key=value"))
        elif key in asked:
            problems.append(Problem(f"'{key}' of fault '{name}' is given twice", "--fault"))
        asked[key] = value
    if problems:
        raise InputError(problems)
    return _planted(name, asked, "--fault")


def plant_from_json(given: object) -> list[PlantedFault]:
    """Faults from what `PUT /_sandbox/faults` was sent; raises InputError as `parse_fault` does."""
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise InputError(
            Problem("faults are a list of objects", help='such as [{"name": "slow-site", "site": "river"}]')
        )
    faults = []
    for number, item in enumerate(given):
        asked = {str(key): str(value) for key, value in item.items() if key != "name"}
        faults.append(_planted(str(item.get("name", "")), asked, f"[{number}]"))
    return faults


def _planted(name: str, asked: Mapping[str, str], where: str) -> PlantedFault:
    if name not in FAULTS:
        raise InputError(Problem(f"unknown fault '{name}'", where, _did_you_mean(name, FAULTS)))
    parameters = FAULTS[name].parameters
    problems = [
        Problem(f"fault '{name}' has no '{key}'", where, _did_you_mean(key, parameters))
        for key in asked
        if key not in parameters
    ]
    problems.extend(
        Problem(f"fault '{name}' needs '{key}': {parameter.meaning}", where, f"write {name}:{key}=…")
        for key, parameter in parameters.items()
        if parameter.required and key not in asked
    )
    if {"rate", "every"} <= asked.keys():
        problems.append(Problem(f"fault '{name}' takes 'rate' or 'every', not both", where))
    written = {key: asked.get(key, parameter.default) for key, parameter in parameters.items()}
    values: dict[str, Any] = {}
    for key, text in written.items():
        if not text and key not in asked:
            continue
        try:
            values[key] = parameters[key].read(text)
        except ValueError as error:
            problems.append(Problem(f"{key} of fault '{name}': {error}", where))
    if problems:
        raise InputError(problems)
    return PlantedFault(name, {key: text for key, text in written.items() if key in values}, values)


def _did_you_mean(word: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(word, known, n=1)
    return (f"did you mean '{close[0]}'?  " if close else "") + f"Known: {', '.join(known)}"


@dataclass(slots=True)
class _Planted:
    fault: PlantedFault
    at_s: float
    matched: int = 0


@dataclass(slots=True)
class FaultBoard:
    """The faults planted now, and what each request meets of them."""

    seed: int = 0
    clock: Callable[[], float] = time.monotonic
    _planted: list[_Planted] = field(default_factory=list)
    _draws: random.Random = field(default_factory=random.Random)

    def plant(self, faults: Sequence[PlantedFault]) -> None:
        """Replace all faults; their times and counts start now."""
        now_s = self.clock()
        self._planted = [_Planted(fault, now_s) for fault in faults]
        self._draws = random.Random(f"faults/{self.seed}")

    def as_json(self) -> list[dict[str, str]]:
        return [{"name": planted.fault.name, **planted.fault.written} for planted in self._planted]

    def delay_s(self, site: str) -> float:
        return sum(
            float(planted.fault.values["delay"])
            for planted in self._planted
            if planted.fault.name == "slow-site" and planted.fault.values["site"] == site
        )

    def service_factor(self, operation: str) -> float:
        """How many times as long as it would the operation takes."""
        factor = 1.0
        for planted in self._planted:
            if planted.fault.name == "slow-operation" and planted.fault.values["operation"] == operation:
                factor *= float(planted.fault.values["factor"])
        return factor

    def error_status(self, site: str, operation: str) -> int | None:
        """The status that this request is refused with. To be asked once a request: it counts."""
        for planted in self._planted:
            values = planted.fault.values
            if planted.fault.name != "error-rate":
                continue
            if values.get("site", site) != site or values.get("operation", operation) != operation:
                continue
            planted.matched += 1
            if planted.matched % values["every"] == 0 if "every" in values else self._draws.random() < values["rate"]:
                status: int = values["status"]
                return status
        return None

    def stall_left_s(self) -> float:
        """How long the server will still stand still; 0 where it does not."""
        now_s = self.clock()
        return max((end - now_s for start, end in self._spans_s("stall") if start <= now_s), default=0.0)

    def downtimes_s(self) -> list[tuple[float, float]]:
        """From when until when the server plays dead, on `clock`."""
        return self._spans_s("down")

    def _spans_s(self, name: str) -> list[tuple[float, float]]:
        return [
            (planted.at_s + values["after"], planted.at_s + values["after"] + values["for"])
            for planted in self._planted
            if planted.fault.name == name
            for values in (planted.fault.values,)
        ]

    def is_down(self) -> bool:
        now_s = self.clock()
        return any(start <= now_s < end for start, end in self.downtimes_s())
