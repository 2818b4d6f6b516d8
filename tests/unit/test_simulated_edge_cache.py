"""How an answer ages in the simulated edge cache, and what a stale one tells."""

from typing import Any

import pytest

from exchange_simulator.binance.exchange import BinanceExchange
from exchange_simulator.binance.markets import generate_market
from exchange_simulator.binance.weights import TICKER_24HR, TIME
from exchange_simulator.kraken.endpoints import TICKER
from exchange_simulator.kraken.exchange import KrakenExchange
from exchange_simulator.kraken.markets import generate_market as generate_kraken_market
from exchange_simulator.market import Market
from tests.unit.test_simulated_exchange_answers import START_MS, Clock, ask, content


@pytest.fixture
def clock() -> Clock:
    return Clock()


def kraken(clock: Clock, **options: Any) -> KrakenExchange:
    return KrakenExchange(Market(generate_kraken_market(), started_at_ms=START_MS, seed=1), now_ms=clock, **options)


@pytest.fixture
def binance(clock: Clock) -> BinanceExchange:
    return BinanceExchange(Market(generate_market(), started_at_ms=START_MS, seed=1), now_ms=clock)


def test_a_stale_cache_gives_the_same_bytes_with_a_growing_age_for_so_long(clock: Clock) -> None:
    exchange = kraken(clock)
    first = ask(exchange, TICKER)
    with exchange.faults.active("stale_cache", seconds=20):
        for seconds in (5, 19):
            clock.now_ms = START_MS + seconds * 1000
            answer = ask(exchange, TICKER)
            assert answer.encoded() == first.encoded()
            assert answer.headers["Age"] == str(seconds)
            assert answer.headers["Last-Modified"] == first.headers["Date"]
        clock.now_ms = START_MS + 20_000
        renewed = ask(exchange, TICKER)
    assert "Age" not in renewed.headers
    assert renewed.encoded() != first.encoded()


def test_a_stale_cache_may_keep_its_age_to_itself(clock: Clock) -> None:
    exchange = kraken(clock)
    first = ask(exchange, TICKER)
    clock.now_ms += 15_000
    with exchange.faults.active("stale_cache", is_told=False):
        answer = ask(exchange, TICKER)
    assert answer.encoded() == first.encoded()
    assert "Age" not in answer.headers
    assert answer.headers["Last-Modified"] == answer.headers["Date"] != first.headers["Date"]


def test_an_answer_may_be_old_when_it_comes_and_its_own_times_say_so(clock: Clock, binance: BinanceExchange) -> None:
    six_hours_ms = 21_600_000
    before = content(ask(binance, TICKER_24HR, "symbol=BTCUSDT"))
    with binance.faults.active("stale_cache", age_seconds=six_hours_ms // 1000):
        told = ask(binance, TICKER_24HR, "symbol=BTCUSDT")
    with binance.faults.active("stale_cache", age_seconds=six_hours_ms // 1000, is_told=False):
        untold = ask(binance, TICKER_24HR, "symbol=BTCUSDT")
    assert told.headers["Age"] == "21600"
    assert "Age" not in untold.headers
    for answer in (told, untold):
        assert content(answer)["closeTime"] == before["closeTime"] - six_hours_ms
        assert answer.headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"


def test_binance_answers_without_a_cache_unless_it_is_told_to(clock: Clock, binance: BinanceExchange) -> None:
    first = ask(binance, TICKER_24HR)
    clock.now_ms += 1_000
    later = ask(binance, TICKER_24HR)
    assert first.encoded() != later.encoded()
    assert "Age" not in later.headers


def test_what_is_never_cached_is_of_now_under_a_stale_cache_too(clock: Clock, binance: BinanceExchange) -> None:
    with binance.faults.active("stale_cache"):
        ask(binance, TIME)
        clock.now_ms += 5_000
        assert content(ask(binance, TIME)) == {"serverTime": clock.now_ms}


def test_a_fault_of_the_market_shows_at_once_and_a_stale_cache_hides_it(clock: Clock) -> None:
    exchange = kraken(clock)
    usual = ask(exchange, TICKER)
    with exchange.faults.active("price", multiply=0.5):
        assert ask(exchange, TICKER).encoded() != usual.encoded()
    usual = ask(exchange, TICKER)
    with exchange.faults.active("price", multiply=0.5), exchange.faults.active("stale_cache"):
        assert ask(exchange, TICKER).encoded() == usual.encoded()


@pytest.mark.parametrize(("cache_seconds", "is_same"), [(0, False), (60, True)])
def test_how_long_the_cache_keeps_an_answer_can_be_set(clock: Clock, cache_seconds: int, is_same: bool) -> None:
    exchange = kraken(clock, cache_seconds=cache_seconds)
    first = ask(exchange, TICKER)
    clock.now_ms += 30_000
    later = ask(exchange, TICKER)
    assert (first.encoded() == later.encoded()) is is_same
    assert later.headers["Cache-Control"] == f"max-age={cache_seconds}, public"


def test_an_error_is_never_kept(clock: Clock) -> None:
    exchange = kraken(clock)
    with exchange.faults.active("unknown_symbol", symbols=["BTC/USD"]):
        assert content(ask(exchange, TICKER, "pair=XBTUSD"))["error"]
    assert content(ask(exchange, TICKER, "pair=XBTUSD"))["error"] == []
