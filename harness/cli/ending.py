"""What a run becomes after its load: tables, then a judged and sealed report.

`emrload run` has it done backstage (harness.cli.backstage): pandas and what it holds were not there under load.
"""

from __future__ import annotations

from harness.cli.collecting import collect
from harness.cli.concluding import conclude
from harness.cli.keeping import keeping
from harness.cli.reader import reader_may_leave
from harness.errors import JudgeError
from harness.rundir import RunDir
from harness.scenario import read_spec

__all__ = ["Ending"]


class Ending:
    """The end of one run. Raises RunError where what the load left cannot be written up; it is kept."""

    def __init__(self, run_dir: RunDir) -> None:
        self._run_dir = run_dir

    def collect(self, aborted: bool, ended_by: str) -> None:
        """As `harness.cli.collecting.collect`."""
        with keeping(self._run_dir):
            collect(self._run_dir, aborted=aborted, ended_by=ended_by)

    def conclude(self, as_json: bool) -> int:
        """Analysis, verdict, report, console; gives the exit code. Raises JudgeError."""
        run_dir = self._run_dir
        try:
            with keeping(run_dir):
                concluded = conclude(run_dir, run_dir, read_spec(run_dir.scenario))
        except JudgeError:  # said, and nobody died: `emrload report` may judge what is there
            run_dir.update_manifest(under_way=False)
            raise
        run_dir.update_manifest(under_way=False)
        with reader_may_leave():  # the verdict stands, read or not
            concluded.tell(as_json=as_json)
        return concluded.exit_code
