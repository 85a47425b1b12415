"""The report as a reader meets it: in Chromium at a desk's and a phone's width, and printed on A4.

A run is fabricated, measured and judged by the real code, with names long enough to hurt.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.analysis import analyse
from harness.report.group import Group, GroupRun
from harness.report.group_page import group_page_of
from harness.report.render import render
from harness.rundir import RunDir
from harness.verdict.judge import judge

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("browser")]  # its fixtures are made once

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LONG = "saint-elisabeth-memorial-hospital-north-campus"
WIDTHS = {"desk": 1280, "phone": 390, "A4": 688}
"""CSS pixels; A4 less the page margins is 182 mm, 688 px."""

FAULTS_IN_LAYOUT = Path(__file__).with_name("faults_in_layout.js").read_text(encoding="utf-8")


def _report(fabricate: Callable[..., Any], kind: str) -> RunDir:
    """`few` sites, `many`, a `short` run, whose sites are judged by counts for want of a p95, or a `mixed` system."""
    few = ("river", LONG, "lake")
    sites = tuple(f"{LONG}-{k}" for k in range(1, 41)) if kind == "many" else few
    if kind == "mixed":
        sites = (*few, *(f"{LONG}-{k}" for k in range(1, 18)))
    run = fabricate(sites=sites, requests=(100 if kind == "short" else 800) * len(sites))
    run.samples.loc[run.at(site=sites[0]), ["latency_ms", "server_ms"]] *= 40
    if kind == "mixed":
        _mix_up(run)
    run_dir, spec = run.write()
    phases = tuple(
        {"name": name, "start_s": start_s, "end_s": end_s, "source": "assumption, made for a test"}
        for name, start_s, end_s in (
            ("results-read", 25_200.0, 28_800.0),
            ("clinics-open", 28_800.0, 32_400.0),
            ("medication-pass", 32_400.0, 35_100.0),
        )
    )
    values = spec.model_dump()
    values["duration_s"], values["scenario"]["phases"] = run.length_s, phases
    spec = type(spec).model_validate(values)
    analysis = analyse(run_dir, spec)
    verdict = judge(analysis, spec, run_dir.read_manifest(), list(run._planned_objectives()))
    verdict["rehearsal"] = True
    run_dir.update_manifest(time_lapse=240.0, started_at="2026-11-22T09:15:00Z", labels={"build": "x" * 90})
    render(run_dir, analysis, verdict, spec)
    return run_dir


def _mix_up(run: Any) -> None:
    """Four time zones, three kinds of sites, links, arrivals, 56 workflows, work that was given up, a site at night."""
    zones = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
    kinds = ("hospital", "clinic", "satellite")
    for at, site in enumerate(run.sites):
        run.places[site] = {"time_zone": zones[at % 4], "template": kinds[at % 3]}
        if kinds[at % 3] == "satellite":
            run.places[site]["link"] = "rural-dsl"
            run.samples.loc[run.at(site=site), "latency_ms"] += 180.0
    night = run.sites[-1]
    gone = (run.plan["site"] == night).to_numpy()
    run.plan, run.duty = run.plan[~gone], run.duty[~gone]
    run.samples, run.workflows = (frame[frame["site"] != night] for frame in (run.samples, run.workflows))
    variant = (run.workflows.index % 14).astype(str)
    run.workflows["workflow"] += "-" + variant
    named = run.workflows.set_index("workflow_run")["workflow"]
    run.samples["workflow"] = run.samples["workflow_run"].map(named)
    run.workflows.loc[run.workflows.index % 40 == 0, "outcome"] = "abandoned"
    run.workflows.loc[run.workflows.index % 40 == 20, "back_entry"] = True
    run.workflows.loc[run.workflows.index % 7 == 3, "outcome"] = "cut"
    run.let_come("portal-patient", run.sites[0], 300)
    run.let_come("interface-engine", run.sites[1], 120)


def _report_of_several(fabricate: Callable[..., Any]) -> RunDir:
    """Seven runs, one of them invalid, at sites enough for a picture."""
    sites = ("river", *(f"{LONG}-{k}" for k in range(1, 18)))
    runs = []
    for number in range(1, 8):
        run = fabricate(sites=sites, heads=4, requests=800 * len(sites), median_ms=100 + number, seed=number)
        run_dir, spec = run.write()
        analysis = analyse(run_dir, spec)
        verdict = judge(analysis, spec, run_dir.read_manifest(), list(run._planned_objectives()))
        verdict["verdict"] = "invalid" if number == 3 else verdict["verdict"]
        runs.append(GroupRun(number, run_dir.path, run_dir.read_manifest(), analysis.summary, verdict))
    steps = ["Repeat 3 more: `emrload run morning-rush --sites-file organisation.csv --seed 8 --target sandbox`"]
    report = RunDir(runs[0].path)
    report.report.write_text(group_page_of(Group(tuple(runs)), spec, steps), encoding="utf-8")
    return report


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium found in PATH: the report was not looked at in a browser")
    from playwright.sync_api import sync_playwright

    # Without a user-data-dir of ours, Playwright makes a new one in a temporary folder and removes it.
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a page lies once a test has made it: it holds all that it shows."""
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def opened(browser: Any, fabricate: Callable[..., Any], pages_made: Path) -> Iterator[Callable[[str, int], Any]]:
    """Opens the report of a kind of run, or of `several`, at a width.

    Afterwards nothing may have been requested or complained about.
    """
    complaints: list[str] = []
    requests: list[str] = []
    pages: list[Any] = []

    def open_(kind: str, width: int) -> Any:
        made = pages_made / f"{kind}.html"
        if not made.exists():
            run_dir = _report_of_several(fabricate) if kind == "several" else _report(fabricate, kind)
            shutil.copyfile(run_dir.report, made)
        page = browser.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(made.as_uri())
        return page

    yield open_
    for page in pages:
        page.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in requests if url.startswith("file:")]) == len(pages)


@pytest.mark.parametrize("width", ["desk", "phone"])
@pytest.mark.parametrize("kind", ["few", "many", "short", "mixed", "several"])
def test_on_a_screen_the_report_is_whole(opened: Callable[[str, int], Any], kind: str, width: str) -> None:
    page = opened(kind, WIDTHS[width])
    assert page.evaluate(FAULTS_IN_LAYOUT) == []
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate(FAULTS_IN_LAYOUT) == []


@pytest.mark.parametrize("kind", ["few", "short", "mixed"])
def test_on_a_desk_no_table_has_to_be_scrolled(opened: Callable[[str, int], Any], kind: str) -> None:
    page = opened(kind, WIDTHS["desk"])
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    wider = "[...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth + 1)"
    assert page.evaluate(f"{wider}.map(each => each.getAttribute('aria-label'))") == []


def test_on_paper_the_report_of_several_runs_is_whole(opened: Callable[[str, int], Any]) -> None:
    page = opened("several", WIDTHS["A4"])
    page.emulate_media(media="print")
    assert page.evaluate(FAULTS_IN_LAYOUT) == []


def test_the_checks_on_layout_do_find_what_is_wrong(opened: Callable[[str, int], Any]) -> None:
    page = opened("few", WIDTHS["phone"])
    page.evaluate("document.querySelector('h1').style.width = '900px'")
    page.evaluate("document.querySelector('.only-narrow svg text').setAttribute('style', 'font-size: 300px')")
    page.evaluate("document.querySelector('td').innerHTML = '<i style=\"position: relative; left: 300px\">moved</i>'")
    faults = "\n".join(page.evaluate(FAULTS_IN_LAYOUT))
    for fault in ("the page is", "leaves the page", "text leaves its chart", "texts overlap", "text leaves its cell"):
        assert fault in faults


def test_a_phone_gets_charts_drawn_for_its_width(opened: Callable[[str, int], Any]) -> None:
    page = opened("few", WIDTHS["phone"])
    sizes = page.evaluate(
        "[...document.querySelectorAll('.only-narrow svg.chart text')].map(text => text.getBoundingClientRect().height)"
    )
    assert min(size for size in sizes if size) >= 10


@pytest.mark.parametrize("kind", ["few", "many", "short", "mixed"])
def test_on_paper_nothing_is_cut_and_what_was_folded_is_open(
    opened: Callable[[str, int], Any], kind: str, tmp_path: Path
) -> None:
    page = opened(kind, WIDTHS["A4"])
    page.emulate_media(media="print")
    assert page.evaluate(FAULTS_IN_LAYOUT) == []
    folded = page.evaluate(
        "[...document.querySelectorAll('details:not([open]) td')].map(cell => cell.getBoundingClientRect().height)"
    )
    assert folded
    assert min(folded) > 0
    pdf = tmp_path / "report.pdf"
    page.pdf(path=str(pdf), prefer_css_page_size=True)
    assert pdf.read_bytes().startswith(b"%PDF-")
    if shutil.which("pdftotext"):
        printed = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
        missing = [site for site in ("river",) if kind != "many" and site not in printed]
        assert missing == []
        assert "rehearsal" in printed
        assert (re.search(r"\d+ of\s+\d+ over 1\.00 s", printed) is not None) == (kind == "short")
        if kind == "many":
            numbers = set(re.findall(r"campus-(\d+)", re.sub(r"-\s*\n\s*", "-", printed)))
            assert len(numbers) == 40
