"""A target's address as it stands in requests."""

from __future__ import annotations

import pytest

from harness.load.endpoint import Endpoint


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "prefix", "authority"),
    [
        ("http://127.0.0.1:8080/fhir", "127.0.0.1", 8080, False, "/fhir", "127.0.0.1:8080"),
        ("https://ehr.example.org/api/FHIR/R4/", "ehr.example.org", 443, True, "/api/FHIR/R4", "ehr.example.org"),
        ("http://ehr.example.org", "ehr.example.org", 80, False, "", "ehr.example.org"),
        ("http://[::1]:8080/fhir", "::1", 8080, False, "/fhir", "[::1]:8080"),
        (
            "https://bücher.example/fhir",
            "xn--bcher-kva.example",
            443,
            True,
            "/fhir",
            "xn--bcher-kva.example",
        ),
    ],
)
def test_a_base_url_is_taken_apart(url, host, port, tls, prefix, authority):
    assert Endpoint.from_url(url) == Endpoint(host, port, tls, prefix, authority)


@pytest.mark.parametrize(
    "url",
    ["", "ehr.example.org", "ftp://x/fhir", "http:///fhir", "http://x:99999/fhir", "http://[::1/fhir", "http://a..b/"],
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(ValueError):
        Endpoint.from_url(url)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("Patient/1", "/fhir/Patient/1"),
        ("Patient?name=Lee&_sort=-date", "/fhir/Patient?name=Lee&_sort=-date"),
        ("", "/fhir"),
        ("?_getpages=abc", "/fhir?_getpages=abc"),
        ("/fhir?_getpages=abc", "/fhir?_getpages=abc"),
        ("http://inside.example:9/fhir?_getpages=a%20b&x=1", "/fhir?_getpages=a%20b&x=1"),
        ("https://inside.example", "/"),
        ("http://inside.example/fhir?name=Jörg Müller", "/fhir?name=J%C3%B6rg%20M%C3%BCller"),
        ("http://inside.example/fhir?a=1\r\nX-Evil: 1", "/fhir?a=1X-Evil:%201"),
        ("Patient?name=Jörg Müller", "/fhir/Patient?name=J%C3%B6rg%20M%C3%BCller"),
        ("?name=Jörg Müller", "/fhir?name=J%C3%B6rg%20M%C3%BCller"),
        ('Patient?name=a%20b|"c"', '/fhir/Patient?name=a%20b|"c"'),
    ],
)
def test_a_path_or_link_becomes_a_request_target(path, target):
    assert Endpoint.from_url("http://127.0.0.1/fhir").request_target(path) == target


def test_a_base_without_a_path_is_the_root():
    bare = Endpoint.from_url("http://127.0.0.1")
    assert [bare.request_target(path) for path in ("", "?x=1", "Patient/1")] == ["/", "/?x=1", "/Patient/1"]


@pytest.mark.parametrize("base", ["http://127.0.0.1/fhir", "http://127.0.0.1"])
@pytest.mark.parametrize("before", ["Observation", "?page=2", "/fhir", "http://inside.example/fhir"])
@pytest.mark.parametrize("letter", [" ", "\r", "\n", "\t", "\x85", "\u2028", "é"])
def test_no_link_leaves_the_request_line(base, before, letter):
    """A server's `next` link may hold anything, and must not become a second request."""
    target = Endpoint.from_url(base).request_target(f"{before}{letter}HTTP/1.1{letter}DELETE{letter}/fhir/Patient/1")
    assert target.isascii()
    assert target.isprintable()
    assert " " not in target


@pytest.mark.parametrize("link", ["http://[bad/x", "https://[::1/fhir", "http://[bad]/x", "?a=\ud800"])
def test_a_link_that_is_no_url_is_refused(link):
    with pytest.raises(ValueError):
        Endpoint.from_url("http://127.0.0.1/fhir").request_target(link)
