"""What somebody reads whose own workflow is wrong, in the file or once it is tried on the virtual clock: file and line.

Exit code 2 every time, and nothing was sent.
"""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("forget_own")
RUSH = (Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml").read_text()
HEAD = "from harness.clinic import Clinician, workflow\n\n"
LOOK = '@workflow("look", lane="charting", needs=("Patient.read",))\n'
GOOD = HEAD + LOOK + "def look(nurse: Clinician) -> None:\n    nurse.think('look')\n"

RECURSION = re.compile(r"(maximum recursion depth exceeded).*")
"""What the interpreter adds depends on where it is met."""

WRONG: dict[str, str | bytes] = {
    "syntax": HEAD + LOOK + "def look(nurse)\n    pass\n",
    "syntax-brackets": "(" * 5000,
    "nul": GOOD.replace("look')", "look\0')"),
    "raises": HEAD + "DRUGS = {}\n\nFIRST = DRUGS['aspirin']\n",
    "exits": HEAD + "raise SystemExit(0)\n",
    "no-such-module": "import pandaz\n",
    "file-beside-it": "from our_codes import GLUCOSE\n",
    "waits-while-it-is-loaded": "import time\n\ntime.sleep(60)\n" + GOOD,
    "loops-while-it-is-loaded": GOOD + "\nwhile True:\n    pass\n",
    "no-workflow": "def look(nurse):\n    pass\n",
    "empty": "",
    "not-text": b"\x89PNG\r\n\x1a\n\x00\xff",
    "too-large": b"#" * 2_000_000,
    "unknown-lane": GOOD.replace('lane="charting"', 'lane="chart"'),
    "without-a-lane": GOOD.replace('lane="charting", ', ""),
    "no-brackets": HEAD + "@workflow\ndef look(nurse: Clinician) -> None:\n    pass\n",
    "bad-need": GOOD.replace("Patient.read", "Patient.raed"),
    "needs-is-a-word": GOOD.replace('("Patient.read",)', '"Patient.read"'),
    "needs-is-none": GOOD.replace('("Patient.read",)', "None"),
    "bad-name": GOOD.replace('"look"', '"Look up"'),
    "name-that-ships": GOOD.replace('"look"', '"find-history"'),
    "name-twice": GOOD + "\n\n" + GOOD.removeprefix(HEAD),
    "takes-nobody": GOOD.replace("nurse: Clinician", ""),
    "takes-two": GOOD.replace("nurse: Clinician", "nurse: Clinician, patient: str"),
    "takes-by-name-only": GOOD.replace("nurse: Clinician", "*, nurse: Clinician"),
    "a-class": HEAD + LOOK + "class Look:\n    pass\n",
    "a-generator": GOOD.replace("nurse.think", "yield nurse.think"),
    "a-coroutine": GOOD.replace("def look", "async def look"),
    "several-at-once": GOOD.replace("Patient.read", "Patient?")
    + "\n\n"
    + LOOK.replace('"look"', '"see"')
    + "def see(): ...\n",
}

BODIES: dict[str, str] = {
    "play-raises": "drugs = {}\nnurse.think('look')\ndrugs['aspirin']",
    "play-exits": "raise SystemExit",
    "play-recurses": "look(nurse)",
    "play-needs-a-missing-key": "found = nurse.search('Patient')\nfound.matches[0]['deathDate']",
    "play-misspells": "nurse.serach('Patient')",
    "play-waits-for-no-number": "nurse.world.wait(float('nan'))",
    "play-sleeps": "import time\ntime.sleep(60)",
    "play-loops": "while True:\n    pass",
    "play-loops-and-swallows": "while True:\n    try:\n        sum(range(100))\n    except:\n        pass",
    "play-loops-with-requests": "while True:\n    nurse.search('Patient')",
    "play-loops-with-pauses": "while True:\n    nurse.think('for ever')",
    "play-loops-with-requests-and-swallows": (
        "while True:\n    try:\n        nurse.search('Patient')\n    except Exception:\n        pass"
    ),
}


@pytest.fixture(autouse=True)
def what_they_cost_is_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def written(folder: Path, text: str | bytes, files: str = "[mine.py]", workflow: str = "look") -> None:
    """A quick rush whose nurses do `workflow` of `mine.py`."""
    (folder / "mine.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    scenario = RUSH.replace("name: quick-rush", f"name: mine\nworkflow_files: {files}")
    shipped = "      room-patient: {weight: 1"
    assert shipped in scenario
    own = f"      {workflow}: {{weight: 1, source: assumption (a test)}}\n"
    (folder / "mine.yaml").write_text(scenario.replace(shipped, own + shipped))


def test_the_file_that_the_others_are_made_from_is_good(emrload: Callable[..., Any], tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    told = emrload("plan", "mine.yaml", "--sites", "1", "--duration", "20s")
    assert told.code == 0, told.err
    assert "mine.yaml" in told.out


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_explained_when_the_scenario_is_read(
    name: str, emrload: Callable[..., Any], golden: Callable[[str, str], None], tmp_path: Path
) -> None:
    written(tmp_path, WRONG[name])
    begun_s = time.monotonic()
    told = emrload("scenarios", "mine.yaml")
    assert told.code == 2, told.err
    assert told.out == ""
    assert "Traceback" not in told.err
    assert time.monotonic() - begun_s < 30
    golden(f"bad-workflows/{name}.txt", told.err)


@pytest.mark.parametrize(
    ("case", "files"),
    [
        ("file-missing", "[our.py]"),
        ("file-is-a-folder", "[.]"),
        ("file-twice", "[mine.py, mine.py]"),
        ("files-a-word", "mine.py"),
        ("files-of-numbers", "[1, mine.py]"),
        ("unknown-workflow", "[mine.py]"),
    ],
)
def test_files_that_are_named_wrongly_are_explained(
    case: str, files: str, emrload: Callable[..., Any], golden: Callable[[str, str], None], tmp_path: Path
) -> None:
    written(tmp_path, GOOD, files, "lok" if case == "unknown-workflow" else "look")
    told = emrload("scenarios", "mine.yaml")
    assert told.code == 2
    golden(f"bad-workflows/{case}.txt", re.sub(r"(Known: \S+).*", r"\1 …", told.err))


@pytest.mark.parametrize("name", BODIES)
def test_a_workflow_that_goes_wrong_is_explained_before_anything_is_sent(
    name: str, emrload: Callable[..., Any], golden: Callable[[str, str], None], tmp_path: Path
) -> None:
    body = textwrap.indent(BODIES[name], "    ")
    written(tmp_path, HEAD + LOOK + f"def look(nurse: Clinician) -> None:\n{body}\n")
    told = emrload("plan", "mine.yaml", "--sites", "1", "--duration", "20s")
    assert told.code == 2, told.err
    assert told.out == ""
    assert "Traceback" not in told.err
    golden(f"bad-workflows/{name}.txt", RECURSION.sub(r"\1", told.err))
