"""Delete what a run or seeding created, found by tag, until a fresh search finds nothing more.

    each kind, those that refer to others first:   search by tag ─▶ look at the tag of each ─▶ delete in batches
    (kinds that only somebody's own workflows write come before all: the target counts what it has of them)
    until a whole round finds nothing to delete, or nothing more can be deleted

Nothing that does not itself carry our tag is deleted, whatever a search gives.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from harness.control.client import ControlClient, Refused
from harness.control.parallel import in_parallel
from harness.control.refusals import refusal_text
from harness.errors import TargetError
from harness.fhir import requests
from harness.fhir.call import Answer
from harness.fhir.capabilities import Capabilities
from harness.fhir.systems import SYNTHETIC, TAG_SYSTEM

__all__ = ["KINDS", "Cleanup", "CleanupProgress", "Stuck", "clean_up"]

KINDS: Final = (
    "Task",
    "Communication",
    "Claim",
    "ChargeItem",
    "MedicationDispense",
    "MedicationAdministration",
    "DiagnosticReport",
    "Observation",
    "DocumentReference",
    "ImagingStudy",
    "Procedure",
    "MedicationRequest",
    "ServiceRequest",
    "Condition",
    "AllergyIntolerance",
    "Coverage",
    "Encounter",
    "Appointment",
    "Binary",
    "Location",
    "Patient",
    "Practitioner",
    "Organization",
)
"""Every kind that the harness writes, those that refer to others before those they refer to: a server that keeps
referential integrity refuses to delete what is still referred to."""

BATCH: Final = 50
"""Deletions in one request: over in well under a second on HAPI, whose batches run one entry after the other."""
MAX_ROUNDS: Final = 6
"""One deletes all, one sees that nothing is left; the others are for what was written or referred to in between."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """One resource that the server would not delete."""

    kind: str
    id: str
    why: str


@dataclass(slots=True)
class Cleanup:
    """What came of it: counts by kind, and what is left."""

    deleted: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    """Carry the run's tag, but were seeded before it: the run changed them, so they are left."""
    foreign: Counter[str] = field(default_factory=Counter)
    """Given by the search although they do not carry our tag: left alone."""
    stuck: list[Stuck] = field(default_factory=list)
    unsearched: dict[str, str] = field(default_factory=dict)
    """Kinds that could not be searched by tag, and why."""
    rounds: int = 0
    settled: bool = False
    """The last round, with fresh searches, found nothing that could be deleted."""
    took_s: float = 0.0
    sent_again: str = ""
    """Requests that were sent again, in words."""

    @property
    def complete(self) -> bool:
        return self.settled and not self.stuck and not self.unsearched


@dataclass(frozen=True, slots=True)
class CleanupProgress:
    """How far it is: resources deleted so far, of all that there were, and the kind that is being deleted."""

    deleted: int
    of: int | None
    """None where the server does not count."""
    kind: str


def clean_up(
    client: ControlClient,
    capabilities: Capabilities,
    run_id: str = "",
    on_progress: Callable[[CleanupProgress], None] = lambda _progress: None,
) -> Cleanup:
    """Delete what run `run_id` created, or with "" everything that the harness ever wrote there.

    `on_progress` is called after each request. Raises TargetError where the target stops answering.
    """
    began = time.monotonic()
    tag = f"run-{run_id}" if run_id else SYNTHETIC
    result = Cleanup()
    searched = _offering(capabilities, "search-type")
    result.unsearched = {
        kind: "the target lets create it, but declares no search by which it could be found again"
        for kind in KINDS
        if kind not in searched and kind in _offering(capabilities, "create")
    }
    others = sorted(_offering(capabilities, "create") & searched - set(KINDS))
    counts = _counts(client, [*others, *(kind for kind in KINDS if kind in searched)], tag)
    expected = {kind: number for kind, number in counts.items() if kind in KINDS or number}
    together = next((kind for kind in ("batch", "transaction") if not capabilities.lacks([kind])), "")
    tally = _Tally(result, expected, on_progress)
    while result.rounds < MAX_ROUNDS:
        result.rounds += 1
        result.kept, result.foreign, result.stuck = Counter(), Counter(), []
        deleted_before = result.deleted.total()
        for kind in expected:
            _clean_kind(client, kind, tag, together, tally)
        untied = _untie(client, capabilities, result)
        if result.deleted.total() == deleted_before and not untied:
            result.settled = True
            break
    result.took_s = time.monotonic() - began
    result.sent_again = client.traffic.sent_again
    return result


class _Tally:
    """Adds up what is deleted, and what of all that is. A count is an estimate (it holds what will be left, too) until
    the kind has been listed."""

    def __init__(
        self, result: Cleanup, expected: Mapping[str, int | None], on_progress: Callable[[CleanupProgress], None]
    ) -> None:
        self.result = result
        self._expected = dict(expected)
        self._on_progress = on_progress

    def listed(self, kind: str, number: int) -> None:
        """So many of `kind` are to be deleted now."""
        self._expected[kind] = self.result.deleted[kind] + number

    def deleted(self, kind: str, number: int) -> None:
        if number:
            self.result.deleted[kind] += number
        known = [number for number in self._expected.values() if number is not None]
        of = sum(known) if len(known) == len(self._expected) else None
        self._on_progress(CleanupProgress(self.result.deleted.total(), of, kind))


def _offering(capabilities: Capabilities, interaction: str) -> set[str]:
    """The kinds for which the target declares it."""
    return {kind for kind, declared in capabilities.interactions.items() if interaction in declared}


def _counts(client: ControlClient, kinds: Sequence[str], tag: str) -> dict[str, int | None]:
    def count(kind: str) -> tuple[str, int | None]:
        try:
            return kind, client.count(kind, {"_tag": f"{TAG_SYSTEM}|{tag}"})
        except Refused:
            # Not every server counts; the progress then says less, and what cannot be searched at all is told later.
            return kind, None

    counted = dict(in_parallel(count, kinds, client.connections, client.give_up))
    return {kind: counted[kind] for kind in kinds}


def _clean_kind(client: ControlClient, kind: str, tag: str, together: str, tally: _Tally) -> None:
    result = tally.result
    try:
        # All ids first: pages of a list that shrinks while it is read would be torn.
        ids = list(_tagged_ids(client, kind, tag, result))
    except Refused as error:
        result.unsearched[kind] = str(error)
        tally.listed(kind, 0)
        return
    result.unsearched.pop(kind, None)
    tally.listed(kind, len(ids))
    size = BATCH if together else 1
    chunks = [ids[first : first + size] for first in range(0, len(ids), size)]
    done = in_parallel(lambda chunk: _delete(client, kind, chunk, together), chunks, client.connections, client.give_up)
    for deleted, stuck in done:
        result.stuck += stuck
        tally.deleted(kind, deleted)


def _tagged_ids(client: ControlClient, kind: str, tag: str, result: Cleanup) -> Iterator[str]:
    for resource in client.find(kind, {"_tag": f"{TAG_SYSTEM}|{tag}"}):
        codes = _our_tags(resource)
        if resource.get("resourceType") != kind or tag not in codes or not resource.get("id"):
            result.foreign[kind] += 1
        elif tag != SYNTHETIC and any(code.startswith("population-") for code in codes):
            result.kept[kind] += 1
        else:
            yield resource["id"]


def _our_tags(resource: dict[str, Any]) -> set[str]:
    tags = resource.get("meta", {}).get("tag", [])
    return {str(tag.get("code", "")) for tag in tags if tag.get("system") == TAG_SYSTEM}


def _delete(client: ControlClient, kind: str, ids: Sequence[str], together: str) -> tuple[int, list[Stuck]]:
    """How many are gone, and those that are not. What was gone already (404, 410) counts as gone."""
    if together and len(ids) > 1:
        answer = client.send(_deletions(together, kind, [(kind, one) for one in ids]))
        statuses = _entry_statuses(answer, len(ids))
        if statuses is not None:
            outcomes = list(zip(ids, statuses, strict=True))
            stuck = [Stuck(kind, one, f"HTTP {status}") for one, status in outcomes if not _gone(status)]
            return len(ids) - len(stuck), stuck
        # Refused as a whole: each for itself, so that one does not hold up the others and each has its own reason.
    gone, stuck = 0, []
    for one in ids:
        answer = client.send(requests.delete(kind, one))
        if not answer.status:
            raise TargetError(
                f"{client.target.url}: {answer.detail}", "The same command goes on where this one stopped."
            )
        if _gone(answer.status):
            gone += 1
        else:
            stuck.append(Stuck(kind, one, refusal_text(answer)))
    return gone, stuck


def _untie(client: ControlClient, capabilities: Capabilities, result: Cleanup) -> bool:
    """Delete what holds each other fast (a message and its answers) in one transaction; whether that went well."""
    if len(result.stuck) < 2 or capabilities.lacks(["transaction"]):
        return False
    knot = [(stuck.kind, stuck.id) for stuck in result.stuck]
    answer = client.send(_deletions("transaction", "knot", knot))
    statuses = _entry_statuses(answer, len(knot))
    if statuses is None or not all(map(_gone, statuses)):
        return False
    result.deleted.update(kind for kind, _ in knot)
    return True


def _deletions(together: str, name: str, items: Iterable[tuple[str, str]]) -> Any:
    return requests.bundle(
        together, name, [{"request": {"method": "DELETE", "url": f"{kind}/{one}"}} for kind, one in items]
    )


def _entry_statuses(answer: Answer, count: int) -> list[int] | None:
    """The status of each entry; None where the bundle as a whole was refused or its answer cannot be used."""
    if answer.outcome != "ok":
        return None
    try:
        statuses = [int(str(entry["response"]["status"])[:3]) for entry in answer.json().get("entry", [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return statuses if len(statuses) == count else None


def _gone(status: int) -> bool:
    return 200 <= status < 300 or status in (404, 410)
