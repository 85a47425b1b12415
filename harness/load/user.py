"""The one Locust user class: a clinician. Site and persona are attributes of the slot she takes, not classes."""

from __future__ import annotations

from typing import ClassVar

from locust import User, task
from locust.exception import StopUser

from harness.load.crew import Crew

__all__ = ["Clinician"]


class Clinician(User):
    """Spawned a little before a slot begins; works it and leaves by herself. Finds none: leaves at once."""

    crew: ClassVar[Crew | None] = None

    @task
    def work(self) -> None:
        """One slot, from its start to its end."""
        if self.crew is None:
            raise StopUser
        self.crew.work_next_slot()
