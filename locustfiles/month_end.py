"""Month-end billing in plain Locust, with its web UI, --processes, --master and --worker.

locust -f locustfiles/month_end.py --host http://127.0.0.1:8080/fhir --emr-sites 3 --emr-seed 7
"""

from harness.load.session import Clinician, DutyCurve, plays

__all__ = ["Clinician", "DutyCurve"]

plays("month-end")
