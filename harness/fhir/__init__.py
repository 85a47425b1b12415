"""FHIR R4 as values: calls, answer checks, what a server declares, codes, resources. No I/O; knows nobody by name.

Imported by every layer above it; imports `harness.errors` only.
"""

from harness.fhir.call import Answer, Call, Check
from harness.fhir.capabilities import Capabilities

__all__ = ["Answer", "Call", "Capabilities", "Check"]
