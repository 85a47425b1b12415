from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InputError, TargetError
from harness.target import Target, parse_target


@pytest.fixture(autouse=True)
def nobody_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "emr-load-harness" / "allowed-hosts"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "[::1]", "LOCALHOST"])
def test_this_machine_needs_no_permission(host: str) -> None:
    assert parse_target(f"http://{host}:8080/fhir").loopback


@pytest.mark.parametrize("host", ["ehr.example.org", "10.0.0.7", "127.0.0.1.example.org", "[2001:db8::7]", "0.0.0.0"])
def test_every_other_machine_needs_it(host: str) -> None:
    with pytest.raises(InputError, match="--i-own"):
        parse_target(f"http://{host}/fhir")


def test_the_owner_may_put_load_on_a_host() -> None:
    target = parse_target("https://EHR.example.org/fhir/", i_own=["ehr.example.org"])
    assert target == Target("https://ehr.example.org/fhir", "ehr.example.org", 443, loopback=False)


def test_owning_one_host_is_no_permission_for_another() -> None:
    with pytest.raises(
        InputError, match=r"the target's host is ehr\.example\.org, but you said that you own ehr\.example\.com"
    ):
        parse_target("https://ehr.example.org/fhir", i_own=["ehr.example.com"])


def test_hosts_on_the_users_list_are_allowed(nobody_is_allowed: Path) -> None:
    nobody_is_allowed.parent.mkdir()
    nobody_is_allowed.write_text("# our test systems\nehr.example.org  # until June\n", encoding="utf-8")
    assert parse_target("https://ehr.example.org/fhir").host == "ehr.example.org"
    with pytest.raises(InputError):
        parse_target("https://until/fhir")


def test_a_list_given_by_name_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        parse_target("https://ehr.example.org/fhir", allow_list=tmp_path / "none")


def test_a_list_that_cannot_be_read_is_an_error_and_not_an_empty_list(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="it is not text"):
        parse_target("https://ehr.example.org/fhir", allow_list=hosts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ehr",
        "ehr.example.org/fhir",
        "http://",
        "http:///fhir",
        "http://127.0.0.1:99999/fhir",
        "http://[::1/fhir",
        "http://127.0.0.1/f hir",
        "ftp://127.0.0.1/fhir",
        "file:///etc/passwd",
        "http://127.0.0.1/fhir?_format=json",
        "http://127.0.0.1/fhir#top",
        "http://127.0.0.1/fhir/metadata",
        "localhost:8080/fhir",
    ],
)
def test_what_is_no_base_url_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--target"):
        parse_target(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://nurse:secret7@127.0.0.1/fhir",
        "nurse:secret7@127.0.0.1/fhir",
        "http://@127.0.0.1/",
        "http:/nurse:secret7@127.0.0.1/fhir",
        "//nurse:secret7@127.0.0.1/fhir",
        "http://nurse:secret7/x@127.0.0.1/fhir",
        "http://nurse:secret7?x@127.0.0.1/fhir",
        "http://nurse:secret7@[x/fhir",
        "http://nurse:[secret7@127.0.0.1/fhir",
        "https:nurse:secret7@127.0.0.1/fhir",
        "http:\\\\nurse:secret7@127.0.0.1/fhir",
        "http://127.0.0.1/f hir/nurse:secret7@x",
        "secret7@x://127.0.0.1/fhir",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_target(text)
    assert "secret7" not in str(refused.value)


def test_an_at_sign_in_a_path_is_no_password() -> None:
    assert parse_target("http://127.0.0.1/@north/fhir").url == "http://127.0.0.1/@north/fhir"


def test_a_next_link_never_leads_to_another_host() -> None:
    target = parse_target("http://127.0.0.1:8080/fhir")
    assert target.locate("Patient/7") == "http://127.0.0.1:8080/fhir/Patient/7"
    assert target.locate("") == "http://127.0.0.1:8080/fhir"
    assert target.locate("?_getpages=x") == "http://127.0.0.1:8080/fhir?_getpages=x"
    link = "https://internal.example.org/fhir?_getpages=7&_count=2"
    assert target.locate(link) == "http://127.0.0.1:8080/fhir?_getpages=7&_count=2"


def test_a_next_link_that_is_no_url_is_the_targets_fault() -> None:
    with pytest.raises(TargetError, match="a link that is no URL"):
        parse_target("http://127.0.0.1:8080/fhir").locate("http://[bad/fhir?_getpages=7")
