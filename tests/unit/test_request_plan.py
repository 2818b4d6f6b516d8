import logging
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_data.aggregator.request_plan import PlanLimits, plan_requests
from market_data.aggregator.whole_market import WholeMarketTrust

from market_data.exchanges.request_weight import ticker_weight
from market_data.ticker.outcome import PairOutcome
from tests.aggregator_stack import Stack, outcomes_but_ok, pairs_of

PLENTY = 10_000
PATIENCE_SECONDS = 10
LIMITS = st.builds(
    PlanLimits,
    batch_size=st.integers(1, 20),
    max_concurrent=st.integers(1, 10),
    round_trip_seconds=st.floats(0, 10),
    cycle_seconds=st.floats(1.9, 10),
    spare_weight=st.integers(0, 6000),
)


def names(count):
    return [f"A{number}USDT" for number in range(count)]


def plan(count, *, batch_size=10, at_once=3, round_trip=0.08, spare=PLENTY, suspects=(), is_usable=True):
    limits = PlanLimits(batch_size, at_once, round_trip, 3.96, spare)
    return plan_requests(names(count), limits, frozenset(suspects).__contains__, is_whole_market_usable=is_usable)


@pytest.mark.parametrize("count", [1, 4, 10, 100, 400])
def test_usual_numbers_of_pairs_are_asked_for_in_batches_of_ten(count):
    planned = plan(count)

    assert [len(batch) for batch in planned.batches] == [10] * (count // 10) + [count % 10] * (count % 10 > 0)
    assert planned.weight <= 80


@pytest.mark.parametrize(("count", "batch_size"), [(401, 10), (500, 10), (2000, 10), (801, 20), (41, 1)])
def test_where_the_batches_would_weigh_more_the_whole_market_is_asked_for_at_once(count, batch_size):
    planned = plan(count, batch_size=batch_size)

    assert (planned.whole_market, planned.batches, planned.weight) == (tuple(names(count)), (), 80)


def test_where_the_batches_would_not_fit_into_a_cycle_the_whole_market_is_asked_for():
    assert plan(300, round_trip=0.2).batches
    assert plan(300, round_trip=0.4).whole_market
    assert plan(100, round_trip=0.4, at_once=1).whole_market


def test_a_whole_market_that_would_not_fit_either_or_not_into_the_quota_is_not_asked_for():
    assert plan(300, round_trip=1.5).batches
    assert plan(300, round_trip=0.4, spare=79).batches
    assert plan(300, round_trip=0.4, spare=80).whole_market


def test_batches_are_taken_where_the_whole_market_is_of_no_use_and_hold_suspects_alone():
    planned = plan(2000, is_usable=False, suspects=["A7USDT"])

    assert ("A7USDT",) in planned.batches
    assert len(planned.batches) == 201


@given(st.integers(0, 1500), LIMITS, st.booleans())
def test_every_plan_brings_each_symbol_once_and_weighs_no_more_than_need_be(count, limits, is_usable):
    symbols = names(count)
    planned = plan_requests(symbols, limits, lambda name: False, is_whole_market_usable=is_usable)

    assert [*planned.whole_market, *(name for batch in planned.batches for name in batch)] == symbols
    assert not (planned.whole_market and planned.batches)
    assert all(len(batch) <= limits.batch_size for batch in planned.batches)
    of_batches = ticker_weight(limits.batch_size) * -(-count // limits.batch_size)
    assert planned.weight <= 80 if is_usable else planned.weight == of_batches


def test_the_whole_market_is_tried_again_after_ever_more_cycles_and_sixteen_at_most():
    trust, cycle, waits = WholeMarketTrust(), 0, []
    for _ in range(7):
        trust.asked(cycle)
        began_at = cycle
        cycle += 1
        while not trust.is_usable(cycle):
            cycle += 1
        waits.append(cycle - began_at - 1)
    assert waits == [1, 2, 4, 8, 16, 16, 16]

    trust.succeeded()
    trust.asked(cycle)
    assert (trust.is_usable(cycle + 1), trust.is_usable(cycle + 2)) == (False, True)


def test_a_request_that_was_not_made_costs_no_cycle_and_one_without_an_answer_does():
    trust = WholeMarketTrust()
    trust.asked(7)
    assert not trust.is_usable(8)

    trust.was_not_tried()
    assert trust.is_usable(8)
    trust.asked(8)
    assert (trust.is_usable(9), trust.is_usable(10)) == (False, True)


def market(count=450, **values):
    stack = Stack(pairs_of(count), **values)
    stack.refresh()
    assert stack.exchange.market_requests
    return stack


def test_a_whole_market_brings_every_pair_and_rows_of_other_symbols_cost_nothing():
    stack = Stack(pairs_of(450))
    for number in range(1000):
        name = f"X{number}USDT"
        stack.exchange.symbols[name] = {
            "symbol": name,
            "status": "TRADING",
            "baseAsset": f"X{number}",
            "quoteAsset": "USDT",
        }
    report = stack.refresh()

    assert (len(report.records), outcomes_but_ok(report), len(stack.cached())) == (450, {}, 450)
    assert (stack.exchange.market_requests, stack.exchange.batches) == (1, [])


def test_a_slow_exchange_is_asked_for_the_whole_market_and_a_quick_one_for_batches_again():
    stack = Stack(pairs_of(100), MARKET_DATA_MAX_CONCURRENT_BATCHES="1")
    stack.refresh()

    def slowly(url, path):
        stack.clock.advance(0.5)
        return stack.exchange.usual(url, path)

    stack.exchange.reaction = slowly
    assert stack.refresh().left_over > 0
    report = stack.refresh()
    assert (report.left_over, stack.exchange.market_requests) == (0, 1)

    stack.exchange.reaction = stack.exchange.usual
    stack.refresh()
    before = stack.exchange.market_requests
    assert stack.refresh().written == 100
    assert stack.exchange.market_requests == before


def test_after_trouble_a_batch_goes_ahead_and_decides_whether_the_whole_market_is_asked_for():
    stack = market()
    stack.exchange.reaction = lambda url, path: stack.exchange.answer(b"<html>", 502)
    while stack.aggregator.seconds_until_request() == 0:
        stack.refresh()
    stack.clock.advance(stack.aggregator.seconds_until_request())
    before, batches = stack.exchange.market_requests, len(stack.exchange.batches)
    for _ in range(20):  # so that the whole market may be asked for again, as far as bad answers are concerned
        stack.refresh()
        stack.clock.advance(stack.aggregator.seconds_until_request())
    assert stack.exchange.market_requests == before
    assert len(stack.exchange.batches) == batches + 20

    stack.exchange.reaction = stack.exchange.usual
    assert stack.refresh().written == 450
    assert (stack.exchange.market_requests, len(stack.exchange.batches)) == (before + 1, batches + 21)


def test_of_an_answer_with_half_of_the_rows_the_others_are_asked_for_in_batches_and_the_next_cycle_does_without():
    stack = market()
    absent = [f"A{number}USDT" for number in range(300)]

    def halved(url, path):
        stack.exchange.rows = dict.fromkeys(absent) if "symbols=" not in path else {}
        return stack.exchange.usual(url, path)

    stack.exchange.reaction = halved
    report = stack.refresh()
    assert (len(report.records), len(stack.exchange.batches)) == (450, 30)

    before = stack.exchange.market_requests
    stack.refresh()
    assert stack.exchange.market_requests == before


def test_a_whole_market_of_no_use_is_said_once_and_when_it_is_over(caplog):
    stack = market()

    def cut_short(url, path):
        answer = stack.exchange.usual(url, path)
        return answer if "symbols=" in path else stack.exchange.answer(answer.body[:1000])

    stack.exchange.reaction = cut_short
    with caplog.at_level(logging.WARNING, "market_data"):
        for _ in range(5):
            assert stack.refresh().written == 450
        stack.exchange.reaction = stack.exchange.usual
        for _ in range(5):
            stack.refresh()

    lines = [message for message in caplog.messages if "whole market" in message]
    assert len(lines) == 2
    assert "not a list of tickers" in lines[0]
    assert "over after" in lines[1]


def test_an_answer_that_is_read_after_the_end_of_its_cycle_is_not_written_over_newer_prices():
    stack = market()
    before = {pair: ticker.received_at_ms for pair, ticker in stack.cached().items()}
    stack.clock.advance(4)

    def too_late(url, path):
        answer = stack.exchange.usual(url, path)
        stack.clock.advance(5)
        return answer

    stack.exchange.reaction = too_late
    report = stack.refresh()
    for thread in threading.enumerate():
        if thread.name == "refresh-batch":
            thread.join(PATIENCE_SECONDS)

    assert set(report.outcomes.values()) == {PairOutcome.TIMEOUT}
    assert {pair: ticker.received_at_ms for pair, ticker in stack.cached().items()} == before
