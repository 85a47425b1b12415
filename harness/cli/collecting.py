"""After the load: the workers' streams become tables, and the manifest says how the load ended.

The same for `emrload run`, for plain Locust, and for what a killed run left.
"""

from __future__ import annotations

import json
from typing import Any

from harness.rundir import RunDir, conductor_path, rfc3339
from harness.samples import Merged, merge_streams

__all__ = ["collect", "load_has_ended"]


def collect(run_dir: RunDir, *, aborted: bool = False) -> Merged:
    """Merge the streams and tell the manifest. A load whose leader did not see the end counts as aborted, too."""
    merged = merge_streams(run_dir)
    facts = _leader_facts(run_dir)
    whole = facts.get("ended_epoch_s") is not None and not facts.get("closed_early") and not aborted
    times = {
        key: rfc3339(facts[source])
        for key, source in (("started_at", "t0_epoch_s"), ("ended_at", "ended_epoch_s"))
        if facts.get(source)
    }
    run_dir.update_manifest(
        **times,
        state="finished" if whole else "aborted",
        workers_reported=facts.get("workers_reported", []),
        clock_offset_s=facts.get("clock_offset_s"),
        arrivals_dropped=facts.get("arrivals_dropped"),
        torn_streams=list(merged.torn),
    )
    return merged


def load_has_ended(run_dir: RunDir) -> bool:
    """The load's leader saw the end of it."""
    return _leader_facts(run_dir).get("ended_epoch_s") is not None


def _leader_facts(run_dir: RunDir) -> dict[str, Any]:
    """What the load's leading process wrote down; empty where it never came to it."""
    try:
        facts: dict[str, Any] = json.loads(conductor_path(run_dir.streams).read_bytes())
    except (OSError, ValueError):
        return {}
    return facts
