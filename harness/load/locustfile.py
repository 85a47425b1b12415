"""The locustfile that `emrload run` gives to Locust; what is played stands in the run's folder (`--emr-run`)."""

from harness.load.session import Clinician, DutyCurve, plays

__all__ = ["Clinician", "DutyCurve"]

plays("morning-rush")
