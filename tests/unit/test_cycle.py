"""One pass over the pairs, with the aggregator around it: every rule together, a fake exchange at the end."""

import pytest

from market_data.exchanges.errors import ExchangeUnavailableError
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.source import Source
from market_data.ticker_cache.errors import CacheUnavailableError, LeaseLostError
from tests.aggregator_stack import Stack, outcomes_but_ok, pairs_of
from tests.fakes import listed, row


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
    assert [report.delivering[pair].is_alias for pair in ("BTC/USD", "BTC/USDT")] == [True, False]


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
    assert len(stack.refresh().records) == 1
    assert "503" in stack.aggregator.status()["binance"].exchange.symbols_error


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
    assert len(stack.refresh().records) == 50


def test_after_a_ban_nothing_is_asked_and_an_aggregator_that_starts_later_keeps_to_it():
    stack = Stack(["BTC/USDT"])
    stack.refresh()
    stack.exchange.reaction = lambda url, path: stack.exchange.answer(b"", 418, retry_after="300")
    assert outcomes_but_ok(stack.refresh()) == {"BTC/USDT": PairOutcome.BANNED}
    banned_until = stack.aggregator.status()["binance"].exchange.banned_until
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
    stack.aggregator.get_market_data(["BTC/USDT"], max_age_ms=0, should_stop=lambda: True)

    assert stack.exchange.cancellations == 1


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


class HoldingBack:
    """Does requests at once, but for one that hangs past the deadline of its cycle, until it is let go."""

    def __init__(self, number):
        self._number = number
        self._started = 0
        self.held = None
        self.clock = None

    def __call__(self, job):
        self._started += 1
        if self._started == self._number:
            self.held = job
            self.clock.advance(5)
        else:
            job()


def test_a_request_that_hangs_is_a_timeout_of_its_own_pairs_and_its_late_answer_is_never_written():
    start = HoldingBack(4)  # two requests of the first cycle, and the second one of the next
    stack = Stack(pairs_of(20), start_request=start)
    start.clock = stack.clock
    stack.refresh()
    report = stack.refresh()
    assert outcomes_but_ok(report) == dict.fromkeys(pairs_of(20)[10:], PairOutcome.TIMEOUT)
    assert (len(report.records), report.left_over) == (10, 0)

    assert outcomes_but_ok(stack.refresh()) == {}
    before = stack.cached()
    stack.clock.advance(1)
    start.held()
    assert stack.cached() == before
    assert stack.aggregator.get_market_data(["A13/USDT"], 5_000).records["A13/USDT"].received_at_ms < (
        stack.clock.now_ms()
    )


def test_a_cycle_that_is_stopped_in_the_middle_keeps_what_it_has_and_asks_for_nothing_more():
    stack = Stack(pairs_of(40), MARKET_DATA_MAX_CONCURRENT_BATCHES="1")
    stack.refresh()
    stack.clock.advance(4)
    before = len(stack.exchange.batches)
    report = stack.aggregator.get_market_data(
        pairs_of(40), 0, should_stop=lambda: len(stack.exchange.batches) == before + 2
    ).cycle

    assert len(stack.exchange.batches) == before + 2
    assert sorted(report.records) == sorted(pairs_of(10))
    assert outcomes_but_ok(report) == {}, "the others keep what they had"
    fresh = {pair for pair, ticker in stack.cached().items() if ticker.received_at_ms == stack.clock.now_ms()}
    assert fresh == set(pairs_of(10))


def test_a_dead_row_is_never_shown_and_leaves_its_symbol_in_doubt():
    stack = Stack(["BTC/USDT", "ETH/USDT"])
    stack.refresh()
    stack.clock.advance(4)
    zeros = dict.fromkeys(("lastPrice", "highPrice", "lowPrice", "volume", "bidPrice", "askPrice"), "0.00000000")
    stack.exchange.rows["ETHUSDT"] = row("ETHUSDT", **zeros, firstId=-1)
    assert outcomes_but_ok(stack.refresh()) == {"ETH/USDT": PairOutcome.NOT_TRADING}

    stack.exchange.rows["ETHUSDT"] = row("ETHUSDT", bidPrice="0.0", askPrice="0.0")
    stack.clock.advance(1)
    assert outcomes_but_ok(stack.refresh()) == {"ETH/USDT": PairOutcome.NOT_TRADING}
