"""The benchmarks' tables and plot: what they call wrong, and that a picture says its figures in words too."""

from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.plot import Bar, Panel, as_svg
from benchmarks.read_path.report import exceeded_limits
from benchmarks.scale_load import Seen
from benchmarks.scale_table import as_markdown, problems


def load(**changes: Any) -> dict[str, Any]:
    return {
        "rate": 50.0, "wished_rate": 50.0,
        "statuses": {"200": 700, "unanswered": 0}, "incomplete": 0, "oldest_price_ms": 4100,
        "p50_ms": 1.0, "p99_ms": 7.0, "longest_ms": 16.0,
        "connections": 100, "connections_lost": 0, "connections_still_open": 100,
        **changes,
    }  # fmt: skip


def found(**soak: Any) -> dict[str, Any]:
    memory = [{"rss_mib": 60.0, "pss_mib": 45.0}] * 8
    return {
        "surroundings": "a machine", "load_average_before": 0.5, "polling": load(),
        "readers": [{"readers": number, "intervals": 3, "exchange_requests": 3, "symbol_lists": 0,
                     "load": load() if number else {}}
                    for number in (0, 100)],
        "soak": {"seconds": 60, "load": load(), "cycles_at_rest_ms": [4, 4], "cycles_under_load_ms": [6, 6],
                 "memory": memory, "workers": 2, "redis_connections": 2, **soak},
    }  # fmt: skip


def test_a_run_in_which_nobody_missed_anything_has_no_problems() -> None:
    assert problems(found()) == []
    assert "Ratio of the medians 1.50" in as_markdown(found())


@pytest.mark.parametrize(
    "harm", [{"statuses": {"200": 699, "503": 1}}, {"statuses": {"200": 699, "unanswered": 1}}, {"incomplete": 1},
             {"connections_lost": 1}, {"rate": 49.0}]
)  # fmt: skip
def test_one_answer_price_or_connection_that_is_missed_is_a_problem(harm: dict[str, Any]) -> None:
    assert [problem.partition(":")[0] for problem in problems(found(load=load(**harm)))] == ["soak"]


def test_an_exchange_that_is_asked_more_often_because_of_readers_is_a_problem() -> None:
    figures = found()
    figures["readers"][1]["exchange_requests"] = 4
    assert problems(figures) == ["the exchange was asked [3, 4] times"]


def test_an_application_that_needs_more_instructions_than_it_may_is_a_problem() -> None:
    assert exceeded_limits({("layer", 4): 0.030, ("view", 50): 0.1, ("bare", 4): 9.0}) == []
    assert exceeded_limits({("layer", 4): 0.031}) == [
        "layer, 4 pairs: 0.0310 million instructions a request, above 0.03"
    ]


def test_memory_that_grows_during_a_soak_is_a_problem() -> None:
    growing = [{"rss_mib": 60.0 + number, "pss_mib": 45.0 + number} for number in range(16)]
    assert "grew by" in problems(found(memory=growing))[0]


def test_a_whole_answer_tells_the_age_of_its_oldest_price_and_one_with_a_price_less_is_counted() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Market-Data-Time: 1700000005000\r\n\r\n"
    body = b'{"A/B":{"timestamp":1700000004000},"C/D":{"timestamp":1700000001000}}'
    seen = Seen()
    seen.add(head + body, len(head), 2, 1.0)
    seen.add(head + body, len(head), 3, 1.0)

    assert (seen.oldest_ms, seen.incomplete, seen.statuses["200"]) == (4000, 1, 2)


def test_a_plot_is_a_picture_that_says_every_figure_in_words() -> None:
    panel = Panel("Reading <4> pairs", "requests a second", [Bar("layer", 41_000, 40_000, 42_000, True)])
    picture = ElementTree.fromstring(as_svg("Title & more", "a note", [panel]))  # noqa: S314 - our own text

    description = picture.find("{http://www.w3.org/2000/svg}desc")
    assert picture.get("role") == "img"
    assert description is not None
    assert description.text == "Reading <4> pairs (requests a second): layer 41,000. a note."


def test_a_plot_of_nothing_is_still_a_picture() -> None:
    assert ElementTree.fromstring(as_svg("Title", "", [Panel("Empty", "ms", [])])).get("role") == "img"  # noqa: S314
