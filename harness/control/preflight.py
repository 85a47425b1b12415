"""What must be so before load is worth sending: reachable, R4, able to do the work, people there, quick enough.

Each finding is a row. Whatever makes a run impossible is an error with the way out; what makes it smaller (a workflow
that the target cannot do) is a row and is listed by name. Here one endpoint is looked at; `survey` goes through all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from harness.clinic.register import SiteRegister
from harness.control.client import ControlClient, Refused
from harness.control.metadata import read_capabilities
from harness.control.own_patients import OwnPeople, find_own_people
from harness.control.people import People, find_people
from harness.control.probes import Probes, measure_round_trips
from harness.errors import NoPatients, TargetError
from harness.fhir.capabilities import Capabilities
from harness.scenario.abilities import unsupported_workflows, workflows_of
from harness.scenario.model import RunSpec
from harness.scenario.patients_file import PatientsFile
from harness.target import Target
from harness.units import count_text, duration_text

__all__ = ["Preflight", "Row", "preflight"]

Outcome = Literal["ok", "note", "skipped", "fail"]
_COUNTED = ("Patient", "Encounter")


@dataclass(frozen=True, slots=True)
class Row:
    """One check: what was looked at, how it came out, and the figures."""

    check: str
    outcome: Outcome
    detail: str
    endpoint: str = ""
    """Whose finding it is, where a run has several endpoints."""


@dataclass(frozen=True)
class Preflight:
    """What is known of one endpoint before the load."""

    target: Target
    spec: RunSpec | None
    """The run as far as it goes there, with what was found out about its patients' record numbers."""
    capabilities: Capabilities
    register: Mapping[str, SiteRegister]
    unsupported: Mapping[str, tuple[str, ...]]
    """Workflow → what it needs and the target does not declare; those are skipped, and recorded as skipped."""
    volumes: Mapping[str, int | None]
    """Resources held, by kind, whoever's they are; None where the target does not say."""
    probes: Probes
    rows: tuple[Row, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """For programs: no names of people, only counts."""
        return {
            "target": self.target.url,
            "software": self.capabilities.software,
            "fhir_version": self.capabilities.fhir_version,
            "volumes": dict(self.volumes),
            "unsupported": {name: list(missing) for name, missing in self.unsupported.items()},
            "sites": {
                name: {
                    "patients": len(site.patients),
                    "staff": {persona: len(ids) for persona, ids in site.practitioners.items()},
                }
                for name, site in self.register.items()
            },
            "round_trips": [asdict(trip) for trip in self.probes.round_trips],
            "index_lag_ms": self.probes.index_lag_ms,
            "rows": [asdict(row) for row in self.rows],
        }


def preflight(
    client: ControlClient,
    spec: RunSpec | None,
    *,
    patients: PatientsFile | None = None,
    how_to_seed: str = "",
    probe: bool = True,
    on_row: Callable[[Row], None] = lambda _row: None,
) -> Preflight:
    """Look at a target for a run of `spec`, or with None at what needs no scenario.

    With `patients` those are whom the run works with, else whoever was seeded for it. `how_to_seed` is the command that
    NoPatients tells the user to type; with `probe` a few small tagged resources are written and deleted again. `on_row`
    hears of each row as it is found, so also of those before an error.

    Raises TargetError where the target cannot be used, NoPatients where the people of a site are not there.
    """
    rows: list[Row] = []

    def note(check: str, outcome: Outcome, detail: str) -> None:
        rows.append(Row(check, outcome, detail))
        on_row(rows[-1])

    capabilities = read_capabilities(client)
    software = capabilities.software or "a server that does not name itself"
    note("reachable", "ok", f"{client.target.url}: {software}, FHIR {capabilities.fhir_version}")
    unsupported: dict[str, tuple[str, ...]] = {}
    register: dict[str, SiteRegister] = {}
    if spec is not None:
        unsupported = unsupported_workflows(spec, capabilities)
        for row in _capability_rows(spec, unsupported):
            note(row.check, row.outcome, row.detail)
        _require_some_work(client.target, spec, unsupported)
    volumes = {kind: _volume(client, kind) for kind in _COUNTED}
    held = ", ".join(count_text(number, kind) for kind, number in volumes.items() if number is not None)
    note("data volume", "ok" if held else "skipped", held or "the target does not count what it holds")
    if spec is not None and patients is not None:
        own = find_own_people(client, capabilities, spec, patients)
        spec, register = own.spec, dict(own.register)
        for row in _own_people_rows(own, patients):
            note(row.check, row.outcome, row.detail)
    elif spec is not None:
        people = find_people(client, spec)
        for found in people:
            note(*_people_row(found))
        _require_people(client.target, people, how_to_seed)
        register = {found.site: found.register() for found in people}
    probes = measure_round_trips(client, capabilities) if probe else Probes(skipped="not asked for")
    for row in _probe_rows(probes):
        note(row.check, row.outcome, row.detail)
    if again := client.traffic.sent_again:
        note("sent again", "note", again)
    return Preflight(client.target, spec, capabilities, register, unsupported, volumes, probes, tuple(rows))


def _capability_rows(spec: RunSpec, unsupported: Mapping[str, tuple[str, ...]]) -> list[Row]:
    names = workflows_of(spec)
    able = len(names) - len(unsupported)
    head = Row(
        "capabilities", "note" if unsupported else "ok", f"{able} of {count_text(len(names), 'workflow')} can be done"
    )
    return [head] + [
        Row("capabilities", "skipped", f"{name}: the target does not declare {', '.join(missing)}")
        for name, missing in unsupported.items()
    ]


def _require_some_work(target: Target, spec: RunSpec, unsupported: Mapping[str, tuple[str, ...]]) -> None:
    if set(workflows_of(spec)) <= set(unsupported):
        missing = sorted({need for needs in unsupported.values() for need in needs})
        raise TargetError(
            f"{target.url}: none of the scenario's workflows can be done there",
            f"Its /metadata was read, nothing was written. It does not declare: {', '.join(missing)}.",
        )


def _people_row(people: People) -> tuple[str, Outcome, str]:
    wanted = count_text(people.population.patients, "patient")
    held = f"{len(people.patients):,} of {wanted}, {len(people.practitioners):,} of {people.staff:,} staff"
    organization = "" if people.organization else ", no Organization"
    twice = f"; {count_text(people.doubles, 'double')} left aside" if people.doubles else ""
    outcome: Outcome = "ok" if people.complete else "fail"
    return (
        f"people of {people.site}",
        "note" if people.complete and people.doubles else outcome,
        held + organization + twice,
    )


def _own_people_rows(own: OwnPeople, patients: PatientsFile) -> list[Row]:
    charts = "their charts are as they are: work that looks for what is in none of them fails"
    rows = [Row("people", "note", note) for note in (*own.notes, charts)]
    for site, register in own.register.items():
        held = f"{count_text(len(register.patients), 'patient')} of {patients.name}"
        staff = f", {own.practitioners:,} practitioners stand for the staff" if own.practitioners else ""
        rows.append(Row(f"people of {site}", "ok", held + staff))
    return rows


def _require_people(target: Target, people: Sequence[People], how_to_seed: str) -> None:
    lacking = [found for found in people if not found.complete]
    if not lacking:
        return
    type_this = f"Type: {how_to_seed}" if how_to_seed else "Seed it first: emrload seed SCENARIO --target URL"
    if not any(found.patients for found in people):
        what = "the patients of this run are not there"
    else:
        first = lacking[0]
        where = f"{len(lacking)} of {count_text(len(people), 'site')}, first {first.site}"
        what = f"some people of this run are not there ({where})"
    raise NoPatients(f"{target.url}: {what}", f"Only searches were sent. {type_this}")


def _volume(client: ControlClient, kind: str) -> int | None:
    try:
        return client.count(kind)
    except Refused:
        # Not every server counts; nothing of the run depends on it, and the row says so.
        return None


def _probe_rows(probes: Probes) -> list[Row]:
    if probes.skipped:
        return [Row("round trips", "skipped", probes.skipped)]
    rows = [
        Row(
            "round trips",
            "ok",
            f"{trip.operation}: median {trip.median_ms:.1f} ms, shortest {trip.min_ms:.1f} ms of {trip.rounds}",
        )
        for trip in probes.round_trips
    ]
    if probes.index_lag_ms is None:
        rows.append(
            Row("index lag", "note", "a new resource can be read by its id but was not found by searching in 5 s")
        )
    elif probes.index_lag_ms:
        lag = duration_text(probes.index_lag_ms / 1000)
        rows.append(Row("index lag", "note", f"a new resource is found by searching after up to {lag}"))
    else:
        rows.append(Row("index lag", "ok", "a new resource is found by the first search"))
    if probes.left_behind:
        rows.append(Row("round trips", "note", f"could not be deleted again: {', '.join(probes.left_behind)}"))
    return rows
