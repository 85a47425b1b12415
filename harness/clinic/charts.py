"""What is known of a site's patients before a run: one transaction for each, with her whole chart.

It refers to the site's Organization, Practitioners and Locations by the ids that they got. How much of what stands in a
chart is our choice (assumption: enough that every search of a workflow has something to find).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.clinic import chart_content, chart_services
from harness.clinic.chart import Chart
from harness.clinic.site_population import SitePopulation

__all__ = ["write_chart"]

Entries = list[dict[str, Any]]


def write_chart(
    population: SitePopulation,
    ordinal: int,
    organization: str,
    practitioners: Mapping[str, Sequence[str]],
    beds: Sequence[str] = (),
) -> Entries:
    """The `ordinal`-th patient and all that is known of her, 15 to 22 entries on the mean, the Patient first.

    `organization`, `practitioners` (persona → ids in the order of `staff_keys`) and `beds` (in that of `bed_keys`;
    none where the target holds no Locations) are ids as the server gave them.
    """
    chart = Chart(population, ordinal, organization, practitioners, beds)
    who = chart_content.write_patient(chart)
    coverage = chart_content.write_history(chart, who)
    chart_content.write_results(chart)
    visit = chart_content.write_today(chart)
    chart_services.write_services(chart, visit, coverage)
    return chart.entries
