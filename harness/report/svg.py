"""A matplotlib Figure as an SVG element inside a page: with a role, a title and a description, and no id used twice."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

from matplotlib.figure import Figure

__all__ = ["inline_svg"]

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_FONTS = "'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
"""Laid out with DejaVu's wide letters, shown in a narrower font: texts never grow into each other."""

ET.register_namespace("", _SVG)
ET.register_namespace("xlink", _XLINK)


def inline_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The SVG of `figure`; `name` is unique on the page and prefixes every id. The same figure gives the same text."""
    file = io.StringIO()
    figure.savefig(
        file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}, transparent=True
    )
    # The text comes from matplotlib, never from outside.
    root = ET.fromstring(file.getvalue())  # noqa: S314
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    _prefix_ids(root, name)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    root.set("class", "chart")
    for index, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{tag}"})
        element.text = text
        root.insert(index, element)
    text = ET.tostring(root, encoding="unicode")
    return re.sub(r"(font: [^;\"]*?(?:px|pt)) [^;\"]*", rf"\1 {_FONTS}", text)


def _prefix_ids(root: ET.Element, name: str) -> None:
    """Drop ids nobody refers to; prefix the others, and what refers to them."""
    referred = set()
    for element in root.iter():
        for value in element.attrib.values():
            referred.update(re.findall(r"url\(#([^)]+)\)", value))
        link = element.get(f"{{{_XLINK}}}href", "")
        if link.startswith("#"):
            referred.add(link[1:])
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                if value in referred:
                    element.set("id", f"{name}-{value}")
                else:
                    del element.attrib["id"]
            elif "url(#" in value:
                element.set(key, value.replace("url(#", f"url(#{name}-"))
            elif key == f"{{{_XLINK}}}href" and value.startswith("#"):
                element.set(key, f"#{name}-{value[1:]}")
