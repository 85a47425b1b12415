"""Whatever dies, hangs or runs out: the verdict is true and says why, hardly anything is lost, nothing is left over.

`make prove` plays the whole table, one row after the other, in about half an hour. EMRLOAD_RENEW_FAULTS=FILE keeps what
became of each in FILE, and writes docs/what-was-killed.md once every row has come out as it must.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.rundir import RunDir
from tests.faults.page import Played, as_line, page_of
from tests.faults.rows import HARMLESS, ROWS, Row
from tests.faults.server import seed
from tests.faults.stage import Stage

pytestmark = [pytest.mark.end_to_end, pytest.mark.prove, pytest.mark.timeout(400)]

PAGE = Path(__file__).parents[2] / "docs" / "what-was-killed.md"
MOST_LOST_S = 1.0
BUSY = {"generator-stall", "start-lateness", "slot-starts", "cpu", "steal", "closed-loop"}
"""The checks that fail where the load did not get the processor when it wanted it."""
STOPS_WITHIN_S = 1.0


def name_of(row: Row) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{row.name} {row.when} {row.workers}".lower()).strip("-")


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seed(tmp_path_factory.mktemp("seeded"))


@pytest.fixture
def table() -> Iterator[dict[str, list[str]]]:
    """Row → its line and the day it was played, of all that came out as they must; kept in the file that is named."""
    kept = Path(os.environ.get("EMRLOAD_RENEW_FAULTS") or os.devnull)
    lines: dict[str, list[str]] = json.loads(kept.read_text() or "{}") if kept.exists() else {}
    yield lines
    if kept == Path(os.devnull):
        return
    kept.write_text(json.dumps(lines, indent=1))
    names = [[name_of(row) for row in rows] for rows in (ROWS, HARMLESS)]
    if all(name in lines for part in names for name in part):
        told = [[lines[name][0] for name in part] for part in names]
        PAGE.write_text(page_of(*told, {day for _, day in lines.values()}), encoding="utf-8")


@pytest.fixture
def stage(tmp_path: Path, seeded: Path) -> Iterator[Stage]:
    made = Stage(tmp_path, seeded)
    with made.at_the_end, made.undo:
        yield made
        for process in made.marked():  # a row that failed leaves nobody to the next
            process.kill()


def verdict_of(folder: Path) -> dict[str, Any] | None:
    path = RunDir(folder).verdict
    found: dict[str, Any] | None = json.loads(path.read_bytes()) if path.exists() else None
    return found


def all_words(stage: Stage, verdict: dict[str, Any] | None, report: str) -> str:
    """What was printed, what was logged is not: nobody looks there first. And the sentences of the verdict."""
    if stage.terminal:
        stage.said.touch()
    checks = [check["detail"] for check in (verdict or {}).get("validity", []) if check["outcome"] == "fail"]
    findings = [finding["sentence"] for finding in (verdict or {}).get("findings", [])]
    return "\n".join([stage.said.read_text(errors="replace"), report, *checks, *findings])


@pytest.mark.parametrize("row", [*ROWS, *HARMLESS], ids=name_of)
def test_nothing_that_dies_turns_green(row: Row, stage: Stage, table: dict[str, list[str]]) -> None:
    if row.before is not None:
        row.before(stage)
    stage.start(row.workers)
    try:
        row.harm(stage)
    finally:
        code = stage.wait()
    left = (stage.left_processes(), stage.left_sockets())
    stage.undo.close()
    at_once = verdict_of(stage.out)
    report = stage.report()
    verdict = verdict_of(stage.out)
    lost, before_s = stage.lost() if row.leaves else (0, 0.0)
    words = all_words(stage, verdict, report.stdout + report.stderr)
    went_on_s = stage.went_on_s(words) if row.stops else None
    outcome = verdict["verdict"] if verdict else "none"
    checks = [check["check"] for check in verdict["validity"] if check["outcome"] == "fail"] if verdict else []
    played = Played(
        row, code, outcome, at_once is not None, checks, lost, before_s, went_on_s, *left, stage.left_files()
    )
    print(f"\n{as_line(played)}")

    if row in HARMLESS:
        assert set(checks) <= BUSY, words
        assert lost == 0
    expected, codes = row.ends
    assert outcome in expected.split(" or "), words
    assert code in codes, words
    assert re.search(row.says, words), words
    assert "Traceback" not in words, words
    assert report.returncode == 0 or not row.leaves, report.stderr
    assert before_s <= MOST_LOST_S, f"{lost} answers are lost, the first of them {before_s:.2f} s before the fault"
    assert went_on_s is None or went_on_s <= STOPS_WITHIN_S
    assert (played.processes, played.sockets, played.files) == ([], [], [])
    table[name_of(row)] = [as_line(played), datetime.now(UTC).date().isoformat()]
