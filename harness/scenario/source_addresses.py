"""Whether this machine has the addresses that sites' connections are to come from; nothing is sent."""

from __future__ import annotations

import socket
from typing import Final

from harness.errors import InputError, Problem
from harness.scenario.model import RunSpec

__all__ = ["ADDRESS_EXAMPLE", "vet_source_addresses"]

ADDRESS_EXAMPLE: Final = "an address that this machine has, such as 10.0.0.7 (`ip address` lists them)"


def vet_source_addresses(spec: RunSpec) -> None:
    """Raises InputError with each address that nothing on this machine can be bound to, and the first site that has it.

    Holds for loads whose processes run here, as those of `emrload run` do.
    """
    first: dict[str, str] = {}
    for site in spec.sites:
        if site.source_address:
            first.setdefault(site.source_address, site.name)
    problems = [
        Problem(
            f"{address} cannot be the source of connections: {why}",
            f"source_address of site '{site}'",
            f"write {ADDRESS_EXAMPLE}, or leave it out",
        )
        for address, site in first.items()
        if (why := _why_not(address))
    ]
    if problems:
        raise InputError(problems)


def _why_not(address: str) -> str:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""
