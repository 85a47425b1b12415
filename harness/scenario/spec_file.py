"""`scenario.yaml` in a run's folder: the run as it was resolved.

Whole, so that a worker on another host or a later report needs nothing else.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from harness.errors import ScenarioError
from harness.scenario.model import RunSpec
from harness.scenario.tree import read_tree
from harness.scenario.validate import validate

__all__ = ["dump_spec", "read_spec"]

LARGEST_SPEC_BYTES = 16_000_000
MOST_SPEC_VALUES = 1_000_000
"""10,000 sites have some 200,000 values in 4 MB."""


def dump_spec(spec: RunSpec, path: Path) -> None:
    """Write `spec`; reading it gives an equal one. Raises OSError where that is not possible."""
    text = yaml.dump(
        spec.model_dump(mode="json"), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=110
    )
    path.write_text(text, encoding="utf-8")


def read_spec(path: Path) -> RunSpec:
    """The run that `dump_spec` wrote. Raises ScenarioError, with file and line, where it holds anything else."""
    spec, problems = validate(RunSpec, read_tree(path, LARGEST_SPEC_BYTES, MOST_SPEC_VALUES))
    if spec is None:
        raise ScenarioError(problems, "A run writes this file; take it from the run's folder as it is.")
    return spec
