"""Prices of 24 h ago from candles: asked for one at a time, long before they are needed."""

from decimal import Decimal

import pytest

from market_data.aggregator.day_ago import CANDLE_MS, DAY_MS, DayAgoPrices
from market_data.exchanges.errors import ExchangeUnavailableError
from market_data.exchanges.protocol import Candle, Request
from tests.fakes import MovableClock, backoff, clock_of

MINUTE_MS = 60_000


class Candles:
    """Kraken's candles as of the test's clock; each closes at its own number, counted from the oldest."""

    name = "kraken"

    def __init__(self, clock, count=720):
        self.clock = clock
        self.count = count
        self.fails = False
        self.asked = []

    def candles_request(self, symbol):
        return Request(f"/candles/{symbol}", 1, (symbol,))

    def candles(self, request, deadline):
        self.asked.append(request.symbols[0])
        if self.fails:
            raise ExchangeUnavailableError("it answered 503")
        newest_open = self.clock.now_ms() // CANDLE_MS * CANDLE_MS - CANDLE_MS
        opens = [newest_open - back * CANDLE_MS for back in range(self.count - 1, -1, -1)]
        return Received([Candle(at_ms, f"{number + 1}.5") for number, at_ms in enumerate(opens)])


class Received:
    def __init__(self, content):
        self.content = content


@pytest.fixture
def clock():
    return MovableClock()


@pytest.fixture
def candles(clock):
    return Candles(clock)


@pytest.fixture
def prices(clock, candles):
    return DayAgoPrices(candles, candles, retry=backoff(10, 300), clock=clock_of(clock), start=lambda job: job())


def run(prices, clock, symbols, seconds=4.0, *, may_ask=True):
    prices.keep_current(symbols, may_ask=may_ask)
    clock.advance(seconds)


def test_the_price_is_the_close_of_the_candle_that_ended_24_hours_ago(prices, clock, candles):
    run(prices, clock, ["BTC/USD"])
    run(prices, clock, ["BTC/USD"])

    at_ms = clock.now_ms() // CANDLE_MS * CANDLE_MS
    assert prices.price("BTC/USD", at_ms) == Decimal("432.5")
    assert prices.price("BTC/USD", at_ms + CANDLE_MS - 1) == Decimal("432.5")
    assert prices.price("BTC/USD", at_ms + CANDLE_MS) == Decimal("433.5")


def test_it_is_not_known_before_the_candles_come_nor_after_they_run_out(prices, clock, candles):
    assert prices.price("BTC/USD", clock.now_ms()) is None
    run(prices, clock, ["BTC/USD"])
    run(prices, clock, ["BTC/USD"])

    assert prices.price("BTC/USD", clock.now_ms() + DAY_MS - 2 * CANDLE_MS) is not None
    assert prices.price("BTC/USD", clock.now_ms() + DAY_MS + 2 * CANDLE_MS) is None


def test_one_symbol_is_asked_for_a_cycle(prices, clock, candles):
    for _ in range(3):
        run(prices, clock, ["A/USD", "B/USD", "C/USD"])

    assert candles.asked == ["A/USD", "B/USD", "C/USD"]


def test_candles_are_renewed_hours_before_they_run_out_and_not_all_the_time(prices, clock, candles):
    for _ in range(24 * 6):
        run(prices, clock, ["BTC/USD"], seconds=600)
        if len(candles.asked) > 1:
            assert prices.price("BTC/USD", clock.now_ms()) is not None

    assert len(candles.asked) == 2


def test_a_failure_is_tried_again_ever_more_rarely_and_others_have_their_turn(prices, clock, candles):
    candles.fails = True
    for _ in range(15):
        run(prices, clock, ["A/USD", "B/USD"])

    assert 4 <= len(candles.asked) <= 8
    assert set(candles.asked) == {"A/USD", "B/USD"}


def test_nothing_is_asked_while_it_is_open_whether_the_exchange_answers(prices, clock, candles):
    run(prices, clock, ["BTC/USD"], may_ask=False)

    assert candles.asked == []


def test_a_market_younger_than_a_day_has_no_price_of_a_day_ago(prices, clock, candles):
    candles.count = 100
    for _ in range(30):
        run(prices, clock, ["NEW/USD"])

    assert prices.price("NEW/USD", clock.now_ms()) is None
    assert len(candles.asked) <= 2
