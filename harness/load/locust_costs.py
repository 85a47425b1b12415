"""What Locust does each second whatever the load, made cheap: it costs milliseconds in which nobody asks for anything.

Stock Locust in all else; each of these gives what Locust's own gives.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

from locust import argument_parser
from locust.runners import Runner

__all__ = ["make_locust_cheap"]


def make_locust_cheap() -> None:
    """For all runners of this process.

    - A master does not wait up to a second in each tick for its workers' reports, by which every other tick is lost.
    - With each change of the number of users a worker asks for Locust's own defaults, once for every option there is,
      and each time Locust builds its whole parser: 120 ms a second. They never change.
    - With each tick users are counted by class half a dozen times, one by one: 10 to 30 ms a second where there are
      10,000. Of one class they need not be looked at.
    """
    os.environ.setdefault("LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP", "0")
    if not hasattr(argument_parser.default_args_dict, "cache_info"):
        argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)
    Runner.user_classes_count = property(_users_by_class)  # type: ignore[method-assign, assignment]  # as Locust has it


_one_by_one: Callable[[Runner], dict[str, int]] = vars(Runner)["user_classes_count"].fget


def _users_by_class(runner: Runner) -> dict[str, int]:
    if len(runner.user_classes) == 1:
        return {runner.user_classes[0].__name__: len(runner.user_greenlets)}
    return _one_by_one(runner)
