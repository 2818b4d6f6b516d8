"""`get_market_data`: from memory, else from Redis, else from the exchange, and one request for all who come at once."""

import threading

import pytest

from market_data.ticker_cache.errors import CacheUnavailableError
from tests.aggregator_stack import TOKEN, Stack, pairs_of
from tests.fakes import aggregator_of, row

PATIENCE_SECONDS = 10
MAX_AGE_MS = 5_000


@pytest.fixture
def stack():
    made = Stack(["BTC/USDT", "ETH/USDT"])
    made.refresh()
    made.exchange.requests.clear()
    return made


def prices(stack, *pairs, max_age_ms=MAX_AGE_MS):
    return stack.aggregator.get_market_data(pairs, max_age_ms)


def test_a_price_that_is_young_enough_comes_from_memory_without_a_look_at_redis(stack):
    stack.clock.advance(5)
    stack.cache.is_away = True
    found = prices(stack, "BTC/USDT", "ETH/USDT")

    assert sorted(found.records) == ["BTC/USDT", "ETH/USDT"]
    assert found.cycle is None
    assert stack.exchange.requests == []


def test_another_process_finds_it_in_redis_with_its_own_instant(stack):
    other = aggregator_of(stack.clock, stack.exchange, stack.cache, stack.settings, TOKEN)
    stack.clock.advance(3)
    found = other.get_market_data(["BTC/USDT"], MAX_AGE_MS)

    assert found.records == {"BTC/USDT": prices(stack, "BTC/USDT").records["BTC/USDT"]}
    assert found.records["BTC/USDT"].received_at_ms == stack.clock.now_ms() - 3_000
    assert stack.exchange.requests == []


def test_only_what_is_too_old_everywhere_is_asked_of_the_exchange(stack):
    stack.clock.advance(3)
    prices(stack, "ETH/USDT", max_age_ms=0)
    stack.exchange.requests.clear()
    stack.clock.advance(2.001)
    found = prices(stack, "BTC/USDT", "ETH/USDT")

    assert stack.exchange.batches == [("BTCUSDT",)]
    ages_ms = {pair: stack.clock.now_ms() - record.received_at_ms for pair, record in found.records.items()}
    assert ages_ms == {"BTC/USDT": 0, "ETH/USDT": 2_001}


def test_with_an_age_of_zero_every_pair_is_fetched(stack):
    assert list(prices(stack, "BTC/USDT", "ETH/USDT", max_age_ms=0).cycle.records) == ["BTC/USDT", "ETH/USDT"]
    assert stack.exchange.batches == [("BTCUSDT", "ETHUSDT")]


def test_a_pair_without_a_price_is_absent(stack):
    stack.exchange.rows["ETHUSDT"] = row("ETHUSDT", lastPrice="NaN")

    assert list(prices(stack, "BTC/USDT", "ETH/USDT", max_age_ms=0).records) == ["BTC/USDT"]


def test_no_pair_costs_nothing(stack):
    stack.cache.is_away = True
    found = prices(stack, max_age_ms=0)

    assert (found.records, found.cycle) == ({}, None)
    assert stack.exchange.requests == []


def test_without_redis_what_is_too_old_in_memory_is_no_price(stack):
    stack.clock.advance(6)
    stack.cache.is_away = True

    with pytest.raises(CacheUnavailableError):
        prices(stack, "BTC/USDT")
    assert stack.exchange.requests == []


def test_a_price_of_the_future_is_none_after_our_clock_went_back(stack):
    stack.clock.wall_clock_error_ms = 3_600_000
    stack.refresh()
    stack.clock.wall_clock_error_ms = 0
    stack.clock.advance(600)
    stack.exchange.rows["BTCUSDT"] = row("BTCUSDT", lastPrice="17000.00")

    assert prices(stack, "BTC/USDT").records["BTC/USDT"].price == 17000


def test_who_comes_while_a_request_is_under_way_waits_for_it_and_sends_none(stack):
    stack.clock.advance(6)
    is_asked, may_answer = threading.Event(), threading.Event()

    def waits(url, path):
        is_asked.set()
        may_answer.wait(PATIENCE_SECONDS)
        return stack.exchange.usual(url, path)

    stack.exchange.reaction = waits
    found = []
    callers = [threading.Thread(target=lambda: found.append(prices(stack, "BTC/USDT").records)) for _ in range(5)]
    callers[0].start()
    assert is_asked.wait(PATIENCE_SECONDS)
    for caller in callers[1:]:
        caller.start()
    may_answer.set()
    for caller in callers:
        caller.join(PATIENCE_SECONDS)

    assert [list(records) for records in found] == [["BTC/USDT"]] * 5
    assert len({records["BTC/USDT"] for records in found}) == 1
    assert stack.exchange.batches == [("BTCUSDT",)]


def test_a_request_for_some_pairs_leaves_the_turns_of_the_others_alone():
    stack = Stack(pairs_of(30), MARKET_DATA_MAX_CONCURRENT_BATCHES="1")
    stack.refresh()
    prices(stack, "A0/USDT", max_age_ms=0)
    stack.exchange.requests.clear()
    stack.refresh()

    assert [batch[-1] for batch in stack.exchange.batches] == ["A10USDT", "A20USDT", "A0USDT"]
