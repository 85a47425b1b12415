"""One synthetic clinician: what a workflow may ask of her, over whichever world she is in.

    workflow ──▶ Clinician ──▶ World (wire or virtual clock)
                 builds the call, says what a right answer is, turns a wrong one into a failed step
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from harness.clinic.register import KnownPatient, SiteRegister
from harness.clinic.world import StepFailed, World
from harness.fhir import checks, requests
from harness.fhir.call import Answer, Call, Check
from harness.population.stream import Stream

__all__ = ["Clinician", "Found", "Habits", "Pace", "Post"]

Resource = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """A lognormal pause: its mean and the standard deviation of its logarithm."""

    mean_s: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Habits:
    """How a persona works: pauses between steps and between workflows, and how often it does each workflow."""

    persona: str
    think: Pace
    between: Pace
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Post:
    """Where a clinician works: the site, its people, the day that is played, and the run that her writes are tagged with."""

    site: str
    locale: str
    seed: int
    today: date
    run_id: str
    register: SiteRegister


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave: matches, resources included with them, and the link to the next page ("" on the last)."""

    matches: tuple[Resource, ...]
    included: tuple[Resource, ...]
    next: str


class Clinician:
    """A person on duty. Everything she draws comes from (seed, site, persona, ordinal), so she is the same everywhere."""

    def __init__(self, post: Post, habits: Habits, ordinal: int, world: World, slot: int = 0) -> None:
        self.post = post
        self.habits = habits
        self.ordinal = ordinal
        self.world = world
        self.draws = Stream(post.seed, post.site, habits.persona, ordinal, slot)

    @property
    def practitioner(self) -> str:
        """Her own Practitioner as a reference."""
        ids = self.post.register.practitioners[self.habits.persona]
        return f"Practitioner/{ids[self.ordinal % len(ids)]}"

    @property
    def organization(self) -> str:
        """Her site's Organization as a reference."""
        return f"Organization/{self.post.register.organization}"

    def next_patient(self) -> KnownPatient:
        """Whoever comes next: any patient of the site, equally likely."""
        return self.draws.choose(self.post.register.patients)

    def think(self, what: str) -> None:  # noqa: ARG002 (`what` is for the reader of the workflow)
        """Pause as the persona does at one step."""
        self.pause(self.habits.think)

    def pause(self, pace: Pace) -> None:
        self.world.wait(self.draws.lognormal(pace.mean_s, pace.sigma) if pace.mean_s > 0 else 0.0)

    def read(self, kind: str, resource_id: str) -> Resource:
        """One resource by id."""
        call = requests.read(kind, resource_id)
        return self._content(call, lambda answer: checks.is_resource(answer, kind, resource_id))

    def search(
        self, kind: str, *, patient: KnownPatient | None = None, at_least: int = 0, **parameters: str | Sequence[str]
    ) -> Found:
        """Search `kind`; with `patient`, every match must be about that patient.

        A parameter name is written with `_` for `-` (`clinical_status`) and a leading `_` kept (`_sort`); a sequence is repeated.
        Fewer than `at_least` matches are a failed step: somebody the clinic knows was not found.
        """
        call = requests.search(kind, patient.id if patient else "", parameters)
        return self._found(call, lambda answer: checks.is_search_result(answer, kind, patient and patient.id, at_least))

    def next_page(self, kind: str, page: Found) -> Found:
        """Follow the opaque `next` link of a page that has one."""
        call = requests.next_page(kind, page.next)
        return self._found(call, lambda answer: checks.is_search_result(answer, kind, None, 0))

    def find_patient(self, patient: KnownPatient, **parameters: str) -> Resource:
        """Search Patient by what is known of one; the answer must hold that very patient."""
        call = requests.search("Patient", "", parameters)
        found = self._found(call, lambda answer: checks.holds_patient(answer, patient.id))
        return next(match for match in found.matches if match["id"] == patient.id)

    def create(self, resource: Resource, *, if_none_exist: str = "") -> Resource:
        """Create; conditionally where `if_none_exist` says by which search. Returns what the server stored."""
        call = requests.create(self._tagged(resource), if_none_exist)
        return self._content(call, lambda answer: checks.is_stored(answer, resource["resourceType"]))

    def revise(self, resource: Resource, change: Callable[[Resource], Resource]) -> Resource:
        """Update with `If-Match`. Somebody was quicker (409, 412): read again, change again, send once more."""
        kind, resource_id = resource["resourceType"], resource["id"]
        stored: Check = lambda answer: checks.is_stored(answer, kind, resource_id)  # noqa: E731
        answer = self._perform(requests.update(change(resource)), stored)
        if answer.refused:
            call = requests.update(change(self.read(kind, resource_id)))
            answer = self._perform(call, stored)
            if answer.refused:
                raise StepFailed(f"{call.operation}: refused twice, somebody else keeps changing it")
        return _as_resource(answer)

    def transaction(self, name: str, entries: Sequence[Resource]) -> Resource:
        """All or nothing; `entries` are Bundle entries made by `harness.fhir.requests.entry`."""
        return self._bundle("transaction", name, entries)

    def batch(self, name: str, entries: Sequence[Resource]) -> Resource:
        """Each entry for itself; one failed entry in a 200 answer is a failed step."""
        return self._bundle("batch", name, entries)

    def _bundle(self, kind: str, name: str, entries: Sequence[Resource]) -> Resource:
        tagged = [
            {**entry, "resource": self._tagged(entry["resource"])} if "resource" in entry else entry for entry in entries
        ]
        call = requests.bundle(kind, name, tagged)
        return self._content(call, lambda answer: checks.is_bundle_response(answer, kind, len(tagged)))

    def _tagged(self, resource: Resource) -> Resource:
        return requests.tagged(resource, f"run-{self.post.run_id}")

    def _found(self, call: Call, check: Check) -> Found:
        bundle = self._content(call, check)
        return Found(*checks.split_search_result(bundle))

    def _content(self, call: Call, check: Check) -> Resource:
        return _as_resource(self._perform(call, check, refusal_fails=True))

    def _perform(self, call: Call, check: Check, *, refusal_fails: bool = False) -> Answer:
        answer = self.world.perform(call, check)
        if answer.outcome == "ok" or (answer.refused and not refusal_fails):
            return answer
        raise StepFailed(f"{call.operation}: {answer.outcome} {answer.status or ''} {answer.detail}".rstrip())


def _as_resource(answer: Answer) -> Resource:
    resource: Resource = answer.json()
    return resource
