"""When each site's local time happens in the run: opening, end, time lapse.

life  06:30 ───── east site ───── 10:30            run time 0 is the opening of the earliest site;
            06:30 ───── west site ───── 10:30      a time lapse divides every run time by one factor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import InputError, Problem
from harness.scenario.model import RunSpec

__all__ = ["SiteClock", "Timeline", "timeline_of"]

TIME_DECIMALS = 6
"""Run times are rounded to a microsecond, so that a roster reads back from a file as it was compiled."""


@dataclass(frozen=True, slots=True)
class SiteClock:
    """One site's part of the run, from `opens_local_s` to `closes_local_s` in seconds after its local midnight."""

    opens_local_s: float
    closes_local_s: float
    offset_s: float
    """How long after the earliest site it opens, in life."""
    time_lapse: float

    def run_s(self, local_s: float) -> float:
        """The run time at which it is `local_s` there."""
        return round((local_s - self.opens_local_s + self.offset_s) / self.time_lapse, TIME_DECIMALS)

    def local_s(self, run_s: float) -> float:
        """What the site's clock shows at `run_s`, in seconds after midnight."""
        return run_s * self.time_lapse - self.offset_s + self.opens_local_s

    @property
    def opens_s(self) -> float:
        """The run time of its opening."""
        return self.run_s(self.opens_local_s)

    @property
    def closes_s(self) -> float:
        """The run time of its end."""
        return self.run_s(self.closes_local_s)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole run's time: how long it takes, how long that is in life, and each site's part."""

    length_s: float
    life_s: float
    time_lapse: float
    clocks: Mapping[str, SiteClock]


def timeline_of(spec: RunSpec) -> Timeline:
    """The run's timeline, `--duration` and `--window` taken into account.

    Raises InputError where both are given or the duration is not above zero.
    """
    if spec.window is not None and spec.duration_s is not None:
        raise InputError(
            Problem(
                "--window and --duration were both given",
                "--window",
                "a window is played at true speed, a duration squeezes the whole timeline: give one of them",
            )
        )
    opens_local_s, closes_local_s = spec.window or spec.scenario.timeline
    life_s = closes_local_s - opens_local_s + max(site.timeline_offset_s for site in spec.sites)
    length_s = life_s if spec.duration_s is None else spec.duration_s
    if not (math.isfinite(length_s) and length_s > 0):
        raise InputError(
            Problem(f"a run of {length_s:g} s is not possible", "--duration", "give a time above zero, such as 10m")
        )
    time_lapse = life_s / length_s
    clocks = {
        site.name: SiteClock(opens_local_s, closes_local_s, site.timeline_offset_s, time_lapse) for site in spec.sites
    }
    return Timeline(round(length_s, TIME_DECIMALS), life_s, time_lapse, clocks)
