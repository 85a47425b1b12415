"""The options of the channel between `emrload run` and `emrload worker`: its address and its secret."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from harness.cli.bad_values import LONGEST_SHOWN, bad_value
from harness.cli.options import PathType
from harness.errors import InputError, Problem, shortened

if TYPE_CHECKING:
    from harness.fleet import Secret

__all__ = ["DEFAULT_PORT", "Address", "AddressType", "require_secret", "secret_from", "secret_option"]

Command = TypeVar("Command", bound=Callable[..., Any])

SECRET_VARIABLE: Final = "EMRLOAD_FLEET_SECRET"  # noqa: S105 (where it stands, not what it is)
DEFAULT_PORT: Final = 5556
"""The one before Locust's own, which is on the next port."""
LEAST_SECRET_BYTES: Final = 16
"""128 bits where they are random, as those of `openssl rand -hex 32` are. source: assumption"""
MAKE_ONE: Final = "make one with `openssl rand -hex 32 > FILE`, and give it to every host"


@dataclass(frozen=True)
class Address:
    """`host` without brackets; an IP address where we listen on it, a name where we connect to it."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Nobody beyond this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class AddressType(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.5 on
    """HOST[:PORT]. With `own`, an IPv4 address of this machine, which may have port 0 for one that is free."""

    name = "address"

    def __init__(self, *, own: bool) -> None:
        self.own = own

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:  # noqa: ARG002
        if isinstance(value, Address):
            return value
        text = str(value)
        host, colon, port = text.partition(":")
        number = DEFAULT_PORT if not colon else int(port) if port.isascii() and port.isdigit() and len(port) < 6 else -1
        least = 0 if self.own else 1
        # Locust's own channel is on the port after it
        if not least <= number <= 65_534 or not self._is_host(host):
            what = f"'{shortened(text, LONGEST_SHOWN)}' is not an address"
            one = "an IPv4 address of this machine" if self.own else "the host where `emrload run` is"
            raise bad_value(param, what, f"write {one}, with a port from {least} to 65,534 or none, such as {_EXAMPLE}")
        return Address("127.0.0.1" if host == "localhost" else host, number)

    def _is_host(self, host: str) -> bool:
        if self.own and host != "localhost":
            try:
                return bool(ipaddress.IPv4Address(host))
            except ValueError:
                return False
        return bool(host) and all(letter.isalnum() or letter in "-._" for letter in host) and host.isascii()


_EXAMPLE: Final = "10.0.0.1:5556"


def secret_option(command: Command) -> Command:
    """Add `--secret-file`; the command gets `secret_file`."""
    return click.option(
        "--secret-file",
        metavar="FILE",
        type=PathType("file"),
        help=f"What the hosts of a run know and nobody else.  [default: ${SECRET_VARIABLE}]",
    )(command)


def secret_from(file: Path | None) -> Secret:
    """The secret of the file, else of the environment, else an empty one; bytes of any kind. Raises InputError."""
    from harness.fleet import Secret

    if file is None:
        value, where = os.environb.get(SECRET_VARIABLE.encode(), b"").strip(), SECRET_VARIABLE
        if not value:
            return Secret()
    else:
        where = f"--secret-file {file}"
        try:
            value = file.read_bytes().strip()
        except OSError as error:
            raise InputError(Problem(f"cannot be read: {error.strerror}", where, MAKE_ONE)) from error
    if len(value) < LEAST_SECRET_BYTES:
        what = f"a secret of {len(value)} characters can be guessed, {LEAST_SECRET_BYTES} are the least"
        raise InputError(Problem(what, where, MAKE_ONE))
    return Secret(value)


def require_secret(secret: Secret, address: Address, option: str) -> None:
    """Raises InputError where others could speak on the channel, and there is no secret that tells them from ours."""
    if not secret.value and not address.loopback:
        what = f"{address.host} is not this machine alone, so the channel of the workers needs a secret"
        raise InputError(Problem(what, option, f"{MAKE_ONE}; then --secret-file FILE, or ${SECRET_VARIABLE}"))
