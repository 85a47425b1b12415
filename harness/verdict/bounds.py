"""Every bound of the validity checks and of the findings, in one place, with where it comes from."""

from __future__ import annotations

from typing import Final

from harness.machine import STEAL_MARKED_ABOVE

STALL_MS: Final = 1000.0
"""A loop that did not run for so long has held every clinician of its worker. source: requirement (verdict rules)"""
LATENESS_FLOOR_MS: Final = 10.0
LATENESS_SHARE: Final = 0.05
"""Requests may start late (p99) by the floor, or by this share of the tightest required latency bound. source:
requirement (verdict rules)"""
CPU_SHARE: Final = 0.9
"""Of one core, mean over 10 s; above it a process waits for itself. source: assumption"""
STEAL_SHARE: Final = 0.1
"""Of the host, mean over 10 s. source: assumption"""
STEAL_MARK_SHARE: Final = STEAL_MARKED_ABOVE
"""Seconds in which others took more of the host than this are marked in the report; no check hangs on them. source:
requirement"""
CLOCK_DROP_SHARE: Final = 0.1
"""A CPU clock that falls by more than this during the load is told; no check hangs on it. source: requirement"""
PLANNED_SHARE: Final = 0.5
"""Of what this machine can generate; a plan that asks for more is warned of before the load. source: requirement"""
HEALTH_GAP_S: Final = 3.0
"""A worker gives a sign every second; three missing ones are a lost or a late worker. source: assumption"""
CLOCK_OFFSET_S: Final = 0.1
"""Between the run's clock and the wall's at its end. source: assumption"""
HOST_CLOCK_OFFSET_S: Final = 0.05
"""Between the clocks of two hosts, with what the measurement leaves in doubt. source: requirement"""
CLOCK_UNSEEN_S: Final = 180.0
"""Clocks of hosts are compared each minute; two of these in a row may be lost. source: assumption"""
CUT_OFF_S: Final = 5.0
"""A worker of another host gives a sign each second; Locust calls one missing after about 4 s. source: assumption"""
LITTLES_LAW_SHARE: Final = 0.01
"""Healthy recorders agree within 0.0002; one that loses half of the slow samples is off by 0.021. source: measured"""
CLOSED_LOOP_SHARE: Final = 0.01
"""N = X(R + Z): 1.0000 ± 0.0002 where all is well, 0.983 with 20 ms left out, 0.959 where each pause runs on for 50 ms.
source: measured"""
TIME_SHARE: Final = 0.01
"""On duty = waiting + thinking + idle. source: requirement (verdict rules)"""
SMALLEST_TIME_S: Final = 0.005
"""Two sums of seconds that differ by less than this agree, however small they are. source: assumption"""
MIX_P_VALUE: Final = 1e-6
MIX_DISTANCE: Final = 0.10
"""A mix is another one where chance is ruled out and one workflow in ten would have to be another. source:
assumption"""
START_LATE_P99_S: Final = 0.05
START_LATE_MAX_S: Final = 1.0
"""How late slots may be begun. source: requirement"""
DUTY_SHARE: Final = 0.01
"""Planned time on duty against worked time within the slots. source: requirement (verdict rules)"""
ARRIVALS_SIGMAS: Final = 6.0
"""Fewer arrivals than were to be expected, by so many standard deviations of a Poisson count, are no chance: one run in
a billion. source: arithmetic"""
SHORTEST_LOAD_S: Final = 10.0
"""A shorter load shows a start, not a state. source: requirement"""

OUTLIER_FACTOR: Final = 2.0
OUTLIER_MS: Final = 100.0
"""A site whose p95 is twice the median of the other sites', and this much above it, stands out. source: assumption"""
ERROR_FACTOR: Final = 3.0
LEAST_ERROR_RATE: Final = 0.01
FEWEST_ERRORS: Final = 5
"""An operation stands out by errors where the lower end of its rate's interval lies above three times the rate of all
others, and above 1%, with at least five errors. source: assumption"""

LINK_SHARE: Final = 0.5
"""A site whose requests spend more of their time on its link than in the server is bound by the link. source:
assumption (the larger half)"""

UNFINISHED_RUNS: Final = 3
"""A workflow that was cut so often and never ended is told. source: assumption (fewer may be chance)."""
