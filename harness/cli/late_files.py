"""Files of workers that came after their run was judged, copied into its `streams/` by hand: judged anew elsewhere.

RUN/streams/… that the seal does not know ──▶ NEW: merged, measured, judged; RUN stays as it is
"""

from __future__ import annotations

import shutil
from typing import Any

from harness.cli.collecting import collect
from harness.rundir import RunDir
from harness.samples.reader import TABLES, Merged
from harness.samples.writer import names_path, stream_path

__all__ = ["have_come", "merge_into"]


def have_come(run_dir: RunDir) -> bool:
    """Streams of load processes are there that were not when the run was sealed."""
    sealed = run_dir.read_manifest().get("sha256") or {}
    streams = (path.relative_to(run_dir.path).as_posix() for path in run_dir.streams.glob("*-w*.*"))
    return bool(sealed) and any(name not in sealed for name in streams)


def merge_into(run_dir: RunDir, target: RunDir) -> Merged:
    """Make the tables of `run_dir` anew, in `target`, which has its manifest and scenario already; the streams stay
    where they are. Workers whose files are all there now count as such, and the manifest says how they came."""
    for path in (run_dir.plan, run_dir.arrivals, run_dir.expected, run_dir.clocks):
        if path.exists():
            shutil.copyfile(path, target.path / path.name)
    joined = RunDir(target.path)
    joined.streams = run_dir.streams
    merged = collect(joined, aborted=run_dir.read_manifest().get("state") == "aborted")
    manifest = target.read_manifest()
    if "fleet" in manifest:
        workers = [_as_it_is_now(each, run_dir) for each in manifest["fleet"]["workers"]]
        target.update_manifest(fleet=manifest["fleet"] | {"workers": workers})
    return merged


def _as_it_is_now(worker: dict[str, Any], run_dir: RunDir) -> dict[str, Any]:
    if worker["handed_in"] or not worker["indexes"]:
        return worker
    streams = run_dir.streams
    wanted = {stream_path(streams, table, index) for index in worker["indexes"] for table in TABLES}
    wanted |= {names_path(streams, index) for index in worker["indexes"]}
    wanted |= {run_dir.path / path for path in worker["lacking"] if path.startswith("streams/")}
    lacking = sorted(path.relative_to(run_dir.path).as_posix() for path in wanted if not path.exists())
    if lacking:
        return {**worker, "lacking": lacking}
    return {**worker, "handed_in": True, "lacking": [], "by_hand": True}
