"""What one check of the instrument found: a row of `validity` in verdict.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Check", "unmeasured"]


@dataclass(frozen=True)
class Check:
    """One row of `validity`. `passed` None: skipped, there was nothing to compare."""

    check: str
    passed: bool | None
    figure: float | None
    bound: float
    unit: str
    detail: str

    def to_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "outcome": "pass" if self.passed else "fail",
            "figure": self.figure,
            "bound": self.bound,
            "unit": self.unit,
            "detail": self.detail,
        }


def unmeasured(check: str, bound: float, unit: str) -> Check:
    """A check that fails for want of anything to measure."""
    return Check(check, False, None, bound, unit, "nothing was measured, so nothing is known to be in order")
