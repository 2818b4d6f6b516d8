"""One pass over the pairs, with the aggregator around it: every rule together, a fake exchange at the end."""

import threading

import pytest

from market_data.aggregator.service import MarketDataAggregator
from market_data.exchanges.errors import ExchangeUnavailableError
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.source import Source
from market_data.ticker_cache.errors import CacheUnavailableError, LeaseLostError
from tests.aggregator_stack import TOKEN, Stack, outcomes_but_ok, pairs_of
from tests.fakes import listed, parts_of, row

PATIENCE_SECONDS = 10


def test_a_cycle_asks_in_batches_and_every_pair_is_in_the_cache_afterwards():
    stack = Stack(pairs_of(25))
    report = stack.refresh()

    assert sorted(map(len, stack.exchange.batches)) == [5, 10, 10]
    assert outcomes_but_ok(report) == {}
    assert (len(report.records), report.error, len(stack.cached())) == (25, None, 25)


def test_pairs_of_one_symbol_share_its_request_and_say_which_of_them_is_an_alias():
    stack = Stack(["BTC/USD", "BTC/USDT"], [listed("BTCUSDT", "BTC", "USDT")])
    report = stack.refresh()

    assert stack.exchange.batches == [("BTCUSDT",)]
    assert sorted(stack.cached()) == ["BTC/USD", "BTC/USDT"]
    assert [report.pairs[pair].is_quote_alias for pair in ("BTC/USD", "BTC/USDT")] == [True, False]


def test_a_pair_that_the_list_does_not_have_or_does_not_trade_is_never_asked_for():
    symbols = [listed("BTCUSDT", "BTC", "USDT"), listed("OLDUSDT", "OLD", "USDT", "BREAK")]
    stack = Stack(["BTC/USDT", "OLD/USDT", "XYZ/USDT"], symbols)
    report = stack.refresh()

    assert stack.exchange.batches == [("BTCUSDT",)]
    assert outcomes_but_ok(report) == {
        "OLD/USDT": PairOutcome.NOT_TRADING,
        "XYZ/USDT": PairOutcome.UNKNOWN_SYMBOL,
    }


def test_bad_rows_cost_only_their_own_pairs_a_price():
    stack = Stack(pairs_of(6))
    stack.refresh()
    stack.clock.advance(16)
    stack.exchange.rows = {
        "A1USDT": None,
        "A2USDT": row("A2USDT", lastPrice="NaN"),
        "A3USDT": row("A3USDT", lastPrice=5),
        "A4USDT": row("A4USDT", bidPrice="0.00000000", askPrice="0.00000000"),
    }

    assert outcomes_but_ok(stack.refresh()) == {
        "A1/USDT": PairOutcome.MISSING_IN_ANSWER,
        "A2/USDT": PairOutcome.REJECTED,
        "A3/USDT": PairOutcome.MALFORMED,
        "A4/USDT": PairOutcome.NOT_TRADING,
    }
    assert sorted(stack.cached()) == ["A0/USDT", "A5/USDT"]


def test_a_rejected_value_never_replaces_a_good_one():
    stack = Stack(["BTC/USDT"])
    stack.refresh()
    good = stack.cached()["BTC/USDT"]
    stack.exchange.rows["BTCUSDT"] = row("BTCUSDT", lastPrice="-1")
    stack.clock.advance(4)
    report = stack.refresh()

    assert stack.cached()["BTC/USDT"] == good
    assert "rejected" in report.error


def test_a_price_s_timestamp_is_when_its_answer_was_complete():
    stack = Stack(["BTC/USDT"])

    def answers_slowly(url, path):
        stack.clock.advance(1.5)
        answer = stack.exchange.usual(url, path)
        stack.clock.advance(0.5)
        return answer

    stack.refresh()
    stack.exchange.reaction = answers_slowly
    began_at_ms = stack.clock.now_ms()
    stack.refresh()

    assert stack.cached()["BTC/USDT"].received_at_ms == began_at_ms + 1500


def test_without_the_list_of_symbols_prices_come_all_the_same():
    stack = Stack(["BTC/USD"], [listed("BTCUSDT", "BTC", "USDT")])

    def has_no_list(url, path):
        return stack.exchange.usual(url, path) if "ticker" in path else stack.exchange.answer(b"", 503)

    stack.exchange.reaction = has_no_list
    assert stack.refresh().written == 1
    assert "503" in stack.aggregator.status()[2].symbols_error


def test_failures_open_the_circuit_and_one_probe_decides_for_the_other_batches():
    stack = Stack(pairs_of(50))
    stack.refresh()
    stack.exchange.reaction = lambda url, path: stack.exchange.answer(b"<html>", 502)
    report = stack.refresh()
    assert set(report.outcomes.values()) == {PairOutcome.UNAVAILABLE, PairOutcome.CIRCUIT_OPEN}
    assert stack.aggregator.seconds_until_request() > 0

    stack.clock.advance(stack.aggregator.seconds_until_request())
    before = len(stack.exchange.batches)
    assert stack.refresh().error
    assert len(stack.exchange.batches) == before + 1
    stack.exchange.reaction = stack.exchange.usual
    stack.clock.advance(stack.aggregator.seconds_until_request())
    assert stack.refresh().written == 50


def test_after_a_ban_nothing_is_asked_and_an_aggregator_that_starts_later_keeps_to_it():
    stack = Stack(["BTC/USDT"])
    stack.refresh()
    stack.exchange.reaction = lambda url, path: stack.exchange.answer(b"", 418, retry_after="300")
    assert outcomes_but_ok(stack.refresh()) == {"BTC/USDT": PairOutcome.BANNED}
    banned_until = stack.aggregator.status()[2].banned_until
    assert banned_until == stack.clock.now_ms() + 300_000
    before = len(stack.exchange.requests)
    stack.clock.advance(299)
    stack.refresh()

    assert len(stack.exchange.requests) == before


def test_the_reason_of_a_cycle_without_a_price_is_the_exchange_s_own():
    stack = Stack(["BTC/USDT"])
    stack.exchange.reaction = lambda url, path: stack.exchange.answer(b"<html>", 451)

    assert "451" in stack.refresh().error


def test_a_lost_lease_or_an_absent_cache_ends_the_cycle_with_that_error():
    stack = Stack(pairs_of(25))
    stack.cache.give_lease_to("another", 3600)
    with pytest.raises(LeaseLostError):
        stack.refresh()

    stack.cache.is_away = True
    with pytest.raises(CacheUnavailableError):
        stack.refresh()


def test_a_stopped_cycle_cancels_what_is_under_way():
    stack = Stack(["BTC/USDT"])
    stack.aggregator.refresh(["BTC/USDT"], lambda: True)

    assert stack.exchange.cancellations == 1


def test_fresh_prices_come_from_memory_or_cache_and_only_older_ones_from_the_exchange():
    stack = Stack(["BTC/USDT", "ETH/USDT"])
    stack.refresh()
    before = len(stack.exchange.batches)
    assert sorted(stack.aggregator.get_market_data(["BTC/USDT", "ETH/USDT"])) == ["BTC/USDT", "ETH/USDT"]
    other_process = MarketDataAggregator(parts_of(stack.clock, stack.exchange, stack.cache, stack.settings, TOKEN))
    assert sorted(other_process.get_market_data(["BTC/USDT"])) == ["BTC/USDT"]
    assert len(stack.exchange.batches) == before

    stack.clock.advance(stack.settings.cache_stale_ttl_ms / 1000 + 0.1)
    record = stack.aggregator.get_market_data(["BTC/USDT"])["BTC/USDT"]
    assert record.received_at_ms == stack.clock.now_ms()
    assert stack.exchange.batches[before:] == [("BTCUSDT",)]


def test_concurrent_callers_share_one_request():
    stack = Stack(["BTC/USDT"])
    stack.refresh()
    stack.clock.advance(6)
    is_asked, may_answer = threading.Event(), threading.Event()

    def waits(url, path):
        is_asked.set()
        may_answer.wait(PATIENCE_SECONDS)
        return stack.exchange.usual(url, path)

    stack.exchange.reaction = waits
    found = []
    callers = [threading.Thread(target=lambda: found.append(stack.aggregator.get_market_data(["BTC/USDT"])))]
    callers[0].start()
    assert is_asked.wait(PATIENCE_SECONDS)
    callers.append(threading.Thread(target=lambda: found.append(stack.aggregator.get_market_data(["BTC/USDT"]))))
    callers[1].start()
    may_answer.set()
    for caller in callers:
        caller.join(PATIENCE_SECONDS)

    assert [list(records) for records in found] == [["BTC/USDT"]] * 2
    assert len(stack.exchange.batches) == 2


def test_a_broken_connection_is_an_outcome_of_the_pairs_concerned_while_other_batches_count():
    stack = Stack(pairs_of(20))
    stack.refresh()

    def breaks_first(url, path):
        if "A3USDT" in path:
            raise ExchangeUnavailableError("exchange.test: the connection broke")
        return stack.exchange.usual(url, path)

    stack.exchange.reaction = breaks_first
    report = stack.refresh()

    assert len(report.records) == 10
    assert set(outcomes_but_ok(report).values()) == {PairOutcome.UNAVAILABLE}


def test_the_cache_is_told_whose_prices_it_holds():
    stack = Stack(["BTC/USDT"])
    stack.exchange.headers = {"x-market-data-source": "simulator"}
    stack.refresh()

    assert stack.cache.source is stack.aggregator.source is Source.SIMULATOR
