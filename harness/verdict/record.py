"""What the run's own record says of itself: did it come to its end, was all of it written, did this machine manage to
send what was to be sent?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.units import count_text
from harness.verdict.check import Check

__all__ = ["completed", "own_limit_failures", "own_limits", "samples_written"]

_LIMITS: Final = {
    "descriptors": "it had no file descriptor left (raise `ulimit -n`)",
    "ports": "it had no local address for a connection (too many at once, or a source address that is not its own)",
    "memory": "it had no memory left (give it more, or spread the load)",
    "names": "it could not resolve the target's name (whether the sites could, nobody knows)",
}
"""Limit of the load's machine → what that means and what helps."""


def completed(manifest: Mapping[str, Any]) -> Check:
    state = str(manifest.get("state", "unknown"))
    why = str(manifest.get("ended_by") or "")
    early = f"the run was ended early ({why}); all samples up to then are kept" if why else ""
    said = {
        "finished": "the run came to its planned end",
        "aborted": early or "the run was ended early; all samples are kept",
    }.get(state, f"the run has no end: its state is '{state}'")
    return Check("completed", state == "finished", float(state != "finished"), 0.0, "", said)


def samples_written(manifest: Mapping[str, Any]) -> Check:
    torn = manifest.get("torn_streams") or []
    count = torn if isinstance(torn, int) else len(torn)
    unwritten = int(manifest.get("rows_unwritten") or 0)
    detail = "every stream of the load processes was written to its end"
    if count or unwritten:
        detail = f"{count_text(count, 'stream')} of the load processes broke off before the end: "
        detail += f"{count_text(unwritten, 'row')} could not be written" if unwritten else "up to a second is missing"
    return Check("samples-written", not (count or unwritten), float(count), 0.0, "streams", detail)


def own_limit_failures(manifest: Mapping[str, Any]) -> int:
    """Requests that the load's own machine could not send."""
    return sum(int(count) for count in (manifest.get("own_limits") or {}).values())


def own_limits(manifest: Mapping[str, Any]) -> Check:
    """Requests that could not be sent are no doing of the target (docs/decisions/0024)."""
    count = own_limit_failures(manifest)
    detail = "nothing was left unsent for want of descriptors, addresses, memory or a name"
    if count:
        why = " and ".join(_LIMITS.get(limit, limit) for limit in manifest["own_limits"])
        detail = f"{count_text(count, 'request')} could not be sent by the load's own machine: {why}"
    return Check("own-limits", not count, float(count), 0.0, "requests", detail)
