"""Who is at a target: the patients and staff of each site under the ids that the server gave them.

Seeded data is found, not guessed: `control` looks it up by tag and writes `register.json`; the load only reads it.
In a run with `--patients` these are real people, with names, birthdates and MRNs: only who started the run may read
the file (mode 0600).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

__all__ = ["KnownPatient", "SiteRegister", "keys_of", "known_patient", "read_register", "write_register"]


@dataclass(frozen=True, slots=True)
class KnownPatient:
    """A patient as the server holds it. `birthdate` is ISO 8601."""

    id: str
    mrn: str
    family: str
    given: str
    birthdate: str


@dataclass(frozen=True)
class SiteRegister:
    """A site's patients, its Practitioner ids by persona (the n-th is the n-th clinician's), its Organization's id."""

    patients: tuple[KnownPatient, ...]
    practitioners: Mapping[str, tuple[str, ...]]
    organization: str
    seeded: bool = True
    """Their charts are ours, and known to hold what every workflow looks for; those of other patients may be bare."""

    def knows_chart(self, patient_id: str | None) -> bool:
        """Whether what that patient's chart holds is known, not so of who first came during the run; None: of all."""
        return self.seeded and (patient_id is None or patient_id in self._ids)

    @cached_property
    def _ids(self) -> frozenset[str]:
        return frozenset(patient.id for patient in self.patients)


def keys_of(resource: Mapping[str, Any]) -> Iterator[str]:
    """`system|value` of each identifier of a resource."""
    for identifier in resource.get("identifier", ()):
        yield f"{identifier.get('system', '')}|{identifier.get('value', '')}"


def known_patient(patient: Mapping[str, Any], key: str) -> KnownPatient:
    """As the server holds it; names and birthdate may have been changed there, the MRN is what it was found by.

    `key` is that MRN as `system|value`.
    """
    name: Mapping[str, Any] = next(iter(patient.get("name", ())), {})
    return KnownPatient(
        id=str(patient["id"]),
        mrn=key.partition("|")[2],
        family=str(name.get("family", "")),
        given=str(next(iter(name.get("given", ())), "")),
        birthdate=str(patient.get("birthDate", "")),
    )


def write_register(path: Path, sites: Mapping[str, SiteRegister]) -> None:
    """Write it whole or not at all, with mode 0600 from the first byte on; an old file's mode does not count."""
    draft = path.with_name(path.name + ".part")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(orjson.dumps({name: asdict(register) for name, register in sites.items()}))
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read_register(path: Path) -> dict[str, SiteRegister]:
    """Raises OSError or ValueError where the file is missing or not ours."""
    return {
        name: SiteRegister(
            patients=tuple(KnownPatient(**patient) for patient in entry["patients"]),
            practitioners={persona: tuple(ids) for persona, ids in entry["practitioners"].items()},
            organization=entry["organization"],
            seeded=entry["seeded"],
        )
        for name, entry in orjson.loads(path.read_bytes()).items()
    }
