"""What a person reads when the target cannot be used: one clear error each, exit code 2, and whether anything was sent.

The texts are in tests/golden/target/; EMRLOAD_RENEW_GOLDEN=1 writes them anew.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.program import run_program

GOLDEN = Path(__file__).parents[2] / "golden" / "target"
Json = Callable[..., tuple[int, dict[str, str], bytes]]
Check = Callable[..., None]


@pytest.fixture
def is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Check:
    """`emrload check --target URL` ends with exit code 2 and says what stands in the golden file, ports left out."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))

    def check(name: str, url: str, *options: str) -> None:
        assert run_program(["check", "--target", url, *options]) == 2
        text = capsys.readouterr().err.replace(str(tmp_path), "~")
        text = re.sub(r"(?<=127\.0\.0\.1:)\d{4,5}|(?<=port )\d{4,5}|\d{4,5}(?= its port)", "PORT", text)
        text = text.replace("self signed certificate", "self-signed certificate")  # OpenSSL 1.1
        golden = GOLDEN / f"{name}.txt"
        if os.environ.get("EMRLOAD_RENEW_GOLDEN"):
            golden.write_text(text, encoding="utf-8")
        assert text == golden.read_text(encoding="utf-8")

    return check


def test_not_a_url(is_refused: Check) -> None:
    is_refused("not-a-url", "ehr")


def test_a_scheme_that_fhir_is_not_spoken_over(is_refused: Check) -> None:
    is_refused("scheme", "ftp://127.0.0.1/fhir")


def test_not_this_machine_and_nobody_said_who_owns_it(is_refused: Check) -> None:
    is_refused("not-loopback", "https://ehr.example.org/fhir")


def test_another_host_than_the_one_that_is_owned(is_refused: Check) -> None:
    is_refused("another-host", "https://ehr.example.org/fhir", "--i-own", "ehr.example.com")


def test_a_password_in_the_url(is_refused: Check) -> None:
    is_refused("password", "https://me:secret@ehr.example.org/fhir")


def test_no_such_host(is_refused: Check) -> None:
    # RFC 6761: nobody can ever register a name that ends in .invalid
    is_refused("no-such-host", "http://ehr.invalid/fhir", "--i-own", "ehr.invalid")


def test_refused(is_refused: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    is_refused("refused", f"http://127.0.0.1:{port}/fhir")


def test_it_hangs_up(is_refused: Check, server: Any) -> None:
    server.respond = lambda *_: (0, {}, b"")
    is_refused("hangs-up", server.url)


@pytest.fixture
def over_tls(server: Any) -> Callable[[tuple[Path, Path]], str]:
    """The server's URL, once it speaks TLS with this certificate and key."""

    def speak(certificate: tuple[Path, Path]) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        return str(server.url.replace("http:", "https:"))

    return speak


def test_tls_that_cannot_be_verified(is_refused: Check, server: Any, over_tls: Any, self_signed: Any) -> None:
    is_refused("tls", over_tls(self_signed))
    assert server.asked == []


@pytest.mark.parametrize(
    ("name", "issued"),
    [
        ("tls-expired", {"name": "expired", "days": -1}),
        ("tls-wrong-name", {"name": "elsewhere", "names": "DNS:ehr.example.org"}),
    ],
)
def test_a_certificate_of_a_private_authority_that_is_no_good(
    is_refused: Check,
    server: Any,
    over_tls: Any,
    authority: Any,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    issued: Any,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    is_refused(name, over_tls(authority.issue(**issued)))
    assert server.asked == []


def test_an_authority_that_nobody_knows(is_refused: Check, server: Any, over_tls: Any, authority: Any) -> None:
    is_refused("tls-unknown-authority", over_tls(authority.issue("unknown")))
    assert server.asked == []


def test_a_certificate_that_the_user_vouches_for_is_taken(
    server: Any, over_tls: Any, as_fhir: Json, authority: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    server.respond = lambda *_: as_fhir({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": []})
    assert run_program(["check", "--target", over_tls(authority.issue("good"))]) == 0


def test_an_ipv6_address_is_looked_at(ipv6_server: Any, as_fhir: Json, capsys: pytest.CaptureFixture[str]) -> None:
    ipv6_server.respond = lambda *_: as_fhir(
        {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": []}
    )
    assert ipv6_server.url.startswith("http://[::1]:")
    assert run_program(["check", "--target", ipv6_server.url]) == 0
    assert ipv6_server.headers_seen[0]["host"] == ipv6_server.url.split("/")[2]
    assert ipv6_server.url in capsys.readouterr().out


def test_plain_http_where_tls_is_spoken_to(is_refused: Check, server: Any, as_fhir: Json) -> None:
    server.respond = lambda *_: as_fhir({})
    is_refused("no-tls", server.url.replace("http:", "https:"))


def test_a_web_page(is_refused: Check, server: Any) -> None:
    server.respond = lambda *_: (
        200,
        {"Content-Type": "text/html; charset=utf-8"},
        b"<!DOCTYPE html><title>Welcome</title>",
    )
    is_refused("web-page", server.url)
    assert server.asked == [("GET", "/fhir/metadata")]


def test_fhir_r5(is_refused: Check, server: Any, as_fhir: Json) -> None:
    server.respond = lambda *_: as_fhir({"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0", "rest": []})
    is_refused("fhir-r5", server.url)


def test_fhir_dstu2(is_refused: Check, server: Any, as_fhir: Json) -> None:
    server.respond = lambda *_: as_fhir({"resourceType": "Conformance"})
    is_refused("fhir-dstu2", server.url)


def test_a_redirect_to_a_login_page_is_not_followed_and_its_query_is_not_shown(is_refused: Check, server: Any) -> None:
    server.respond = lambda *_: (302, {"Location": "https://login.example.org/authorize?session=secret#x"}, b"")
    is_refused("login", server.url)
    assert len(server.asked) == 1


def test_a_redirect_to_the_same_thing_elsewhere(is_refused: Check, server: Any) -> None:
    server.respond = lambda *_: (301, {"Location": "https://ehr.example.org/r4/metadata"}, b"")
    is_refused("moved", server.url)


def test_a_redirect_to_what_is_no_url(is_refused: Check, server: Any) -> None:
    server.respond = lambda *_: (302, {"Location": "http://[bad/"}, b"")
    is_refused("moved-nowhere", server.url)


@pytest.mark.parametrize(("name", "status"), [("login-wanted", 401), ("wrong-path", 404), ("server-trouble", 500)])
def test_metadata_is_refused(is_refused: Check, server: Any, as_fhir: Json, name: str, status: int) -> None:
    server.respond = lambda *_: as_fhir({"resourceType": "OperationOutcome", "issue": [{"code": "exception"}]}, status)
    is_refused(name, server.url)


def test_xml(is_refused: Check, server: Any) -> None:
    server.respond = lambda *_: (200, {"Content-Type": "application/fhir+xml"}, b"<CapabilityStatement/>")
    is_refused("xml", server.url)


@pytest.mark.parametrize(
    ("name", "content"), [("other-json", {"status": "UP"}), ("other-resource", {"resourceType": "Bundle"})]
)
def test_json_that_is_no_capability_statement(
    is_refused: Check, server: Any, as_fhir: Json, name: str, content: dict[str, str]
) -> None:
    server.respond = lambda *_: as_fhir(content)
    is_refused(name, server.url)


def test_a_capability_statement_that_names_no_version(is_refused: Check, server: Any, as_fhir: Json) -> None:
    server.respond = lambda *_: as_fhir({"resourceType": "CapabilityStatement"})
    is_refused("no-version", server.url)
