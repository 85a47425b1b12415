"""The table: one row a fault, with what must come of it. Times are seconds of a run of 14 s."""

from __future__ import annotations

import resource
import signal
from typing import Final

from tests.faults import means, scarcity
from tests.faults.means import kill, kill_while_it_drains, kill_while_it_prepares, signals, stop
from tests.faults.row import EARLY, FAIL, INVALID, KILLED, LAST, MIDDLE, NO_SPACE, NOT_BEGUN, NOTHING_SENT, Row

__all__ = ["HARMLESS", "ROWS", "Row"]

ROWS: Final = (
    # ---- killed
    Row("the only load process is killed", MIDDLE, kill("leader"), INVALID, "load process was killed .SIGKILL."),
    Row("the master is killed", MIDDLE, kill("leader"), INVALID, "load process was killed .SIGKILL.", 2),
    Row("worker 0 is killed", MIDDLE, kill("worker-0"), INVALID, "1 missing", 2),
    Row("worker 1 is killed", MIDDLE, kill("worker-1"), INVALID, "1 missing", 2),
    Row("both workers are killed", MIDDLE, kill("worker-0", "worker-1"), INVALID, "2 missing", 2),
    Row("`emrload run` is killed", MIDDLE, kill("emrload"), KILLED, "was killed before it came to a verdict"),
    Row("`emrload run` is killed", f"{MIDDLE}, 2 workers", kill("emrload"), KILLED, "before it came to a verdict", 2),
    Row("the server is killed", MIDDLE, kill("sandbox"), FAIL, "did not answer any site"),
    Row(
        "the only load process is killed",
        EARLY,
        kill_while_it_prepares("leader"),
        NOTHING_SENT,
        "load process was killed .SIGKILL. before the load began",
        leaves=False,
    ),
    Row(
        "the master is killed",
        EARLY,
        kill_while_it_prepares("leader"),
        NOTHING_SENT,
        "left no samples",
        2,
        leaves=False,
    ),
    Row(
        "a worker is killed",
        EARLY,
        kill_while_it_prepares("worker-0"),
        NOT_BEGUN,
        r"worker 0 was killed .SIGKILL. before the load began",
        2,
        leaves=False,
    ),
    Row(
        "`emrload run` is killed",
        "while it tries the machine",
        means.kill_when_there_is("emrload", "logs/self-test.log"),
        NOTHING_SENT,
        "left no samples",
        leaves=False,
    ),
    Row("the master is killed", "as the load begins", kill("leader", at=0.0), INVALID, "process was killed", 2),
    Row("a worker is killed", "as the load begins", kill("worker-1", at=0.0), INVALID, "1 missing", 2),
    Row(
        "the only load process is killed", "in the last second", kill("leader", at=LAST), INVALID, "process was killed"
    ),
    Row("a worker is killed", "in the last second", kill("worker-0", at=LAST), INVALID, "1 missing", 2),
    Row("the only load process is killed", "as it drains", kill_while_it_drains("leader"), INVALID, "was killed"),
    Row("a worker is killed", "as it drains", kill_while_it_drains("worker-1"), INVALID, "1 missing", 2),
    Row(
        "`emrload run` is killed",
        "while it joins the samples",
        means.kill_when_there_is("emrload", "samples.parquet.part", "samples.parquet"),
        KILLED,
        "was killed before it came to a verdict",
    ),
    Row(
        "`emrload run` is killed",
        "while it judges",
        means.kill_when_there_is("emrload", "summary.json", "summary.json.part"),
        KILLED,
        "was killed before it came to a verdict",
    ),
    Row(
        "what prepares the run is killed",
        EARLY,
        means.kill_when_there_is("backstage", "manifest.json"),
        NOTHING_SENT,
        "the process that prepares the run was killed .SIGKILL.",
        leaves=False,
    ),
    Row(
        "what judges the run is killed",
        "while it judges",
        means.kill_when_there_is("backstage", "summary.json", "summary.json.part"),
        ("invalid", frozenset({4})),
        "the process that judges the run was killed .SIGKILL.",
    ),
    # ---- stopped
    Row(
        "the only load process is stopped for 2 s",
        MIDDLE,
        stop("leader", for_s=2.0),
        INVALID,
        r"longest stall was (2|1\.9)",
    ),
    Row("a worker is stopped for 2 s", MIDDLE, stop("worker-0", for_s=2.0), INVALID, r"longest stall was (2|1\.9)", 2),
    Row("the master is stopped for 5 s", MIDDLE, stop("leader", for_s=5.0), INVALID, "leads them was silent for", 2),
    Row("the only load process is stopped", f"{MIDDLE}, for good", stop("leader"), INVALID, "gave no sign for 30 s"),
    Row("the master is stopped", f"{MIDDLE}, for good", stop("leader"), INVALID, "gave no sign for 30 s", 2),
    Row("a worker is stopped", f"{MIDDLE}, for good", stop("worker-1"), INVALID, "1 missing", 2),
    Row(
        "the server is stopped for 6 s",
        MIDDLE,
        stop("sandbox", for_s=6.0),
        FAIL,
        "p95 response time of the network is [3-6]|slow",
    ),
    Row("the server is stopped", f"{MIDDLE}, for good", stop("sandbox"), FAIL, "did not answer any site"),
    # ---- asked to end
    Row("the only load process gets SIGTERM", MIDDLE, signals(signal.SIGTERM, "leader"), INVALID, "ended early"),
    Row("the master gets SIGTERM", MIDDLE, signals(signal.SIGTERM, "leader"), INVALID, "ended early", 2),
    Row("a worker gets SIGTERM", MIDDLE, signals(signal.SIGTERM, "worker-0"), INVALID, "1 missing|1 silent", 2),
    Row("`emrload run` gets SIGTERM", MIDDLE, signals(signal.SIGTERM, "emrload"), INVALID, "ended early"),
    Row("the terminal is closed", MIDDLE, means.close_the_terminal, INVALID, "ended early", before=means.on_a_terminal),
    # ---- disks
    Row(
        "the disk is full",
        MIDDLE,
        scarcity.fill_the_disk,
        NO_SPACE,
        r"streams/\S+ cannot be written .No space left on device., [\d.]+ s into the run: free some space",
        before=scarcity.small_disk,
        stops=True,
    ),
    Row(
        "the disk is full",
        f"{MIDDLE}, 2 workers",
        scarcity.fill_the_disk,
        NO_SPACE,
        r"worker \d: streams/\S+ cannot be written .No space left on device.",
        2,
        before=scarcity.small_disk,
        stops=True,
    ),
    Row(
        "the disk is full",
        "before",
        lambda _: None,
        NOTHING_SENT,
        "no space left|No space left",
        before=scarcity.full_disk,
        leaves=False,
    ),
    Row(
        "a file-size limit is reached",
        MIDDLE,
        scarcity.limit(resource.RLIMIT_FSIZE, lambda _: 64),
        INVALID,
        r"cannot be written .File too large., [\d.]+ s into the run: raise `ulimit -f`",
        stops=True,
    ),
    Row(
        "a worker's file-size limit is reached",
        MIDDLE,
        scarcity.limit(resource.RLIMIT_FSIZE, lambda _: 64, "worker-1"),
        INVALID,
        r"worker \d: streams/\S+ cannot be written .File too large.",
        2,
        stops=True,
    ),
    Row(
        "reports/ is read-only",
        "before",
        lambda _: None,
        NOTHING_SENT,
        "[Rr]ead-only",
        before=scarcity.read_only_disk,
        leaves=False,
    ),
    Row(
        "the run's folder is made read-only",
        MIDDLE,
        scarcity.make_read_only,
        ("invalid", frozenset({4})),
        "cannot be written .Operation not permitted.",
    ),
    Row(
        "the run's folder is deleted",
        MIDDLE,
        scarcity.take_the_folder_away,
        NOT_BEGUN,
        "taken away while the run went on",
        leaves=False,
    ),
    Row(
        "the run's folder is moved",
        MIDDLE,
        scarcity.move_the_folder,
        ("invalid", frozenset({4})),
        "taken away while the run went on",
        stops=False,
    ),
    # ---- workers that nobody asked for
    Row(
        "a late worker, one more",
        "2 s into the load",
        means.another_worker(),
        INVALID,
        "1 came that was none of the run's",
        2,
    ),
    Row(
        "a doubled worker",
        "before the load",
        means.another_worker(early=True),
        ("invalid or none", frozenset({3, 4})),
        "none of the run's|another worker has come",
        2,
        leaves=False,
    ),
    Row(
        "a foreign worker, of another locustfile",
        "2 s into the load",
        means.foreign_worker,
        INVALID,
        "1 came that was none of the run's",
        2,
    ),
    Row(
        "a worker of another version",
        "before the load",
        means.worker_of_another_version,
        NOT_BEGUN,
        "another roster|another worker has come",
        2,
        leaves=False,
    ),
    Row("garbage as a message to the master", "2 s into the load", means.garbage_as_a_message, INVALID, "missing", 2),
    Row(
        "a worker is cut off from the master",
        f"{MIDDLE}, for good",
        means.cut_off("worker-0", for_good=True),
        INVALID,
        "1 missing",
        2,
    ),
    # ---- what a machine runs out of
    Row(
        "the target's name is gone",
        MIDDLE,
        scarcity.lose_the_name,
        INVALID,
        "could not resolve the target's name",
        before=scarcity.with_a_name,
    ),
    Row("descriptors are exhausted", MIDDLE, scarcity.exhaust_descriptors, INVALID, "had no file descriptor left"),
    Row(
        "memory is exhausted (a limit)",
        "0.5 s into the load",
        scarcity.exhaust_memory,
        INVALID,
        "no memory left|was killed .SIG",
    ),
    Row(
        "memory is exhausted (killed by the kernel)", MIDDLE, scarcity.kill_for_memory, INVALID, "was killed .SIGKILL."
    ),
    Row(
        "the wall clock is stepped by 2 s",
        MIDDLE,
        scarcity.step_the_clock,
        INVALID,
        "clocks were 2",
        before=scarcity.clock_that_can_step("locust.log"),
    ),
    Row(
        "one worker's wall clock is stepped by 2 s",
        MIDDLE,
        scarcity.step_the_clock,
        INVALID,
        "clocks were 2",
        2,
        before=scarcity.clock_that_can_step("worker-1.log"),
    ),
)

HARMLESS: Final = (
    Row(
        "garbage at the master's port",
        "2 s into the load",
        means.garbage,
        ("pass or invalid", frozenset({0, 3})),
        "",
        2,
    ),
    Row(
        "a worker's connection to the master is cut",
        f"{MIDDLE}, once",
        means.cut_off("worker-0", for_good=False),
        ("pass or invalid", frozenset({0, 3})),
        "",
        2,
    ),
)
"""What is done to a run that takes no harm by it: nothing is lost, and its verdict is that of any other run there."""
