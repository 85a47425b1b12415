"""Does this host let a process of ours hold as many connections as the plan needs?

A load process holds one a clinician of its part; the sandbox, one process, those of all load processes together.
"""

from __future__ import annotations

import resource
from typing import Final

from harness.errors import InputError, Problem

__all__ = ["require_file_handles", "require_sandbox_handles"]

OWN_HANDLES: Final = 200
"""What a process holds besides connections: streams, a database, Locust's own sockets, libraries."""


def require_file_handles(connections: int) -> None:
    """Make sure that one load process may open `connections` sockets; the soft limit is raised where the hard one
    allows.

    Raises InputError with the number to ask for where it does not.
    """
    needed = connections + OWN_HANDLES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if _too_low(hard, needed):
        what = (
            f"ulimit -n is {hard}, but this plan has {connections} connections open in one process and needs {needed}"
        )
        raise InputError(Problem(what, "", f"raise it with `ulimit -n {needed}`, or spread the load with --workers"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def require_sandbox_handles(connections: int) -> None:
    """Make sure that a sandbox that we start may accept `connections`; it raises its soft limit by itself.

    Raises InputError with the number to ask for where the hard limit does not allow it.
    """
    needed = connections + OWN_HANDLES
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _too_low(hard, needed):
        load = f"{connections} connections in one process"
        what = f"ulimit -n is {hard}, but the sandbox will hold {load} and needs {needed}"
        raise InputError(Problem(what, "", f"raise it with `ulimit -n {needed}`, or play fewer sites"))


def _too_low(hard: int, needed: int) -> bool:
    return hard != resource.RLIM_INFINITY and hard < needed
