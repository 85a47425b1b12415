"""Ready-made answers for the virtual clock: what `canned_record` holds, and the echo of whatever is written.

Any search of a kind gives one of that kind's variants, so that workflows take their different ways; of other kinds
nothing is found. An answer that many get is made and parsed once.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, Final

import orjson

from harness.clinic.canned_record import TODAY, WHO, as_answer, example, variants
from harness.clinic.clinician import Clinician
from harness.clinic.register import SiteRegister
from harness.fhir.call import Answer, Call
from harness.population.identity import PatientIdentity, PostalAddress
from harness.population.stream import Stream

__all__ = ["TODAY", "CannedAnswers", "CannedClinician", "canned_register", "written_by"]

Resource = dict[str, Any]

_HOME: Final = PostalAddress("1 Canned Street", "Nowhere", "NY", "10001", "US")


class CannedAnswers:
    """What a healthy server would answer to a `Call`. Variants are drawn, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._draws = Stream(seed, "canned answers")

    def __call__(self, call: Call) -> Answer:
        """The answer to `call`. Raises ValueError for a method that no workflow uses."""
        if call.method == "GET":
            kind, searched, _ = call.operation.partition(".search")
            return self._one_of(variants(kind, call.path)) if searched else _read(call.path)
        if call.method in ("POST", "PUT"):
            return _echo(call) if call.path else _bundle_response(call.operation.partition("[")[0], _entries(call.body))
        raise ValueError(f"there is no canned answer to {call.method} {call.operation}")

    def _one_of(self, answers: tuple[Answer, ...]) -> Answer:
        return answers[0] if len(answers) == 1 else self._draws.choose(answers)


class CannedClinician(Clinician):
    """Registers always the same newcomer: drawing people costs Faker's import, and tells nothing about load."""

    def newcomer(self) -> PatientIdentity:
        return PatientIdentity("Newcomer", "Nobody", "female", date(1990, 2, 28), _HOME, "555-0100", "100000002")


def written_by(call: Call) -> int:
    """How many resources `call` sends to be stored."""
    if call.method not in ("POST", "PUT"):
        return 0
    return 1 if call.path else _entries(call.body)


def canned_register(persona: str) -> SiteRegister:
    """The people whom the canned answers know, with one clinician of `persona`."""
    return SiteRegister((WHO,), {persona: ("c1",)}, "o1")


@cache
def _read(path: str) -> Answer:
    kind, _, resource_id = path.partition("/")
    return as_answer({**example(kind), "id": resource_id})


def _echo(call: Call) -> Answer:
    """What was sent, as stored: with an id where it had none, and a version. Of a Binary, nobody reads the content."""
    status = 200 if call.method == "PUT" else 201
    if call.operation == "Binary.create":
        return _stored_paper()
    resource = orjson.loads(call.body)
    stored = {"id": "new", **resource, "meta": {**resource.get("meta", {}), "versionId": "1"}}
    return as_answer(stored, status)


@cache
def _stored_paper() -> Answer:
    return as_answer({"resourceType": "Binary", "id": "new", "meta": {"versionId": "1"}}, 201)


@cache
def _bundle_response(kind: str, count: int) -> Answer:
    entries = [{"response": {"status": "201 Created"}}] * count
    return as_answer({"resourceType": "Bundle", "type": f"{kind}-response", "entry": entries})


def _entries(body: bytes) -> int:
    """How many entries a Bundle has; counted, as parsing it would cost more than all the rest."""
    return body.count(b'"request":{"method":')
