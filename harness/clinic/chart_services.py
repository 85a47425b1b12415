"""What stands in a chart for the services around the visit: visits to be billed, images, papers, requests, messages.

What one kind of staff alone looks for is only there where a site has such people. How often each is there is our choice
(assumption), bounded by what is quick to seed: a hospital's chart has 22 entries on the mean.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from harness.clinic.chart import Chart
from harness.fhir import ancillary_codes, resources
from harness.fhir.resources.elements import concept
from harness.fhir.ward_codes import EncounterClass

__all__ = ["write_services"]

_MOST_IMAGES: Final = 2
"""Of a study, of which every patient has one where there are radiologists: their next patient may be any of them.
source: assumption (a chest film in one or two views)"""
_IMAGE_BYTES: Final = 24_000
"""Of an image, 32 kB in base64: a small picture of it, so that seeding stays quick. source: assumption"""
_PAPER_BYTES: Final = 30_000
"""Of a fax that waits. source: assumption (one page; those that come during a run are larger)"""
_STAYED: Final = 0.4
"""Share of a hospital's finished visits that were stays over night. source: assumption"""
_VISIT: Final = timedelta(minutes=20)
_SERVICE_USD: Final = 900.0
_MESSAGES: Final = (
    "May I take the tablets together with food?",
    "The cough is better, thank you. Shall I come again?",
    "I need a new prescription before I travel.",
)
"""What synthetic patients write. About nobody."""


def write_services(chart: Chart, visit: str, coverage: str) -> None:
    """All of them; `visit` and `coverage` are references to the visit or stay of today, and to who pays."""
    if chart.has("biller"):
        _write_finished_visit(chart)
    if chart.has("radiologist"):
        _write_images(chart, visit)
    if chart.awaits_bed:
        _ask_for_bed(chart, visit)
    if chart.has("document-clerk") and chart.is_one_in(10):
        _write_fax(chart)
    if chart.has("prior-authorization-specialist") and chart.is_one_in(10):
        _ask_payer(chart, coverage)
    if chart.is_one_in(4):
        _write_message(chart)


def _write_finished_visit(chart: Chart) -> None:
    """A visit that was over 3 to 5 days ago, as bills are held; who lies on a ward now had it before that."""
    days = 3 if chart.where == "ward" else 0
    stayed = chart.population.is_hospital and chart.draws.chance(_STAYED)
    kind: EncounterClass = "IMP" if stayed else "AMB"
    end = chart.days_ago(3 + days, 5 + days)
    start = end - (timedelta(days=1 + chart.draws.integer(4)) if stayed else _VISIT)
    visit = chart.add(
        resources.encounter(
            chart.patient,
            status="finished",
            start=start,
            end=end,
            practitioner=chart.physician,
            organization=chart.organization,
            kind=kind,
        )
    )
    if chart.draws.chance(0.5):
        done = chart.draws.choose(ancillary_codes.PROCEDURES)
        chart.add(resources.procedure(chart.patient, done, performed=start, performer=chart.physician, encounter=visit))
    if chart.is_one_in(4):
        _charge(chart, visit, end)


def _charge(chart: Chart, visit: str, entered: datetime) -> None:
    """What is coded already and waits to be claimed."""
    service = concept(ancillary_codes.CLINIC_VISIT)
    chart.add(
        resources.charge_item(chart.patient, service, encounter=visit, entered=entered, organization=chart.organization)
    )


def _write_images(chart: Chart, visit: str) -> None:
    """A study of last evening, its images, and the document that leads from one to the other."""
    at = chart.last_evening()
    # a DICOM UID that is made of a UUID (PS3.5, B.2)
    uid = f"2.25.{uuid5(NAMESPACE_URL, chart.population.name('study', chart.ordinal)).int}"
    exam, count = chart.draws.choose(ancillary_codes.IMAGING_EXAMS), 1 + chart.draws.integer(_MOST_IMAGES)
    study = chart.add(resources.imaging_study(chart.patient, exam, uid=uid, images=count, started=at, encounter=visit))
    images = [chart.add(resources.binary(_IMAGE_BYTES, "image/jpeg")) for _ in range(count)]
    chart.add(
        resources.image_index(chart.patient, images, at=at, custodian=chart.organization, encounter=visit, study=study)
    )


def _ask_for_bed(chart: Chart, visit: str) -> None:
    chart.add(
        resources.bed_request(
            chart.patient,
            visit,
            authored=chart.last_evening(),
            requester=chart.physician,
            owner=chart.organization,
        )
    )


def _write_fax(chart: Chart) -> None:
    """A fax that waits in the inbox; nobody has said yet whom it is about."""
    at = chart.last_evening()
    paper = chart.add(resources.binary(_PAPER_BYTES))
    kind = chart.draws.choose(ancillary_codes.FAX_TYPES)
    filed = chart.add(resources.filed_paper(paper, kind, at=at, custodian=chart.organization))
    chart.add(resources.paper_task(filed, authored=at, owner=chart.organization))


def _ask_payer(chart: Chart, coverage: str) -> None:
    """A request for authorization that has not been answered."""
    exam = chart.draws.choose(ancillary_codes.IMAGING_EXAMS)
    chart.add(
        resources.claim(
            chart.patient,
            [concept(exam.coding)],
            use="preauthorization",
            coverage=coverage,
            created=chart.days_ago(1, 5),
            provider=chart.organization,
            price=_SERVICE_USD,
        )
    )


def _write_message(chart: Chart) -> None:
    text = chart.draws.choose(_MESSAGES)
    chart.add(
        resources.communication(
            chart.patient, text, sender=chart.patient, sent=chart.days_ago(1, 14), recipient=chart.organization
        )
    )
