"""What was measured last as tables and pictures in README.md and the documentation; each place is marked.

<!-- beside: table -->  … written anew …  <!-- beside: end -->
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.peers.bounds import OURS, SLOPE_KB, judged, slope_kb
from benchmarks.peers.plots import draw_cpu, draw_memory_and_lateness
from benchmarks.peers.results import Part, latest
from benchmarks.peers.rows import FIGURES, figure_text
from benchmarks.peers.tools import TOOLS

__all__ = ["bounds_table", "marked", "table", "write_pages", "written"]

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", ROOT / "docs" / "beside-other-tools.md")
CPU_PICTURE: Final = ROOT / "docs" / "beside-cpu.svg"
MEMORY_PICTURE: Final = ROOT / "docs" / "beside-memory.svg"
_HEAD: Final = (
    "| one core each | CPU a request, one Bundle | CPU a request, chart review | memory, 5,000 connected "
    "| one more connected | 1,000/s start late, p99 |\n|---|---|---|---|---|---|"
)
NOT_MEASURED: Final = "Not yet measured on a machine that does nothing else: `make bench`."
_MEMORY_AND_LATENESS: Final = {"memory", "arrivals"}
_COLUMNS: Final = (("requests", "bundle"), ("requests", "review"), ("memory", "memory of 5,000"))


def write_pages() -> None:
    """Into the checkout that this is run from."""
    parts = latest()
    for page in PAGES:
        page.write_text(marked(page.read_text(encoding="utf-8"), written(parts)), encoding="utf-8")
    if "requests" in parts:
        draw_cpu(parts["requests"], CPU_PICTURE)
    if set(parts) >= _MEMORY_AND_LATENESS:
        draw_memory_and_lateness(parts["memory"], parts["arrivals"], MEMORY_PICTURE)


def written(parts: Mapping[str, Part]) -> dict[str, str]:
    """What stands at each mark."""
    return {"table": table(parts), "bounds": bounds_table(parts), "pictures": "\n\n".join(_pictures(parts))}


def marked(text: str, written: Mapping[str, str]) -> str:
    """`text` with what stands at each mark replaced. Raises KeyError for a mark that nobody writes."""

    def anew(match: re.Match[str]) -> str:
        return f"{match[1]}\n{written[match[2]]}\n{match[3]}"

    return re.sub(r"(<!-- beside: (\w+) -->)\n.*?(<!-- beside: end -->)", anew, text, flags=re.DOTALL)


def table(parts: Mapping[str, Part]) -> str:
    """One row a tool, ours in bold; and beneath it where, when and how."""
    if not parts:
        return NOT_MEASURED
    return "\n".join([_HEAD, *_tools(parts), "", *_captions(parts)])


def bounds_table(parts: Mapping[str, Part]) -> str:
    """Each bound beside what was measured."""
    if not parts:
        return NOT_MEASURED
    lines = ["| emrload beside | figure | at most | measured | |", "|---|---|---|---|---|"]
    for name, part in parts.items():
        for one in judged(name, part):
            bound, ratio = one.bound, "not measured" if one.ratio is None else f"{one.ratio:.3g} ×"
            at_most = "–" if bound.times is None else f"{bound.times:.3g} ×"
            held = "" if one.ratio is None or bound.times is None else "holds" if one.held else "**missed**"
            what = FIGURES[name][bound.figure][0]
            lines.append(f"| {bound.tool} | {what} | {at_most} | {ratio} | {held} |")
    slope = slope_kb(parts["memory"], OURS) if "memory" in parts else None
    if slope is not None:
        held = "holds" if slope <= SLOPE_KB else "**missed**"
        lines.append(f"| – | one more connected weighs | {SLOPE_KB:g} kB | {slope:.1f} kB | {held} |")
    return "\n".join(lines)


def _tools(parts: Mapping[str, Part]) -> Iterator[str]:
    asked_for = {name for part in parts.values() for name in part.versions}
    versions = {name: text for part in parts.values() for name, text in part.versions.items() if text}
    for tool in TOOLS:
        if tool.name not in asked_for:
            yield f"| {tool.name} | not yet measured | | | | |"
            continue
        if tool.name not in versions:
            yield f"| {tool.name} | not installed: `{tool.install}` | | | | |"
            continue
        bold = "**" if tool.name == OURS else ""
        cells = [f"{bold}{tool.name}{bold} {versions[tool.name]}", *_cells(parts, tool.name)]
        yield "| " + " | ".join(cell or "–" for cell in cells) + " |"


def _cells(parts: Mapping[str, Part], tool: str) -> Iterator[str]:
    for name, figure in _COLUMNS:
        yield figure_text(name, figure, parts[name], tool) if name in parts else ""
    slope = slope_kb(parts["memory"], tool) if "memory" in parts else None
    yield "" if slope is None else f"{slope:.1f} kB"
    yield figure_text("arrivals", "p99", parts["arrivals"], tool) if "arrivals" in parts else ""


def _captions(parts: Mapping[str, Part]) -> Iterator[str]:
    for name, part in parts.items():
        machine = part.machine
        where = f"{machine['cores']} cores of {machine['cpu']}, Linux {machine['kernel']}, Python {machine['python']}"
        yield f"*{name}*: {part.date[:10]}, {where}, load {machine['load']:.1f} before; {part.effort}.  "
    if on_duty := parts.get("on-duty"):
        late = figure_text("on-duty", "p99", on_duty, OURS)
        yield f"With 10,000 clinicians on duty, emrload's requests start {late} late at the 99th percentile."


def _pictures(parts: Mapping[str, Part]) -> Iterator[str]:
    if "requests" in parts:
        yield f"![CPU time a request, a bar each tool: one Bundle, and a chart review]({CPU_PICTURE.name})"
    if set(parts) >= _MEMORY_AND_LATENESS:
        yield f"![Memory with 5,000 connected, and how late arrivals start, a bar each tool]({MEMORY_PICTURE.name})"


if __name__ == "__main__":
    write_pages()
