"""Tells Locust how many users each worker runs now: as many as the worker's own plan needs, read off the clock.

Locust's own dispatcher spreads one number over workers by class weights; sites belong whole to a worker, so the plan
decides instead. Each dispatch is a single step; a lost worker's slots are handed to nobody (the run is invalid then,
and says so).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from locust import User
from locust.runners import WorkerNode

__all__ = ["PlanDispatcher"]


class PlanDispatcher(Iterator[dict[str, dict[str, int]]]):
    """`users_of` gives the number of users that the worker with this Locust id should run now."""

    def __init__(
        self, users_of: Callable[[str], int], worker_nodes: list[WorkerNode], user_classes: list[type[User]]
    ) -> None:
        self._users_of = users_of
        self._workers = list(worker_nodes)
        self._user_class = user_classes[0].__name__
        self._current: dict[str, int] = {}
        self._pending = False

    def new_dispatch(self, target_user_count: int, spawn_rate: float, user_classes: Any = None) -> None:  # noqa: ARG002
        """Locust asks for `target_user_count`; the plan knows better, worker by worker."""
        self._current = {worker.id: self._users_of(worker.id) for worker in self._workers}
        self._pending = True

    def __next__(self) -> dict[str, dict[str, int]]:
        if not self._pending:
            raise StopIteration
        self._pending = False
        return {worker: {self._user_class: users} for worker, users in self._current.items()}

    @property
    def dispatch_in_progress(self) -> bool:
        return self._pending

    def get_current_user_count(self) -> int:
        return sum(self._current.values())

    def add_worker(self, worker_node: WorkerNode) -> None:
        """A late worker is known to Locust but has no slots."""
        self._workers.append(worker_node)

    def remove_worker(self, worker_node: WorkerNode) -> None:
        self._workers = [worker for worker in self._workers if worker.id != worker_node.id]
