"""Calls and capabilities hold for every text and every server."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import orjson
from hypothesis import given
from hypothesis import strategies as st

from harness.fhir import Answer, Capabilities, checks, requests

names = st.from_regex(r"_?[a-z]+(_[a-z]+)?(:exact)?", fullmatch=True)
values = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
words = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=12)
sets_of_words = st.frozensets(words, max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceType", "type", "entry", "resource", "search", "link", "subject", "id", "mode"]),
            inner | st.sampled_from(["Bundle", "searchset", "Patient", "batch-response", "next"]),
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(values, st.dictionaries(names, values | st.lists(values, min_size=1, max_size=3), max_size=5))
def test_a_search_comes_out_of_a_url_as_it_was_put_in(patient: str, parameters: dict[str, str | list[str]]):
    path = requests.search("Observation", patient, parameters).path
    expected = [("patient", patient)]
    for name, value in parameters.items():
        wire_name = name[0] + name[1:].replace("_", "-")
        expected += [(wire_name, one) for one in ([value] if isinstance(value, str) else value)]
    assert urlsplit(path).path == "Observation"
    assert parse_qsl(urlsplit(path).query, keep_blank_values=True, strict_parsing=True) == expected
    assert path.isascii()
    assert "#" not in path


@given(
    st.builds(
        Capabilities,
        fhir_version=words,
        software=values,
        interactions=st.dictionaries(words, sets_of_words, max_size=4),
        parameters=st.dictionaries(words, sets_of_words, max_size=4),
        system=sets_of_words,
    )
)
def test_capabilities_survive_their_file(server: Capabilities):
    assert Capabilities.from_json(orjson.loads(orjson.dumps(server.to_json()))) == server


@given(json_values)
def test_whatever_a_server_sends_is_judged_in_a_sentence(content: object):
    answer = Answer(200, orjson.dumps(content))
    for said in (
        checks.is_resource(answer, "Patient", "1"),
        checks.is_stored(answer, "Patient"),
        checks.is_search_result(answer, "Patient", "1", 0),
        checks.holds_patient(answer, "1"),
        checks.is_bundle_response(answer, "batch", 1),
        checks.is_capability_statement(answer),
    ):
        assert isinstance(said, str)
