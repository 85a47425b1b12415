"""One synthetic clinician: what a workflow may ask of her, over whichever world she is in.

workflow ──▶ Clinician ──▶ World (wire or virtual clock)
             builds the call, says what a right answer is, turns a wrong one into a failed step
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID
from zlib import crc32

from harness.clinic import asking
from harness.clinic.found import Found, is_ours
from harness.clinic.not_there import not_there
from harness.clinic.post import Habits, Pace, Post
from harness.clinic.register import KnownPatient
from harness.clinic.world import StepFailed, World
from harness.fhir import checks, requests
from harness.fhir.call import Answer, Call, Check
from harness.fhir.systems import mrn_system
from harness.population.identity import PatientIdentity, patient_identity
from harness.population.stream import Stream

__all__ = ["Clinician", "Found"]

Resource = dict[str, Any]
T = TypeVar("T")
FIRST_NEWCOMER = 1_000_000
"""Patients with lower numbers are seeded, those from here on are registered during a run."""


class Clinician:
    """A person on duty. All she draws comes from (seed, site, persona, ordinal, slot): the same on every machine."""

    def __init__(self, post: Post, habits: Habits, ordinal: int, world: World, slot: int = 0) -> None:
        self.post = post
        self.habits = habits
        self.ordinal = ordinal
        self.world = world
        self.draws = Stream(post.seed, post.site, habits.persona, ordinal, slot)

    if not TYPE_CHECKING:  # mypy would believe in every name

        def __getattr__(self, name: str) -> Any:
            raise not_there("a clinician", self, name)

    @property
    def practitioner(self) -> str:
        """Her own Practitioner as a reference; "" where the site's staff is not in the record."""
        ids = self._colleagues
        return f"Practitioner/{ids[self.ordinal % len(ids)]}" if ids else ""

    @property
    def organization(self) -> str:
        """Her site's Organization as a reference; "" where the record has none."""
        known = self.post.register.organization
        return f"Organization/{known}" if known else ""

    @property
    def now(self) -> datetime:
        """What the site's clock shows, on the day that is played."""
        midnight = datetime.combine(self.post.today, time(), timezone(timedelta(seconds=self.post.utc_offset_s)))
        return midnight + timedelta(seconds=round(self.post.opens_at_s + self.world.now_s))

    def next_patient(self) -> KnownPatient:
        """Whoever comes next: any patient of the site, equally likely."""
        return self.draws.choose(self.post.register.patients)

    def own_patient(self, of: int) -> KnownPatient:
        """One of the `of` patients that she looks after all day; the next on the roster looks after the next `of`."""
        patients = self.post.register.patients
        return patients[(self.ordinal * of + self.draws.integer(of)) % len(patients)]

    def own_patients(self, of: int) -> tuple[KnownPatient, ...]:
        """All of the `of` patients that `own_patient` gives one of."""
        patients = self.post.register.patients
        first = self.ordinal * of
        return tuple(patients[(first + number) % len(patients)] for number in range(of))

    def own_share(self, work: Sequence[Resource]) -> Sequence[Resource]:
        """What falls to her where all of her persona at the site share `work` out by id; all of it where nothing does.

        Colleagues who each took whatever comes would often take the same, and all but one be refused.
        """
        heads = len(self._colleagues) or 1
        mine = self.ordinal % heads
        return [one for one in work if crc32(one["id"].encode()) % heads == mine] or work

    def mrn(self, number: str) -> str:
        """A medical record number of her site as `system|value`."""
        return f"{self.post.mrn_system or mrn_system(self.post.site)}|{number}"

    def happens(self, share: float) -> bool:
        """Whether what is so in this share of cases is so now."""
        return self.draws.chance(share)

    def in_order(self, workflow: str, steps: Mapping[str, Callable[[], T]]) -> dict[str, T]:
        """Take the named steps in the order that is habitual at the site; what each gave, by its name.

        Steps of which the habit says nothing follow in the order given here.
        """
        first = [name for name in self.post.order.get(workflow, ()) if name in steps]
        return {name: steps[name]() for name in dict.fromkeys((*first, *steps))}

    def newcomer(self) -> PatientIdentity:
        """Somebody whom no earlier run and no colleague has met: the number is drawn for this run, 40 bits wide."""
        number = Stream(self.post.run_id, self.draws.bits()).integer(1 << 40)
        return patient_identity(self.post.seed, self.post.site, FIRST_NEWCOMER + number, self.post.locale)

    def reading(self, low: float, high: float) -> float:
        """What an instrument shows: mostly within the usual range, one in six a little outside (assumption)."""
        margin = (high - low) / 10
        return low - margin + self.draws.uniform() * (high - low + 2 * margin)

    def new_name(self) -> str:
        """A `urn:uuid:` under which entries of one transaction refer to each other."""
        return f"urn:uuid:{UUID(int=self.draws.bits() << 64 | self.draws.bits(), version=4)}"

    def pick(self, items: Sequence[T], up_to: int) -> tuple[T, ...]:
        """Up to `up_to` neighbours out of `items`, from a drawn place on, so that colleagues seldom take the same."""
        if len(items) <= up_to:
            return tuple(items)
        start = self.draws.integer(len(items) - up_to + 1)
        return tuple(items[start : start + up_to])

    def think(self, what: str) -> None:
        """Pause as the persona does at one step.

        `what` is for the reader of the workflow. Raises TypeError for a number: how long she thinks is the persona's.
        """
        if not isinstance(what, str):
            raise TypeError("think(…) takes what she thinks about as a text; how long is the persona's")
        self.pause(self.habits.think)

    def pause(self, pace: Pace) -> None:
        """Let a drawn time of this pace pass.

        Raises ValueError where its mean is no length of time.
        """
        if not 0 <= pace.mean_s < math.inf:
            raise ValueError(f"a pause of {pace.mean_s:g} s on average; write a number of seconds from 0 on")
        self.world.wait(self.draws.lognormal(pace.mean_s, pace.sigma) if pace.mean_s > 0 else 0.0)

    def read(self, kind: str, resource_id: str) -> Resource:
        """One resource by id."""
        call = requests.read(kind, resource_id)
        return _as_resource(asking.ask(self.world, call, lambda answer: checks.is_resource(answer, kind, resource_id)))

    def look_up(self, reference: str) -> Resource | None:
        """What a reference (`Organization/12`) leads to; None where it is "", and then nothing is asked."""
        kind, _, resource_id = reference.rpartition("/")
        return self.read(kind, resource_id) if reference else None

    def search(
        self,
        kind: str,
        *,
        patient: KnownPatient | str | None = None,
        at_least: int = 0,
        **parameters: str | Sequence[str],
    ) -> Found:
        """Search `kind`; with `patient`, a person or her id, every match must be about that patient.

        A parameter name is written with `_` for `-` (`clinical_status`), a leading `_` kept (`_sort`) and a trailing
        one left out (`class_`); a sequence is repeated. A parameter that is "" is left out: who has no Practitioner or
        Organization in the record finds what is everybody's.
        Fewer than `at_least` matches are a failed step: what was seeded was not found. What the charts hold of patients
        who were there before, or came during the run, nobody knows.
        """
        patient_id = patient.id if isinstance(patient, KnownPatient) else patient
        known = at_least if at_least and self.post.register.knows_chart(patient_id) else 0
        return asking.search(self.world, kind, patient_id, parameters, known)

    def next_page(self, kind: str, page: Found) -> Found:
        """Follow the opaque `next` link of a page that has one."""
        call = requests.next_page(kind, page.next)
        return Found(asking.ask(self.world, call, lambda answer: checks.is_search_result(answer, kind, None, 0)))

    def find_patient(self, patient: KnownPatient, **parameters: str) -> Resource:
        """Search Patient by what is known of one; the answer must hold that very patient."""
        call = requests.search("Patient", "", parameters)
        found = Found(asking.ask(self.world, call, lambda answer: checks.holds_patient(answer, patient.id)))
        return next(match for match in found.matches if match["id"] == patient.id)

    def create(self, resource: Resource, *, if_none_exist: str = "") -> Resource:
        """Create; conditionally where `if_none_exist` says by which search. Returns what the server stored.

        Two conditional creates of one thing at once: the one refused is sent again, and then meets what the other made.
        """
        call = requests.create(requests.tagged(resource, self._origin_tag), if_none_exist)
        stored: Check = lambda answer: checks.is_stored(answer, resource["resourceType"])  # noqa: E731
        return self._insist(call, stored, lambda: call)

    def revise(self, resource: Resource, change: Callable[[Resource], Resource]) -> Resource:
        """Update with `If-Match`. Somebody was quicker (409, 412): read again, change again, send once more.

        Only what carries our tag is ever changed; anything else is a failed step. `change` gives a new resource.
        """
        kind, resource_id = resource["resourceType"], resource["id"]
        call, stored = self._update(resource, change)
        return self._insist(call, stored, lambda: requests.update(change(self.read(kind, resource_id))))

    def claim(self, resource: Resource, change: Callable[[Resource], Resource]) -> Resource | None:
        """Take a piece of work by an update with `If-Match`; None where a colleague was quicker, it is hers then."""
        call, stored = self._update(resource, change)
        answer = asking.ask(self.world, call, stored)
        return None if answer.refused else _as_resource(answer)

    def transaction(self, name: str, entries: Sequence[Resource]) -> Answer | None:
        """All or nothing; `entries` are Bundle entries made by `harness.fhir.requests.entry`.

        The answer's `json()` is the response Bundle, read where somebody asks for it. None where a colleague had
        meanwhile changed what an entry updates: it was refused, and nothing was written.
        """
        return asking.send_bundle(self.world, "transaction", name, entries, self._origin_tag)

    def batch(self, name: str, entries: Sequence[Resource]) -> None:
        """Each entry for itself; one failed entry in a 200 answer is a failed step."""
        asking.send_bundle(self.world, "batch", name, entries, self._origin_tag)

    @property
    def _origin_tag(self) -> str:
        return f"run-{self.post.run_id}"

    @property
    def _colleagues(self) -> tuple[str, ...]:
        """Ids of all of her persona at the site."""
        return self.post.register.practitioners.get(self.habits.persona, ())

    def _update(self, resource: Resource, change: Callable[[Resource], Resource]) -> tuple[Call, Check]:
        kind = resource["resourceType"]
        if not is_ours(resource):
            raise StepFailed(f"{kind}.update: not sent, the {kind} was not written by the harness")
        return requests.update(change(resource)), lambda answer: checks.is_stored(answer, kind, resource["id"])

    def _insist(self, call: Call, check: Check, again: Callable[[], Call]) -> Resource:
        """Perform `call`; where it is refused because of a race, perform what `again` makes of it, once."""
        answer = asking.ask(self.world, call, check)
        if answer.refused:
            answer = asking.ask(self.world, again(), check)
            if answer.refused:
                raise StepFailed(f"{call.operation}: refused twice, somebody else was quicker each time")
        return _as_resource(answer)


def _as_resource(answer: Answer) -> Resource:
    resource: Resource = answer.json()
    return resource
