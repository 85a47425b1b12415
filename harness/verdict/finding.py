"""What the run detected, whether or not an objective hangs on it, each in a sentence for people who run a hospital.

`FINDERS` names every kind; a finding has its scope, the figures it rests on, and the sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from harness.analysis import Analysis, OperationErrors, Outage
from harness.analysis.intervals import share_interval
from harness.units import count_text, duration_text
from harness.verdict import bounds
from harness.verdict.check import Check
from harness.verdict.objective import Judged
from harness.verdict.slowness import Found, link_bound, saturation, slow_everywhere, slow_sites
from harness.verdict.wording import ms_text, share_text

__all__ = ["FINDERS", "find"]

Finding = dict[str, Any]


def find(analysis: Analysis, judged: Sequence[Judged], checks: Sequence[Check]) -> list[Finding]:
    """Every finding, gravest kinds first. `row` is its number in the catalogue of failure modes, None as long as it has
    none."""
    failed = {check.check: check for check in checks if check.passed is False}
    found = []
    for kind, finder in FINDERS.items():
        for scope, evidence, sentence in finder(analysis, judged, failed):
            found.append({"kind": kind, "row": None, "scope": scope, "evidence": evidence, "sentence": sentence})
    return found


Finder = Callable[[Analysis, Sequence[Judged], Mapping[str, Check]], Found]


def _outages(analysis: Analysis, _judged: Sequence[Judged], failed: Mapping[str, Check]) -> Found:
    own = failed.get("own-limits")
    for outage in analysis.incidents.outages:
        scope = {"site": outage.site} if outage.site else {}
        evidence = {"from_s": outage.from_s, "to_s": outage.to_s, "seconds": outage.seconds, "failed": outage.failed}
        sentence = _outage_sentence(outage)
        if own is not None:  # whoever reads only this must not take it for the server's doing
            sentence += f" But {own.detail}."
        yield scope, evidence, sentence


def _outage_sentence(outage: Outage) -> str:
    who = f"{outage.site} could not reach the server" if outage.site else "The server did not answer any site"
    how_many = count_text(outage.failed, "request")
    begin = duration_text(outage.from_s)
    if outage.to_s is None:
        return f"{who} from {begin} into the run until its end ({outage.seconds:.1f} s); {how_many} failed."
    end = duration_text(outage.to_s)
    return f"{who} for {outage.seconds:.1f} s, from {begin} to {end} into the run; {how_many} failed."


def _server_errors(analysis: Analysis, _judged: Sequence[Judged], _failed: Mapping[str, Check]) -> Found:
    by_status = analysis.incidents.server_errors_by_status
    count = sum(by_status.values())
    if not count:
        return
    share = count / analysis.summary["overall"]["requests"]
    evidence = {
        "errors": count,
        "share": share,
        "by_status": dict(by_status),
        "by_site": dict(analysis.incidents.server_errors_by_site),
    }
    codes = ", ".join(f"{number:,} × {status}" for status, number in by_status.items())
    yield (
        {},
        evidence,
        f"The server answered {count_text(count, 'request')} ({share_text(share)}) with an error of its own: {codes}.",
    )


def _operation_errors(analysis: Analysis, _judged: Sequence[Judged], _failed: Mapping[str, Check]) -> Found:
    operations = analysis.incidents.operations
    for each in operations:
        rest_answered = sum(other.answered for other in operations if other is not each)
        rest_errors = sum(other.errors for other in operations if other is not each)
        rest = rest_errors / rest_answered if rest_answered else 0.0
        if _stands_out(each, rest):
            rate = each.errors / each.answered
            evidence = {
                "requests": each.answered,
                "errors": each.errors,
                "error_rate": rate,
                "rest_error_rate": rest,
                "by_status": dict(each.by_status),
            }
            sentence = (
                f"{each.operation} fails in {share_text(rate)} of its calls ({each.errors:,} of {each.answered:,}); "
                f"all other operations together fail in {share_text(rest)}."
            )
            yield {"operation": each.operation}, evidence, sentence


def _stands_out(operation: OperationErrors, rest: float) -> bool:
    if operation.errors < bounds.FEWEST_ERRORS:
        return False
    low, _ = share_interval(operation.errors, operation.answered)
    return low > max(bounds.ERROR_FACTOR * rest, bounds.LEAST_ERROR_RATE)


def _failed_workflows(analysis: Analysis, _judged: Sequence[Judged], _failed: Mapping[str, Check]) -> Found:
    for each in analysis.incidents.workflows:
        if each.failed:
            evidence: dict[str, Any] = {"runs": each.runs, "failed": each.failed, "wrong_content": each.wrong_content}
            sentence = f"{each.workflow} did not come out in {each.failed:,} of {count_text(each.runs, 'run')}"
            if each.own_fault:
                evidence["own_fault"] = each.own_fault
                sentence += f": a fault of the workflow itself, not of the server ({each.own_fault})"
            sentence += "."
            if each.wrong_content:
                sentence += (
                    f" In {each.wrong_content:,} of them the server reported success, but what it sent was wrong."
                )
            yield {"workflow": each.workflow}, evidence, sentence


def _abandoned_work(analysis: Analysis, _judged: Sequence[Judged], _failed: Mapping[str, Check]) -> Found:
    given_up = analysis.incidents.given_up
    if not given_up.abandoned:
        return
    share = given_up.abandoned / given_up.runs
    worst_site, most = next(iter(given_up.by_site.items()))
    evidence = {
        "abandoned": given_up.abandoned,
        "runs": given_up.runs,
        "share": share,
        "back_entries": given_up.back_entries,
        "worst_site": worst_site,
        "by_site": dict(given_up.by_site),
    }
    sentence = f"People gave up waiting in {given_up.abandoned:,} of {count_text(given_up.runs, 'workflow')}"
    sentence += f" ({share_text(share)}), most of them at {worst_site} ({most:,})"
    again = f"; {given_up.back_entries:,} were done again later" if given_up.back_entries else ""
    yield {}, evidence, f"{sentence}{again}."


def _skipped_workflows(analysis: Analysis, _judged: Sequence[Judged], _failed: Mapping[str, Check]) -> Found:
    for each in analysis.incidents.workflows:
        if each.skipped:
            times = count_text(each.skipped, "time")
            sentence = f"{each.workflow} was left out {times}: the server does not declare what it needs."
            yield {"workflow": each.workflow}, {"skipped": each.skipped}, sentence


def _unfinished_workflows(analysis: Analysis, _judged: Sequence[Judged], _failed: Mapping[str, Check]) -> Found:
    """What was begun again and again and never came to its end: its last steps have not been tested."""
    runs: Mapping[str, Mapping[str, int]] = analysis.summary["workflows"]["by_workflow"]
    names = [
        name
        for name, row in runs.items()
        if row["cut"] >= bounds.UNFINISHED_RUNS and not row["ok"] and not row["failed"]
    ]
    if names:
        begun = {name: runs[name]["cut"] for name in names}
        sentence = (
            f"{count_text(len(names), 'workflow')} never came to the end, since shifts were over first: "
            f"{', '.join(names)}. What they do last was not tested; a longer --duration or a --window shows it."
        )
        yield {}, {"cut": begun}, sentence


def _conflicts(analysis: Analysis, _judged: Sequence[Judged], _failed: Mapping[str, Check]) -> Found:
    count = analysis.incidents.conflicts
    if count:
        times = count_text(count, "time")
        sentence = f"Somebody else had changed the record first {times}; the clinician read it again. This is no error."
        yield {}, {"conflicts": count}, sentence


def _generator_stall(analysis: Analysis, _judged: Sequence[Judged], failed: Mapping[str, Check]) -> Found:
    if "generator-stall" in failed and analysis.instrument.loop_lag_max_ms is not None:
        stall_ms, at_s = analysis.instrument.loop_lag_max_ms, analysis.instrument.loop_lag_max_at_s or 0.0
        sentence = (
            f"The load generator itself stood still for {ms_text(stall_ms)}, {duration_text(at_s)} into the run: "
            "what it measured then says nothing about the server."
        )
        yield {}, {"stall_ms": stall_ms, "at_s": at_s}, sentence


def _generator_late(_analysis: Analysis, _judged: Sequence[Judged], failed: Mapping[str, Check]) -> Found:
    check = failed.get("start-lateness")
    if check is not None and check.figure is not None:
        sentence = (
            "The load generator could not keep up: "
            f"1 request in 100 started over {ms_text(check.figure)} late, allowed {ms_text(check.bound)}."
        )
        yield {}, {"start_lag_p99_ms": check.figure, "bound_ms": check.bound}, sentence


FINDERS: Final[Mapping[str, Finder]] = {
    "outage": _outages,
    "server-errors": _server_errors,
    "operation-errors": _operation_errors,
    "slow-everywhere": slow_everywhere,
    "slow-site": slow_sites,
    "failed-workflows": _failed_workflows,
    "abandoned-work": _abandoned_work,
    "saturation": saturation,
    "link-bound": link_bound,
    "generator-stall": _generator_stall,
    "generator-late": _generator_late,
    "skipped-workflows": _skipped_workflows,
    "unfinished-workflows": _unfinished_workflows,
    "conflicts": _conflicts,
}
"""Kind → how it is found, gravest first."""
