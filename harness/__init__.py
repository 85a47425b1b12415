"""emr-load-harness: synthetic clinicians at work against a FHIR R4 endpoint, and a verdict on whether it holds.

ARCHITECTURE.md draws the stages; import-linter holds the packages to that drawing.
"""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("emr-load-harness")
