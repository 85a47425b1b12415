"""pass, fail or invalid, in this order:

ended early, or a worker cut off ─▶ invalid    a required objective missed, and not by the generator ─▶ fail
a check failed, or a required objective cannot be told ─▶ invalid    else ─▶ pass
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from harness.analysis import Analysis, Measure
from harness.errors import EXIT_FAIL, EXIT_INVALID, EXIT_PASS, JudgeError
from harness.scenario.model import RunSpec
from harness.verdict.check import Check
from harness.verdict.finding import find
from harness.verdict.hosts import cut_off
from harness.verdict.objective import Judged, judge_objective
from harness.verdict.record import own_limit_failures
from harness.verdict.validity import check_validity

__all__ = ["judge"]

Verdict = Literal["pass", "fail", "invalid"]
EXIT_CODES: Final[Mapping[Verdict, int]] = {"pass": EXIT_PASS, "fail": EXIT_FAIL, "invalid": EXIT_INVALID}


def judge(
    analysis: Analysis, spec: RunSpec, manifest: Mapping[str, Any], required: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What verdict.json holds. `required` is `objectives` of expected.json: fixed before the load, it says what the run
    is held to.

    The manifest's `state` must be settled before: a run that is still `running` is not a finished one.

    Raises JudgeError where it cannot be computed: a judge that fails never passes a run.
    """
    try:
        judged = _judge_objectives(analysis, spec, required, own_limit_failures(manifest))
        checks = check_validity(analysis, manifest, judged)
        unknown = manifest.get("state") == "aborted" or bool(cut_off(manifest))
        verdict = _verdict(judged, checks, unknown=unknown)
        findings = find(analysis, judged, checks)
    except JudgeError:
        raise
    except Exception as error:  # a defect of ours, whichever: it must end as an error, never as a verdict
        hint = "this is a defect of the harness; the run's samples are kept, and `emrload report DIR` judges again"
        raise JudgeError(f"the verdict could not be computed ({type(error).__name__}: {error})", hint) from error
    return {
        "verdict": verdict,
        "exit_code": EXIT_CODES[verdict],
        "rehearsal": bool(manifest.get("rehearsal", False)),
        "objectives": [each.to_json() for each in judged],
        "validity": [check.to_json() for check in checks if check.passed is not None],
        "validity_skipped": [{"check": each.check, "detail": each.detail} for each in checks if each.passed is None],
        "findings": findings,
    }


def _judge_objectives(
    analysis: Analysis, spec: RunSpec, required: Sequence[Mapping[str, Any]], unsent: int
) -> list[Judged]:
    planned = {_key(each["id"], each["scope"]): bool(each["required"]) for each in required}
    measured = {_key(each.objective.id, each.scope) for each in analysis.measures}
    unmeasured = [key for key, needed in planned.items() if needed and key not in measured]
    if unmeasured:
        names = ", ".join(
            f"{name} of {'/'.join(value for _, value in scope) or 'the network'}" for name, scope in unmeasured
        )
        raise JudgeError(f"required by the plan but not measured: {names}", "the folder's scenario and plan differ")
    return [_judged(each, planned, analysis, spec, unsent) for each in analysis.measures]


def _judged(measure: Measure, planned: Mapping[Any, bool], analysis: Analysis, spec: RunSpec, unsent: int) -> Judged:
    required = planned.get(_key(measure.objective.id, measure.scope), False)
    return judge_objective(measure, required, analysis.instrument, spec.scenario.connect_timeout_s, unsent)


def _key(objective_id: str, scope: Mapping[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    return objective_id, tuple(sorted(scope.items()))


def _verdict(judged: Sequence[Judged], checks: Sequence[Check], *, unknown: bool) -> Verdict:
    """Required objectives that cannot be told, or that the generator may have missed itself, are checks too."""
    if unknown:
        return "invalid"
    if any(each.required and each.outcome == "fail" and not each.explained for each in judged):
        return "fail"
    if any(check.passed is False for check in checks):
        return "invalid"
    return "pass"
