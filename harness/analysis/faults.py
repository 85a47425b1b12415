"""Faults of a workflow's own code: where it raised, or stood still, by the failures that the load kept."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

__all__ = ["own_faults"]

_AT_A_LINE = re.compile(r"\S+\.py:\d+$")


def own_faults(failures: Path) -> Mapping[str, str]:
    """Workflow → its most frequent fault, such as `ValueError at mine.py:10`; without the file nobody has any."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    try:
        lines = failures.read_bytes().splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            continue  # the load was killed while it wrote this line
        if told.get("operation") == "" and _AT_A_LINE.search(str(told.get("detail", ""))):
            counts[told["workflow"]][told["detail"]] += 1
    return {workflow: found.most_common(1)[0][0] for workflow, found in counts.items()}
