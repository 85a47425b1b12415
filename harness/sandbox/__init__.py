"""The embedded FHIR R4 server, in a process of its own: known capacity, planted faults, its own count of the truth.

Only `harness.cli` may import it; it imports nothing of what it is there to test (load, plan, clinic, fhir, population).
"""

from harness.sandbox.journal import Journal, JournalRecord, read_journal

__all__ = ["Journal", "JournalRecord", "read_journal"]
