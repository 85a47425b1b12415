"""Response times that queueing theory knows: what a calibrated server must show to a client that measures rightly.

    arrivals at a rate ──▶ │ waiting │ c servers │ ──▶      open: M/M/c
    N people, each thinking Z on the mean ⇄ the same        closed: M/M/c//N

Service is exponential with mean S. How thinking spreads does not matter, only its mean: a stage at which nobody waits
for another may have any distribution (Baskett, Chandy, Muntz and Palacios, Journal of the ACM 22, 1975).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammainc, gammaincc, ndtr

__all__ = [
    "ResponseTimes",
    "asking_within",
    "closed_queue",
    "fixed_service",
    "open_queue",
    "stalled_closed",
    "stalled_open",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ResponseTimes:
    """Times from asking to the whole answer, in the steady state."""

    throughput_per_s: float
    beyond: Callable[[float], float]
    """The share that takes longer than so many seconds."""
    longest_s: float
    """So long takes next to nobody: where a search for a percentile may end."""

    def quantile_s(self, p: float) -> float:
        """The time that a share `p` (0..1) does not exceed."""
        if self.beyond(0.0) <= 1 - p:
            return 0.0
        found: float = brentq(lambda t: self.beyond(t) - (1 - p), 0.0, self.longest_s, xtol=1e-12)
        return found


def fixed_service(service_s: float, think_s: float = 0.0) -> ResponseTimes:
    """One person alone whose every request takes `service_s`."""
    return ResponseTimes(1 / (service_s + think_s), lambda t: float(t < service_s), 2 * service_s)


def open_queue(rate_per_s: float, service_s: float, servers: int = 1) -> ResponseTimes:
    """M/M/c: arrivals at random (Poisson), whoever is being served.

    With C the share that waits (Erlang 1917) and θ = cμ − λ, P(R > t) = (1−C)e^{−μt} + C(θe^{−μt} − μe^{−θt})/(θ − μ),
    the convolution of service and of a wait that is exponential with rate θ (Kleinrock, Queueing Systems I, 1975).
    Raises ValueError where more comes than can be served.
    """
    mu = 1 / service_s
    theta = servers * mu - rate_per_s
    if theta <= 0:
        raise ValueError(f"{rate_per_s:g}/s is more than {servers} servers of {service_s:g} s can do")
    waits = _erlang_c(servers, rate_per_s * service_s)

    def beyond(t: float) -> float:
        if math.isclose(theta, mu, rel_tol=1e-9):
            return math.exp(-mu * t) * (1 + waits * mu * t)
        both = (theta * math.exp(-mu * t) - mu * math.exp(-theta * t)) / (theta - mu)
        return (1 - waits) * math.exp(-mu * t) + waits * both

    return ResponseTimes(rate_per_s, beyond, 60 / min(mu, theta))


def closed_queue(people: int, think_s: float, service_s: float, servers: int = 1) -> ResponseTimes:
    """M/M/c//N: `people` who think, ask, and wait for the answer before they think again.

    Birth and death give the states; who asks meets the queue of one person fewer (Lavenberg and Reiser, Journal of
    Applied Probability 17, 1980). She is served at once where a server is free, else waits for Erlang(n−c+1, cμ) before
    her own service. Without thinking there is always everybody at the servers.
    """
    mu = 1 / service_s
    busy = np.minimum(np.arange(people + 1), servers)
    throughput_per_s = float((_states(people, think_s, service_s, servers) * busy).sum() * mu)
    met = _states(people - 1, think_s, service_s, servers)

    def beyond(t: float) -> float:
        at_once = met[:servers].sum() * math.exp(-mu * t)
        waiting = sum(
            share * _wait_and_service_beyond(t, n - servers + 1, servers * mu, mu)
            for n, share in enumerate(met)
            if n >= servers and share > 1e-15
        )
        return float(at_once + waiting)

    return ResponseTimes(throughput_per_s, beyond, (people / servers + 60) * service_s)


def stalled_open(stall_s: float, length_s: float, service_s: float, rho: float = 0.0) -> ResponseTimes:
    """A run of `length_s` in which the server stands still for `stall_s` once, asked at a steady rate by whoever comes.

    Who comes `x` before the stall's end waits for the rest of it: the share (stall − x)/length waits longer than x. A
    single queue drains at 1 − ρ meanwhile more come, so the wait stretches over stall/(1 − ρ) of the run. `rho` is 0
    where any number is served at once. Derived here from uniform arrivals; variation of service is left out.
    """
    share = 1 / ((1 - rho) * length_s)

    def beyond(t: float) -> float:
        return 1.0 if t < service_s else max(0.0, (stall_s - (t - service_s)) * share)

    return ResponseTimes(math.nan, beyond, stall_s + 2 * service_s)


def stalled_closed(
    stall_s: float, length_s: float, service_s: float, think_s: float, within: Callable[[float], float] | None = None
) -> ResponseTimes:
    """The same, asked by people who each think `think_s` on the mean and then wait for their answer.

    Each is caught at most once. With F(y) the share that asks within y of any moment (`within`; else that of an
    exponential pause, 1 − e^{−y/Z}), P(R > x) = F(D − x)/M, where M = (T − ∫₀ᴰ F)/(Z + s) is how often one person asks.
    Derived here; a queue after the stall is left out.
    """
    asking = within or (lambda y: 1 - math.exp(-y / think_s))
    grid_s = np.linspace(0.0, stall_s, 2001)
    caught_s = float(np.trapezoid([asking(y) for y in grid_s], grid_s))
    asks = (length_s - caught_s) / (think_s + service_s)

    def beyond(t: float) -> float:
        if t < service_s:
            return 1.0
        return asking(stall_s + service_s - t) / asks if t < stall_s + service_s else 0.0

    return ResponseTimes(math.nan, beyond, stall_s + 2 * service_s)


def asking_within(think_s: float, sigma: float) -> Callable[[float], float]:
    """The share of people, each amid a lognormal pause of mean `think_s`, whose pause is over within so many seconds.

    The residual life of a pause X: E[min(X, y)]/E[X] (Cox, Renewal Theory, 1962).
    """
    mu = math.log(think_s) - sigma * sigma / 2

    def share(y: float) -> float:
        if y <= 0:
            return 0.0
        at = (math.log(y) - mu) / sigma
        # from what is left over, which is tiny where nearly all have asked, so that rounding puts no two out of order
        return 1.0 - max(0.0, float(ndtr(sigma - at) - y / think_s * ndtr(-at)))

    return share


def _erlang_c(servers: int, offered: float) -> float:
    """The share that finds all servers busy; `offered` is λ/μ."""
    blocked = 1.0
    for busy in range(1, servers + 1):
        blocked = offered * blocked / (busy + offered * blocked)
    rho = offered / servers
    return blocked / (1 - rho + rho * blocked)


def _states(people: int, think_s: float, service_s: float, servers: int) -> Floats:
    """The share of time in which 0 … `people` are at the servers."""
    shares = np.zeros(people + 1)
    if think_s < 1e-9 * service_s:
        shares[people] = 1.0
        return shares
    steps = [(people - n) * service_s / (think_s * min(n + 1, servers)) for n in range(people)]
    weights = np.concatenate(([0.0], np.cumsum(np.log(steps)))) if steps else np.zeros(1)
    np.exp(weights - weights.max(), out=shares)
    shares /= shares.sum()
    return shares


def _wait_and_service_beyond(t: float, phases: int, rate: float, mu: float) -> float:
    """P(W + S > t) for W of so many exponential phases at `rate` and S exponential at `mu`, `rate` ≥ `mu`."""
    if math.isclose(rate, mu, rel_tol=1e-12):
        return float(gammaincc(phases + 1, mu * t))
    faster = rate - mu
    served_since = math.exp(-mu * t) * (rate / faster) ** phases * gammainc(phases, faster * t)
    return float(gammaincc(phases, rate * t) + served_since)
