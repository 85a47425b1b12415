"""What is made cheap of Locust gives what Locust's own gives."""

from __future__ import annotations

from collections import Counter
from typing import Any

import gevent
import pytest
from locust import User, argument_parser
from locust.env import Environment

from harness.load.locust_costs import make_locust_cheap


class Nurse(User):
    pass


class Clerk(User):
    pass


@pytest.mark.parametrize("classes", [[Nurse], [Nurse, Clerk]])
def test_users_are_counted_as_locust_counts_them(classes: list[type[User]]) -> None:
    make_locust_cheap()
    runner = Environment(user_classes=classes).create_local_runner()
    none = dict.fromkeys((kind.__name__ for kind in classes), 0)
    assert runner.user_classes_count == none
    for number in range(5):
        user = classes[number % len(classes)](runner.environment)
        runner.user_greenlets.spawn(lambda _user: gevent.sleep(60), user)
    assert runner.user_classes_count == Counter(type(each.args[0]).__name__ for each in runner.user_greenlets)
    assert sum(runner.user_classes_count.values()) == 5
    runner.user_greenlets.kill()
    assert runner.user_classes_count == none
    runner.quit()


def test_locusts_defaults_are_worked_out_once_and_not_at_every_change_of_users(monkeypatch: Any) -> None:
    make_locust_cheap()
    built: list[str] = []
    build = argument_parser.get_empty_argument_parser
    argument_parser.default_args_dict()
    monkeypatch.setattr(argument_parser, "get_empty_argument_parser", lambda *_, **__: built.append("") or build())
    assert "expect_workers" in argument_parser.default_args_dict()
    assert built == []
