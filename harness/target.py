"""Where the load may go: a base URL, and whether the user may put load on its host. Nothing is sent here.

    text ──parse_target──▶ Target ──control.read_capabilities──▶ what a FHIR R4 server declares
           nothing is sent          one GET is sent

It holds for every address: the target of a run, and the endpoints that its sites have of their own.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from harness.errors import InputError, Problem, TargetError, shortened

__all__ = ["Target", "allowed_hosts_file", "parse_target"]

TARGET_OPTION: Final = "--target"
EXAMPLE: Final = "write scheme, host and base path, such as https://ehr.example.org/fhir"


@dataclass(frozen=True, slots=True)
class Target:
    """A FHIR endpoint that the user may put load on. `url` has no slash at its end, no user, no query."""

    url: str
    host: str
    port: int
    loopback: bool

    def locate(self, path: str) -> str:
        """The URL of a path relative to the base, or of an absolute `next` link as the target gave it.

        A link's own scheme and host are dropped, so that traffic never leaves the target, whatever a server behind a
        proxy believes its name to be. Raises TargetError where such a link is no URL.
        """
        if path.startswith(("http://", "https://")):
            try:
                link = urlsplit(path)
            except ValueError as error:
                raise TargetError("the target gave a link that is no URL", "It is the server's to mend.") from error
            base = urlsplit(self.url)
            return link._replace(scheme=base.scheme, netloc=base.netloc, fragment="").geturl()
        return self.url + (path if path.startswith("?") or not path else f"/{path}")


def parse_target(
    text: str, *, i_own: Sequence[str] = (), allow_list: Path | None = None, where: str = TARGET_OPTION
) -> Target:
    """The target that `text` names, when the user may put load on it; nothing is sent.

    A host that is not loopback must be named by `--i-own` or stand in an allow-list file (`allow_list`, else
    `allowed_hosts_file()`). `where` is where an error says that the text stands. Raises InputError.
    """
    try:
        parts, port = _parse(text)
        host = (parts.hostname or "").rstrip(".")
        loopback = _is_loopback(host)
        if not loopback:
            whose = "the target's host" if where == TARGET_OPTION else f"the host of the {where}"
            _require_permission(host, whose, i_own, allow_list)
    except _Refused as refused:
        raise InputError(Problem(refused.what, where, refused.help)) from refused
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if parts.port is None else f"{shown}:{port}"
    return Target(f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}", host, port, loopback)


def allowed_hosts_file() -> Path:
    """`$XDG_CONFIG_HOME/emr-load-harness/allowed-hosts`, else in `~/.config`: a host a line, `#` begins a comment."""
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(config).expanduser() / "emr-load-harness" / "allowed-hosts"


def _parse(text: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(text.strip())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        host = parts.hostname
    except ValueError as error:
        raise _no_url(text, f": {error}") from error
    if "@" in text.partition("://")[2].partition("/")[0] or "@" in text.partition("/")[0]:
        raise _Refused(
            "the URL holds a user name or password", "leave it out: it would stand in logs and in the report"
        )
    if text == "sandbox":
        raise _Refused(
            "'sandbox' has no address here", "start one with `emrload sandbox` and give the url that it prints"
        )
    if "://" not in text or not parts.scheme or (parts.scheme in ("http", "https") and not host):
        raise _no_url(text)
    if parts.scheme not in ("http", "https"):
        raise _Refused(f"'{parts.scheme}' is not a scheme that FHIR is spoken over", "write http:// or https://")
    if parts.query or parts.fragment:
        raise _Refused("the URL has a query or a fragment", f"give the base URL only: {EXAMPLE}")
    if any(letter.isspace() or not letter.isprintable() for letter in text.strip()):
        raise _no_url(text, ": it has a space or a control character inside")
    if parts.path.rstrip("/").endswith("/metadata"):
        raise _Refused("the URL ends in /metadata", "give the base URL: leave /metadata out")
    return parts, port


def _no_url(text: str, why: str = "") -> _Refused:
    """Neither `text` nor `why` is repeated where it has an `@`: what stands before that may be a password."""
    if "@" in text:
        return _Refused("this is not a URL", f"{EXAMPLE}, without a user name or password")
    return _Refused(f"'{shortened(text)}' is not a URL{why}", EXAMPLE)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require_permission(host: str, whose: str, i_own: Sequence[str], allow_list: Path | None) -> None:
    if host in {name.strip().lower() for name in i_own} or host in _listed_hosts(allow_list):
        return
    if i_own:
        close = get_close_matches(host, i_own, n=1, cutoff=0.8)
        meant = " (a slip of the pen?)" if close else ""
        what = f"{whose} is {host}, but you said that you own {', '.join(i_own)}{meant}"
        raise InputError(Problem(what, "--i-own", f"write --i-own {host} if you may put load on that host"))
    raise _Refused(
        f"{host} is not this machine, and load can harm a system in use",
        f"add --i-own {host} if you may put load on it, or list it in {_shown(allow_list or allowed_hosts_file())}",
    )


def _listed_hosts(allow_list: Path | None) -> set[str]:
    path = allow_list or allowed_hosts_file()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        if allow_list is None:
            return set()
        problem = Problem("there is no such file", f"--allow-list {path}", "give a file with one host a line")
        raise InputError(problem) from error
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        problem = Problem(f"cannot be read: {why}", str(path), "give a file with one host a line")
        raise InputError(problem) from error
    return {line.partition("#")[0].strip().lower() for line in lines} - {""}


def _shown(path: Path) -> str:
    """With `~` for the home folder: an error may be shown to others."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


class _Refused(Exception):  # noqa: N818 (as `Refused` of control)
    """What is wrong with an address and how to mend it, before it is said where the address stands."""

    def __init__(self, what: str, help_text: str) -> None:
        super().__init__(what)
        self.what, self.help = what, help_text
