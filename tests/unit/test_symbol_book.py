import logging
from functools import partial

import pytest

from market_data.aggregator.symbol_loader import SymbolLoader
from market_data.aggregator.symbols import doubt_about
from tests.fakes import HOST, FakeExchange, MovableClock, backoff, gateway_of, listed

PATIENCE_SECONDS = 10


class Loader:
    """The real loader around a fake exchange; each step of a test waits for the load that it causes."""

    def __init__(self):
        self.clock = MovableClock()
        self.exchange = FakeExchange(self.clock)
        gateway = gateway_of(self.clock, self.exchange, urls=(HOST,))
        self.loader = SymbolLoader(
            gateway,
            retry=backoff(10, 300),
            doubt=partial(doubt_about, pairs=["BTC/USDT", "ETH/USDT"], aliases={}),
            monotonic=self.clock.monotonic,
            now_ms=self.clock.now_ms,
        )

    def load_if_due(self, in_use=()):
        self.loader.load_if_due(in_use)
        assert self.loader.wait(PATIENCE_SECONDS)
        return self.exchange.list_requests

    def fails(self):
        self.exchange.reaction = lambda url, path: self.exchange.answer(b"<html>", 502)

    def recovers(self):
        self.exchange.reaction = self.exchange.usual


def test_the_list_is_loaded_at_start_and_then_hourly():
    loader = Loader()
    assert [loader.load_if_due(), loader.load_if_due()] == [1, 1]
    assert loader.loader.symbols.is_trading("BTCUSDT")

    loader.clock.advance(3599)
    assert loader.load_if_due() == 1
    loader.clock.advance(1)
    assert loader.load_if_due() == 2


def test_a_host_that_does_not_know_the_lean_form_is_asked_for_the_whole_list():
    loader = Loader()

    def refuses_parameters(url, path):
        if "?" in path:
            return loader.exchange.answer({"code": -1101, "msg": "Too many parameters."}, 400)
        return loader.exchange.usual(url, path)

    loader.exchange.reaction = refuses_parameters
    loader.load_if_due()

    assert loader.loader.symbols is not None


def test_a_failed_load_keeps_the_last_list_and_is_tried_again_ever_more_rarely():
    loader = Loader()
    loader.load_if_due()
    loader.fails()
    loader.clock.advance(3600)
    assert loader.load_if_due() == 2
    assert "502" in loader.loader.error
    assert loader.loader.symbols.is_trading("BTCUSDT")

    loader.clock.advance(9)
    assert loader.load_if_due() == 2
    loader.clock.advance(1)
    assert loader.load_if_due() == 3
    loader.clock.advance(19)
    assert loader.load_if_due() == 3


def test_a_failure_is_logged_once_and_its_end_once(caplog):
    loader = Loader()
    loader.fails()
    with caplog.at_level(logging.INFO, "market_data"):
        for _ in range(5):
            loader.load_if_due()
            loader.clock.advance(300)
        loader.recovers()
        loader.load_if_due()

    assert len(caplog.records) == 2
    assert loader.loader.error is None


@pytest.mark.parametrize(("wanted_within", "age_at_reload"), [(0, 30), (300, 300)])
def test_a_list_wanted_sooner_comes_sooner_but_not_more_than_twice_a_minute(wanted_within, age_at_reload):
    loader = Loader()
    loader.load_if_due()
    loader.loader.want_reload(wanted_within)
    loader.clock.advance(age_at_reload - 1)
    assert loader.load_if_due() == 1

    loader.clock.advance(1)
    assert loader.load_if_due() == 2


def test_the_status_of_very_many_symbols_is_read_off_one_list_and_asked_for_no_more_often_where_that_fails():
    loader, in_use = Loader(), [f"A{number}USDT" for number in range(201)]
    loader.load_if_due(in_use)
    loader.clock.advance(30)
    assert loader.load_if_due(in_use) == 2
    loader.fails()
    loader.clock.advance(30)
    assert loader.load_if_due(in_use) == 3

    loader.clock.advance(9)
    assert loader.load_if_due(in_use) == 3


def test_a_first_list_that_lacks_the_pairs_is_asked_for_again_and_believed_where_the_exchange_insists():
    loader = Loader()
    loader.exchange.symbols = {"DOGEBTC": listed("DOGEBTC", "DOGE", "BTC")}
    loader.load_if_due()
    assert loader.loader.symbols is None, "names are joined on trust until there is a list to be trusted"
    assert "lacks 2 of 2 pairs" in loader.loader.error

    for wait_seconds in (10, 20, 40):
        loader.clock.advance(wait_seconds)
        loader.load_if_due()
    assert loader.exchange.list_requests == 4
    assert not loader.loader.symbols.is_trading("BTCUSDT")
    assert loader.loader.symbols.is_trading("DOGEBTC")


def test_a_list_that_lacks_one_pair_of_several_is_believed():
    loader = Loader()
    del loader.exchange.symbols["ETHUSDT"]
    loader.load_if_due()

    assert loader.loader.symbols.is_trading("BTCUSDT")


def test_a_symbol_whose_row_leaves_no_doubt_trades():
    assert Loader().loader.settle_doubt("BTCUSDT", is_doubtful=False)


def test_a_doubtful_symbol_trades_only_if_a_list_younger_than_the_doubt_says_so():
    loader = Loader()
    loader.load_if_due()
    loader.clock.advance(60)
    assert not loader.loader.settle_doubt("BTCUSDT", is_doubtful=True)

    assert loader.load_if_due() == 2
    assert loader.loader.settle_doubt("BTCUSDT", is_doubtful=True)


def test_a_doubtful_symbol_that_the_new_list_has_as_halted_stays_out_until_its_row_is_alive_again():
    loader = Loader()
    loader.load_if_due()
    loader.exchange.symbols["BTCUSDT"] = listed("BTCUSDT", "BTC", "USDT", "BREAK")
    loader.clock.advance(60)
    loader.loader.settle_doubt("BTCUSDT", is_doubtful=True)
    loader.load_if_due()

    assert not loader.loader.settle_doubt("BTCUSDT", is_doubtful=True)
    assert loader.loader.settle_doubt("BTCUSDT", is_doubtful=False)
