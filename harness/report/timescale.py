"""From seconds of the run to the clocks on the walls, and the phases as bands of run time.

    run          0:00 ───────────── 4:00
    New York    06:30 ───────────── 10:30     the clock of the figures: that of the zone where most people are
    Denver      04:30 ───────────── 08:30     the same moments

Where the run goes over midnight on any of its clocks, days are told, too: `Tue 00:30`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from harness.plan import SiteClock, timeline_of
from harness.plan.roster import phase_spans
from harness.report.wording import run_time_text
from harness.scenario.model import RunSpec
from harness.units import DAY_S, clock_text, count_text, duration_text

__all__ = ["PhaseBand", "TimeScale", "ZoneClock", "time_scale"]

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class PhaseBand:
    """A phase as the reference sites live it, in seconds of the run; `local` on their walls."""

    name: str
    start_s: float
    end_s: float
    local: str
    """`08:00–09:00`."""


@dataclass(frozen=True)
class ZoneClock:
    """What a wall clock of one time zone shows during the run."""

    zone: str
    clock: SiteClock
    offset_s: float
    """How far the wall clock is ahead of `clock`, which leaves out a site's start offset."""
    sites: int

    def local_s(self, run_s: float) -> float:
        """Seconds after the first local midnight at `run_s`."""
        return self.clock.local_s(run_s) + self.offset_s


@dataclass(frozen=True)
class TimeScale:
    """How run time and local time hang together."""

    reference: ZoneClock
    """The clock that the figures show."""
    zones: tuple[ZoneClock, ...]
    """Every zone of the run, from east to west."""
    day: date
    length_s: float
    """The run's planned length."""
    bands: tuple[PhaseBand, ...]

    @property
    def time_lapse(self) -> float:
        """How many times faster than in life the curve runs."""
        return self.reference.clock.time_lapse

    def local_s(self, run_s: float) -> float:
        """Seconds after local midnight at `run_s`, on the figures' clock."""
        return self.reference.local_s(run_s)

    def text(self, run_s: float, zone: ZoneClock | None = None, *, seconds: bool = False) -> str:
        """What a clock shows at `run_s`: `08:45`, `08:45:30`, `Tue 08:45`."""
        local_s = (zone or self.reference).local_s(run_s)
        whole = round(local_s) if seconds else round(local_s / 60) * 60
        days, of_day = divmod(whole, int(DAY_S))
        if not of_day and run_s >= self.length_s and not self._tells_days:
            of_day = int(DAY_S)  # a run to midnight ends at 24:00
        shown = f"{of_day // 3600:02d}:{of_day % 3600 // 60:02d}" + (f":{of_day % 60:02d}" if seconds else "")
        return f"{_DAYS[(self.day + timedelta(days=days)).weekday()]} {shown}" if self._tells_days else shown

    @property
    def _tells_days(self) -> bool:
        days = {0.0}
        for zone in self.zones:
            days |= {zone.local_s(0.0) // DAY_S, (zone.local_s(self.length_s) - 1.0) // DAY_S}
        return len(days) > 1

    @property
    def sentence(self) -> str:
        """Which clock the figures show, and when it is set."""
        of_all = sum(zone.sites for zone in self.zones)
        zone = self.reference.zone
        if self.reference.sites == of_all:
            said = f"Local time is that of {zone}, as at every site of this run."
        else:
            others = count_text(of_all - self.reference.sites, "other site")
            said = f"Local time and phases are those of {zone} ({self.reference.sites} of {of_all} sites); "
            said += f"at the {others} clocks show another time at the same moment."
        return " ".join([said, *self._settings()])

    def _settings(self) -> list[str]:
        """A sentence each time that the figures' clock is set for daylight saving."""
        said = []
        for (was_at_s, showed_s), (at_s, shows_s) in pairwise(self.reference.clock.settings):
            ahead_s = shows_s - (showed_s + at_s - was_at_s)
            how = "forward by {}: that time is left out" if ahead_s > 0 else "back by {}: that time comes twice"
            moment = run_time_text(at_s / self.time_lapse)
            said.append(f"At {moment} of the run its clocks are set {how.format(duration_text(abs(ahead_s)))}.")
        return said


def time_scale(spec: RunSpec) -> TimeScale:
    """The scale of the network's clock. Raises InputError as `timeline_of` does."""
    timeline = timeline_of(spec)
    heads: Counter[tuple[str, float]] = Counter()
    members: Counter[str] = Counter()
    kinds: dict[tuple[str, float], SiteClock] = {}
    for site in spec.sites:
        kind = (site.time_zone, site.start_offset_s)
        heads[kind] += sum(site.heads.values())
        members[site.time_zone] += 1
        kinds[kind] = timeline.clocks[site.name]
    # Of a zone's sites most people's clock speaks; of equals the one that is not put off.
    ordered = sorted(kinds, key=lambda kind: (kind[0] != spec.clock_zone, -heads[kind], kind[1]))
    first: dict[str, ZoneClock] = {}
    for zone, offset_s in ordered:
        first.setdefault(zone, ZoneClock(zone, kinds[zone, offset_s], offset_s, members[zone]))
    reference = first[ordered[0][0]]
    bands = [
        PhaseBand(phase.name, start_s, end_s, _span_text(phase.start_s, phase.end_s, reference.offset_s))
        for phase in spec.scenario.phases
        for start_s, end_s, _ in phase_spans(phase, reference.clock)
    ]
    return TimeScale(
        reference=reference,
        zones=tuple(sorted(first.values(), key=lambda each: (-each.local_s(0.0), each.zone))),
        day=spec.scenario.date,
        length_s=timeline.length_s,
        bands=tuple(sorted(bands, key=lambda band: (band.start_s, band.name))),
    )


def _span_text(start_s: float, end_s: float, offset_s: float) -> str:
    return f"{clock_text(start_s + offset_s)}–{clock_text(end_s + offset_s)}"
