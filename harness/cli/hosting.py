"""What `emrload run` is told of workers on other hosts: how many, where they find us, what tells them from others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.channel_options import DEFAULT_PORT, Address, require_secret, secret_from

if TYPE_CHECKING:
    from harness.fleet import Secret

__all__ = ["Hosting", "hosting_from"]


@dataclass(frozen=True)
class Hosting:
    """What the command line said of workers on other hosts."""

    expected: int
    address: Address
    secret: Secret
    secret_file: Path | None = None

    def manifest_facts(self) -> dict[str, Any]:
        told = {"bind": str(self.address)}
        return told | {"secret_file": str(self.secret_file)} if self.secret_file else told


def hosting_from(expected: int | None, bind: Address | None, secret_file: Path | None) -> Hosting | None:
    """What the options say together; None where the load comes from this machine. Raises InputError, UsageError."""
    if expected is None:
        if bind is not None or secret_file is not None:
            raise click.UsageError("--bind and --secret-file are for workers of other hosts: give --expect-workers N")
        return None
    address = bind or Address("127.0.0.1", DEFAULT_PORT)
    secret = secret_from(secret_file)
    require_secret(secret, address, "--bind")
    return Hosting(expected, address, secret, secret_file)
