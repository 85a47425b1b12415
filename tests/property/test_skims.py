"""What a quick look finds right is right by the closer one, whatever a server sends."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fhir import checks
from harness.fhir.call import Answer
from harness.fhir.skim import is_plainly_done, is_plainly_right

KINDS = st.sampled_from(["Observation", "Patient", "OperationOutcome", "Condition"])
ODD = st.sampled_from([None, 3, "", [], {}, True, 1.5, "Patient/1", [{}], "é", "\\u00e9"])
ABOUT = st.sampled_from(["Patient/1", "Patient/2", "", "https://host/fhir/Patient/1", "Patient/1/_history/2"])


def parts(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of these, each now and then something else than it should be."""
    wild = {name: st.one_of(like, like, like, ODD) for name, like in fields.items()}
    return st.one_of(*[st.fixed_dictionaries({}, optional=wild)] * 5, ODD)


REFERENCES = parts(reference=ABOUT, display=st.text(max_size=3))
RESOURCES = parts(resourceType=KINDS, id=st.text(max_size=3), subject=REFERENCES, patient=REFERENCES, note=ODD)
ENTRIES = parts(resource=RESOURCES, search=parts(mode=st.sampled_from(["match", "include", "outcome"])), fullUrl=ODD)
LINKS = parts(relation=st.sampled_from(["self", "next"]), url=st.just("https://host/fhir?page=2"))
SEARCHSETS = parts(
    resourceType=st.just("Bundle"),
    type=st.just("searchset"),
    entry=st.lists(ENTRIES, max_size=3),
    link=st.lists(LINKS, max_size=2),
    total=ODD,
)
RIGHT = {
    "resourceType": "Bundle",
    "type": "searchset",
    "entry": [
        {
            "resource": {
                "resourceType": "Observation",
                "subject": {"reference": "Patient/1"},
                "note": "é",
                "value": 1.5e3,
            }
        },
        {
            "resource": {"resourceType": "Observation", "patient": {"reference": "Patient/1"}},
            "search": {"mode": "match"},
        },
    ],
    "link": [{"relation": "self", "url": "https://host/fhir"}],
}


def agrees(body: bytes, patient_id: str | None, at_least: int) -> bool:
    """Whether the quick look found it right; then the closer one does."""
    quick = is_plainly_right(body, "Observation", patient_id, at_least)
    if quick:
        slow = checks._is_search_result(Answer(200, body), "Observation", patient_id, at_least)
        assert slow == "" or (slow == "the body is not JSON" and _has_infinity(body))
    return quick


def _has_infinity(body: bytes) -> bool:
    """A number that no float can hold is JSON all the same; reading it raises, where somebody does."""
    try:
        orjson.loads(body)
    except ValueError as error:
        return "infinity" in str(error)
    return False


@given(SEARCHSETS, st.sampled_from(["1", None]), st.integers(0, 2))
def test_built_of_right_and_wrong_parts(content: Any, patient_id: str | None, at_least: int):
    agrees(orjson.dumps(content), patient_id, at_least)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=3)), max_size=3),
    st.sampled_from(["1", None]),
)
def test_with_bytes_of_it_changed(changes: list[tuple[int, int, bytes]], patient_id: str | None):
    body = orjson.dumps(RIGHT)
    for place, gone, come in changes:
        body = body[:place] + come + body[place + gone :]
    agrees(body, patient_id, 0)


@pytest.mark.parametrize("patient_id", ["1", None])
def test_what_is_right_is_found_right_at_a_look(patient_id: str | None):
    assert agrees(orjson.dumps(RIGHT), patient_id, 2)
    assert not agrees(orjson.dumps(RIGHT), patient_id, 3)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Patient/1", b"Patient/2"),
        (b'"match"', b'"include"'),
        (b"\xc3\xa9", b"\xc3"),
        (b"searchset", b"collection"),
        (b'"Observation"', b'"OperationOutcome"'),
        (b"1500.0", b"[" * 5000),
    ],
)
def test_what_is_not_needs_a_closer_look(old: bytes, new: bytes):
    body = orjson.dumps(RIGHT)
    assert old in body
    assert not agrees(body.replace(old, new, 1), "1", 0)


RESPONSES = parts(
    resourceType=st.just("Bundle"),
    type=st.sampled_from(["transaction-response", "batch-response"]),
    entry=st.lists(
        parts(
            response=parts(status=st.sampled_from(["200", "201 Created", "412", "2", ""]), location=ODD), resource=ODD
        ),
        max_size=3,
    ),
)


@given(RESPONSES, st.integers(0, 3))
def test_the_response_to_a_transaction_built_of_right_and_wrong_parts(content: Any, count: int):
    body = orjson.dumps(content)
    if is_plainly_done(body, "transaction-response", count):
        assert checks._is_bundle_response(Answer(200, body), "transaction", count) == ""


@pytest.mark.parametrize(
    ("bundle_type", "entries", "done"),
    [
        ("transaction-response", b'{"response":{"status":"201 \xc3\xa9"}}', True),
        ("transaction-response", b'{"response":{"status":"201 \xc3"}}', False),
        ("transaction-response", b'{"response":{"status":"412"}}', False),
        ("transaction-response", b"", False),
        ("batch-response", b'{"response":{"status":"201"}}', False),
        ("transaction-response", b"[" * 5000, False),
    ],
)
def test_what_went_well_is_seen_at_a_look(bundle_type: str, entries: bytes, done: bool):
    body = b'{"resourceType":"Bundle","type":"%s","entry":[%s]}' % (bundle_type.encode(), entries)
    assert is_plainly_done(body, "transaction-response", 1) is done
