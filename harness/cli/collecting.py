"""After the load: the workers' streams become tables, and the manifest says how the load ended.

The same for `emrload run`, for plain Locust, and for what a killed run left.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from harness.rundir import ARRIVAL_FATES, RunDir, conductor_path, rfc3339
from harness.samples.progress import read_progress
from harness.samples.reader import Merged, merge_streams

__all__ = ["collect", "is_collected", "load_has_ended"]


def collect(run_dir: RunDir, *, aborted: bool = False, ended_by: str = "") -> Merged:
    """Merge the streams and tell the manifest. A load whose leader did not see the end counts as aborted, too.

    `ended_by`: why it was ended early, as far as whoever started it knows.
    """
    merged = merge_streams(run_dir)
    facts = _leader_facts(run_dir)
    aborted = aborted or bool(ended_by)
    whole = facts.get("ended_epoch_s") is not None and not facts.get("closed_early") and not aborted
    times = {
        key: rfc3339(facts[source])
        for key, source in (("started_at", "t0_epoch_s"), ("ended_at", "ended_epoch_s"))
        if facts.get(source)
    }
    run_dir.update_manifest(
        **times,
        state="finished" if whole else "aborted",
        ended_by=facts.get("broken_off") or ended_by,
        workers_reported=facts.get("workers_reported", []),
        clock_offset_s=facts.get("clock_offset_s"),
        **{name: facts.get(name) for name in (f"arrivals_{fate}" for fate in ARRIVAL_FATES)},
        torn_streams=list(merged.torn),
        rows_unwritten=facts.get("rows_unwritten", 0),
        strangers=facts.get("strangers", 0),
        own_limits=_own_limits(run_dir),
    )
    return merged


def is_collected(run_dir: RunDir) -> bool:
    """All tables are there, and the manifest says so: whoever merged them was not killed meanwhile."""
    tables = (run_dir.samples, run_dir.workflows, run_dir.duty, run_dir.health)
    return run_dir.read_manifest().get("state") in ("finished", "aborted") and all(path.exists() for path in tables)


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


def _own_limits(run_dir: RunDir) -> dict[str, int]:
    """Requests that this machine could not send, by the limit that they met: each worker's last count of them."""
    counts: Counter[str] = Counter()
    for path in sorted(run_dir.streams.glob("progress-w*.jsonl")):
        seconds, _ = read_progress(path, 0)
        if seconds:
            counts.update(seconds[-1].own_limits)
    return dict(counts)
