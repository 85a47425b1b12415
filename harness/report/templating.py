"""What fills a template: how it is loaded, and how names, pictures and sentences with commands become markup."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.report.charts import Chart

__all__ = ["chart_markup", "pieces", "template"]


def template(name: str) -> Any:
    """The template of that name; whatever is put into it is escaped, and what it asks for must be there."""
    environment = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    return environment.get_template(name)


def _breakable(name: str) -> Markup:
    """`name`, escaped, with places where a narrow column may break `Kind.search[one+two]`."""
    return Markup(re.sub(r"([.+_/])|(?=\[)", r"\1<wbr>", str(escape(name))))  # noqa: S704 (escaped in the same line)


def chart_markup(chart: Chart) -> dict[str, Any]:
    """The chart's parts by name, its pictures as they are."""
    # SVG that matplotlib wrote; names inside it were escaped when it was serialised.
    return {**vars(chart), "wide": Markup(chart.wide), "narrow": Markup(chart.narrow)}  # noqa: S704


def pieces(text: str) -> list[tuple[str, bool]]:
    """The pieces of a sentence; True for a command, which stands in backticks."""
    return [(piece, bool(index % 2)) for index, piece in enumerate(text.split("`")) if piece]
