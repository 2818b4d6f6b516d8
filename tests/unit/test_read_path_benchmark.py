"""The read path's benchmark: whom it compares, what it reads from h2load's log, what its tables call met or missed."""

from pathlib import Path

import pytest

from benchmarks.overview import read_path_panels
from benchmarks.read_path.peers import PEERS, Stage, peers_with
from benchmarks.read_path.report import half_load_table, ratios_table
from benchmarks.read_path.waits import HalfLoad, Waits, waits_in

SECOND_US = 1_000_000
BEGAN_AT_US = 1_795_386_186 * SECOND_US
NAMES = [peer.name for peer in PEERS]


def log_of(*requests: tuple[float, int, int]) -> str:
    """Return h2load's log of (seconds since its beginning, status, µs until the end of the answer)."""
    return "".join(f"{BEGAN_AT_US + int(after * SECOND_US)}\t{status}\t{took}\n" for after, status, took in requests)


def stage_with(*pairs: str) -> Stage:
    return Stage(Path("folder"), pairs, "redis://127.0.0.1:6379/0", "http://127.0.0.1:8001/")


def half_load(*p99s_ms: float) -> HalfLoad:
    return HalfLoad(20_500.0, 320, [Waits(20_489.6, 0.5, p99, 0.0, 3.0) for p99 in p99s_ms])


def test_waits_are_those_of_requests_sent_after_all_connections_were_open() -> None:
    opening, counted, late = (0.0, 200, 90_000), (0.5, 200, 1_500), (2.5, 200, 90_000)

    assert waits_in(log_of(opening, counted, late), 0.5, 2) == Waits(0.5, 1.5, 1.5, 0.0, 0.0)


def test_of_a_hundred_waits_the_99th_percentile_leaves_out_the_longest() -> None:
    found = waits_in(log_of(*((number / 100, 200, 1000 * (number + 1)) for number in range(100))), 0, 1)

    assert (found.per_second, found.p50_ms, found.p99_ms) == (100.0, 50.0, 99.0)


def test_an_answer_of_another_status_and_a_lost_one_have_failed_and_their_waits_flatter_nobody() -> None:
    found = waits_in(log_of((0, 200, 4000), (0.1, 503, 10), (0.2, -1, 10), (0.3, 200, 4000)), 0, 1)

    assert (found.p50_ms, found.failed_percent) == (4.0, 50.0)


def test_requests_that_are_sent_in_bursts_leave_the_sender_silent_between_them() -> None:
    bursts = waits_in(log_of(*((number // 10 / 10, 200, 1000) for number in range(100))), 0, 1)
    evenly = waits_in(log_of(*((number / 1000, 200, 1000) for number in range(1000))), 0, 1)

    assert (bursts.silent_percent, evenly.silent_percent) == (pytest.approx(90), 0)


@pytest.mark.parametrize("log", ["", log_of((0, -1, 10))])
def test_a_log_without_one_success_has_no_waits(log: str) -> None:
    with pytest.raises(ValueError, match="no request succeeded"):
        waits_in(log, 0, 1)


@pytest.mark.parametrize(("p99s_ms", "verdict"), [((4.9, 2.0, 9.0), "met"), ((5.0, 2.0, 9.0), "missed")])
def test_the_median_of_the_rounds_decides_whether_waits_under_half_load_meet_their_limit(
    p99s_ms: tuple[float, ...], verdict: str
) -> None:
    row = half_load_table({("layer", 4): half_load(*p99s_ms)}).splitlines()[-1]

    p99 = f"{p99s_ms[0]:.2f} (2.00 to 9.00)"
    assert row == f"| layer | 4 | 20,500 | 20,490 | 320 | 0.50 | {p99} | 5 | {verdict} | 0.000 % | 3 % |"


def test_nginx_under_the_same_load_is_shown_and_not_judged() -> None:
    row = half_load_table({("nginx", 4): half_load(9.0)}).splitlines()[-1]

    assert row == "| nginx | 4 | 20,500 | 20,490 | 320 | 0.50 | 9.00 (9.00 to 9.00) | | | 0.000 % | 3 % |"


def test_ratios_are_judged_by_goals_where_there_are_goals() -> None:
    rates = {"layer": [80.0], "bare": [100.0], "chainlink": [8.0]}

    assert ratios_table(rates, 4).splitlines()[2:] == [
        "| layer / bare | 0.80 | 0.85 | missed |",
        "| layer / chainlink | 10.00 | | |",
    ]
    assert "| layer / bare | 0.80 | | |" in ratios_table(rates, 1)


def test_a_peer_that_answers_one_pair_is_compared_with_others_that_answer_one() -> None:
    assert [peer.name for peer in peers_with(1, NAMES)] == ["bare", "layer", "chainlink"]
    assert "chainlink" not in [peer.name for peer in peers_with(4, NAMES)]
    assert [peer.name for peer in peers_with(4, ["layer", "chainlink"])] == ["layer"]


def test_chainlink_is_posted_a_pair_and_the_others_are_asked_for_all() -> None:
    (chainlink,) = peers_with(1, ["chainlink"])
    (layer,) = peers_with(4, ["layer"])

    assert chainlink.question(stage_with("A0/USDT")) == ("/", '{"data": {"base": "A0", "quote": "USDT"}}')
    assert layer.question(stage_with("A0/USDT", "A1/USDT")) == (
        "/api/market-data/prices?pairs=A0/USDT,A1/USDT",
        None,
    )


def test_the_overview_shows_each_number_of_pairs_and_no_half_load() -> None:
    rates = {"per_second": {"layer": [3.0, 1.0, 2.0]}}
    panels = read_path_panels({"setting": "", "1 pair": rates, "4 pairs": rates, "half_load": {"layer 4": {}}})

    assert [panel.title for panel in panels] == ["Reading 1 pair", "Reading 4 pairs"]
