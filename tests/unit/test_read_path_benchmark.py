"""The read path's benchmark: whom it compares, and what its tables call met or missed."""

from pathlib import Path

from benchmarks.overview import read_path_panels
from benchmarks.read_path.peers import PEERS, Stage, peers_with
from benchmarks.read_path.report import ratios_table

NAMES = [peer.name for peer in PEERS]


def stage_with(*pairs: str) -> Stage:
    return Stage(Path("folder"), pairs, "redis://127.0.0.1:6379/0", "http://127.0.0.1:8001/")


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


def test_the_overview_shows_each_number_of_pairs() -> None:
    rates = {"per_second": {"layer": [3.0, 1.0, 2.0]}}
    panels = read_path_panels({"setting": "", "1 pair": rates, "4 pairs": rates})

    assert [panel.title for panel in panels] == ["Reading 1 pair", "Reading 4 pairs"]
