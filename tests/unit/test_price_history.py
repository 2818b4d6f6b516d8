"""When a price becomes a point of its pair's history."""

from decimal import Decimal
from itertools import pairwise

import pytest

from market_data.aggregator.history import PriceHistory
from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from tests.aggregator_stack import TOKEN, Stack
from tests.fakes import MemoryTickerCache, MovableClock, row

CYCLE_SECONDS = 4


def record(received_at_ms, pair="BTC/USDT", price="43250.10"):
    one = Decimal(1)
    return TickerRecord(pair, Decimal(price), one, received_at_ms, one, one, one)


def points_of(cache, pair):
    """Return the instants of the points that were asked to be written for the pair, in Unix ms."""
    return [record.received_at_ms for _, records in cache.history for record in records if record.pair == pair]


@pytest.fixture
def clock():
    return MovableClock()


@pytest.fixture
def cache(clock):
    cache = MemoryTickerCache(clock)
    cache.give_lease_to(TOKEN, 3600)
    return cache


@pytest.fixture
def history(cache, clock):
    return PriceHistory(cache, TOKEN, clock.monotonic)


def write_at(history, *instants, source=Source.BINANCE):
    for received_at_ms in instants:
        history.note([record(received_at_ms)], source)
        history.write_due()


def test_of_an_hour_of_cycles_every_fourth_gives_a_point():
    stack = Stack(["BTC/USDT", "ETH/USDT"])
    for _ in range(3600 // CYCLE_SECONDS):
        stack.refresh()
        stack.clock.advance(CYCLE_SECONDS)

    points = points_of(stack.cache, "BTC/USDT")
    assert {later - earlier for earlier, later in pairwise(points)} == {16_000}
    assert len(points) == 3600 // 16
    assert points == points_of(stack.cache, "ETH/USDT")


def test_all_pairs_that_are_due_are_written_in_one_call_after_the_cycle_s_batches():
    stack = Stack([f"A{number}/USDT" for number in range(25)])
    stack.refresh()

    assert [len(records) for _, records in stack.cache.history] == [25]


def test_a_pair_without_a_price_has_no_point_and_what_was_missed_is_never_filled_in():
    stack = Stack(["BTC/USDT", "ETH/USDT"])
    stack.refresh()
    began_at_ms = stack.clock.now_ms()
    stack.exchange.rows["ETHUSDT"] = row("ETHUSDT", lastPrice="NaN")
    for _ in range(10):
        stack.clock.advance(CYCLE_SECONDS)
        stack.refresh()
    del stack.exchange.rows["ETHUSDT"]
    stack.clock.advance(CYCLE_SECONDS)
    stack.refresh()

    assert [at - began_at_ms for at in points_of(stack.cache, "BTC/USDT")] == [0, 16_000, 32_000]
    assert [at - began_at_ms for at in points_of(stack.cache, "ETH/USDT")] == [0, 44_000]


def test_a_point_is_the_price_of_its_own_instant_not_of_the_write():
    stack = Stack(["BTC/USDT"])

    def answers_slowly(url, path):
        answer = stack.exchange.usual(url, path)
        stack.clock.advance(0.5)
        return answer

    stack.refresh()
    stack.clock.advance(20)
    stack.exchange.reaction = answers_slowly
    stack.refresh()

    assert points_of(stack.cache, "BTC/USDT")[-1] == stack.cached()["BTC/USDT"].received_at_ms < stack.clock.now_ms()


def test_a_history_that_cannot_be_written_costs_no_price_is_logged_once_and_goes_on_later(caplog):
    stack = Stack(["BTC/USDT"])
    stack.cache.refuses_history = True
    for _ in range(3):
        report = stack.refresh()
        stack.clock.advance(CYCLE_SECONDS)
        assert (len(report.records), report.error) == (1, None)
    stack.cache.refuses_history = False
    stack.refresh()

    assert len(stack.cache.history) == 1
    lines = [line.getMessage() for line in caplog.records if "history" in line.getMessage()]
    assert lines == [
        "the history of prices cannot be written: Redis is out of memory",
        "the history of prices cannot be written: over after 12.0 s",
    ]


def test_who_lost_the_lease_after_the_prices_were_written_ends_the_cycle_without_points(history, cache):
    history.note([record(1_700_000_000_000)], Source.BINANCE)
    cache.give_lease_to("another", 60)
    history.write_due()

    assert not cache.history


def test_a_clock_that_is_set_back_does_not_make_a_pair_wait(history, cache):
    right, wrong = 1_700_000_000_000, 1_700_003_600_000
    write_at(history, wrong, right, right + 4_000, right + 16_000)

    assert points_of(cache, "BTC/USDT") == [wrong, right, right + 16_000]


def test_another_source_begins_its_history_at_once_and_leaves_what_was_not_yet_written(history, cache):
    at = 1_700_000_000_000
    write_at(history, at)
    history.note([record(at + 16_000, pair="ETH/USDT")], Source.BINANCE)
    write_at(history, at + 16_001, source=Source.SIMULATOR)

    assert [(source, [record.pair for record in records]) for source, records in cache.history] == [
        (Source.BINANCE, ["BTC/USDT"]),
        (Source.SIMULATOR, ["BTC/USDT"]),
    ]
