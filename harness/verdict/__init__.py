"""Holds a measured run against its objectives and against the instrument's own bounds: pass, fail or invalid, and what
was found.

Pure; imported by report, control, fleet and cli.
"""

from harness.verdict.finding import FINDERS
from harness.verdict.guidance import next_steps, run_with_seed
from harness.verdict.headline import headline
from harness.verdict.judge import judge

__all__ = ["FINDING_KINDS", "headline", "judge", "next_steps", "run_with_seed"]

FINDING_KINDS = tuple(FINDERS)
"""The fixed words of `findings[].kind`."""
