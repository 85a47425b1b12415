"""Ready-made answers for the virtual clock: one patient's chart, a worklist, and the echo of whatever is written.

Any search of a kind gives one of that kind's variants, so that workflows take their different ways; of other kinds
nothing is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final

import orjson

from harness.clinic.clinician import Clinician
from harness.clinic.register import KnownPatient, SiteRegister
from harness.fhir import codes, requests, resources
from harness.fhir.call import Answer, Call
from harness.population.identity import PatientIdentity, PostalAddress
from harness.population.stream import Stream

__all__ = ["CannedAnswers", "CannedClinician", "canned_register"]

Resource = dict[str, Any]

TODAY: Final = date(2026, 1, 5)
_WHO = KnownPatient("p1", "100000001", "Canned", "Nobody", "1960-01-31")
_PATIENT, _PHYSICIAN, _SITE = f"Patient/{_WHO.id}", "Practitioner/c1", "Organization/o1"
_HOME = PostalAddress("1 Canned Street", "Nowhere", "NY", "10001", "US")
_PAGE: Final = 50
"""Entries of a worklist's full page, as `_count` asks for."""


class CannedAnswers:
    """What a healthy server would answer to a `Call`. Variants are drawn, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._draws = Stream(seed, "canned answers")

    def __call__(self, call: Call) -> Answer:
        """The answer to `call`. Raises ValueError for a method that no workflow uses."""
        if call.method == "GET":
            return self._found(call.operation) if ".search" in call.operation else _read(call.path)
        if call.method in ("POST", "PUT"):
            return _echo(call) if call.path else _bundle_response(call.operation.partition("[")[0], _entries(call.body))
        raise ValueError(f"there is no canned answer to {call.method} {call.operation}")

    def _found(self, operation: str) -> Answer:
        kind, _, rest = operation.partition(".search")
        variants = _chart().get(kind, (_searchset([]),))
        return variants[-1] if rest == ".next" else self._draws.choose(variants)


class CannedClinician(Clinician):
    """Registers always the same newcomer: drawing people costs Faker's import, and tells nothing about load."""

    def newcomer(self) -> PatientIdentity:
        return PatientIdentity("Newcomer", "Nobody", "female", date(1990, 2, 28), _HOME, "555-0100", "100000002")


def canned_register(persona: str) -> SiteRegister:
    """The people whom the canned answers know, with one clinician of `persona`."""
    return SiteRegister((_WHO,), {persona: ("c1",)}, "o1")


@cache
def _chart() -> dict[str, tuple[Answer, ...]]:
    """Kind → the searchsets that a search of it may give; the last of them has no next page.

    Shares (assumptions): 1 to 3 active medications, 0 to 2 allergies, a visit open in three of four patients, and a
    worklist that goes on after its first page as often as not.
    """
    at = datetime(TODAY.year, TODAY.month, TODAY.day, 6, tzinfo=UTC)
    recorded = TODAY - timedelta(days=400)
    patient = resources.patient(
        "virtual",
        _WHO.mrn,
        family=_WHO.family,
        given=_WHO.given,
        gender="female",
        birthdate=date.fromisoformat(_WHO.birthdate),
    )
    drugs = [
        resources.medication_request(_PATIENT, drug, requester=_PHYSICIAN, authored=at)
        for drug in codes.MEDICATIONS[:3]
    ]
    allergies = [
        resources.allergy(_PATIENT, allergen, recorded=recorded, reaction=codes.ALLERGY_REACTIONS[0])
        for allergen in codes.ALLERGENS[:2]
    ]
    labs = [resources.lab_observation(_PATIENT, lab, lab.low, at=at) for lab in codes.LABS[:4]]
    visit = resources.encounter(_PATIENT, status="in-progress", start=at, organization=_SITE)
    note = resources.document_reference(_PATIENT, codes.NOTE_TYPES[0], "Canned.", author=_PHYSICIAN, at=at)
    appointment = resources.appointment(_PATIENT, _PHYSICIAN, start=at, end=at + timedelta(minutes=20))
    orders = [
        resources.service_request(_PATIENT, panel, requester=_PHYSICIAN, performer=_SITE, authored=at)
        for panel in codes.LAB_PANELS
    ]
    report = resources.diagnostic_report(_PATIENT, codes.LAB_PANELS[0], results=[], at=at, performer=_SITE)
    return {
        "Patient": (_searchset([patient], ids=[_WHO.id]),),
        "Condition": (_searchset([resources.condition(_PATIENT, codes.PROBLEMS[0], recorded=recorded)]),),
        "AllergyIntolerance": tuple(_searchset(allergies[:count]) for count in (0, 1, 2)),
        "MedicationRequest": tuple(_searchset(drugs[:count]) for count in (1, 2, 3)),
        "Observation": (_searchset(labs),),
        "DiagnosticReport": (_searchset([report]),),
        "DocumentReference": (_searchset([note]),),
        "Encounter": (*[_searchset([visit])] * 3, _searchset([])),
        "Coverage": (_searchset([resources.coverage(_PATIENT, payer="Canned", member="1", start=TODAY)]),),
        "Appointment": (_searchset([appointment]),),
        "ServiceRequest": (_searchset((orders * _PAGE)[:_PAGE], following="ServiceRequest?page=2"), _searchset(orders)),
    }


def _searchset(found: Sequence[Resource], *, ids: Sequence[str] = (), following: str = "") -> Answer:
    """One Answer for all who search: it is parsed once, and nobody may change what it holds."""
    entries = []
    for number, resource in enumerate(found):
        known = {**resource, "id": ids[number] if ids else str(number), "meta": {"versionId": "1"}}
        entries.append({"resource": requests.tagged(known, "run-canned"), "search": {"mode": "match"}})
    link = [{"relation": "next", "url": following}] if following else []
    return _answer({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entries})


@cache
def _read(path: str) -> Answer:
    kind, _, resource_id = path.partition("/")
    return _answer({"resourceType": kind, "id": resource_id, "meta": {"versionId": "1"}})


def _echo(call: Call) -> Answer:
    """What was sent, as stored: with an id where it had none, and a version."""
    resource = orjson.loads(call.body)
    stored = {"id": "new", **resource, "meta": {**resource.get("meta", {}), "versionId": "1"}}
    return _answer(stored, 200 if call.method == "PUT" else 201)


@cache
def _bundle_response(kind: str, count: int) -> Answer:
    entries = [{"response": {"status": "201 Created"}}] * count
    return _answer({"resourceType": "Bundle", "type": f"{kind}-response", "entry": entries})


def _entries(body: bytes) -> int:
    """How many entries a Bundle has; counted, as parsing it would cost more than all the rest."""
    return body.count(b'"request":{"method":')


def _answer(content: Resource, status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(content))
