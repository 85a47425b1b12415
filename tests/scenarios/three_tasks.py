"""Three tasks of one request each, so that a planted slow operation is one workflow's and no other's."""

from harness.clinic import Clinician, workflow


@workflow("open-record", lane="identity", needs=("Patient.read",))
def open_record(asker: Clinician) -> None:
    """Read one patient of the site."""
    asker.read("Patient", asker.next_patient().id)


@workflow("look-at-results", lane="labs", needs=("Observation?patient",))
def look_at_results(asker: Clinician) -> None:
    """Search one patient's observations."""
    asker.search("Observation", patient=asker.next_patient(), _count="1")


@workflow("look-at-visits", lane="scheduling", needs=("Encounter?patient",))
def look_at_visits(asker: Clinician) -> None:
    """Search one patient's encounters."""
    asker.search("Encounter", patient=asker.next_patient(), _count="1")
