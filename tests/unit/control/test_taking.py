"""A target takes what it declares; the rest is left out whole and counted."""

from __future__ import annotations

from datetime import date
from typing import Any

from harness.clinic.charts import write_chart
from harness.clinic.site_population import site_population
from harness.control.taking import Taker
from harness.fhir.capabilities import Capabilities

ALL = ("create", "search-type")


def declaring(**kinds: tuple[str, ...]) -> Capabilities:
    return Capabilities(
        "4.0.1",
        "",
        {kind: frozenset(interactions) for kind, interactions in kinds.items()},
        {kind: frozenset({"_tag"}) for kind in kinds},
        frozenset({"transaction"}),
    )


def entry(kind: str, name: str, refers_to: str = "", **more: Any) -> dict[str, Any]:
    resource = {"resourceType": kind, **({"subject": {"reference": refers_to}} if refers_to else {}), **more}
    return {"fullUrl": name, "resource": resource, "request": {"method": "POST", "url": kind}}


def test_everything_is_taken_where_everything_is_declared():
    entries = [entry("Patient", "urn:1"), entry("Observation", "urn:2", "urn:1")]
    assert Taker(declaring(Patient=ALL, Observation=ALL)).sort_out(entries) == (entries, {})


def test_a_kind_that_the_target_does_not_know_is_left_out_and_counted():
    entries = [entry("Patient", "urn:1"), *(entry("Task", f"urn:{number}", "urn:1") for number in (2, 3))]
    kept, left_out = Taker(declaring(Patient=ALL)).sort_out(entries)
    assert (kept, left_out) == (entries[:1], {"Task": 2})


def test_what_leads_to_something_left_out_is_left_out_with_all_that_leads_to_it():
    document = entry("DocumentReference", "urn:3", "urn:1", content=[{"attachment": {"url": "urn:4"}}])
    entries = [entry("Patient", "urn:1"), entry("Task", "urn:2", "urn:3"), document, entry("Binary", "urn:4")]
    taker = Taker(declaring(Patient=ALL, Task=ALL, DocumentReference=ALL))
    kept, left_out = taker.sort_out(entries)
    assert kept == entries[:1]
    assert left_out == {"Task": 1, "DocumentReference": 1, "Binary": 1}
    assert {kind for kind in left_out if taker.lacking(kind)} == {"Binary"}


def test_what_could_not_be_found_again_by_its_tag_is_not_written():
    taker = Taker(declaring(Binary=("create", "read")))
    assert taker.lacking("Binary") == ("Binary?_tag",)
    assert taker.sort_out([entry("Binary", "urn:1")]) == ([], {"Binary": 1})


def test_a_hospitals_chart_without_images_is_still_a_chart():
    staff = {"hospitalist": 1, "radiologist": 1, "biller": 1, "document-clerk": 1}
    hospital = site_population(7, "river", "en_US", 1, staff, date(2026, 3, 2))
    whole = write_chart(hospital, 0, "o", {persona: ["1"] for persona in staff})
    urls = [each["request"]["url"] for each in whole]
    kept, left_out = Taker(declaring(**dict.fromkeys(set(urls) - {"Binary"}, ALL))).sort_out(whole)
    assert left_out == {"Binary": urls.count("Binary"), "DocumentReference": 2, "Task": 1}
    assert len(kept) == len(whole) - left_out.total()
    assert kept[0]["resource"]["resourceType"] == "Patient"
