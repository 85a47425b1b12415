"""Does each site get its part? What it was given of what it asked, and how far the worst-off is from the rest.

    river  asked 4,000, got 2,000  ─▶ 0.50 ─┐
    lake   asked 1,000, got   950  ─▶ 0.95 ─┼─▶ Jain's index 0.93 · greatest over median 1.0
    hill   asked   500, got   475  ─▶ 0.95 ─┘

Jain's index alone hides one site among many: with 9 of 10 served in full and one not at all it is still 0.9. So the
greatest over the median stands beside it, of what was delivered (one that was favoured) and of p95 (one that had to
wait), and the site that got least is named.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import median
from typing import Any

__all__ = ["between_sites", "demanded_by_site", "jain_index", "max_over_median"]


def jain_index(shares: Sequence[float]) -> float | None:
    """J = (Σx)²/(n·Σx²) of shares (each finite, ≥ 0): 1 where all are equal, 1/n where one has everything; None of no
    shares, or where all are zero.

    Jain, Chiu and Hawe, A Quantitative Measure of Fairness and Discrimination, DEC Research Report TR-301, 1984.
    """
    greatest = max(shares, default=0.0)
    if greatest <= 0:
        return None
    scaled = [share / greatest for share in shares]  # so that neither huge nor tiny ones leave the range of a float
    return min(1.0, math.fsum(scaled) ** 2 / (len(scaled) * math.fsum(share * share for share in scaled)))


def max_over_median(values: Collection[float]) -> float | None:
    """The greatest of the values (each ≥ 0) over the middle one; of an even number over the mean of both middle ones.
    None of no values, or where the middle one is zero."""
    middle = median(values) if values else 0.0
    return max(values) / middle if middle > 0 else None


def demanded_by_site(expected: Mapping[str, Any]) -> dict[str, float]:
    """Site → requests that the plan expects of it over the run, arrivals included, as expected.json has them."""
    demanded: dict[str, float] = {}
    for row in expected["requests"]:
        demanded[row["site"]] = demanded.get(row["site"], 0.0) + float(row["requests"])
    return demanded


def between_sites(by_site: Mapping[str, Mapping[str, Any]], expected: Mapping[str, Any]) -> dict[str, Any]:
    """`between_sites` of summary.json, from its `by_site` and from expected.json.

    `delivered`: requests of the site that were answered without an error; what was cut off at the end is not.
    `demanded`: what the plan expects of it, were every answer there in 0.2 s; so a site that is served faster than that
    may have a `share`, delivered over demanded, above 1. A clinician who waits for a slow server asks less than the
    plan says, and a low share is how that shows. Of a run that ended early all shares are low.

    `jain` and `max_over_median_delivered` are of these shares, `max_over_median_p95` of the p95 of the
    `sites_with_p95` that have one. A site that was to ask for nothing is left out, and counted in `without_demand`.
    """
    demanded = demanded_by_site(expected)
    shares: dict[str, dict[str, Any]] = {}
    for site, row in sorted(by_site.items()):
        asked = demanded.get(site, 0.0)
        if asked > 0:
            delivered = int(row["requests"]) - int(row["errors"]) - int(row["cancelled"])
            shares[site] = {"demanded": asked, "delivered": delivered, "share": delivered / asked}
    p95_ms = {site: float(row["p95_ms"]) for site, row in by_site.items() if row.get("p95_ms") is not None}
    found = [row["share"] for row in shares.values()]
    return {
        "sites": len(shares),
        "without_demand": len(by_site) - len(shares),
        "jain": jain_index(found),
        "max_over_median_delivered": max_over_median(found),
        "least_delivered": min(shares, key=lambda site: shares[site]["share"], default=None),
        "sites_with_p95": len(p95_ms),
        "max_over_median_p95": max_over_median(p95_ms.values()),
        "slowest": max(p95_ms, key=lambda site: p95_ms[site], default=None),
        "by_site": shares,
    }
