"""What the virtual clock's server holds: for each kind, the searchsets that a search may give and what a read gives.

    Encounter   status=finished ─▶ four pages of visits        path holds the words on the left ─▶ one of the variants
                class=EMER      ─▶ who is in the department    the first row that fits counts, the last fits always

All is about one patient. Lists of work are never empty, as a site's are not by day; shares are assumptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Final, TypeAlias

import orjson

from harness.clinic.register import KnownPatient
from harness.fhir import ancillary_codes, codes, requests, resources
from harness.fhir.call import Answer
from harness.fhir.resources.elements import concept

__all__ = ["TODAY", "WHO", "as_answer", "example", "variants"]

Resource = dict[str, Any]
Rows: TypeAlias = tuple[tuple[str, tuple[Answer, ...]], ...]
"""(words of the path, variants), in the order in which they are tried."""

TODAY: Final = date(2026, 1, 5)
WHO: Final = KnownPatient("p1", "100000001", "Canned", "Nobody", "1960-01-31")
_AT: Final = datetime(TODAY.year, TODAY.month, TODAY.day, 6, tzinfo=UTC)
_RECORDED: Final = TODAY - timedelta(days=400)
_PATIENT, _PHYSICIAN, _SITE, _VISIT = f"Patient/{WHO.id}", "Practitioner/c1", "Organization/o1", "Encounter/0"
_PAPER: Final = "Binary/0"
_PAGE: Final = 50
"""Entries of the laboratory's full page, as `_count` asks for."""
_SOME: Final = 10
"""Entries of any other list: enough to choose from."""
_PAGES: Final = 4
"""Of the visits that are over: a hospital's hundreds, 100 a page."""


@lru_cache(maxsize=1024)
def variants(kind: str, path: str) -> tuple[Answer, ...]:
    """What this search of `kind` may give."""
    rows = _rows(kind)
    return next((answers for words, answers in rows if words in path), (_searchset([]),))


@cache
def example(kind: str) -> Resource:
    """A resource of `kind` as a read of any id gives it; of kinds that nobody looks into, an empty one."""
    made: Mapping[str, Callable[[], Resource]] = {
        "Patient": _patient,
        "Encounter": _visit,
        "DocumentReference": lambda: resources.filed_paper(
            _PAPER, ancillary_codes.FAX_TYPES[0], at=_AT, patient=_PATIENT
        ),
    }
    return _stored(made[kind]() if kind in made else {"resourceType": kind}, "0")


def as_answer(content: Resource, status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(content))


@cache
def _rows(kind: str) -> Rows:
    made: Mapping[str, Callable[[], Rows]] = {
        "Patient": lambda: _always(_searchset([_patient()], ids=[WHO.id])),
        "Condition": lambda: _always(
            _searchset([resources.condition(_PATIENT, codes.PROBLEMS[0], recorded=_RECORDED)])
        ),
        "AllergyIntolerance": _allergies,
        "MedicationRequest": _drugs,
        "Observation": lambda: _always(
            _searchset([resources.lab_observation(_PATIENT, lab, lab.low, at=_AT) for lab in codes.LABS[:4]])
        ),
        "DiagnosticReport": lambda: _always(
            _searchset(
                [resources.diagnostic_report(_PATIENT, codes.LAB_PANELS[0], results=[], at=_AT, performer=_SITE)]
            )
        ),
        "DocumentReference": _documents,
        "Encounter": _visits,
        "Coverage": lambda: _always(
            _searchset([resources.coverage(_PATIENT, payer="Canned", member="1", start=TODAY)])
        ),
        "Appointment": lambda: _always(
            _searchset([resources.appointment(_PATIENT, _PHYSICIAN, start=_AT, end=_AT + timedelta(minutes=20))])
        ),
        "ServiceRequest": _orders,
        "Location": _beds,
        "Task": _tasks,
        "ImagingStudy": lambda: _always(
            _searchset(
                [
                    resources.imaging_study(
                        _PATIENT, ancillary_codes.IMAGING_EXAMS[0], uid="2.25.1", images=2, started=_AT
                    )
                ]
            )
        ),
        "Procedure": lambda: _either(
            _searchset([]),
            _searchset([resources.procedure(_PATIENT, ancillary_codes.PROCEDURES[0], performed=_AT)]),
        ),
        "ChargeItem": _charges,
        "Claim": _claims,
        "Communication": _messages,
    }
    return made[kind]() if kind in made else ()


def _always(answer: Answer) -> Rows:
    return (("", (answer,)),)


def _either(*answers: Answer) -> Rows:
    """Each equally likely."""
    return (("", answers),)


def _patient() -> Resource:
    return resources.patient(
        "virtual",
        WHO.mrn,
        family=WHO.family,
        given=WHO.given,
        gender="female",
        birthdate=date.fromisoformat(WHO.birthdate),
    )


def _allergies() -> Rows:
    """0 to 2."""
    known = [
        resources.allergy(_PATIENT, allergen, recorded=_RECORDED, reaction=codes.ALLERGY_REACTIONS[0])
        for allergen in codes.ALLERGENS[:2]
    ]
    return _either(*(_searchset(known[:count]) for count in (0, 1, 2)))


def _drugs() -> Rows:
    """1 to 3 of one patient; the pharmacy's queue of all."""
    active = [
        resources.medication_request(_PATIENT, drug, requester=_PHYSICIAN, authored=_AT)
        for drug in codes.MEDICATIONS[:_SOME]
    ]
    of_patient = tuple(_searchset(active[:count]) for count in (1, 2, 3))
    return ("patient=", of_patient), ("", (_searchset(active),))


def _documents() -> Rows:
    """What leads to a study's images, or a note."""
    index = resources.image_index(_PATIENT, ["Binary/0", "Binary/1"], at=_AT)
    note = resources.document_reference(_PATIENT, codes.NOTE_TYPES[0], "Canned.", author=_PHYSICIAN, at=_AT)
    return ("type=", (_searchset([index]),)), ("", (_searchset([note]),))


def _visit() -> Resource:
    return resources.encounter(_PATIENT, status="in-progress", start=_AT, organization=_SITE)


def _visits() -> Rows:
    """A visit open in three of four patients, an occupied bed empty in one of four, and who is there now."""
    open_in_most = (*[_searchset([_visit()])] * 3, _searchset([]))
    there = {
        kind: _searchset(
            [resources.encounter(_PATIENT, status="in-progress", start=_AT, organization=_SITE, kind=kind)] * _SOME
        )
        for kind in ("EMER", "IMP")
    }
    over = resources.encounter(
        _PATIENT, status="finished", start=_AT - timedelta(days=4, hours=1), end=_AT - timedelta(days=4)
    )
    pages = [
        (
            f"page={number}" if number > 1 else "status=finished",
            (_searchset([over] * _SOME, following=f"Encounter?page={number + 1}" if number < _PAGES else ""),),
        )
        for number in range(1, _PAGES + 1)
    ]
    return (
        *pages,
        ("class=EMER", (there["EMER"],)),
        ("class=IMP", (there["IMP"],)),
        ("patient=", open_in_most),
        ("location=", open_in_most),
        ("", (there["IMP"],)),
    )


def _orders() -> Rows:
    """The laboratory's worklist, which goes on after its first page as often as not; ways to be gone."""
    panels = [
        resources.service_request(_PATIENT, panel, requester=_PHYSICIAN, performer=_SITE, authored=_AT)
        for panel in codes.LAB_PANELS
    ]
    short, full = _searchset(panels), _searchset((panels * _PAGE)[:_PAGE], following="ServiceRequest?page=2")
    way = resources.transport(_PATIENT, authored=_AT, performer=_SITE, encounter=_VISIT, to="Location/0")
    return (
        ("page=2", (short,)),
        ("patient=", (short,)),
        ("code=", (_searchset([way] * _SOME),)),
        ("", (full, short)),
    )


def _beds() -> Rows:
    """Free and occupied ones; one is being cleaned as often as not."""
    free, cleaned = (resources.bed("Ward 1, bed 1", state=state, organization=_SITE) for state in ("U", "H"))
    return (
        ("operational-status=H", (_searchset([cleaned]), _searchset([]))),
        ("", (_searchset([free] * _SOME),)),
    )


def _tasks() -> Rows:
    bed = resources.bed_request(_PATIENT, _VISIT, authored=_AT, owner=_SITE)
    paper = resources.paper_task("DocumentReference/0", authored=_AT, owner=_SITE)
    return (
        (f"code={ancillary_codes.PAPER_TO_FILE.code}", (_searchset([paper] * _SOME),)),
        ("", (_searchset([bed] * _SOME),)),
    )


def _charges() -> Rows:
    service = concept(ancillary_codes.CLINIC_VISIT)
    charge = resources.charge_item(_PATIENT, service, encounter=_VISIT, entered=_AT, organization=_SITE)
    return _always(_searchset([charge] * _SOME))


def _claims() -> Rows:
    asked = resources.claim(
        _PATIENT,
        [concept(ancillary_codes.IMAGING_EXAMS[0].coding)],
        use="preauthorization",
        coverage="Coverage/0",
        created=_AT,
        provider=_SITE,
        price=1.0,
    )
    return _always(_searchset([asked] * _SOME))


def _messages() -> Rows:
    """0 to 2."""
    sent = resources.communication(_PATIENT, "Canned.", sender=_PATIENT, recipient=_SITE, sent=_AT)
    return _either(*(_searchset([sent] * count) for count in (0, 1, 2)))


def _searchset(found: Sequence[Resource], *, ids: Sequence[str] = (), following: str = "") -> Answer:
    """One Answer for all who search: it is parsed once, and nobody may change what it holds."""
    entries = [
        {"resource": _stored(resource, ids[number] if ids else str(number)), "search": {"mode": "match"}}
        for number, resource in enumerate(found)
    ]
    link = [{"relation": "next", "url": following}] if following else []
    return as_answer({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entries})


def _stored(resource: Resource, resource_id: str) -> Resource:
    return requests.tagged({**resource, "id": resource_id, "meta": {"versionId": "1"}}, "run-canned")
