"""Papers: faxes that wait in the inbox, scans of what people bring; each ends in the chart of whom it is about.

fax gateway ──▶ Task requested ──▶ clerk: whose is it? ──▶ DocumentReference gets its subject, Task completed
"""

from __future__ import annotations

from typing import Any

from harness.clinic.clinician import Clinician
from harness.clinic.registry import workflow
from harness.fhir import resources
from harness.fhir.ancillary_codes import FAX_TYPES, PAPER_TO_FILE, PAPER_TO_SIGN, SCAN_TYPES
from harness.fhir.resources import changes


@workflow(
    "file-fax",
    lane="documents",
    needs=(
        "Task?owner&code&status",
        "Task.update",
        "DocumentReference.read",
        "Binary.read",
        "Patient?birthdate&name",
        "DocumentReference.update",
    ),
)
def file_fax(clerk: Clinician) -> None:
    """Take a fax from the inbox, look whose it is, file it in that chart, tick it off. An empty inbox ends it.

    One that a colleague took at the same moment is hers.

    The name on a synthetic fax cannot be read: it is about any patient of the site.
    """
    inbox = clerk.search(
        "Task",
        code=PAPER_TO_FILE.code,
        status="requested",
        owner=clerk.organization,
        _sort="authored-on",
        _count="50",
    )
    clerk.think("what came in")
    for task in clerk.pick(clerk.own_share(inbox.ours), 1):
        taken = clerk.claim(task, lambda seen: changes.task_with(seen, "in-progress", clerk.now))
        if taken:
            file_in_chart(clerk, taken)


def file_in_chart(clerk: Clinician, task: dict[str, Any]) -> None:
    """Look at the fax, find whom it is about, say so in its document, complete the Task."""
    fax = clerk.read("DocumentReference", id_in(task["focus"]["reference"]))
    clerk.read("Binary", id_in(fax["content"][0]["attachment"]["url"]))
    clerk.think("read name, birthdate and sender")
    patient = clerk.next_patient()
    clerk.find_patient(patient, birthdate=patient.birthdate, name=patient.family)
    clerk.think("compare with the record, choose the folder")
    about = {"reference": f"Patient/{patient.id}"}
    clerk.revise(fax, lambda seen: {**seen, "subject": about})
    clerk.think("tick it off")
    clerk.revise(task, lambda seen: changes.task_with({**seen, "for": about}, "completed", clerk.now))


@workflow(
    "scan-paper",
    lane="documents",
    needs=("Patient?birthdate&name", "Binary.create", "DocumentReference.create", "Task.create"),
)
def scan_paper(clerk: Clinician) -> None:
    """Scan what a patient brought, file it in the chart, and ask for somebody to look at it and sign."""
    patient = clerk.next_patient()
    clerk.think("sort the pages, lay them in")
    clerk.find_patient(patient, birthdate=patient.birthdate, name=patient.family)
    clerk.think("scan, turn pages that lie upside down")
    paper = scanned(clerk)
    clerk.think("choose the type of document")
    (kind,) = clerk.pick(SCAN_TYPES, 1)
    filed = clerk.create(
        resources.filed_paper(
            paper,
            kind,
            at=clerk.now,
            patient=f"Patient/{patient.id}",
            author=clerk.practitioner,
            custodian=clerk.organization,
        )
    )
    clerk.think("who must see it")
    clerk.create(
        resources.paper_task(
            f"DocumentReference/{filed['id']}",
            what=PAPER_TO_SIGN,
            patient=f"Patient/{patient.id}",
            authored=clerk.now,
            requester=clerk.practitioner,
            owner=clerk.organization,
        )
    )


@workflow("receive-fax", lane="documents", needs=("Binary.create", "DocumentReference.create", "Task.create"))
def receive_fax(gateway: Clinician) -> None:
    """A fax comes in: the gateway stores its image and its document, and puts a Task into the inbox of the site."""
    (kind,) = gateway.pick(FAX_TYPES, 1)
    paper = scanned(gateway)
    fax = gateway.create(resources.filed_paper(paper, kind, at=gateway.now, custodian=gateway.organization))
    gateway.create(
        resources.paper_task(f"DocumentReference/{fax['id']}", authored=gateway.now, owner=gateway.organization)
    )


def scanned(clerk: Clinician) -> str:
    """A reference to a scan that is stored; of 0.1 to 5 MB, mostly small."""
    stored = clerk.create(resources.binary(resources.scan_bytes(clerk.draws.uniform())))
    return f"Binary/{stored['id']}"


def id_in(reference: str) -> str:
    """The id in `Kind/id`, `https://host/fhir/Kind/id` and `Kind/id/_history/version`."""
    return reference.partition("/_history/")[0].rpartition("/")[2]
