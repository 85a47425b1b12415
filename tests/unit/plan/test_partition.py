"""Sites go whole to workers, the heaviest first; one that is too heavy is split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.plan import ExpectedLoad, compile_plan, link_shares, open_caps, partition, worker_of_process
from harness.plan.partition import pack
from harness.scenario.model import RunSpec

Make = Callable[..., RunSpec]


def expecting(requests: dict[str, float]) -> ExpectedLoad:
    """Only what partition looks at."""
    return ExpectedLoad({(site, "labs"): count for site, count in requests.items()}, {}, {}, {}, {}, {}, {})


def test_the_heaviest_site_goes_first_to_whoever_has_least() -> None:
    assert pack({"a": 3.0, "b": 3.0, "c": 2.0, "d": 2.0}, 2) == {"a": (0,), "b": (1,), "c": (0,), "d": (1,)}


def test_a_site_of_exactly_a_fair_share_stays_whole() -> None:
    assert pack({"a": 0.1, "b": 0.1, "c": 0.1}, 3) == {"a": (0,), "b": (1,), "c": (2,)}


def test_a_site_above_a_fair_share_is_split_over_different_workers() -> None:
    packed = pack({"hospital": 8.0, "a": 1.0, "b": 1.0}, 2)
    assert packed["hospital"] == (0, 1)


def test_one_worker_plays_everything_and_nothing_needs_to_be_measured(make_spec: Make) -> None:
    plan = compile_plan(make_spec())
    assert partition(plan, 1) == (0,) * len(plan.slots)


def test_the_parts_of_a_split_site_have_the_same_personas(make_spec: Make) -> None:
    plan = compile_plan(make_spec(sites=["hospital"], heads={"nurse": 10, "physician": 6}))
    people: dict[tuple[int, str], set[int]] = defaultdict(set)
    for slot, worker in zip(plan.slots, partition(plan, 2, expecting({"hospital": 1.0})), strict=True):
        people[worker, slot.persona].add(slot.clinician)
    assert {key: len(clinicians) for key, clinicians in people.items()} == {
        (0, "nurse"): 5,
        (1, "nurse"): 5,
        (0, "physician"): 3,
        (1, "physician"): 3,
    }


def test_a_clinician_stays_with_one_worker_through_all_her_slots(make_spec: Make) -> None:
    dip = [(8 * 3600.0, 1.0), (9 * 3600.0, 0.0), (10 * 3600.0, 1.0)]
    plan = compile_plan(make_spec(sites=["hospital"], points=dip))
    workers = defaultdict(set)
    for slot, worker in zip(plan.slots, partition(plan, 3, expecting({"hospital": 1.0})), strict=True):
        workers[slot.persona, slot.clinician].add(worker)
    assert {len(held) for held in workers.values()} == {1}


SHARED = {"wan": {"shared": True, "down_bits_per_s": 1e6, "up_bits_per_s": 1e6}}


def test_sites_that_share_a_link_go_to_one_worker(make_spec: Make) -> None:
    names = ["a", "b", "c", "d"]
    plan = compile_plan(make_spec(sites=names, links=SHARED, link="wan"))
    alone = tuple(site.model_copy(update={"link": None}) if site.name > "b" else site for site in plan.spec.sites)
    plan = replace(plan, spec=plan.spec.model_copy(update={"sites": alone}))
    dealt = partition(plan, 2, expecting({"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}))
    homes = {name: {w for slot, w in zip(plan.slots, dealt, strict=True) if slot.site == name} for name in names}
    assert homes == {"a": {0}, "b": {0}, "c": {1}, "d": {1}}
    shares = link_shares(plan, dealt, 2)
    assert shares == {"wan": (1.0, 0.0), "site:c": (0.0, 1.0), "site:d": (0.0, 1.0)}


def test_the_link_of_a_split_site_is_divided_as_its_clinicians_are(make_spec: Make) -> None:
    plan = compile_plan(make_spec(sites=["hospital"], heads={"nurse": 10}, links=SHARED, link="wan"))
    (share,) = link_shares(plan, partition(plan, 2, expecting({"hospital": 1.0})), 2).values()
    assert sum(share) == pytest.approx(1.0)
    assert min(share) > 0.4


def test_arrivals_are_played_where_most_of_their_site_is(make_spec: Make) -> None:
    come = {"arrivals": {"walk-in": {"rate_per_s": 1.0, "source": "assumption, a test"}}}
    plan = compile_plan(make_spec(sites=["a", "b", "c"], template=come, personas={"walk-in": {}}))
    dealt = partition(plan, 2, expecting({"a": 2.0, "b": 1.0, "c": 1.0}))
    assert worker_of_process(plan, dealt) == (0, 1, 1)


def test_no_workers_are_no_partition(make_spec: Make) -> None:
    with pytest.raises(ValueError, match="give 1 or more"):
        partition(compile_plan(make_spec()), 0)


def test_a_cap_on_arrivals_is_shared_out_as_they_are(make_spec: Make) -> None:
    come = {"arrivals": {"walk-in": {"rate_per_s": 1.0, "source": "assumption, a test"}}}
    plan = compile_plan(make_spec(sites=["a", "b", "c"], template=come, personas={"walk-in": {}}))
    dealt = partition(plan, 2, expecting({"a": 2.0, "b": 1.0, "c": 1.0}))
    assert open_caps(plan, dealt, 2, 100) == (33, 67)
    assert open_caps(plan, dealt, 3, 100) == (33, 67, 0)
    assert open_caps(plan, dealt, 2, 3) == (1, 2)
    assert open_caps(plan, dealt, 2, 2) == (1, 1)  # by their parts: 0 and 2
    assert open_caps(plan, dealt, 2, 1) == (0, 1)
    nobody = compile_plan(make_spec())
    assert open_caps(nobody, partition(nobody, 1), 1, 100) == (0,)
