"""Everybody who is measured, in the order in which they take turns and stand in tables."""

from __future__ import annotations

from typing import Final

from benchmarks.peers import emrload, gatling, goose, k6, locust_users, wrk
from benchmarks.peers.tool import Kind, Tool

__all__ = ["TOOLS", "who_can"]

TOOLS: Final[tuple[Tool, ...]] = (
    wrk.TOOL,
    emrload.TOOL,
    goose.TOOL,
    gatling.TOOL,
    k6.TOOL,
    locust_users.BYTES,
    locust_users.FAST,
    locust_users.PLAIN,
)


def who_can(kind: Kind) -> tuple[Tool, ...]:
    """Those who can do such a load, installed or not."""
    return tuple(tool for tool in TOOLS if kind in tool.kinds)
