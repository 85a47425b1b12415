"""What a load left becomes a judged and sealed report, the same for `emrload run` and `emrload report`.

samples ─▶ analysis ─▶ summary.json ─▶ verdict.json ─▶ rendered files ─▶ digests ─▶ the console, or one JSON line
                       └── written only where they are missing ──┘
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import InputError, Problem
from harness.rundir import RunDir, write_json

if TYPE_CHECKING:
    from harness.analysis import Analysis
    from harness.scenario.model import RunSpec

__all__ = ["Conclusion", "conclude", "read_json"]


@dataclass(frozen=True)
class Conclusion:
    """A run whose verdict stands and whose folder is sealed. `summary` and `verdict` are as in their files."""

    run_dir: RunDir
    summary: dict[str, Any]
    verdict: dict[str, Any]
    manifest: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """The verdict's own."""
        code: int = self.verdict["exit_code"]
        return code

    def tell(self, *, as_json: bool) -> None:
        """Print the verdict, the sites, the report's path and what to do next; or the outcome as one JSON line."""
        from harness.report.console import end_of_run
        from harness.verdict.guidance import next_steps

        run_dir = self.run_dir
        if as_json:
            outcome = {key: self.verdict[key] for key in ("verdict", "exit_code", "rehearsal")}
            print(json.dumps({**outcome, "run": str(run_dir.path), "report": str(run_dir.report)}))
            return
        steps = next_steps(self.verdict, self.summary, self.manifest)
        end_of_run(self.summary, self.verdict, self.manifest, run_dir.report, steps)


def conclude(source: RunDir, target: RunDir, spec: RunSpec) -> Conclusion:
    """Measure `source`; write what `target` lacks, then its rendered files and their digests.

    Raises InputError where a file that should be there cannot be read, JudgeError where no verdict can be computed.
    """
    with _without_garbage_collection():
        from harness.analysis import analyse
        from harness.report.render import render

        # The curves are in no file, so the samples are measured each time; an existing summary is what counts.
        analysis = analyse(source, spec)
        if target.summary.exists():
            analysis = replace(analysis, summary=read_json(target.summary))
        else:
            write_json(target.summary, analysis.summary)
        verdict = _verdict_of(source, target, analysis, spec)
        with ThreadPoolExecutor(1) as beside:
            # of half a gigabyte of samples it takes half a second, which drawing does not wait for
            digests = beside.submit(target.digest, target.unsealed_evidence())
            render(target, analysis, verdict, spec)
            manifest = target.seal(digests.result(), exit_code=verdict["exit_code"])
    return Conclusion(target, analysis.summary, verdict, manifest)


def _verdict_of(source: RunDir, target: RunDir, analysis: Analysis, spec: RunSpec) -> dict[str, Any]:
    """The verdict that stands, or a new one where there is none."""
    if target.verdict.exists():
        return read_json(target.verdict)
    from harness.verdict.judge import judge

    required = read_json(source.expected)["objectives"]
    verdict = judge(analysis, spec, source.read_manifest(), required)
    write_json(target.verdict, verdict)
    return verdict


def read_json(path: Path) -> dict[str, Any]:
    """An object that a run left. Raises InputError where it is damaged."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        value = None
        reason = type(error).__name__
    else:
        reason = "no object"
    if not isinstance(value, dict):
        help_text = "the file is damaged; --rejudge --out DIR makes summary and verdict again in another folder"
        raise InputError(Problem(f"cannot be read ({reason})", str(path), help_text))
    return value


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """One pass and out, imports included: looking for garbage would be a twentieth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
