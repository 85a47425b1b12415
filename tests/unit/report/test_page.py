import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.between_sites import between_sites
from harness.errors import InputError
from harness.report.charts import Chart
from harness.report.page import page_of
from harness.report.render import render
from harness.report.sites import site_rows
from harness.report.timescale import time_scale
from harness.rundir import RunDir
from harness.scenario import dump_spec

CHART = Chart("<svg></svg>", "<svg></svg>", "a caption", "a caption")
VOID = {"wbr", "meta", "link", "use", "circle", "path", "br"}


def page(run: Any, **manifest: Any) -> str:
    scale = time_scale(run.spec)
    rows = site_rows(run.analysis.summary, run.verdict)
    told = {**run.manifest, **manifest}
    text, _ = page_of(told, run.analysis, run.verdict, rows, run.spec, scale, CHART, CHART, CHART)
    return text


class Outline(HTMLParser):
    """Headings and words in order; fails on a tag that is closed by another's end."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.tables: list[list[list[str]]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data.strip())
        if any(tag in ("td", "th") for tag in self.open):
            self.tables[-1][-1][-1] += data.strip()


def outline(text: str) -> Outline:
    parser = Outline()
    parser.feed(text)
    assert parser.open == []
    return parser


def test_a_reader_meets_the_verdict_first_then_what_to_do_then_the_sites(run_of: Callable[..., Any]) -> None:
    found = outline(page(run_of(10)))
    assert found.headings == [
        "1 of 10 sites misses its objective",
        "What to do next",
        "Site by site",
        "By time zone, kind of site and persona",
        "The run over time",
        "Where it is slow: p95 by site and workflow",
        "Latency against concurrency",
        "Slowest operations",
        "Workflows",
        "Objectives",
        "Findings",
        "Can this run be trusted?",
        "How it was measured",
        "The run",
        "Words",
    ]
    heads, worst, *others = found.tables[0]
    assert heads == ["site", "outcome", "p95", "objective", "errors", "requests", "on duty at peak", "why"]
    assert worst[:7] == ["river", "fail", "1.26 s1.18–1.36 s", "p95 ≤ 1.00 s", "1.0%", "6,000", "80"]
    assert worst[7].startswith("river is slow")
    assert [row[1] for row in others] == ["pass"] * 9


@pytest.mark.parametrize("outcome", ["pass", "fail", "invalid"])
def test_each_verdict_has_its_word_and_its_shape(run_of: Callable[..., Any], outcome: str) -> None:
    text = page(run_of(3, outcome))
    header = text[text.index("<header") : text.index("</header>")]
    assert f'aria-label="{outcome.upper()}"' in header
    assert f'href="#mark-{outcome}"' in header
    assert f'id="mark-{outcome}"' in text
    assert f"<title>{outcome.upper()}: " in text


def test_the_page_asks_nobody_for_anything(run_of: Callable[..., Any]) -> None:
    text = page(run_of(10))
    assert "<script" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert set(re.findall(r'(?:src|href)="([^#"][^"]*)"', text)) == {"data:,"}
    assert not re.search(r"url\((?!#)", text)


def test_a_name_with_markup_in_it_stays_text(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    hostile = '<img src=x onerror="alert(1)">'
    run.analysis.summary["by_site"][hostile] = run.analysis.summary["by_site"].pop("lake")
    run.verdict["findings"].append({"kind": hostile, "row": None, "scope": {}, "evidence": {}, "sentence": hostile})
    run.analysis.site_workflow["workflow"] = hostile
    text = page(run, labels={hostile: hostile})
    assert "<img" not in text
    assert "&lt;img" in text


def test_a_long_operation_may_break_where_a_reader_would_break_it(run_of: Callable[..., Any]) -> None:
    assert "Observation.<wbr>search<wbr>[patient+<wbr>category]" in page(run_of(3))


def test_a_rehearsal_says_why_and_what_it_is_not(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    text = page(run, think_factor=0.02)
    assert "Time ran 60 times faster than in life" in text
    assert "Clinicians thought 0.02 times as long as in life" in text
    assert "not a result to sign for" in text
    run.verdict["rehearsal"] = False
    assert "not a result to sign for" not in page(run)


@pytest.mark.parametrize(("state", "said"), [("aborted", "was stopped before its end"), ("finished", "")])
def test_a_run_that_ended_early_says_so(run_of: Callable[..., Any], state: str, said: str) -> None:
    assert ("Ended early." in page(run_of(3), state=state)) == bool(said)


def test_a_hundred_sites_show_the_worst_ten_and_fold_the_rest(run_of: Callable[..., Any]) -> None:
    text = page(run_of(100))
    found = outline(text)
    assert [len(table) - 1 for table in found.tables[:2]] == [10, 90]
    assert found.tables[0][1][0] == "river"
    assert "90 other sites" in text


def test_how_evenly_sites_were_served_stands_above_their_table(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    assert "Between sites" not in page(run)  # an earlier version did not measure it
    asked = [{"site": site, "lane": "labs", "requests": 6000.0} for site in run.analysis.summary["by_site"]]
    rows = {site: {**row, "cancelled": 0} for site, row in run.analysis.summary["by_site"].items()}
    run.analysis.summary["between_sites"] = between_sites(rows, {"requests": asked})
    text = page(run)
    assert text.index("Site by site") < text.index("Between sites: Jain’s index") < text.index("<th scope")


def test_a_greedy_site_is_among_the_facts(run_of: Callable[..., Any]) -> None:
    text = page(run_of(3), greedy={"lake": 4.0})
    assert "<dt>times as much asked at</dt><dd>lake 4</dd>" in text


def test_workflows_show_how_their_runs_came_out(run_of: Callable[..., Any]) -> None:
    table = next(table for table in outline(page(run_of(3))).tables if table[0][0] == "workflow")
    assert table[0][2:8] == ["ok", "failed", "abandoned", "cut", "skipped", "done again"]
    lost, first, *_ = table[1:]
    assert lost[:4] == ["place-orders", "primary-care-physician", "720", "30"]
    assert first[:2] == ["open-clinic-day", "primary-care-physician"]
    assert first[2:] == ["1,000", "0", "0", "12", "0", "0", "410 ms", "1.50 s1.30–1.80 s"]
    assert table[-1][-1] == "–"


def test_what_the_server_cannot_do_is_named(run_of: Callable[..., Any]) -> None:
    text = page(run_of(3), unsupported={"room-patient": ["Encounter.update", "batch"]})
    assert "<strong>room-patient</strong> (Encounter.update, batch)." in text


def test_what_only_some_sites_cannot_do_is_told_with_the_sites(run_of: Callable[..., Any]) -> None:
    lacking = {"room-patient": ["batch"]}
    by_site = {"river": {}, **dict.fromkeys(("lake", "hill", "harbor", "meadow"), lacking)}
    text = page(run_of(5), unsupported=lacking, unsupported_by_site=by_site)
    assert "<strong>room-patient</strong> (batch; at lake, hill, harbor and 1 more)." in text


def test_objectives_show_figure_interval_bound_samples_and_source(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    run.verdict["objectives"][0]["required"] = False
    table = next(table for table in outline(page(run)).tables if table[0][0] == "scope")
    assert table[1][:8] == ["river", "p95", "1.26 s", "1.17 s to 1.36 s", "1.00 s", "6,000", "yes", "fail"]
    assert table[1][8] == "CMS beneficiary-fhir-data"
    assert table[-1][0] == "the network"
    assert table[-1][6] == "advisory"


def test_an_objective_decided_by_a_count_shows_the_count_and_the_interval_of_its_share(
    run_of: Callable[..., Any],
) -> None:
    run = run_of(3)
    counted = {
        "figure": None,
        "interval": [None, None],
        "samples": 142,
        "above": 0,
        "above_share_interval": [0.0, 0.021],
    }
    run.verdict["objectives"][-1].update(counted)
    run.analysis.summary["by_site"]["hill"]["p95_ms"] = None
    tables = outline(page(run)).tables
    objectives = next(table for table in tables if table[0][0] == "scope")
    assert next(row for row in tables[0] if row[0] == "hill")[2] == "0 of 142 over 1.00 s"
    assert next(row for row in objectives if row[0] == "hill")[2:4] == ["0 of 142 over 1.00 s", "0% to 2.1% over"]


def test_a_miss_that_the_generator_explains_is_not_laid_at_the_servers_door(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    run.verdict["findings"] = []
    missed = next(each for each in run.verdict["objectives"] if each["scope"] == {"site": "river"})
    missed["explained_by_generator"] = True
    text = page(run)
    assert "fail, by the generator" in text
    assert "the load generator was late enough to explain it" in text


def test_validity_shows_each_check_with_its_unit_and_what_was_not_checked(run_of: Callable[..., Any]) -> None:
    run = run_of(3, "invalid")
    run.verdict["validity"] = [
        {"check": "start-lateness", "outcome": "pass", "figure": 1.8, "bound": 50.0, "unit": "ms", "detail": "a"},
        {"check": "clock", "outcome": "pass", "figure": 0.002, "bound": 0.1, "unit": "s", "detail": "b"},
        {"check": "steal", "outcome": "fail", "figure": 0.31, "bound": 0.1, "unit": "of the host", "detail": "c"},
        {"check": "slots", "outcome": "pass", "figure": 0.0, "bound": 0.0, "unit": "slots", "detail": "d"},
        {"check": "cpu", "outcome": "pass", "figure": None, "bound": 0.9, "unit": "of one core", "detail": "e"},
    ]
    run.verdict["validity_skipped"] = [{"check": "mix", "detail": "nothing to compare"}]
    table = next(table for table in outline(page(run)).tables if table[0][0] == "check")
    assert table[1:] == [
        ["steal", "fail", "31.0% of the host", "at most 10.0%", "c"],
        ["start-lateness", "pass", "1.8 ms", "at most 50 ms", "a"],
        ["clock", "pass", "2.0 ms", "at most 100 ms", "b"],
        ["slots", "pass", "0 slots not as planned", "none", "d"],
        ["cpu", "pass", "–", "at most 90.0%", "e"],
        ["mix", "not checked", "–", "–", "nothing to compare"],
    ]


def test_a_command_among_the_next_steps_stands_as_code(run_of: Callable[..., Any]) -> None:
    text = page(run_of(3, "pass"))
    steps = text[text.index("<ol>") : text.index("</ol>")]
    assert re.search(r"<code>emrload run morning-rush[^<]*</code>", steps)
    assert "`" not in steps


def test_the_facts_of_the_run_are_all_there(run_of: Callable[..., Any]) -> None:
    text = page(run_of(3), window=None)
    for fact in (
        "http://127.0.0.1:40123/fhir",
        "2026.11-rc3",
        "2.47.0",
        "4.0.1",
        "1f" * 32,
        "06:30 to 10:30",
        "60× speed",
    ):
        assert fact in text


def test_endpoints_of_sites_own_are_told_with_their_sites(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    sites = ["river", "lake", "hill", "harbor", "meadow", "forest"]
    own = {"url": "http://127.0.0.1:18099/fhir", "software": "other EMR 2", "fhir_version": "4.0.1", "sites": sites}
    target = {**run.manifest["target"], "endpoints": [own]}
    text = page(run, target=target)
    assert "own endpoint of river, lake, hill, harbor, meadow and 1 more" in text
    assert "http://127.0.0.1:18099/fhir, other EMR 2, FHIR 4.0.1" in text
    assert "and 1 endpoint of sites’ own" in text
    assert "own endpoint" not in page(run)


def test_a_bound_of_a_sites_own_has_its_own_source(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    run.verdict["objectives"][2]["own_bound"] = True

    def sources(**manifest: Any) -> set[str]:
        table = next(table for table in outline(page(run, **manifest)).tables if table[0][0] == "scope")
        return {row[8] for row in table[1:]}

    assert "the site’s own, in its entry in the scenario" in sources()
    assert "the site’s own, in our sites.csv" in sources(asked={"sites_file": "our sites.csv", "sets": []})


def test_what_could_not_be_judged_is_insufficient(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    run.verdict["objectives"][3]["outcome"] = "insufficient"
    text = page(run)
    assert "</svg>insufficient</span>" in text
    assert "<dt>insufficient</dt>" in text


def test_render_writes_every_file_and_leaves_no_draft(run_of: Callable[..., Any], tmp_path: Path) -> None:
    run = run_of(3)
    run_dir = RunDir(tmp_path)
    run_dir.write_manifest(run.manifest)
    dump_spec(run.spec, run_dir.scenario)
    render(run_dir, run.analysis, run.verdict)
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {
        "manifest.json",
        "scenario.yaml",
        "report.html",
        "latency.csv",
        "concurrency.csv",
        "figures/timeline.png",
        "figures/concurrency.png",
        "figures/heat-map.png",
        "figures/sites.png",
    }
    assert run_dir.report.read_text(encoding="utf-8").count('role="img"') == 7


def test_a_run_without_one_answered_request_still_has_a_report(run_of: Callable[..., Any], tmp_path: Path) -> None:
    run = run_of(3, "invalid")
    nothing = {**dict.fromkeys(run.analysis.summary["overall"]), "requests": 0, "errors": 0, "intervals": {}}
    summary = run.analysis.summary
    summary["overall"] = nothing
    for section in ("site", "workflow", "operation", "lane", "persona"):
        summary[f"by_{section}"] = {}
    run.verdict.update(objectives=[], findings=[])
    nowhere = run.analysis.concurrency.assign(p95_ms=float("nan"))
    analysis = replace(run.analysis, site_workflow=run.analysis.site_workflow.iloc[:0], concurrency=nowhere)
    run_dir = RunDir(tmp_path)
    run_dir.write_manifest(run.manifest)
    render(run_dir, analysis, run.verdict, run.spec)
    text = run_dir.report.read_text(encoding="utf-8")
    assert "INVALID" in text
    assert "No workflow had enough requests" in text
    assert "A p95 takes 200 requests of a workflow at a site. There were none." in text
    assert "No stretch of this run holds the 40 requests" in text
    assert not (run_dir.figures / "concurrency.png").exists()
    assert not (run_dir.figures / "heat-map.png").exists()


def test_the_worst_failing_site_is_drawn_beside_all_sites(run_of: Callable[..., Any], tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    for outcome, drawn in (("fail", True), ("pass", False)):
        run = run_of(3, outcome)
        run_dir.write_manifest(run.manifest)
        render(run_dir, run.analysis, run.verdict, run.spec)
        assert ("river p95</text>" in run_dir.report.read_text(encoding="utf-8")) == drawn


def test_a_folder_without_its_scenario_is_a_clear_error(run_of: Callable[..., Any], tmp_path: Path) -> None:
    run = run_of(3)
    run_dir = RunDir(tmp_path)
    run_dir.write_manifest(run.manifest)
    with pytest.raises(InputError, match=r"scenario\.yaml"):
        render(run_dir, run.analysis, run.verdict)
