"""Every figure that a persona's file cites comes out when the persona is played on the virtual clock.

What is measured is what comes out in the long run: the mean of each workflow, and each as often as its weight says.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.plan.personas import ROUNDING, modelled, off_by

PERSONAS = Path(__file__).parents[3] / "scenarios" / "personas"
ANCHORS = [
    (path.stem, name)
    for path in sorted(PERSONAS.glob("*.yaml"))
    for name in yaml.safe_load(path.read_text(encoding="utf-8")).get("anchors", {})
]


@pytest.mark.parametrize(("persona", "name"), ANCHORS, ids=[f"{persona}-{name}" for persona, name in ANCHORS])
def test_a_published_figure_comes_out_on_the_virtual_clock(clinic, persona, name):
    (anchor,) = (one for one in clinic.personas[persona].anchors if one.name == name)
    assert abs(off_by(anchor, modelled(clinic.personas[persona]).anchored(anchor))) <= ROUNDING
