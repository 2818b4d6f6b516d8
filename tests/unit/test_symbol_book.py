import logging
import threading

from market_data.aggregator.symbol_book import FAILURE, on_a_thread
from market_data.aggregator.wiring import build_venue
from market_data.exchanges.binance.exchange import Binance
from tests.fakes import ONE_HOST, FakeExchange, MovableClock, app_settings, at_once, clock_of, listed

PATIENCE_SECONDS = 10


class BookStack:
    """The real list of symbols around a fake exchange; a question that is asked is answered at once."""

    def __init__(self, start_listing=at_once):
        self.clock = MovableClock()
        self.exchange = FakeExchange(self.clock)
        venue = build_venue(
            app_settings(TRADING_PAIRS="BTC/USDT,ETH/USDT", **ONE_HOST),
            Binance(),
            clock=clock_of(self.clock),
            chance=lambda: 0.0,
            http=self.exchange,
            start_listing=start_listing,
        )
        self.book = venue.symbols
        self.gateway = venue.gateway

    def keep_current(self, in_use=()):
        """Ask for what is due, take the answer in, and return how often was asked so far."""
        self.book.keep_current(in_use, may_ask=True)
        assert self.book.wait(PATIENCE_SECONDS)
        return self.exchange.list_requests

    def trades(self, *, is_doubtful):
        return self.book.trades("BTCUSDT", is_doubtful=is_doubtful)

    def fails(self):
        self.exchange.reaction = lambda url, path: self.exchange.answer(b"<html>", 502)

    def recovers(self):
        self.exchange.reaction = self.exchange.usual


def test_the_list_is_loaded_at_start_and_then_hourly():
    stack = BookStack()
    assert [stack.keep_current(), stack.keep_current()] == [1, 1]
    assert stack.book.symbols.is_trading("BTCUSDT")

    stack.clock.advance(3599)
    assert stack.keep_current() == 1
    stack.clock.advance(1)
    assert stack.keep_current() == 2


def test_a_host_that_does_not_know_the_lean_form_is_asked_for_the_whole_list():
    stack = BookStack()

    def refuses_parameters(url, path):
        if "?" in path:
            return stack.exchange.answer({"code": -1101, "msg": "Too many parameters."}, 400)
        return stack.exchange.usual(url, path)

    stack.exchange.reaction = refuses_parameters
    stack.keep_current()

    assert stack.book.symbols is not None


def test_a_failed_load_keeps_the_last_list_and_is_tried_again_ever_more_rarely():
    stack = BookStack()
    stack.keep_current()
    stack.fails()
    stack.clock.advance(3600)
    assert stack.keep_current() == 2
    assert "502" in stack.book.error
    assert stack.book.symbols.is_trading("BTCUSDT")

    stack.clock.advance(9)
    assert stack.keep_current() == 2
    stack.clock.advance(1)
    assert stack.keep_current() == 3
    stack.clock.advance(19)
    assert stack.keep_current() == 3


def test_a_failure_is_logged_once_and_its_end_once(caplog):
    stack = BookStack()
    stack.fails()
    with caplog.at_level(logging.INFO, "market_data"):
        for _ in range(5):
            stack.keep_current()
            stack.clock.advance(300)
        stack.recovers()
        stack.keep_current()

    assert caplog.messages == [
        f"{FAILURE}: exchange.test answered 502",
        f"{FAILURE}: over after 1500.0 s",
    ]
    assert stack.book.error is None


def test_the_status_of_very_many_symbols_is_read_off_one_list_and_asked_for_no_more_often_where_that_fails():
    stack, in_use = BookStack(), [f"A{number}USDT" for number in range(201)]
    stack.keep_current(in_use)
    stack.clock.advance(30)
    assert stack.keep_current(in_use) == 2
    stack.fails()
    stack.clock.advance(30)
    assert stack.keep_current(in_use) == 3

    stack.clock.advance(9)
    assert stack.keep_current(in_use) == 3


def test_a_first_list_that_lacks_the_pairs_is_asked_for_again_and_believed_where_the_exchange_insists():
    stack = BookStack()
    stack.exchange.symbols = {"DOGEBTC": listed("DOGEBTC", "DOGE", "BTC")}
    stack.keep_current()
    assert stack.book.symbols is None, "names are joined on trust until there is a list to be trusted"
    assert "lacks 2 of 2 pairs" in stack.book.error

    for wait_seconds in (10, 20, 40):
        stack.clock.advance(wait_seconds)
        stack.keep_current()
    assert stack.exchange.list_requests == 4
    assert not stack.book.symbols.is_trading("BTCUSDT")
    assert stack.book.symbols.is_trading("DOGEBTC")


def test_a_list_that_lacks_one_pair_of_several_is_believed():
    stack = BookStack()
    del stack.exchange.symbols["ETHUSDT"]
    stack.keep_current()

    assert stack.book.symbols.is_trading("BTCUSDT")


def test_a_symbol_whose_row_leaves_no_doubt_trades():
    assert BookStack().trades(is_doubtful=False)


def test_a_doubtful_symbol_trades_only_if_a_list_younger_than_the_doubt_says_so():
    stack = BookStack()
    stack.keep_current()
    stack.clock.advance(60)
    assert not stack.trades(is_doubtful=True)

    assert stack.keep_current() == 2
    assert stack.trades(is_doubtful=True)


def test_a_doubtful_symbol_that_the_new_list_has_as_halted_stays_out_until_its_row_is_alive_again():
    stack = BookStack()
    stack.keep_current()
    stack.exchange.symbols["BTCUSDT"] = listed("BTCUSDT", "BTC", "USDT", "BREAK")
    stack.clock.advance(60)
    stack.trades(is_doubtful=True)
    stack.keep_current()

    assert not stack.trades(is_doubtful=True)
    assert stack.trades(is_doubtful=False)


def test_between_two_lists_only_the_statuses_of_the_symbols_in_use_are_asked_for_twice_a_minute():
    stack = BookStack()
    stack.keep_current(["BTCUSDT"])
    for _ in range(3600 // 4 - 1):
        stack.clock.advance(4)
        stack.keep_current(["BTCUSDT"])
    asked = [path.partition("?")[2] for _, path in stack.exchange.requests]

    assert asked.count("showPermissionSets=false") == 1
    assert asked.count('symbols=["BTCUSDT"]') == len(asked) - 1
    assert 110 <= len(asked) - 1 <= 120


def test_a_symbol_that_the_exchange_does_not_know_any_more_spoils_the_statuses_and_brings_a_new_list():
    stack = BookStack()
    stack.keep_current(["BTCUSDT", "ETHUSDT"])
    del stack.exchange.symbols["ETHUSDT"]
    stack.clock.advance(30)
    stack.keep_current(["BTCUSDT", "ETHUSDT"])
    stack.clock.advance(1)
    stack.keep_current(["BTCUSDT", "ETHUSDT"])

    assert not stack.book.symbols.is_trading("ETHUSDT")


def test_a_list_brings_the_exchange_s_own_limit_of_request_weight():
    stack = BookStack()
    limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1200}
    symbols = list(stack.exchange.symbols.values())
    stack.exchange.reaction = lambda url, path: stack.exchange.answer({"symbols": symbols, "rateLimits": [limit]})
    stack.keep_current()

    assert stack.gateway.budget.snapshot().limit == 1200


def test_a_list_that_is_slow_to_come_holds_nobody_up_and_is_taken_in_when_it_is_there():
    stack, may_answer = BookStack(start_listing=on_a_thread), threading.Event()

    def waits(url, path):
        may_answer.wait(PATIENCE_SECONDS)
        return stack.exchange.usual(url, path)

    stack.exchange.reaction = waits
    for _ in range(3):
        stack.book.keep_current((), may_ask=True)
    assert not stack.book.wait(0)
    assert stack.book.symbols is None

    may_answer.set()
    assert stack.book.wait(PATIENCE_SECONDS)
    assert stack.book.symbols.is_trading("BTCUSDT")
    assert stack.exchange.list_requests == 1


def test_while_nothing_may_be_asked_what_is_due_waits():
    stack = BookStack()
    stack.book.keep_current(("BTCUSDT",), may_ask=False)
    assert stack.exchange.requests == []

    assert stack.keep_current() == 1


def test_a_question_that_ends_by_an_unexpected_error_is_asked_again_after_its_backoff():
    starts = iter([lambda job: at_once(lambda: None), at_once])
    stack = BookStack(start_listing=lambda job: next(starts)(job))
    stack.keep_current()
    assert "ended by an error" in stack.book.error

    stack.clock.advance(9)
    assert stack.keep_current() == 0
    stack.clock.advance(1)
    assert stack.keep_current() == 1
    assert stack.book.symbols is not None


def test_a_symbol_never_seen_alive_trades_where_a_list_just_loaded_says_so():
    stack = BookStack()
    stack.keep_current()
    stack.clock.advance(0.1)
    assert stack.trades(is_doubtful=True)

    stack.clock.advance(600)
    assert stack.trades(is_doubtful=True), "nothing has changed since"


def test_an_order_book_that_empties_is_doubted_however_young_the_list():
    stack = BookStack()
    stack.keep_current()
    assert stack.trades(is_doubtful=False)

    stack.clock.advance(0.1)
    assert not stack.trades(is_doubtful=True)


def test_a_list_that_has_lost_most_of_its_symbols_is_doubted_until_it_insists():
    stack = BookStack()
    stack.exchange.symbols.update(
        {f"S{number}USDT": listed(f"S{number}USDT", f"S{number}", "USDT") for number in range(9)}
    )
    stack.keep_current()
    whole = len(stack.book.symbols)
    for name in list(stack.exchange.symbols)[1:]:
        del stack.exchange.symbols[name]

    sizes = []
    for _ in range(4):
        stack.clock.advance(3600)
        stack.keep_current()
        sizes.append(len(stack.book.symbols))
    assert sizes == [whole, whole, whole, 1]
