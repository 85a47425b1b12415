"""One read and nothing besides, so that a request is a visit to the server."""

from harness.clinic import Clinician, workflow


@workflow("ask-once", lane="identity", needs=("Patient.read",))
def ask_once(asker: Clinician) -> None:
    """Read one patient of the site."""
    asker.read("Patient", asker.next_patient().id)
