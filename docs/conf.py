"""How the documentation is built: `make docs`. Nothing is fetched, so that it builds without a network.

Links within are checked (`-n -W`: what leads nowhere fails the build). Links to elsewhere are only listed, in
`docs/_build/external-links.txt`, since they could be checked on a network only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes

project = "emr-load-harness"
author = "the emr-load-harness contributors"
html_title = "emr-load-harness"
extensions = ["myst_parser"]
exclude_patterns = ["_build", "examples", "decisions/README.md"]
myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 3
smartquotes = False  # `""` is a value here
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False

_external: set[str] = set()


def _note_links(_app: Any, doctree: nodes.document, _docname: str) -> None:
    for reference in doctree.findall(nodes.reference):
        if str(reference.get("refuri", "")).startswith(("http:", "https:")):
            _external.add(reference["refuri"])


def _list_links(app: Any, error: Exception | None) -> None:
    if error is None and app.builder.name == "html":
        path = Path(app.outdir).parent / "external-links.txt"
        path.write_text("".join(f"{link}\n" for link in sorted(_external)), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    app.connect("doctree-resolved", _note_links)
    app.connect("build-finished", _list_links)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
