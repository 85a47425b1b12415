"""Which cookies a clinician keeps, and which requests they go with (RFC 6265)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load import cookies as cookies_module
from harness.load.cookies import MOST_BYTES, MOST_COOKIES, Cookies

BASE = "/fhir/Patient/1?_format=json"


def sent(*lines: str, target: str = BASE, host: str = "ehr.example.org", tls: bool = True, asked: str = BASE) -> str:
    """The Cookie line, without name and end, after an answer with these Set-Cookie lines."""
    kept = Cookies(host, tls=tls)
    kept.keep(lines, asked)
    line = kept.line_for(target)
    assert not line or (line.startswith("Cookie: ") and line.endswith("\r\n"))
    return line.removeprefix("Cookie: ").removesuffix("\r\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("node=a", "node=a"),
        ("  node = a ; Path=/", "node=a"),
        ("node=a=b==", "node=a=b=="),
        ('node="a b"', 'node="a b"'),
        ("node=", "node="),
        ("node=a; HttpOnly; SameSite=Lax; Priority=High", "node=a"),
        ("node=a; max-age=60", "node=a"),
        ("node=a; Max-Age=0", ""),
        ("node=a; Max-Age=-1", ""),
        ("node=a; Max-Age=soon", "node=a"),
        ("node=a; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "node=a"),
        ("node=a; Expires=Thu, 01 Jan 1970 00:00:00 GMT", ""),
        ("node=a; Expires=Fri, 31 Dec 2199 23:59:59 GMT", "node=a"),
        ("node=a; Expires=whenever", "node=a"),
        ("node=a; Path=/fhir", "node=a"),
        ("node=a; Path=/fhir/", "node=a"),
        ("node=a; Path=/fhir/Patient/1", "node=a"),
        ("node=a; Path=/fhir/Pat", ""),
        ("node=a; Path=/other", ""),
        ("node=a; Path=fhir", "node=a"),
        ("node=a; Path=/x; Path=/", "node=a"),
        ("node=a; Domain=ehr.example.org", "node=a"),
        ("node=a; Domain=.Example.ORG", "node=a"),
        ("node=a; Domain=org", ""),
        ("node=a; Domain=hr.example.org", ""),
        ("node=a; Domain=x.ehr.example.org", ""),
        ("node=a; Domain=elsewhere.example", ""),
        ("node=a; Domain=", "node=a"),
        ("node=a; Secure", "node=a"),
        ("node", ""),
        ("=a", ""),
        ("", ""),
        (f"node={'x' * MOST_BYTES}", ""),
    ],
)
def test_what_is_kept_and_sent_back(line, expected):
    assert sent(line) == expected


def test_a_path_is_that_of_the_request_where_none_is_given():
    assert sent("node=a", target="/fhir/Patient/2") == "node=a"
    assert sent("node=a", target="/fhir/Observation") == ""
    assert sent("node=a", target="/fhir/Observation", asked="/metadata") == "node=a"


def test_longer_paths_come_first():
    assert sent("a=1; Path=/", "b=2; Path=/fhir", "c=3; Path=/") == "b=2; a=1; c=3"


def test_a_later_one_takes_the_place_of_an_earlier():
    assert sent("node=a; Path=/", "node=b; Path=/") == "node=b"
    assert sent("node=a; Path=/", "node=gone; Path=/; Max-Age=0") == ""


def test_a_secure_one_never_goes_out_in_the_clear():
    assert sent("node=a; Secure", tls=False) == ""


def test_an_address_is_no_domain():
    assert sent("node=a; Domain=0.0.1", host="127.0.0.1") == ""
    assert sent("node=a; Domain=127.0.0.1", host="127.0.0.1") == "node=a"


def test_one_is_sent_until_its_time_is_over(monkeypatch):
    now_s = 100.0
    monkeypatch.setattr(cookies_module.time, "monotonic", lambda: now_s)
    kept = Cookies("ehr.example.org", tls=True)
    kept.keep(["node=a; Max-Age=60"], BASE)
    now_s = 159.9
    assert kept.line_for(BASE)
    now_s = 160.0
    assert not kept.line_for(BASE)
    assert len(kept) == 0


def test_there_are_never_too_many():
    kept = Cookies("ehr.example.org", tls=True)
    kept.keep([f"c{number}=x" for number in range(MOST_COOKIES + 3)], BASE)
    assert len(kept) == MOST_COOKIES
    assert "c2=" not in kept.line_for(BASE)
    assert kept.line_for(BASE).startswith("Cookie: c3=x; ")


def test_a_value_is_shown_by_nothing_but_the_line_to_be_sent():
    kept = Cookies("ehr.example.org", tls=True)
    kept.keep(["node=secret7"], BASE)
    assert "secret7" not in f"{kept!r} {kept!s} {list(kept._kept.values())!r}"


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60), max_size=5))
def test_whatever_is_given_what_is_sent_is_one_line(lines):
    kept = Cookies("ehr.example.org", tls=True)
    kept.keep(lines, BASE)
    line = kept.line_for(BASE)
    assert line == "" or (line.count("\r\n") == 1 and line.endswith("\r\n"))
    line.encode("latin-1")
