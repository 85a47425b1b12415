from typing import Any

import pytest

from harness.analysis.between_sites import between_sites
from harness.report.fairness import fairness_sentence, uneven_line


def summary(shares: dict[str, float], p95_ms: dict[str, float] | None = None) -> dict[str, Any]:
    slow = p95_ms or {}
    rows = {
        site: {"requests": round(1000 * share), "errors": 0, "cancelled": 0, "p95_ms": slow.get(site)}
        for site, share in shares.items()
    }
    asked = [{"site": site, "lane": "labs", "requests": 1000.0} for site in shares]
    return {"between_sites": between_sites(rows, {"requests": asked})}


def test_the_report_says_how_even_it_was_and_who_got_least() -> None:
    said = fairness_sentence(
        summary({"river": 0.5, "lake": 1, "hill": 1}, {"river": 900.0, "lake": 300.0, "hill": 300.0})
    )
    assert "is 0.926 (1: every site got the same share; 1/3: one site got everything)" in said
    assert "the least, river, 50.0% of what it demands" in said
    assert "the slowest p95, at river, is 3 times the median site’s" in said


def test_an_index_below_one_never_reads_as_one() -> None:
    assert "is 0.999 (" in fairness_sentence(summary({"river": 0.999, "lake": 1.0}))
    assert "is 1 (" in fairness_sentence(summary({"river": 1.0, "lake": 1.0}))


@pytest.mark.parametrize("shares", [{}, {"river": 0.4}])
def test_nothing_is_said_of_fewer_than_two_sites(shares: dict[str, float]) -> None:
    assert fairness_sentence(summary(shares)) == ""


def test_what_an_earlier_version_left_has_no_sentence() -> None:
    assert fairness_sentence({}) == uneven_line({}) == ""


def test_of_few_requests_the_terminal_says_nothing_and_the_report_that_it_may_be_chance() -> None:
    found = summary({"river": 1.0, "lake": 1.0, "hill": 0.4})
    assert uneven_line(found)
    assert "chance" not in fairness_sentence(found)
    found["between_sites"]["by_site"]["hill"]["demanded"] = 85.0
    assert uneven_line(found) == ""
    assert fairness_sentence(found).endswith("At 1 site fewer than 500 were to come: there chance moves the share.")


def test_sites_that_were_to_ask_for_nothing_are_counted() -> None:
    found = summary({"river": 1.0, "lake": 1.0})
    found["between_sites"]["without_demand"] = 2
    assert fairness_sentence(found).endswith("Left out: 2 sites that were to ask for nothing.")


@pytest.mark.parametrize(
    ("shares", "p95_ms", "line"),
    [
        ((1.0, 1.0, 0.9), (100.0, 100.0, 150.0), ""),
        (
            (1.0, 1.0, 0.4),
            (100.0, 100.0, 150.0),
            "between sites: hill got 40.0% of what it demands (Jain's index 0.889)",
        ),
        ((1.0, 1.0, 1.0), (100.0, 100.0, 250.0), "between sites: p95 at hill is 2.5 times the median site's"),
    ],
)
def test_the_terminal_speaks_only_where_it_says_something(
    shares: tuple[float, ...], p95_ms: tuple[float, ...], line: str
) -> None:
    names = ("river", "lake", "hill")
    found = summary(dict(zip(names, shares, strict=True)), dict(zip(names, p95_ms, strict=True)))
    assert uneven_line(found) == line
