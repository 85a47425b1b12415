"""The first answer of a target: is it a FHIR R4 server at all, and what does it say it can do.

`/metadata` is asked once: on some servers it is the dearest read of all (HAPI: 1.5 MB, 340 ms of CPU).
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from harness.control.client import ControlClient
from harness.control.refusals import refusal_text
from harness.errors import TargetError
from harness.fhir import requests
from harness.fhir.call import Answer
from harness.fhir.capabilities import Capabilities
from harness.target import Target

__all__ = ["read_capabilities"]

ONE_READ: Final = "One GET of its /metadata was sent, nothing else."
_RELEASES: Final = {"1.0": "DSTU2", "3.0": "STU3", "4.1": "R4B ballot", "4.3": "R4B", "5.0": "R5", "6.0": "R6"}


def read_capabilities(client: ControlClient) -> Capabilities:
    """What the target declares. Raises TargetError where it cannot be reached or is no FHIR R4 server."""
    answer = client.send(requests.capabilities(), tries=1)
    target = client.target
    if not answer.status:
        raise TargetError(f"{target.url}: {answer.detail}", _way_to_reach(target, answer.detail))
    if 300 <= answer.status < 400:
        raise _redirected(target, answer)
    if answer.status in (401, 403):
        raise _answered(
            target,
            f"it wants a login (HTTP {answer.status})",
            "This version has none to send: use an endpoint that is open.",
        )
    if answer.status >= 400:
        raise _answered(target, f"its /metadata answers {refusal_text(answer)}", _base_hint(answer.status))
    statement = _statement(target, answer)
    version = str(statement.get("fhirVersion", ""))
    if not version.startswith("4.0."):
        release = _RELEASES.get(version[:3], "")
        spoken = (
            f"FHIR {version} ({release})"
            if release
            else f"FHIR {version}"
            if version
            else "a FHIR that it does not name"
        )
        hint = "The harness speaks R4 (4.0.1): give the base URL of the server's R4 endpoint, often /r4 or /fhir/R4."
        raise _answered(target, f"the server speaks {spoken}", hint)
    return Capabilities.from_statement(statement)


def _statement(target: Target, answer: Answer) -> dict[str, Any]:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if "html" in kind or answer.body.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        raise _answered(target, "it answers with a web page, not with FHIR", _base_hint(200))
    try:
        statement = answer.json()
    except ValueError as error:
        shown = f"it answers with {kind}" if kind else "it answers with something"
        hint = "Is this the base URL of a FHIR server that speaks JSON?"
        raise _answered(target, f"{shown} that is not JSON", hint) from error
    found = statement.get("resourceType") if isinstance(statement, dict) else None
    if found == "Conformance":
        return {"fhirVersion": "1.0.2"}
    if not isinstance(statement, dict) or found != "CapabilityStatement":
        shown = str(found)[:40] if found else "JSON that is no FHIR resource"
        raise _answered(target, f"its /metadata holds {shown} where a CapabilityStatement must be", _base_hint(200))
    return statement


def _redirected(target: Target, answer: Answer) -> TargetError:
    """Say where it leads, without the query: that may hold a session. Redirects are not followed."""
    location = answer.headers.get("location", "")
    try:
        place = urlsplit(location)
    except ValueError:
        return _answered(
            target, f"it redirects to what is no URL (HTTP {answer.status})", "It is the server's to mend."
        )
    leads = place._replace(query="", fragment="", netloc=place.netloc.rpartition("@")[2]).geturl() or "nowhere"
    base, slash, _rest = leads.rpartition("/metadata")
    if slash and place.hostname:
        hint = f"Redirects are not followed: if that is the same server, give --target {base} itself."
    else:
        hint = "Redirects are not followed: a login page means that this endpoint wants a session; give an open one."
    return _answered(target, f"it redirects to {leads} (HTTP {answer.status})", hint)


def _way_to_reach(target: Target, detail: str) -> str:
    if "certificate" in detail:
        return (
            "Nothing was sent but the TLS handshake. If the certificate's authority is your own, name its file: "
            "SSL_CERT_FILE=ca.pem emrload …; verification cannot be turned off."
        )
    if "TLS" in detail:
        return "Nothing was sent but the TLS handshake. Is it plain http on that port?"
    if "no host" in detail:
        return "Nothing was sent. Check the spelling, and that this machine's DNS knows it."
    if "refuses" in detail or "does not answer" in detail:
        return f"Nothing was sent. Is the server running, and is {target.port} its port?"
    return "One GET of its /metadata was sent and not answered. Is that a FHIR server, and is it up?"


def _base_hint(status: int) -> str:
    if status >= 500:
        return "The server is in trouble: look at its log before putting load on it."
    return "Is the base path right? Many servers have it under /fhir, /baseR4 or /fhir/R4."


def _answered(target: Target, what: str, hint: str) -> TargetError:
    return TargetError(f"{target.url}: {what}", f"{ONE_READ} {hint}")
