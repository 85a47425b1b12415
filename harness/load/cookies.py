"""What a server gave a clinician to keep, so that a balancer in front of several leads her to the same one again.

Set-Cookie: node=a; Path=/fhir; Max-Age=600  ──keep──▶ Cookies ──line_for("/fhir/Patient/1")──▶ Cookie: node=a

RFC 6265 as far as one host needs it. Values are secrets of a session: nothing here shows them but the line to be sent.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["Cookies"]

MOST_COOKIES: Final = 50
MOST_BYTES: Final = 4096
"""As many and as long as every client takes (RFC 6265, 6.1); the oldest goes for one more, a longer one is not kept."""
_DELETED_S: Final = -math.inf


@dataclass(frozen=True, slots=True, repr=False)
class _Cookie:
    name: str
    value: str
    path: str
    secure: bool
    ends_s: float
    """On the monotonic clock."""


class Cookies:
    """One clinician's, of one host; over TLS or not."""

    __slots__ = ("_host", "_kept", "_tls")

    def __init__(self, host: str, *, tls: bool) -> None:
        self._host = host.lower()
        self._tls = tls
        self._kept: dict[tuple[str, str, str], _Cookie] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, lines: Iterable[str], target: str) -> None:
        """Take the values of an answer's Set-Cookie lines; `target` is what was asked for. Others' are passed over."""
        for line in lines:
            self._keep(line, target)

    def line_for(self, target: str) -> str:
        """The header line, with its end, of a request for `target`; "" where no cookie belongs to it."""
        path, now_s = target.partition("?")[0], time.monotonic()
        for key in [key for key, cookie in self._kept.items() if cookie.ends_s <= now_s]:
            del self._kept[key]
        sent = [one for one in self._kept.values() if _is_under(path, one.path) and (self._tls or not one.secure)]
        if not sent:
            return ""
        sent.sort(key=lambda one: -len(one.path))  # RFC 6265, 5.4: longer paths first, then as they came
        return f"Cookie: {'; '.join(f'{one.name}={one.value}' for one in sent)}\r\n"

    def _keep(self, line: str, target: str) -> None:
        pair, _, rest = line.partition(";")
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name or len(line) > MOST_BYTES:
            return
        told = _attributes(rest)
        domain = told.get("domain", "").removeprefix(".").lower()
        if domain and not self._is_ours(domain):
            return
        path = told.get("path", "")
        if not path.startswith("/"):
            path = target.partition("?")[0].rpartition("/")[0] or "/"
        key = (name, domain, path)
        ends_s = _ends_s(told)
        if ends_s == _DELETED_S:
            self._kept.pop(key, None)
            return
        if key not in self._kept and len(self._kept) == MOST_COOKIES:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = _Cookie(name, value, path, "secure" in told, ends_s)

    def _is_ours(self, domain: str) -> bool:
        """RFC 6265, 5.1.3; and not all of a top-level domain's."""
        if domain == self._host:
            return True
        try:
            ipaddress.ip_address(self._host)
        except ValueError:
            return "." in domain and self._host.endswith(f".{domain}")
        return False


def _attributes(rest: str) -> Mapping[str, str]:
    """`Path=/; Secure` → {"path": "/", "secure": ""}; the last of a name counts."""
    pairs = (part.partition("=") for part in rest.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _ends_s(told: Mapping[str, str]) -> float:
    """When it ends, on the monotonic clock: Max-Age before Expires, and never where neither says it."""
    age = told.get("max-age", "")
    if age.removeprefix("-").isdecimal() and age.isascii():
        left_s = float(age)
    else:
        try:
            left_s = parsedate_to_datetime(told["expires"]).timestamp() - time.time()
        except (KeyError, ValueError, TypeError, OverflowError):
            return math.inf
    return time.monotonic() + left_s if left_s > 0 else _DELETED_S


def _is_under(path: str, kept: str) -> bool:
    """RFC 6265, 5.1.4."""
    return path.startswith(kept) and (len(path) == len(kept) or kept.endswith("/") or path[len(kept)] == "/")
