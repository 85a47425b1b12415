from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.block_bootstrap import Stretch, stretches_of
from harness.analysis.demand import Growth
from harness.analysis.isolation import Isolation, Measured, blast_radius, judge_isolation, newly_missed
from harness.analysis.victims import Cell, Victims, rows_of_cells, victims_of

LENGTH_S = 600.0
SITES = ("river", "lake", "hill", "forest")
LANES = ("orders", "labs")


def cells(
    seed: int, slower: dict[str, float] | None = None, failing: Sequence[str] = (), requests: int = 1000
) -> dict[tuple[str, str], Cell]:
    """Lognormal requests of each site and lane; `slower` multiplies those of a site or of a lane."""
    draws = np.random.default_rng(seed)
    found = {}
    for site in SITES:
        for lane in LANES:
            times = (slower or {}).get(site, 1.0) * (slower or {}).get(lane, 1.0)
            start_s = np.sort(draws.uniform(0, LENGTH_S, requests))
            totals = np.full(stretches_of(LENGTH_S), requests / stretches_of(LENGTH_S))
            found[site, lane] = Cell(
                Stretch(start_s, draws.lognormal(4.6, 0.5, requests) * times),
                totals,
                np.round(totals / 10) if site in failing else np.zeros_like(totals),
            )
    return found


def growth(more: dict[str, float], *, everywhere: bool = False, grown: Sequence[str] = LANES) -> Growth:
    return Growth(more, (), ("orders",), frozenset(grown), max(more.values(), default=1.0), everywhere, not more)


def judge(
    base: int, *others: tuple[Growth, dict[tuple[str, str], Cell], dict[str, tuple[str, ...]]]
) -> list[Isolation]:
    measured = []
    for number, (grew, own, missed) in enumerate(others):
        victims = victims_of(grew, SITES)
        rows = [rows_of_cells(of, victims) for of in (cells(base), own)]
        measured.append(Measured(f"run {number}", grew, victims, rows[:1], rows[1:], missed))
    return judge_isolation(measured, LENGTH_S)


@given(st.integers(1, 200), st.data())
def test_the_blast_radius_is_a_share_and_grows_with_who_is_hurt(others: int, data: st.DataObject) -> None:
    hurt = data.draw(st.integers(0, others))
    sites = [f"site-{at}" for at in range(hurt)]
    radius = blast_radius(sites, others)
    assert radius is not None
    assert 0 <= radius <= 1
    assert (radius == 0) == (hurt == 0)
    assert (radius == 1) == (hurt == others)
    assert hurt == others or (blast_radius([*sites, "one more"], others) or 0) > radius
    assert blast_radius([], 0) is None


def test_who_became_slower_is_hurt_and_the_greedy_site_itself_is_not_among_the_others() -> None:
    (found,) = judge(1, (growth({"river": 4.0}), cells(2, {"river": 3.0, "lake": 1.5, "hill": 1.5}), {}))
    assert dict(found.hurt) == {"hill": ("slower",), "lake": ("slower",)}
    assert (found.others, found.untold) == (3, 0)
    assert found.blast_radius == pytest.approx(2 / 3)
    assert [row.key.name for row in found.aggressors] == ["river"]
    assert found.aggressors[0].p95.difference is not None
    assert found.aggressors[0].p95.difference.ratio[1] < 3 < found.aggressors[0].p95.difference.ratio[2]
    assert found.together is not None
    assert found.together.outcome == "slower"


def test_slower_by_less_than_a_tenth_is_told_and_hurts_nobody() -> None:
    (found,) = judge(1, (growth({"river": 4.0}), cells(2, dict.fromkeys(("lake", "hill", "forest"), 1.06)), {}))
    assert found.together is not None
    assert found.together.outcome == "slower"
    assert not found.hurt


def test_equal_load_hurts_nobody_and_all_sites_are_others() -> None:
    (found,) = judge(1, (growth({}), cells(2), {}))
    assert (found.hurt, found.others, found.aggressors) == ({}, 4, ())
    assert found.blast_radius == 0


def test_more_errors_hurt_also_where_nothing_is_slower() -> None:
    (found,) = judge(1, (growth({"river": 2.0}), cells(2, failing=["lake"]), {}))
    assert dict(found.hurt) == {"lake": ("more errors",)}


def test_a_site_that_newly_misses_an_objective_is_hurt_and_one_that_asked_nothing_is_unknown() -> None:
    own = {key: cell for key, cell in cells(2).items() if key[0] != "hill"}
    base = {key: cell for key, cell in cells(1).items() if key[0] != "hill"}
    victims = Victims(frozenset(SITES[1:]), frozenset({"river"}))
    rows = [rows_of_cells(of, victims) for of in (base, own)]
    missed = {"forest": ("site-p95",)}
    (found,) = judge_isolation([Measured("run", growth({"river": 2.0}), victims, rows[:1], rows[1:], missed)], LENGTH_S)
    assert dict(found.hurt) == {"forest": ("misses site-p95",)}
    assert (found.others, found.silent, found.untold) == (3, 1, 1)


def test_too_few_requests_leave_a_site_unknown() -> None:
    victims = Victims(frozenset(SITES[1:]), frozenset({"river"}))
    rows = [rows_of_cells(cells(seed, requests=40), victims) for seed in (1, 2)]
    (found,) = judge_isolation([Measured("run", growth({"river": 2.0}), victims, rows[:1], rows[1:], {})], LENGTH_S)
    assert (found.untold, found.hurt) == (3, {})


def test_a_lane_that_grew_everywhere_is_no_victim_of_itself() -> None:
    grew = growth(dict.fromkeys(SITES, 1.5), everywhere=True, grown=["orders"])
    (found,) = judge(1, (grew, cells(3, {"orders": 5.0, "labs": 1.4}), {}))
    assert [row.key.name for row in found.lanes] == ["labs"]
    assert found.others == 4
    for row in found.sites:
        assert row.p95.difference is not None
        assert row.p95.difference.ratio[0] == pytest.approx(1.4, rel=0.15)  # and nowhere near 5


def test_all_runs_are_one_family_so_that_many_equal_ones_blunt_a_p_value() -> None:
    worse = (growth({"river": 4.0}), cells(2, {"lake": 1.25}), {})
    equal = [(growth({"river": 2.0}), cells(seed), {}) for seed in range(10, 14)]

    def of_lake(found: Isolation) -> float:
        (row,) = [row for row in found.sites if row.key.name == "lake"]
        assert row.p95.adjusted_p is not None
        return row.p95.adjusted_p

    alone, among = judge(1, worse)[0], judge(1, worse, *equal)[0]
    assert of_lake(among) > of_lake(alone)
    assert among.hurt == {"lake": ("slower",)}


def test_groups_of_runs_go_by_how_runs_differ() -> None:
    victims = Victims(frozenset(SITES[1:]), frozenset({"river"}))
    base = [rows_of_cells(cells(seed), victims) for seed in range(3)]
    runs = [rows_of_cells(cells(seed, {"lake": 1.6}), victims) for seed in range(10, 13)]
    (found,) = judge_isolation([Measured("runs", growth({"river": 2.0}), victims, base, runs, {})], LENGTH_S)
    assert dict(found.hurt) == {"lake": ("slower",)}


def test_an_objective_is_newly_missed_where_most_runs_miss_it_now_and_did_not_before() -> None:
    lake, hill = ("lake", "site-p95"), ("hill", "site-p95")
    assert newly_missed([set()], [{lake}]) == {"lake": ("site-p95",)}
    assert newly_missed([{lake}], [{lake, hill}]) == {"hill": ("site-p95",)}
    assert newly_missed([{lake}, set(), set()], [{lake}, {lake, hill}, set()]) == {"lake": ("site-p95",)}
    assert newly_missed([set(), set()], [{lake}, set()]) == {}
