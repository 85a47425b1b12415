"""Where scenarios and what they name are found: beside the scenario itself, then among what ships.

scenarios/
  morning-rush.yaml      a scenario: its file name is its name
  objectives.yaml        bounds that a scenario takes over by id
  curves.yaml            curves that a scenario takes over by the persona's name
  personas/*.yaml        what a kind of clinician does
  templates/*.yaml       a kind of site
  links/*.yaml           a kind of line to the target
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from harness.errors import Problem, ScenarioError, shortened
from harness.scenario.suggest import suggest

__all__ = ["entry_names", "find_entry", "find_scenario", "scenario_names", "shared_file", "shipped_folder"]

_SHARED_FILES = ("objectives.yaml", "curves.yaml")
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""As `harness.scenario.values.Name`: nothing else is looked for, so that no name leads out of its folder."""
LONGEST_NAME: Final = 100
"""Characters; of most file systems a file's name may have 255 bytes."""
_PACKAGE = Path(__file__).resolve().parent.parent


def shipped_folder() -> Path:
    """The folder `scenarios` that came with the harness: inside the installed package, else in the checkout."""
    installed = _PACKAGE / "shipped" / "scenarios"
    return installed if installed.is_dir() else _PACKAGE.parent / "scenarios"


def scenario_names() -> list[str]:
    """What ships, by name."""
    return _names(path for path in shipped_folder().glob("*.yaml") if path.name not in _SHARED_FILES)


def find_scenario(name_or_path: str) -> Path:
    """The file of a shipped scenario, or the path itself where it is one (it holds a `/` or ends in `.yaml`).

    Raises ScenarioError for a name that does not ship.
    """
    if "/" in name_or_path or "\\" in name_or_path or name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    names = scenario_names()
    if name_or_path in names:
        return shipped_folder() / f"{name_or_path}.yaml"
    hint = "`emrload scenarios` tells what they are; a file of your own is named with its ending, such as mine.yaml."
    raise ScenarioError(
        Problem(f"unknown scenario '{shortened(name_or_path)}'", help=suggest(name_or_path, names)), hint
    )


def find_entry(kind: str, name: str, beside: Path) -> Path | None:
    """The file of persona, template or link `name`; `kind` is the folder, such as `personas`.

    None where there is none, or where that is no name.
    """
    if not _is_name(name):
        return None
    candidates = (folder / kind / f"{name}.yaml" for folder in (beside, shipped_folder()))
    return next((path for path in candidates if path.is_file()), None)


def shared_file(kind: str, beside: Path) -> Path:
    """The file of shared `objectives` or `curves`: beside the scenario, else the one that ships."""
    own = beside / f"{kind}.yaml"
    return own if own.is_file() else shipped_folder() / f"{kind}.yaml"


def entry_names(kind: str, beside: Path) -> list[str]:
    """Every persona, template or link that `find_entry` would find."""
    found = (path for folder in (beside, shipped_folder()) for path in (folder / kind).glob("*.yaml"))
    return _names(path for path in found if _is_name(path.stem))


def _is_name(text: str) -> bool:
    return len(text) <= LONGEST_NAME and bool(_NAME.fullmatch(text))


def _names(paths: Iterable[Path]) -> list[str]:
    return sorted({path.stem for path in paths})
