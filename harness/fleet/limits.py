"""Does this host let a load process hold as many connections as its plan needs?"""

from __future__ import annotations

import resource
from typing import Final

from harness.errors import InputError, Problem

__all__ = ["require_file_handles"]

OWN_HANDLES: Final = 200
"""What a load process holds besides a connection a clinician: streams, Locust's own sockets, libraries."""


def require_file_handles(connections: int) -> None:
    """Make sure that one process may open `connections` sockets; the soft limit is raised where the hard one allows.

    Raises InputError with the number to ask for where it does not.
    """
    needed = connections + OWN_HANDLES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        what = (
            f"ulimit -n is {hard}, but this plan has {connections} connections open in one process and needs {needed}"
        )
        raise InputError(Problem(what, "", f"raise it with `ulimit -n {needed}`, or spread the load with --workers"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
