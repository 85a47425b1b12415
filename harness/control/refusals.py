"""What went wrong between us and a target, in words that a person can act on.

Nothing that looks like a patient's data is repeated.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator

import httpx

from harness.fhir.call import Answer
from harness.target import Target

__all__ = ["refusal_text", "unreachable"]

_LONGEST_DIAGNOSTICS = 240
_SECRETIVE = re.compile(r"(?<=\|)[^\s\]\"',&]+|\d{5,}|(?<==)[^\s&\]\"']+")
"""Values of tokens and parameters, and numbers long enough to be an MRN, a phone number or an NPI."""


def unreachable(target: Target, error: Exception) -> str:
    """Why no answer came: no such host, refused, TLS, too late, or what httpx says."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the TLS certificate of {target.host} cannot be verified: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS with {target.host} on port {target.port}: {cause.reason or 'the handshake failed'}"
        if isinstance(cause, socket.gaierror):
            return f"there is no host {target.host}"
        if isinstance(cause, ConnectionRefusedError):
            return f"{target.host} refuses connections on port {target.port}"
    if isinstance(error, httpx.ConnectTimeout):
        return f"{target.host} does not answer on port {target.port}"
    if isinstance(error, httpx.TimeoutException):
        return "no whole answer came in time"
    if isinstance(error, httpx.RemoteProtocolError):
        return "the connection was closed without a whole HTTP answer"
    return f"the connection failed: {error or type(error).__name__}"


def refusal_text(answer: Answer) -> str:
    """An answer that is not 2xx: its status, and what its OperationOutcome says with values left out."""
    if not answer.status:
        return answer.detail
    said = _diagnostics(answer)
    return f"HTTP {answer.status}" + (f": {said}" if said else "")


def _diagnostics(answer: Answer) -> str:
    try:
        content = answer.json()
    except ValueError:
        return ""
    if not isinstance(content, dict) or content.get("resourceType") != "OperationOutcome":
        return ""
    issues = [issue for issue in content.get("issue", []) if isinstance(issue, dict)]
    texts = [
        issue.get("diagnostics") or issue.get("details", {}).get("text") or issue.get("code", "") for issue in issues
    ]
    return _SECRETIVE.sub("…", " ".join("; ".join(map(str, texts)).split()))[:_LONGEST_DIAGNOSTICS]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen = 0
    while error is not None and seen < 20:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1
