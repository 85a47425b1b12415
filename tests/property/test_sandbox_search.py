"""Searches of the sandbox against the plainest possible search: look at every resource."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.sandbox import search as search_module
from harness.sandbox.pages import Pages
from harness.sandbox.query import parse_query
from harness.sandbox.results import first_page, later_page
from harness.sandbox.search import matching_count, matching_rids, plan_search
from harness.sandbox.store import Store

SYSTEMS = ("", "urn:a", "urn:b")
CODES = ("x", "y", "z")
MOMENTS = st.datetimes(datetime(2026, 11, 20), datetime(2026, 11, 24), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
PRECISIONS = {
    "%Y-%m-%d": timedelta(days=1),
    "%Y-%m-%dT%H:%MZ": timedelta(minutes=1),
    "%Y-%m-%dT%H:%M:%SZ": timedelta(seconds=1),
}
PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")


@st.composite
def dates(draw):
    """A date as text, and the span that it stands for."""
    pattern, length = draw(st.sampled_from(sorted(PRECISIONS.items())))
    text = draw(MOMENTS).strftime(pattern)
    start = datetime.strptime(text, pattern).replace(tzinfo=UTC)
    return text, start, start + length


CODINGS = st.lists(st.tuples(st.sampled_from(SYSTEMS), st.sampled_from(CODES)), max_size=3)
OBSERVATIONS = st.lists(st.tuples(CODINGS, st.none() | dates(), st.sampled_from(("p1", "p2", "p3"))), max_size=12)
TOKENS = st.lists(st.tuples(st.sampled_from((None, *SYSTEMS)), st.sampled_from(CODES)), min_size=1, max_size=2)


def resource_of(number, codings, when, patient):
    coding = [{"system": system, "code": code} if system else {"code": code} for system, code in codings]
    resource = {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"coding": coding},
        "subject": {"reference": f"Patient/{patient}"},
    }
    return resource | ({"effectiveDateTime": when[0]} if when else {})


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = Store(tmp_path_factory.mktemp("sandbox") / "fhir.sqlite")
    yield opened
    opened.close()


def fill(store, observations):
    def work(session):
        for table in ("resource", "previous", "token", "reference", "date", "string"):
            session.connection.execute(f'DELETE FROM "{table}"')
        for number, each in enumerate(observations):
            session.put("Observation", (number + 1, f"o{number}"), resource_of(number, *each), None)

    store.write_now(work)


def found(store, *pairs):
    query = parse_query("Observation", pairs)
    plan = plan_search(store.reader, query)
    rids = matching_rids(store.reader, plan)
    assert matching_count(store.reader, plan) == len(rids) == len(set(rids))
    return {rid - 1 for rid in rids}


def holds_token(codings, wanted):
    return any(
        code == sought and (system is None or system == has) for has, code in codings for system, sought in wanted
    )


def compares(prefix, held, sought):
    """The definitions of https://hl7.org/fhir/R4/search.html#prefix, word for word."""
    _, start, end = held
    _, low, high = sought
    contained = low <= start and end <= high
    return {
        "": contained,
        "eq": contained,
        "ne": not contained,
        "gt": end > high,
        "lt": start < low,
        "ge": end > high or contained,
        "le": start < low or contained,
        "sa": start >= high,
        "eb": end <= low,
    }[prefix]


USUAL = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@USUAL
@given(OBSERVATIONS, TOKENS, TOKENS, st.booleans())
def test_a_search_by_code_finds_what_looking_at_everything_finds(store, observations, first, second, negated):
    fill(store, observations)
    texts = [
        ",".join(code if system is None else f"{system}|{code}" for system, code in each) for each in (first, second)
    ]
    expected = {
        number
        for number, (codings, _, _) in enumerate(observations)
        if holds_token(codings, first) and holds_token(codings, second) != negated
    }
    assert found(store, ("code", texts[0]), ("code:not" if negated else "code", texts[1])) == expected


@USUAL
@given(OBSERVATIONS, dates(), st.sampled_from(PREFIXES), st.sampled_from(("", "p1", "p2")))
def test_a_search_by_date_finds_what_looking_at_everything_finds(store, observations, sought, prefix, patient):
    fill(store, observations)
    pairs = [("date", prefix + sought[0])] + ([("patient", patient)] if patient else [])
    expected = {
        number
        for number, (_, when, whose) in enumerate(observations)
        if when and compares(prefix, when, sought) and patient in ("", whose)
    }
    assert found(store, *pairs) == expected


@USUAL
@given(OBSERVATIONS, st.integers(1, 5), st.sampled_from(("", "date", "-date", "code,-date")))
def test_paging_yields_every_match_once_and_in_order(store, observations, count, sort):
    fill(store, observations)
    pairs = [("_count", str(count)), *([("_sort", sort)] if sort else [])]
    query = parse_query("Observation", pairs)
    rids = matching_rids(store.reader, plan_search(store.reader, query))
    pages = Pages()
    seen = []
    reply = first_page(store.reader, pages, query, rids, "http://x", pairs)
    while True:
        bundle = _parsed(reply)
        seen += [entry["resource"]["id"] for entry in bundle.get("entry", ())]
        link = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        if not link:
            break
        asked = [tuple(pair.split("=")) for pair in link.partition("?")[2].split("&")]
        reply = later_page(store.reader, pages, "Observation", asked, "http://x")
    assert seen == [f"o{rid - 1}" for rid in rids]
    assert sorted(rids) == list(range(1, len(observations) + 1))


@USUAL
@given(OBSERVATIONS, TOKENS, st.sampled_from(("p1", "p2")), dates())
def test_whichever_criterion_leads_the_result_is_the_same(store, observations, token, patient, sought):
    fill(store, observations)
    code = ",".join(code if system is None else f"{system}|{code}" for system, code in token)
    pairs = [("patient", patient), ("code", code), ("date", f"ge{sought[0]}"), ("_sort", "_id")]
    expected = found(store, *pairs)
    few = search_module._FEW
    try:
        search_module._FEW = -1  # count every criterion before one is chosen
        assert found(store, *reversed(pairs)) == expected
    finally:
        search_module._FEW = few


def _parsed(reply):
    import orjson

    return orjson.loads(reply.body)
