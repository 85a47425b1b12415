"""Where a run goes: to its target, and to the endpoints that sites have of their own, each vetted in the same way.

sites of the run ──by endpoint──▶ Place(target, the run as far as it goes there)  ──▶ preflight, seeding, clean-up
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import InputError, Problem
from harness.scenario import TARGET, sites_by_endpoint, vet_endpoints, vet_source_addresses, with_sites_of
from harness.scenario.model import RunSpec
from harness.target import Target
from harness.units import count_text, factor_text

__all__ = ["Destinations", "Place", "destinations_of", "seed_command"]


@dataclass(frozen=True, slots=True)
class Place:
    """One server, the endpoint that it is (`TARGET` or a URL), and the run with those sites only that go there."""

    endpoint: str
    target: Target
    spec: RunSpec


@dataclass(frozen=True)
class Destinations:
    """The run, its target, and the endpoints that sites of it have of their own, by URL.

    `target` is None where nobody named one: there is none yet, or only the sites with an endpoint of their own count.
    """

    spec: RunSpec
    target: Target | None
    own: Mapping[str, Target]

    @property
    def at_target(self) -> int:
        """How many sites go to the run's target."""
        return len(sites_by_endpoint(self.spec).get(TARGET, ()))

    @property
    def several(self) -> bool:
        return len(list(self.places())) > 1

    def places(self) -> Iterator[Place]:
        """Each server to which a site goes, the target first."""
        for endpoint in sites_by_endpoint(self.spec):
            target = self.own.get(endpoint, self.target)
            if target is not None:
                yield Place(endpoint, target, with_sites_of(self.spec, endpoint))

    def with_target(self, target: Target) -> Destinations:
        """The same once the target is there."""
        return replace(self, target=target)

    def arguments(self) -> list[str]:
        """What names these servers on a command line: `--target`, and `--i-own` for every host that needs it."""
        words = ["--target", self.target.url] if self.target is not None else []
        return words + own_arguments([self.target, *self.own.values()])


def destinations_of(
    spec: RunSpec, target: Target | None, *, i_own: Sequence[str] = (), allow_list: Path | None = None
) -> Destinations:
    """Vet every endpoint of the run, and the addresses that its sites' connections come from; nothing is sent.

    Raises InputError where one of them cannot be used, or where a target is named to which no site goes.
    """
    vet_source_addresses(spec)
    settled, own = vet_endpoints(spec, target, i_own=i_own, allow_list=allow_list)
    found = Destinations(settled, target, own)
    if target is not None and not found.at_target:
        what = f"no site goes there: each of the {count_text(len(spec.sites), 'site')} has an endpoint of its own"
        raise InputError(Problem(what, "--target", "leave --target out"))
    return found


def own_arguments(targets: Sequence[Target | None]) -> list[str]:
    """`--i-own HOST` for each host that is not this machine."""
    hosts = dict.fromkeys(target.host for target in targets if target is not None and not target.loopback)
    return [word for host in hosts for word in ("--i-own", host)]


def seed_command(scenario: str, where: Destinations, sets: Sequence[str] = (), sites_file: Path | None = None) -> str:
    """The command that seeds for this run, as it is typed; `scenario` is the name or path that the user gave."""
    sites = ["--sites-file", str(sites_file)] if sites_file else ["--sites", str(len(where.spec.sites))]
    words = ["emrload", "seed", scenario, *sites, "--seed", str(where.spec.seed), *where.arguments()]
    for change in sets:
        words += ["--set", change]
    for site, factor in where.spec.greedy.items():
        words += ["--greedy", f"{site}={factor_text(factor)}"]
    return shlex.join(words)
