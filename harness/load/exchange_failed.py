"""Why no whole answer came: out of time, out of the caller's patience, the line, or a limit of this machine.

What is said holds no address and nothing of what was sent or received.
"""

from __future__ import annotations

import ssl
from typing import Literal

from harness.load.own_limits import own_limit, own_limit_text

__all__ = ["ExchangeFailed", "NoFirstByte", "describe", "no_name", "out_of_time"]

FailureReason = Literal["timeout", "connection", "cancelled"]


class ExchangeFailed(Exception):  # noqa: N818 (what happened on the line, not a fault of the program)
    """No whole answer came.

    `reason` is `timeout`, `connection`, or `cancelled` (the caller's patience ended before the bound on answers did).
    `hung_up`: a kept line closed so soon that its good-bye crossed the request. `limit`: it was this machine that could
    not, and which of its limits it met (harness.load.own_limits). `link_s`: seconds that went by on an emulated link.
    """

    def __init__(self, reason: FailureReason, detail: str, *, hung_up: bool = False, limit: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.hung_up = hung_up
        self.limit = limit
        self.link_s = 0.0


class NoFirstByte(ExchangeFailed):
    """The bound on the first byte of an answer ended it."""


def out_of_time(what: str, bound_s: float, give_up_s: float) -> ExchangeFailed:
    """`timeout` where the bound came first, `cancelled` where the caller's patience ended before."""
    if give_up_s < bound_s:
        return ExchangeFailed("cancelled", f"{what} before the clinician's time was over")
    return ExchangeFailed("timeout", f"{what} within {bound_s:g} s")


def no_name(bound_s: float, give_up_s: float) -> ExchangeFailed:
    """The resolver did not answer in time: nothing was sent, and nothing is known of the target."""
    failure = out_of_time("no answer of the name service", bound_s, give_up_s)
    return ExchangeFailed(failure.reason, own_limit_text("names", failure), limit="names")


def describe(error: BaseException) -> str:
    """What went wrong on the line, without addresses or content."""
    if limit := own_limit(error):
        return own_limit_text(limit, error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the TLS certificate cannot be verified: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
