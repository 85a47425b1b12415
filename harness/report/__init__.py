"""Renders finished figures and a finished verdict: HTML, CSV, PNG, and what the console shows. Only `cli` imports it.

matplotlib and pandas are imported when `render` is called, so that a live view costs nothing but rich.
"""

from harness.report.console import LiveFigures, LiveView, end_of_run
from harness.report.render import render

__all__ = ["LiveFigures", "LiveView", "end_of_run", "render"]
