import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.report.console import end_of_run
from harness.report.live_view import LiveFigures, LiveView

FIGURES = LiveFigures(
    elapsed_s=62.0,
    length_s=120.0,
    phase="clinics-open",
    on_duty=612,
    planned=640,
    requests_per_s=214.3,
    p95_ms=412.0,
    requests=13_204,
    errors=3,
    in_flight=12,
)


def plain_console() -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=100, force_terminal=False, highlight=False), file


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_a_terminal_a_line_comes_every_few_seconds_and_the_last_figures_are_never_lost() -> None:
    console, file = plain_console()
    clock = Clock()
    view = LiveView("morning-rush", console, plain_every_s=5.0, clock=clock)
    view.start()
    for second in range(12):
        clock.now = float(second)
        view.update(LiveFigures(**{**vars(FIGURES), "elapsed_s": float(second)}))
    assert [line.split(" of ")[0] for line in file.getvalue().splitlines()] == ["0 s", "5 s", "10 s"]
    view.stop()
    assert [line.split(" of ")[0] for line in file.getvalue().splitlines()] == ["0 s", "5 s", "10 s", "11 s"]
    view.stop()
    assert len(file.getvalue().splitlines()) == 4


def test_a_plain_line_says_everything_on_one_line_without_escape_codes() -> None:
    console, file = plain_console()
    view = LiveView("morning-rush", console)
    view.update(FIGURES)
    line = file.getvalue()
    assert line == (
        "1 min 02 s of 2 min 00 s, 58 s left  clinics-open  on duty 612 of 640  214/s  p95 412 ms  "
        "3 errors (0.02%)  12 in flight  13,204 requests\n"
    )


def test_before_the_first_answer_p95_is_a_dash_and_there_are_no_errors() -> None:
    console, file = plain_console()
    LiveView("x", console).update(
        LiveFigures(
            0.0, 120.0, "", on_duty=0, planned=3, requests_per_s=0.0, p95_ms=None, requests=0, errors=0, in_flight=0
        )
    )
    assert "p95 –  0 errors  0 in flight  0 requests" in file.getvalue()


def test_after_the_planned_end_it_says_what_it_waits_for() -> None:
    console, file = plain_console()
    LiveView("x", console).update(LiveFigures(**{**vars(FIGURES), "elapsed_s": 121.0}))
    assert "the last clinicians finish" in file.getvalue()


@pytest.mark.parametrize("width", [60, 100, 160])
def test_in_a_terminal_the_view_is_redrawn_and_leaves_its_last_figures(width: int) -> None:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=True, legacy_windows=False, _environ={"TERM": "xterm"})
    view = LiveView("morning-rush", console)
    view.start()
    view.update(FIGURES)
    assert "612 of 640" in file.getvalue()
    view.stop()
    assert file.getvalue().rstrip().endswith("13,204 requests")


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines() -> None:
    file = io.StringIO()
    view = LiveView("x", Console(file=file, width=100, force_terminal=True, _environ={"TERM": "dumb"}))
    view.start()
    view.update(FIGURES)
    view.stop()
    assert "\x1b" not in file.getvalue()
    assert len(file.getvalue().splitlines()) == 1


def test_no_color_leaves_the_words_without_colour() -> None:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, _environ={"TERM": "xterm", "NO_COLOR": "1"})
    view = LiveView("x", console)
    view.start()
    view.update(FIGURES)
    view.stop()
    assert "\x1b[31m" not in file.getvalue()
    assert "\x1b[1;31m" not in file.getvalue()


def end_text(run: Any, width: int = 100) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=False, highlight=False)
    path = Path("reports/2026-11-22T091500Z-morning-rush-3fa1/report.html")
    end_of_run(run.analysis.summary, run.verdict, run.manifest, path, ["emrload plan morning-rush"], console)
    return file.getvalue()


def test_the_end_of_a_failed_run_names_the_site_the_reason_the_report_and_the_next_step(
    run_of: Callable[..., Any],
) -> None:
    lines = end_text(run_of(10, "fail")).splitlines()
    assert lines[1].startswith("FAIL ")
    assert "(4 min 00 s, 61,204 requests, seed 7, rehearsal)" in lines[1]
    assert [line.split()[:2] for line in lines[3:7]] == [
        ["site", "on"],
        ["river", "80"],
        ["9", "others"],
        ["all", "sites"],
    ]
    assert "p95 ≤ 1.00 s" in lines[4]
    assert "165 ms (154–179 ms)   p95 ≤ 1.00 s" in lines[6]
    assert "← river is slow" in lines[7]
    assert "report   reports/2026-11-22T091500Z-morning-rush-3fa1/report.html" in lines
    assert lines[-1] == "next     emrload plan morning-rush"


def test_the_end_of_a_run_that_passed_shows_the_site_nearest_to_its_bound_and_no_reason(
    run_of: Callable[..., Any],
) -> None:
    text = end_text(run_of(10, "pass"))
    assert text.lstrip().startswith("PASS ")
    assert "9 others" in text
    assert "←" not in text


def others_line(run: Any) -> str:
    return next(line for line in end_text(run).splitlines() if "others" in line)


def test_the_others_row_names_the_objective_that_they_share(run_of: Callable[..., Any]) -> None:
    line = others_line(run_of(10, "pass"))
    assert "≤ " in line.partition("p95 ≤ 1.00 s")[0]
    assert "p95 ≤ 1.00 s" in line


def test_others_with_objectives_of_their_own_are_not_lumped_together(run_of: Callable[..., Any]) -> None:
    run = run_of(10, "pass")
    bounds = iter(range(1000, 10_000, 500))
    for objective in run.verdict["objectives"]:
        if "site" in objective["scope"]:
            objective["bound"] = float(next(bounds))
    assert "each its own" in others_line(run)


def test_where_a_count_decided_for_want_of_a_p95_the_terminal_shows_it_too(run_of: Callable[..., Any]) -> None:
    run = run_of(1, "pass")
    for figures in run.analysis.summary["by_site"].values():
        figures["p95_ms"] = None
    for objective in run.verdict["objectives"]:
        if objective["id"] == "site-p95":
            objective.update(figure=None, samples=142, above=0)
    assert "0 of 142 over 1.00 s" in end_text(run)


def test_a_path_is_never_broken_over_lines_in_a_narrow_terminal(run_of: Callable[..., Any]) -> None:
    assert "report   reports/2026-11-22T091500Z-morning-rush-3fa1/report.html\n" in end_text(
        run_of(3, "pass"), width=50
    )


def test_many_failing_sites_are_named_up_to_five_and_the_rest_counted(run_of: Callable[..., Any]) -> None:
    run = run_of(10, "pass")
    for objective in run.verdict["objectives"]:
        if objective["scope"]:
            objective.update(outcome="fail", figure=2000.0)
    text = end_text(run)
    assert text.count("  ← ") == 5
    assert "5 others" in text
    assert "p95 ≤ 1.00 s, 5 more fail" in text


def test_a_single_other_site_is_named_rather_than_counted(run_of: Callable[..., Any]) -> None:
    text = end_text(run_of(2, "fail"))
    assert "lake" in text
    assert "other" not in text.split("←")[0]


def test_the_live_view_brings_no_heavy_library_along() -> None:
    script = "import harness.report, sys; print(sorted({'matplotlib', 'pandas', 'scipy', 'duckdb'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_sites_that_were_served_unevenly_are_mentioned(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    assert "between sites" not in end_text(run)
    shares = {
        site: {"share": share, "demanded": 900.0} for site, share in (("river", 1.0), ("lake", 1.0), ("hill", 0.3))
    }
    run.analysis.summary["between_sites"] = {
        "sites": 3,
        "jain": 0.8,
        "least_delivered": "hill",
        "by_site": shares,
        "max_over_median_p95": None,
    }
    assert "  between sites: hill got 30.0% of what it demands (Jain's index 0.800)" in end_text(run)


def test_work_that_was_given_up_is_mentioned_where_there_was_any(run_of: Callable[..., Any]) -> None:
    run = run_of(3, "pass")
    assert "abandoned" not in end_text(run)
    run.analysis.summary["workflows"]["overall"].update(abandoned=31, back_entries=12)
    assert "  31 workflows abandoned, 12 done again later" in end_text(run)


def table_lines(run: Any, width: int) -> list[str]:
    return [line for line in end_text(run, width).splitlines() if line.startswith("  ") and "←" not in line]


def test_others_without_a_p95_are_not_said_to_be_below_one(run_of: Callable[..., Any]) -> None:
    run = run_of(10, "fail")
    for name in ("hill", "harbor"):
        run.analysis.summary["by_site"][name]["p95_ms"] = None
    assert " at 7, too few at 2 " in others_line(run)
    for name in run.analysis.summary["by_site"]:
        run.analysis.summary["by_site"][name]["p95_ms"] = None
    assert "  too few requests  " in others_line(run)


def test_the_peaks_of_other_sites_which_come_at_different_times_are_not_added_up(run_of: Callable[..., Any]) -> None:
    head, *_, others, _ = table_lines(run_of(10, "fail"), 100)
    assert others[head.index("on duty at peak") : head.index("requests")].strip() == ""


@pytest.mark.parametrize("width", [40, 80])
def test_in_a_narrow_terminal_columns_are_left_out_and_no_name_is_broken(
    run_of: Callable[..., Any], width: int
) -> None:
    run = run_of(3, "pass")
    name = "saint-elisabeth-memorial-hospital-north"
    for figures in run.analysis.summary["by_site"].values():
        figures["p95_ms"] = None
    run.analysis.summary["by_site"][name] = run.analysis.summary["by_site"].pop("river")
    for objective in run.verdict["objectives"]:
        if objective["id"] == "site-p95":
            objective.update(figure=None, samples=142, above=142, outcome="fail")
            objective["scope"] = {"site": name} if objective["scope"]["site"] == "river" else objective["scope"]
    lines = table_lines(run, width)
    assert any(f"  {name}   " in line and "142 of 142 over 1.00 s" in line for line in lines)
    assert not any("on duty" in line for line in lines)
    assert len(lines) == 5


def test_workflows_that_failed_are_named_and_of_many_the_first_three(run_of: Callable[..., Any]) -> None:
    run = run_of(3, "pass")
    run.verdict["findings"] = [
        {"kind": "failed-workflows", "scope": {}, "evidence": {}, "sentence": f"w{k} did not come out in 3 of 9 runs."}
        for k in range(5)
    ]
    text = end_text(run)
    assert "  w0 did not come out in 3 of 9 runs\n" in text
    failed = run_of(3, "fail")
    failed.verdict["findings"] += run.verdict["findings"]
    assert end_text(failed).index("w0 did not") < end_text(failed).index("←")
    assert "  2 more workflows failed\n" in text
    assert "w3" not in text
