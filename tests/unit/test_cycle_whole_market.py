"""Many pairs: one request for the whole market where that weighs less, and what spoils its answer."""

import logging

import pytest

from market_data.aggregator.cycle_log import WHOLE_MARKET
from market_data.aggregator.venue import WholeMarketRequests
from market_data.exchanges.errors import ExchangeTimeoutError, ExchangeUnavailableError, OutOfTimeError
from market_data.ticker.outcome import PairOutcome
from tests.aggregator_stack import Stack, outcomes_but_ok, pairs_of
from tests.fakes import listed

CYCLES_WITHOUT = 8


def test_after_a_failure_eight_cycles_do_without_and_then_it_is_tried_again():
    requests = WholeMarketRequests()
    assert requests.may_be_made(1)
    requests.failed(7, "cut short")

    assert [cycle for cycle in range(8, 20) if requests.may_be_made(cycle)] == [16, 17, 18, 19]
    assert requests.fault == "cut short"
    requests.succeeded()
    assert requests.fault is None


def market(count=450, **values):
    stack = Stack(pairs_of(count), **values)
    stack.refresh()
    assert stack.exchange.market_requests
    return stack


def test_a_whole_market_brings_every_pair_and_rows_of_other_symbols_cost_nothing():
    stack = Stack(pairs_of(450))
    for number in range(1000):
        name = f"X{number}USDT"
        stack.exchange.symbols[name] = listed(name, f"X{number}", "USDT")
    report = stack.refresh()

    assert (len(report.records), outcomes_but_ok(report), len(stack.cached())) == (450, {}, 450)
    assert (stack.exchange.market_requests, stack.exchange.batches) == (1, [])


def test_after_trouble_a_batch_goes_ahead_and_decides_for_the_others_and_the_next_cycle_asks_for_everything():
    stack = market()
    stack.exchange.reaction = lambda url, path: stack.exchange.answer(b"<html>", 502)
    while stack.aggregator.seconds_until_request() == 0:
        stack.refresh()
    before, batches = stack.exchange.market_requests, len(stack.exchange.batches)
    for _ in range(20):  # so that the whole market may be asked for again, as far as failures are concerned
        stack.clock.advance(stack.aggregator.seconds_until_request())
        stack.refresh()
    assert stack.exchange.market_requests == before
    assert len(stack.exchange.batches) == batches + 20

    stack.exchange.reaction = stack.exchange.usual
    stack.clock.advance(stack.aggregator.seconds_until_request())
    assert len(stack.refresh().records) == 450
    assert (stack.exchange.market_requests, len(stack.exchange.batches)) == (before, batches + 20 + 45)
    assert len(stack.refresh().records) == 450
    assert stack.exchange.market_requests == before + 1


def test_of_an_answer_with_half_of_the_rows_the_others_are_asked_for_in_batches_and_the_next_cycles_do_without():
    stack = market()
    absent = [f"A{number}USDT" for number in range(300)]

    def halved(url, path):
        stack.exchange.rows = dict.fromkeys(absent) if "symbols=" not in path else {}
        return stack.exchange.usual(url, path)

    stack.exchange.reaction = halved
    report = stack.refresh()
    assert (len(report.records), len(stack.exchange.batches)) == (450, 30)

    before = stack.exchange.market_requests
    for _ in range(CYCLES_WITHOUT):
        stack.refresh()
    assert stack.exchange.market_requests == before
    stack.refresh()
    assert stack.exchange.market_requests == before + 1


def test_a_whole_market_of_no_use_is_said_once_and_when_it_is_over(caplog):
    stack = market()

    def cut_short(url, path):
        answer = stack.exchange.usual(url, path)
        return answer if "symbols=" in path else stack.exchange.answer(answer.body[:1000])

    kind = WHOLE_MARKET.format("binance")
    stack.exchange.reaction = cut_short
    with caplog.at_level(logging.WARNING, "market_data"):
        for _ in range(5):
            assert len(stack.refresh().records) == 450
        stack.exchange.reaction = stack.exchange.usual
        for _ in range(CYCLES_WITHOUT):
            stack.refresh()

    assert [message for message in caplog.messages if message.startswith(kind)] == [
        f"{kind}: exchange.test: the answer is not a list of tickers",
        f"{kind}: over after 0.0 s",
    ]


@pytest.mark.parametrize(
    ("error", "is_failure"),
    [
        (ExchangeTimeoutError("no answer"), True),
        (ExchangeUnavailableError("broke"), True),
        (OutOfTimeError("?"), False),
    ],
)
def test_an_outage_costs_one_cycle_without_a_further_request_and_the_next_ones_take_batches(error, is_failure):
    stack = market()
    stack.exchange.requests.clear()

    def fails(url, path):
        raise error

    stack.exchange.reaction = fails
    assert set(stack.refresh().outcomes.values()) == {error.outcome}
    assert (stack.exchange.market_requests, len(stack.exchange.batches)) == (1, 0)

    stack.exchange.reaction = stack.exchange.usual
    assert len(stack.refresh().records) == 450
    assert (stack.exchange.market_requests, len(stack.exchange.batches)) == ((1, 45) if is_failure else (2, 0))


def test_a_refusal_of_the_request_for_everything_is_made_up_for_by_batches_of_the_configured_size():
    stack = market(MARKET_DATA_BATCH_SIZE="9")

    def refuses(url, path):
        if "symbols=" in path:
            return stack.exchange.usual(url, path)
        return stack.exchange.answer({"code": -1100, "msg": "Illegal characters found in a parameter."}, 400)

    stack.exchange.reaction = refuses

    assert len(stack.refresh().records) == 450
    assert [len(batch) for batch in stack.exchange.batches] == [9] * 50


def test_what_a_late_whole_market_leaves_open_waits_its_turn_and_is_no_failure_of_the_whole_market():
    stack = market()
    usual = stack.exchange.usual

    def slowly_and_without_one(url, path):
        stack.clock.advance(2.5)
        stack.exchange.rows["A7USDT"] = None
        return usual(url, path)

    stack.exchange.reaction = slowly_and_without_one
    report = stack.refresh()
    assert (len(report.records), report.left_over) == (449, 1)
    assert report.outcomes["A7/USDT"] is PairOutcome.OK, "what it was a cycle ago"

    stack.exchange.rows.clear()
    stack.exchange.reaction = usual
    assert len(stack.refresh().records) == 450
    assert (stack.exchange.market_requests, stack.exchange.batches) == (3, [])


def test_two_thousand_pairs_are_one_request_and_a_few_writes():
    stack = market(2_000)
    stack.cache.writes.clear()
    stack.exchange.requests.clear()

    assert outcomes_but_ok(stack.refresh()) == {}
    assert (stack.exchange.market_requests, stack.exchange.batches) == (1, [])
    assert list(stack.cache.writes) == [500] * 4
