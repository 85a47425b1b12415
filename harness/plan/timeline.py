"""When each site's local time happens in the run: one network, one moment, as many clocks as time zones.

network, on New York's clock   06:30 ─────────────── 10:30        what is played is read on the clock of the zone that
a site in New York             06:30 ─────────────── 10:30        has most people; the others' clocks show what they
a site in Denver               04:30 ─────────────── 08:30        show then

run second 0 is where that begins; a time lapse divides every run time by one factor. Where daylight saving sets a clock
back, its hour comes twice; set forward, it is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from harness.errors import InputError, Problem
from harness.scenario.clock import gap_around, local_time_s, moment_of, next_setting_s
from harness.scenario.model import RunSpec
from harness.units import DAY_S, moment_text

__all__ = ["SiteClock", "Timeline", "timeline_of"]

TIME_DECIMALS: Final = 6
"""Run times are rounded to a microsecond, so that a roster reads back from a file as it was compiled."""


@dataclass(frozen=True, slots=True)
class SiteClock:
    """One kind of clock during the run: equal for all sites in one zone with one start offset.

    Local times are seconds after the first local midnight on the wall clock, the site's `start_offset` taken off.
    """

    settings: tuple[tuple[float, float], ...]
    """(seconds of life since the run's beginning, what the clock shows from then on); the first is at 0."""
    life_s: float
    time_lapse: float

    def run_s(self, local_s: float) -> float:
        """The first run time at which it is `local_s` there; negative or beyond the run where that is outside of it."""
        return round(self._life_of(local_s) / self.time_lapse, TIME_DECIMALS)

    def local_s(self, run_s: float) -> float:
        """What the site's clock shows at `run_s`; before the run and after it the clock goes on as it went."""
        life_s = run_s * self.time_lapse
        from_s, shows_s = next((one for one in reversed(self.settings) if one[0] <= life_s), self.settings[0])
        return shows_s + life_s - from_s

    def pieces(self) -> list[tuple[float, float, float]]:
        """(first run second, first and last local time) of each stretch in which the clock goes evenly."""
        ends_s = [from_s for from_s, _ in self.settings[1:]] + [self.life_s]
        return [
            (round(from_s / self.time_lapse, TIME_DECIMALS), shows_s, shows_s + end_s - from_s)
            for (from_s, shows_s), end_s in zip(self.settings, ends_s, strict=True)
        ]

    def times_of(self, local_s: float) -> list[float]:
        """Every second of the run at which it is `local_s` there: none, one, or two where the hour comes twice."""
        return [
            round(first_s + (local_s - from_s) / self.time_lapse, TIME_DECIMALS)
            for first_s, from_s, to_s in self.pieces()
            if from_s <= local_s <= to_s
        ]

    def _life_of(self, local_s: float) -> float:
        ends_s = [from_s for from_s, _ in self.settings[1:]] + [math.inf]
        for (from_s, shows_s), end_s in zip(self.settings, ends_s, strict=True):
            if local_s - shows_s + from_s < end_s:
                return max(from_s, local_s - shows_s + from_s) if from_s else local_s - shows_s
        raise AssertionError("the last piece has no end")


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole run's time: how long it takes, how long that is in life, and each site's clock."""

    length_s: float
    life_s: float
    time_lapse: float
    clocks: Mapping[str, SiteClock]


def timeline_of(spec: RunSpec) -> Timeline:
    """The run's timeline, `--duration` and `--window` taken into account.

    Raises InputError where both are given, the duration is not above zero, or what is played is no time on that day.
    """
    if spec.window is not None and spec.duration_s is not None:
        raise InputError(
            Problem(
                "--window and --duration were both given",
                "--window",
                "a window is played at true speed, a duration squeezes the whole timeline: give one of them",
            )
        )
    day = spec.scenario.date
    begins, ends = (moment_of(day, local_s, spec.clock_zone) for local_s in spec.played)
    life_s = (ends - begins).total_seconds()
    _refuse_left_out(spec, life_s)
    length_s = life_s if spec.duration_s is None else spec.duration_s
    if not (math.isfinite(length_s) and length_s > 0):
        raise InputError(
            Problem(f"a run of {length_s:g} s is not possible", "--duration", "give a time above zero, such as 10m")
        )
    time_lapse = life_s / length_s
    kinds = {
        kind: SiteClock(_settings(day, *kind, begins, life_s), life_s, time_lapse)
        for kind in dict.fromkeys((site.time_zone, site.start_offset_s) for site in spec.sites)
    }
    clocks = {site.name: kinds[site.time_zone, site.start_offset_s] for site in spec.sites}
    return Timeline(round(length_s, TIME_DECIMALS), life_s, time_lapse, clocks)


def _refuse_left_out(spec: RunSpec, life_s: float) -> None:
    """Raises InputError where clocks that are set forward leave out all that is played, or an end of it.

    It may begin or end just where they are set.
    """
    scenario, zone = spec.scenario, spec.clock_zone
    for edge_s in spec.played:
        gap = gap_around(scenario.date, edge_s, zone)
        if gap is None or (edge_s == gap[0] and life_s > 0):
            continue
        given = "--window" if spec.window else "plays" if scenario.plays else "timeline"
        shown, (from_s, to_s) = "..".join(map(moment_text, spec.played)), gap
        day = scenario.date + timedelta(days=edge_s // DAY_S)
        raise InputError(
            Problem(
                f"{shown} cannot be played: on {day} clocks in {zone} go from {moment_text(from_s)} "
                f"straight to {moment_text(to_s)}",
                given,
                f"begin and end at {moment_text(from_s)} or before, or at {moment_text(to_s)} or after",
            )
        )


def _settings(
    day: date, time_zone: str, start_offset_s: float, begins: datetime, life_s: float
) -> tuple[tuple[float, float], ...]:
    """What a clock of the zone shows at the run's beginning, and each time that it is set meanwhile."""
    settings: list[tuple[float, float]] = []
    at_s: float | None = 0.0
    while at_s is not None:
        shows_s = local_time_s(day, begins + timedelta(seconds=at_s), time_zone) - start_offset_s
        settings.append((at_s, shows_s))
        at_s = next_setting_s(begins, at_s, life_s, time_zone)
    return tuple(settings)
