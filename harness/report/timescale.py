"""From seconds of the run to the clock on the wall, and the phases as bands of run time.

Sites in other time zones live a phase at another moment; figures show the clock where most clinicians work, and say so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.plan import SiteClock, timeline_of
from harness.scenario.model import RunSpec
from harness.units import clock_text, count_text

__all__ = ["PhaseBand", "TimeScale", "time_scale"]


@dataclass(frozen=True)
class PhaseBand:
    """A phase as the reference sites live it, in seconds of the run."""

    name: str
    start_s: float
    end_s: float
    local: str
    """`08:00–09:00`."""


@dataclass(frozen=True)
class TimeScale:
    """How run time and local time hang together at the reference sites."""

    reference: SiteClock
    zone: str
    sites: int
    """Sites that live by this clock."""
    all_sites: int
    length_s: float
    """The run's planned length."""
    bands: tuple[PhaseBand, ...]

    @property
    def time_lapse(self) -> float:
        """How many times faster than in life the curve runs."""
        return self.reference.time_lapse

    def local_s(self, run_s: float) -> float:
        """Seconds after local midnight at `run_s`."""
        return self.reference.local_s(run_s)

    @property
    def sentence(self) -> str:
        """Which clock the figures show."""
        if self.sites == self.all_sites:
            return f"Local time is that of {self.zone}, as at every site of this run."
        return (
            f"Local time and phases are those of {self.zone} ({self.sites} of {self.all_sites} sites); "
            f"{count_text(self.all_sites - self.sites, 'other site opens', 'other sites open')} at another moment."
        )


def time_scale(spec: RunSpec) -> TimeScale:
    """The scale of the clock that most clinicians of `spec` live by. Raises InputError as `timeline_of` does."""
    timeline = timeline_of(spec)
    heads: Counter[tuple[SiteClock, str]] = Counter()
    members: Counter[tuple[SiteClock, str]] = Counter()
    for site in spec.sites:
        heads[timeline.clocks[site.name], site.time_zone] += sum(site.heads.values())
        members[timeline.clocks[site.name], site.time_zone] += 1
    # Of equals the one that opens first: the answer must not hang on the order of a dictionary.
    clock, zone = min(heads, key=lambda key: (-heads[key], key[0].offset_s, key[1]))
    bands = []
    for phase in spec.scenario.phases:
        start_s = max(clock.run_s(phase.start_s), 0.0)
        end_s = min(clock.run_s(phase.end_s), timeline.length_s)
        if end_s > start_s:
            local = f"{clock_text(phase.start_s)}–{clock_text(phase.end_s)}"
            bands.append(PhaseBand(phase.name, start_s, end_s, local))
    return TimeScale(
        reference=clock,
        zone=zone,
        sites=members[clock, zone],
        all_sites=len(spec.sites),
        length_s=timeline.length_s,
        bands=tuple(sorted(bands, key=lambda band: (band.start_s, band.name))),
    )
