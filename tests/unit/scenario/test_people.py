"""Who is at a site does not depend on how much of its day is played."""

from __future__ import annotations

from datetime import date

from harness.scenario import population_of, resolve
from harness.scenario.model import Scenario
from harness.units import DAY_S


def test_who_is_seeded_for_a_day_is_there_for_every_window_of_it(quick_rush: Scenario) -> None:
    """Also where clocks are set back in between."""
    day = quick_rush.model_copy(update={"date": date(2026, 11, 1), "timeline": (0.0, DAY_S)})
    whole = resolve(day, seed=7)
    morning = resolve(day, seed=7, window=(10 * 3600.0, 10.5 * 3600.0))
    assert whole.sites[0].utc_offset_s != morning.sites[0].utc_offset_s
    for site, same in zip(whole.sites, morning.sites, strict=True):
        assert population_of(whole, site).tag == population_of(morning, same).tag
