"""The fetcher's line a minute, in simulated time."""

import json
import logging

import pytest

from market_data import __version__
from market_data.conf.fingerprint import configuration_hash
from tests.fakes import app_settings
from tests.unit.test_fetcher_loop import PAIRS, Simulation


@pytest.fixture
def beats(caplog):
    caplog.set_level(logging.INFO, "market_data.fetcher.heartbeat")

    def lines():
        return [record.facts for record in caplog.records if record.name == "market_data.fetcher.heartbeat"]

    return lines


def test_an_active_fetcher_says_every_minute_what_it_is_and_how_it_fares(beats):
    simulation = Simulation()
    simulation.run(3 * 60 + 30)

    first, *later = beats()
    assert len(later) == 2
    assert first == {
        "event": "heartbeat",
        "version": __version__,
        "configuration": configuration_hash(simulation.settings),
        "lease": "held",
        "pairs_fresh": "2/2",
        "cycles": "15",
        "successes": "15",
        "errors": "0",
        "cache": "reachable",
        "circuit": "closed",
    }
    assert [line["cycles"] for line in later] == ["30", "45"]


def test_a_standby_says_so_with_the_pairs_of_the_active_one(beats):
    simulation = Simulation()
    simulation.run(10)
    simulation.cache.give_lease_to("another:1:abc", 10_000)
    standby = Simulation(simulation.clock, simulation.cache)
    standby.run(130)

    assert [(line["lease"], line["pairs_fresh"], line["cycles"]) for line in beats()] == [("standby", "2/2", "0")] * 2


def test_without_redis_and_with_an_exchange_that_is_down_the_line_still_comes(beats):
    simulation = Simulation()
    simulation.is_exchange_down = True
    simulation.at(90, simulation.switch("is_away", True))
    simulation.run(160)

    lines = beats()
    assert [line["cache"] for line in lines] == ["reachable", "away"]
    assert lines[0]["pairs_fresh"] == "0/2"
    assert lines[0]["errors"] != "0"


def test_the_name_of_a_configuration_changes_with_it_and_with_nothing_that_is_secret_or_one_process_s_own():
    usual = app_settings(TRADING_PAIRS=json.dumps(PAIRS))
    name = configuration_hash(usual)

    assert len(name) == 8
    assert int(name, 16) >= 0
    assert configuration_hash(app_settings(TRADING_PAIRS=",".join(PAIRS))) == name
    same = {"BINANCE_API_BASE_URL": "https://user:password@proxy.test", "MARKET_DATA_METRICS_FOLDER": "/run/x"}
    assert configuration_hash(app_settings(TRADING_PAIRS=json.dumps(PAIRS), **same)) == name
    other = {"MARKET_DATA_FETCH_INTERVAL_MS": "5000", "MARKET_DATA_QUOTE_ALIASES": "{}", "MARKET_DATA_BATCH_SIZE": "9"}
    names = {configuration_hash(app_settings(TRADING_PAIRS=json.dumps(PAIRS), **{key: other[key]})) for key in other}
    assert len(names | {name}) == 4
