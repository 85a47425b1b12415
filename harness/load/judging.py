"""What a request came to, as the samples call it, and whether it is worth another try.

exchange ──▶ judge_answer  ──▶ ok · expected_refusal · http_error · content
failure  ──▶ judge_failure ──▶ timeout · connection · cancelled; expected_refusal where a kept line had hung up
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from harness.fhir.call import Answer, Call, Check
from harness.load.client import Exchange
from harness.load.exchange_failed import ExchangeFailed

__all__ = ["ATTEMPTS", "asks_for_another_try", "judge_answer", "judge_failure", "retry_pause_s"]

ATTEMPTS: Final = 3
"""What is throttled is tried again so often in all, after Retry-After or an exponential pause."""
RETRY_PAUSE_S: Final = 0.5
RETRY_PAUSE_MAX_S: Final = 10.0


def judge_answer(exchange: Exchange, call: Call, check: Check) -> Answer:
    """Transport is fine: what do status and content say?

    Redirects are errors: a FHIR interaction has no business with a login page.
    """
    status = exchange.status
    if status in call.expected:
        return Answer(status, exchange.body, exchange.headers, "expected_refusal")
    if not 200 <= status < 300:
        return Answer(status, exchange.body, exchange.headers, "http_error", _redirect_host(exchange))
    answer = Answer(status, exchange.body, exchange.headers)
    try:
        wrong = check(answer)
    except MemoryError:
        raise  # it says nothing about the answer
    except Exception as fault:  # noqa: BLE001 (whatever is wrong with a check, its request was sent and must be counted)
        wrong = f"its check failed with {type(fault).__name__}"
    return Answer(status, exchange.body, exchange.headers, "content", wrong) if wrong else answer


def _redirect_host(exchange: Exchange) -> str:
    if not 300 <= exchange.status < 400:
        return ""
    try:
        host = urlsplit(exchange.headers.get("location", "")).hostname
    except ValueError:
        return "redirected to what is no URL"
    return f"redirected to {host or 'another path'}"


def judge_failure(failure: ExchangeFailed, call: Call, attempt: int) -> tuple[Answer, float | None]:
    """No answer came: what the samples call it; and how long to pause before the next try, None for none."""
    if failure.hung_up and call.repeatable and attempt == 1:
        # the server closed the idle line while the request was on its way: not an error, and safe to send again
        return Answer(0, outcome="expected_refusal", detail=failure.detail), 0.0
    return Answer(0, outcome=failure.reason, detail=failure.detail), None


def asks_for_another_try(status: int, call: Call) -> bool:
    """Whether the target throttles, and has done nothing yet, or nothing that must not be done twice.

    A 503 is no proof of that (RFC 9110, 9.2.2 and 15.6.4): a proxy may say it of a create that was done.
    """
    return status == 429 or (status == 503 and call.repeatable)


def retry_pause_s(retry_after: str, attempt: int) -> float:
    """Retry-After in seconds where the target says it, else an exponential pause; never more than RETRY_PAUSE_MAX_S."""
    asked = float(retry_after) if retry_after.isdecimal() else RETRY_PAUSE_S * 2 ** (attempt - 1)
    return min(asked, RETRY_PAUSE_MAX_S)
