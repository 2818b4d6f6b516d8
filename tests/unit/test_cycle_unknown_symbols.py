"""A symbol that the exchange does not know: found by halving, left out for a while, asked for again."""

import pytest

from market_data.ticker.outcome import PairOutcome
from tests.aggregator_stack import Stack, outcomes_but_ok, pairs_of


@pytest.mark.parametrize("unknown_count", [1, 3])
def test_unknown_symbols_do_not_cost_the_others_their_cycle(unknown_count):
    stack = Stack(pairs_of(50))
    stack.refresh()
    gone = pairs_of(50)[7 : 7 + 13 * unknown_count : 13]
    for pair in gone:
        del stack.exchange.symbols[pair.replace("/", "")]
    before = len(stack.exchange.batches)
    stack.clock.advance(4)
    report = stack.refresh()

    assert outcomes_but_ok(report) == dict.fromkeys(gone, PairOutcome.UNKNOWN_SYMBOL)
    assert len(report.records) == 50 - unknown_count
    assert len(stack.exchange.batches) - before <= 5 + 8 * unknown_count


def test_an_unknown_symbol_is_left_out_for_a_while_then_asked_for_alone_and_comes_back():
    stack = Stack(pairs_of(10))
    stack.refresh()
    known = stack.exchange.symbols.pop("A3USDT")
    stack.refresh()
    before = len(stack.exchange.batches)
    stack.refresh()
    assert all("A3USDT" not in batch for batch in stack.exchange.batches[before:])

    stack.exchange.symbols["A3USDT"] = known
    stack.clock.advance(60)
    before = len(stack.exchange.batches)
    assert outcomes_but_ok(stack.refresh()) == {}
    assert sorted(map(len, stack.exchange.batches[before:])) == [1, 9]


def test_where_every_symbol_is_unknown_the_requests_of_a_cycle_stay_bounded_and_the_next_asks_for_none():
    stack = Stack(pairs_of(50))
    stack.refresh()
    stack.exchange.symbols.clear()
    before = len(stack.exchange.batches)
    report = stack.refresh()
    assert set(report.outcomes.values()) == {PairOutcome.UNKNOWN_SYMBOL}
    assert len(stack.exchange.batches) - before < 2 * 50

    before = len(stack.exchange.batches)
    stack.refresh()
    assert len(stack.exchange.batches) == before


def test_an_unknown_symbol_is_no_outage():
    stack = Stack(["BTC/USDT"])
    stack.refresh()
    stack.exchange.symbols.clear()
    for _ in range(5):
        stack.refresh()
        stack.clock.advance(3600)

    assert stack.aggregator.status()["binance"].circuit_breaker.consecutive_failures == 0
