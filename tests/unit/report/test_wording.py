import pytest

from harness.report.wording import (
    allowed_beyond,
    beyond_text,
    figure_text,
    interval_of,
    interval_text,
    latency_text,
    number_text,
    range_text,
    rate_text,
    run_time_text,
    scope_text,
    sentence,
    share_text,
    span_text,
    waited_text,
)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((410.2, 455.4), "410–455 ms"),
        ((980.0, 1210.0), "980 ms–1.21 s"),
        ((1310.0, 1340.0), "1.31–1.34 s"),
        ((65_000.0, 80_000.0), "1 min 05 s–1 min 20 s"),
        ((65_000.0, 125_000.0), "1 min 05 s–2 min 05 s"),
        ((412.1, 412.3), "412–412 ms"),
        ((410.0, None), "410 ms or more"),
        ((None, 455.0), "455 ms or less"),
        ((None, None), ""),
        (None, ""),
    ],
)
def test_a_span_shares_a_unit_and_an_end_that_is_not_known_is_open(
    interval: tuple[float | None, float | None] | None, text: str
) -> None:
    assert span_text(interval) == text


def test_without_a_figure_there_is_no_interval_and_an_older_summary_has_none() -> None:
    row = {"p95_ms": 412.0, "p99_ms": None, "intervals": {"p95_ms": [400.0, None], "p99_ms": [700.0, None]}}
    assert interval_of(row, "p95_ms") == (400.0, None)
    assert interval_of(row, "p99_ms") is None
    assert interval_of({"p95_ms": 412.0}, "p95_ms") is None


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0 ms"),
        (0.0021, "<0.1 ms"),
        (0.4321, "0.4 ms"),
        (7.44, "7.4 ms"),
        (412.3, "412 ms"),
        (3907, "3.91 s"),
        (65_000, "1 min 05 s"),
    ],
)
def test_a_latency_reads_with_its_unit_and_a_missing_one_is_a_dash(milliseconds: float | None, text: str) -> None:
    assert latency_text(milliseconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        (0, "0%"),
        (1, "100%"),
        (0.000001, "<0.01%"),
        (0.0002, "0.02%"),
        (0.04, "4.0%"),
        (0.99999, ">99.9%"),
    ],
)
def test_a_share_above_zero_never_reads_as_zero_and_one_below_all_never_as_all(share: float | None, text: str) -> None:
    assert share_text(share) == text


def test_rates_and_numbers_keep_the_figures_that_matter() -> None:
    assert [rate_text(value) for value in (None, 3.24, 213.7)] == ["–", "3.2/s", "214/s"]
    assert [number_text(value) for value in (None, 61_204, 12.34, 0.0421)] == ["–", "61,204", "12.3", "0.0421"]


def test_a_figure_takes_the_unit_of_its_metric() -> None:
    assert figure_text("p95_ms", 1000) == "1.00 s"
    assert figure_text("error_rate", 0.001) == "0.10%"
    assert figure_text("something", 3) == "3"


def test_an_interval_names_both_ends_and_a_missing_one_is_a_dash() -> None:
    assert interval_text("p95_ms", [380.0, 470.0]) == "380 ms to 470 ms"
    assert interval_text("p95_ms", [380.0, None]) == "380 ms to –"
    assert interval_text("p95_ms", [1312.0, 1313.0]) == "1.31 s"
    assert interval_text("p95_ms", None) == "–"
    assert interval_text("p95_ms", [None, None]) == "–"


def test_a_scope_reads_as_its_names_and_an_empty_one_as_the_network() -> None:
    assert scope_text({}) == "the network"
    assert scope_text({"site": "river", "workflow": "find-history"}) == "river, find-history"


def test_a_moment_of_the_run_reads_as_on_its_figures_axis() -> None:
    assert [run_time_text(value) for value in (0, 9.6, 90, 3599, 3600, 14_705)] == [
        "0:00",
        "0:10",
        "1:30",
        "59:59",
        "1:00:00",
        "4:05:05",
    ]


def test_a_sentence_begins_with_a_capital_but_a_sites_name_stays_as_it_is() -> None:
    assert sentence("this run cannot be trusted", ["river"]) == "This run cannot be trusted"
    assert sentence("river could not reach the server", ["river"]) == "river could not reach the server"


def test_a_range_of_one_value_reads_as_that_value() -> None:
    assert range_text("2.8 ms", "5.5 ms") == "2.8 ms to 5.5 ms"
    assert range_text("2.8 ms", "2.8 ms") == "2.8 ms"


def test_a_percentile_allows_the_rest_above_its_bound_and_a_rate_has_no_such_share() -> None:
    assert [allowed_beyond(metric) for metric in ("p50_ms", "waited_p95_ms", "p99_ms")] == pytest.approx(
        [0.5, 0.05, 0.01]
    )
    assert allowed_beyond("error_rate") is None


def test_only_a_percentile_without_a_figure_is_told_by_its_count() -> None:
    counted = {"metric": "p95_ms", "bound": 1000.0, "figure": None, "samples": 1420, "above": 3}
    assert beyond_text(counted) == "3 of 1,420 over 1.00 s"
    assert beyond_text({**counted, "figure": 120.0}) == ""
    assert beyond_text({**counted, "metric": "error_rate"}) == ""
    assert beyond_text({**counted, "samples": 0}) == ""
    del counted["above"]
    assert beyond_text(counted) == ""


def test_a_wait_without_an_end_is_told_by_how_many_were_lost() -> None:
    runs = {"ok": 90, "lost": 10, "waited_p50_ms": 410.0, "waited_p95_ms": None}
    assert (waited_text(runs, 0.50), waited_text(runs, 0.95)) == ("410 ms", "10 of 100 lost")
    assert waited_text({"ok": 20, "lost": 0, "waited_p95_ms": None}, 0.95) == "–"
