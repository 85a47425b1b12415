"""What a worker knows of the sites that it plays: their posts and servers, everybody's pace, what cannot be done there.

CrewOrder ──▶ Places ──open(recorder)──▶ posting, connection, clinician for whoever comes to work or to visit
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.clinic.clinician import Clinician
from harness.clinic.post import Habits, Post
from harness.clinic.register import SiteRegister
from harness.clinic.shift import first_wait_s
from harness.clinic.world import World
from harness.load.client import Connection
from harness.load.endpoint import Endpoint
from harness.load.linked_connection import LinkedConnection
from harness.load.links import link_profiles, site_links
from harness.load.posting import IdSource, Posting, shared_head
from harness.load.recorder import Recorder
from harness.load.site_link import SiteLink
from harness.plan import costs_of, mean_run_s, phase_at, timeline_of, weights_at
from harness.plan.model import ArrivalProcess, Plan, Slot
from harness.population.stream import Stream
from harness.scenario import habits_of, think_factor_of
from harness.scenario.model import Site

__all__ = ["CrewOrder", "Places"]


@dataclass(frozen=True)
class CrewOrder:
    """What a worker needs to know to do its part of a run."""

    plan: Plan
    slots: tuple[Slot, ...]
    arrivals: tuple[ArrivalProcess, ...]
    worker: int
    run_id: str
    target: str
    streams: Path
    register: Mapping[str, SiteRegister]
    unsupported: Mapping[str, Collection[str]]
    """Site → workflows that the server there cannot do."""
    link_shares: Mapping[str, float]
    """Line → what of it falls to this worker (harness.plan.link_shares)."""
    most_visitors: int
    """At once, of those who come at a rate."""

    @property
    def sites(self) -> tuple[Site, ...]:
        """Those that somebody works at, or comes to, on this worker."""
        played = {slot.site for slot in self.slots} | {process.site for process in self.arrivals}
        return tuple(site for site in self.plan.spec.sites if site.name in played)


@dataclass(frozen=True, slots=True)
class _Server:
    """Where a site's requests go, and the headers that all of them carry."""

    endpoint: Endpoint
    head: str


class Places:
    """All sites of one worker. Raises ValueError for an endpoint or a link that cannot be used."""

    def __init__(self, order: CrewOrder) -> None:
        self._order = order
        self._spec = spec = order.plan.spec
        self._sites = {site.name: site for site in order.sites}
        self._servers = {site.name: self._server(site) for site in order.sites}
        clocks = timeline_of(spec).clocks
        self._posts = {
            name: self._post(site, clocks[name].local_s(0.0) + site.start_offset_s)
            for name, site in self._sites.items()
        }
        self._phases = {name: phase_at(order.plan, name) for name in self._sites}
        self._profiles = link_profiles(order.plan, self._sites, order.link_shares)
        self._links: dict[str, SiteLink] = {}
        self._habits: dict[tuple[str, float], Habits] = {}
        personas = dict.fromkeys(slot.persona for slot in order.slots)
        self._costs = {name: costs_of(habits_of(spec.scenario.personas[name])) for name in personas}
        self._weights: dict[tuple[str, str], Callable[[float], Mapping[str, float]]] = {}
        self._ids = IdSource(order.run_id, order.worker)
        self._trace = f"{int(order.run_id, 16):016x}"

    def open(self, recorder: Recorder) -> None:
        """The clock runs from here on, and links live by it."""
        self._recorder = recorder
        self._links = site_links(self._profiles, recorder.clock.now_s)

    def posting(self, site: str, persona: str, clinician: int, *, is_open: bool = False) -> Posting:
        scenario, code, server = self._spec.scenario, self._recorder.names.code, self._servers[site]
        patience = scenario.personas[persona].patience
        return Posting(
            site=site,
            persona=persona,
            clinician=clinician,
            site_code=code(site),
            persona_code=code(persona),
            endpoint=server.endpoint,
            connect_timeout_s=scenario.connect_timeout_s,
            answer_timeout_s=scenario.answer_timeout_s,
            first_byte_timeout_s=scenario.first_byte_timeout_s or math.inf,
            head=server.head,
            trace=self._trace,
            phase_at=self._phases[site],
            ids=self._ids,
            gives_up_s=patience.gives_up_s if patience else None,
            open=is_open,
        )

    def connection(self, site: str, *whose: str | int) -> Connection | LinkedConnection:
        """A line to the site's server, over its link where it has one; `whose` names the draws of its delays."""
        endpoint, timeout_s = self._servers[site].endpoint, self._spec.scenario.connect_timeout_s
        link = self._links.get(site)
        if link is None:
            return Connection(endpoint, timeout_s)
        return LinkedConnection(endpoint, timeout_s, link, Stream("link", self._spec.seed, site, *whose))

    def on_the_staff(self, slot: Slot, world: World) -> Clinician:
        """Whoever works a slot, at her own pace."""
        site, persona = self._sites[slot.site], slot.persona
        factor = think_factor_of(self._spec.scenario, self._spec.seed, site, persona, slot.clinician)
        return Clinician(self._posts[slot.site], self._paced(persona, factor), slot.clinician, world, slot.slot)

    def visitor(self, process: ArrivalProcess, number: int, world: World) -> Clinician:
        """Whoever comes as the `number`-th of a process: not of the staff, so no habit of the site's is hers."""
        habits = self._paced(process.persona, self._spec.scenario.think_factor)
        return Clinician(self._posts[process.site], habits, number, world, _NO_SLOT)

    def first_wait_s(self, clinician: Clinician, slot: Slot) -> float:
        habits = clinician.habits
        weights = self.weights_of(slot.site, slot.persona)(slot.start_s)
        run_s = mean_run_s(self._costs[slot.persona], weights, habits.think.mean_s)
        return first_wait_s(clinician.draws, habits, opening=slot.opening, run_s=run_s)

    def weights_of(self, site: str, persona: str) -> Callable[[float], Mapping[str, float]]:
        """Run seconds → workflow → weight."""
        key = (site, persona)
        if key not in self._weights:
            self._weights[key] = weights_at(self._order.plan, site, persona)
        return self._weights[key]

    def unsupported(self, site: str) -> Collection[str]:
        return self._order.unsupported[site]

    def _paced(self, persona: str, factor: float) -> Habits:
        key = (persona, factor)
        if key not in self._habits:
            self._habits[key] = habits_of(self._spec.scenario.personas[persona], factor)
        return self._habits[key]

    def _server(self, site: Site) -> _Server:
        endpoint = Endpoint.from_url(site.endpoint or self._order.target, site.source_address)
        return _Server(endpoint, shared_head(endpoint, site.name, self._spec.scenario.site_header))

    def _post(self, site: Site, opens_at_s: float) -> Post:
        return Post(
            site.name,
            site.locale,
            self._spec.seed,
            self._spec.scenario.date,
            self._order.run_id,
            self._order.register[site.name],
            opens_at_s=opens_at_s,
            utc_offset_s=site.utc_offset_s,
            order=site.order,
            mrn_system=site.identifier_system or "",
        )


_NO_SLOT = -1
"""Keeps what a visitor draws apart from what the clinician of her number draws in slot 0."""
