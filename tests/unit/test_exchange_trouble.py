"""What the aggregator makes of trouble that lasts: simulated time, a fake exchange, every policy real."""

import logging
from email.utils import formatdate
from itertools import pairwise

import pytest

from market_data.ticker.outcome import PairOutcome
from tests.aggregator_stack import Stack, outcomes_but_ok, pairs_of
from tests.fakes import FALLBACK, HOST, listed
from tests.unit.test_fetcher_loop import PAIRS, Simulation

INTERVAL_SECONDS = 4


def cycle(stack, seconds=INTERVAL_SECONDS):
    stack.clock.advance(seconds)
    return stack.refresh()


@pytest.mark.parametrize("status", [403, 451])
def test_an_exchange_whose_only_host_blocks_this_address_is_asked_a_few_times_in_ten_minutes(status):
    simulation = Simulation()
    usual = simulation.exchange.reaction
    simulation.exchange.reaction = lambda url, path: simulation.exchange.answer(b"<html>", status)
    simulation.at(600, lambda: setattr(simulation.exchange, "reaction", usual))
    simulation.run(600)
    assert len(simulation.exchange.requests) <= 8
    assert f"answered {status}" in simulation.stats.last_error
    assert {pair.outcome for pair in simulation.cache.status.pairs.values()} == {PairOutcome.BLOCKED}

    simulation.run(910)
    assert len(simulation.cache.read(PAIRS).current) == len(PAIRS)


@pytest.mark.parametrize("seconds_away", [60, 600])
@pytest.mark.parametrize("way", ["answers 502", "does not answer"])
def test_after_an_outage_prices_are_fresh_within_thirty_seconds_at_the_default_settings(seconds_away, way):
    simulation = Simulation()

    def is_away():
        simulation.is_exchange_down = True
        simulation.request_seconds = 0.2 if way == "answers 502" else simulation.settings.cycle_deadline_ms / 1000

    def is_back():
        simulation.is_exchange_down = False
        simulation.request_seconds = 0.2

    simulation.at(20.1, is_away)
    simulation.at(20.1 + seconds_away, is_back)
    simulation.run(20.1 + seconds_away + 30)

    current = simulation.cache.read(PAIRS).current
    assert len(current) == len(PAIRS)
    assert simulation.clock.now_ms() - min(record.received_at_ms for record in current.values()) < 30_000
    asked_meanwhile = [at for at in simulation.asked_at if 26 < at - simulation.began_at < 20 + seconds_away]
    assert len(asked_meanwhile) <= 4 + seconds_away / 15


@pytest.mark.parametrize("jump_ms", [3_600_000, -3_600_000])
def test_after_a_jump_of_our_clock_the_next_cycle_sets_every_age_right(jump_ms):
    simulation = Simulation()
    usual = simulation.exchange.reaction

    def answers_with_its_own_time(url, path):
        true_ms = simulation.clock.now_ms() - simulation.clock.wall_clock_error_ms
        simulation.exchange.headers = {"date": formatdate(true_ms / 1000, usegmt=True)}
        return usual(url, path)

    simulation.exchange.reaction = answers_with_its_own_time
    simulation.at(21, lambda: setattr(simulation.clock, "wall_clock_error_ms", jump_ms))
    simulation.run(25)

    now_ms = simulation.clock.now_ms()
    current = simulation.cache.read(PAIRS).current
    assert len(current) == len(PAIRS)
    assert all(0 <= now_ms - ticker.received_at_ms < 5_000 for ticker in current.values())


def slow(stack, seconds):
    def reaction(url, path):
        if "ticker" in path:
            stack.clock.advance(seconds)
        return stack.exchange.usual(url, path)

    stack.exchange.reaction = reaction


def test_pairs_that_a_slow_cycle_has_no_time_for_are_asked_for_next_and_said_once(caplog):
    stack = Stack(pairs_of(20), MARKET_DATA_MAX_CONCURRENT_BATCHES="1")
    stack.refresh()
    slow(stack, 3.5)
    before = len(stack.exchange.batches)
    with caplog.at_level(logging.WARNING, "market_data"):
        reports = [cycle(stack) for _ in range(4)]
        batches = stack.exchange.batches[before:]
        assert [report.left_over for report in reports] == [10] * 4
        assert all(outcomes_but_ok(report) == {} for report in reports)
        assert len(batches) == 4
        assert all(not set(one) & set(other) for one, other in pairwise(batches))
        stack.exchange.reaction = stack.exchange.usual
        for _ in range(5):
            cycle(stack)

    lines = [message for message in caplog.messages if "no time for every pair" in message]
    assert len(lines) == 2
    assert "over after" in lines[1]


def test_a_symbol_that_is_halted_behind_a_live_row_is_noticed_within_half_a_minute_and_comes_back():
    stack = Stack(["BTC/USDT", "ETH/USDT"])
    stack.refresh()
    stack.exchange.symbols["ETHUSDT"] = listed("ETHUSDT", "ETH", "USDT", "HALT")
    outcomes = [cycle(stack).outcomes["ETH/USDT"] for _ in range(9)]
    assert outcomes[-1] is PairOutcome.NOT_TRADING
    assert stack.exchange.list_requests <= 2

    stack.exchange.symbols["ETHUSDT"] = listed("ETHUSDT", "ETH", "USDT")
    assert [cycle(stack).outcomes["ETH/USDT"] for _ in range(9)][-1] is PairOutcome.OK


def test_a_check_that_a_vanished_symbol_spoils_brings_a_new_list_and_is_not_repeated_at_once():
    stack = Stack(pairs_of(3))
    stack.refresh()
    del stack.exchange.symbols["A1USDT"]
    reports = [cycle(stack) for _ in range(40)]

    assert outcomes_but_ok(reports[-1]) == {"A1/USDT": PairOutcome.UNKNOWN_SYMBOL}
    assert stack.exchange.list_requests <= 1 + 160 / 30 + 3


def test_symbols_refused_by_mistake_come_back_with_the_next_list_and_a_second_refusal_is_believed():
    stack = Stack(pairs_of(10))
    stack.refresh()
    stack.clock.advance(60)
    stack.exchange.reaction = lambda url, path: (
        stack.exchange.answer({"code": -1121, "msg": "Invalid symbol."}, 400)
        if "ticker" in path
        else stack.exchange.usual(url, path)
    )
    assert set(cycle(stack).outcomes.values()) == {PairOutcome.UNKNOWN_SYMBOL}
    stack.exchange.reaction = stack.exchange.usual
    assert any(len(cycle(stack).records) == 10 for _ in range(3))

    del stack.exchange.symbols["A3USDT"]
    cycle(stack)
    before = len(stack.exchange.batches)
    for _ in range(150):
        cycle(stack)
    asked_alone = [batch for batch in stack.exchange.batches[before:] if batch == ("A3USDT",)]
    assert len(asked_alone) <= 6
    stack.exchange.symbols["A3USDT"] = listed("A3USDT", "A3", "USDT")
    assert any(cycle(stack, 30).outcomes["A3/USDT"] is PairOutcome.OK for _ in range(130))


def test_while_a_pair_cannot_be_priced_the_list_is_loaded_ever_more_rarely():
    stack = Stack(["BTC/USDT", "XYZ/USDT"], [listed("BTCUSDT", "BTC", "USDT")])
    stack.refresh()
    whole = []
    for _ in range(850):
        cycle(stack)
        whole.append(sum("symbols=" not in path for _, path in stack.exchange.requests if "exchangeInfo" in path))

    assert whole[20] >= 2, "within the first minutes"
    assert whole[-1] <= 8, "in an hour"


def test_while_the_circuit_is_open_nothing_is_asked_beyond_its_probe():
    stack = Stack(pairs_of(30))
    stack.refresh()
    stack.exchange.reaction = lambda url, path: stack.exchange.answer(b"<html>", 502)
    cycle(stack)
    for _ in range(40):
        before = len(stack.exchange.requests)
        is_closed = stack.aggregator.seconds_until_request() > INTERVAL_SECONDS
        cycle(stack)
        assert len(stack.exchange.requests) - before <= (0 if is_closed else 1)


def test_an_answer_with_none_of_several_tickers_sends_the_request_to_the_next_host():
    stack = Stack(["BTC/USDT", "ETH/USDT"], BINANCE_API_FALLBACK_URLS=FALLBACK)
    stack.refresh()
    stack.exchange.reaction = lambda url, path: (
        stack.exchange.answer([], base_url=url) if url == HOST else stack.exchange.usual(url, path)
    )

    assert len(cycle(stack).records) == 2
