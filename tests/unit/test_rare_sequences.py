"""Rare sequences of events, each of which a plausible implementation gets wrong."""

import json

import pytest

from market_data.aggregator.symbol_schedule import SOONEST_RELOAD_SECONDS
from market_data.aggregator.symbols import ListedAt, resolve_pair
from market_data.conf.loading import load
from market_data.exchanges.binance.exchange import Binance
from market_data.exchanges.errors import BlockedError, ExchangeTimeoutError, RateLimitedError
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import StoredTicker
from market_data.ticker_cache.status import FetcherStatus, PairStatus
from tests.aggregator_stack import Stack
from tests.fakes import HOST, MovableClock, app_settings, listed
from tests.unit.test_fetcher_loop import INTERVAL_SECONDS, PAIRS, Simulation
from tests.unit.test_gateway import Gateway
from tests.unit.test_ticker import RECORD
from tests.unit.test_waits import rate_limited, waits_of

RAW = RECORD.encode()


def test_a_dead_fetcher_is_known_as_such_within_15_s_however_long_prices_live():
    assert app_settings(MARKET_DATA_CACHE_TTL_MS="60000").lease_ttl_ms <= 14_000


def test_each_attempt_ends_as_one_success_or_one_error_also_while_the_report_cannot_be_written():
    simulation = Simulation()
    simulation.at(3, simulation.switch("refuses_status", True))
    simulation.at(11, simulation.switch("refuses_status", False))
    simulation.run(20)

    stats = simulation.stats
    assert stats.fetch_attempts == stats.fetch_successes + stats.fetch_errors


def test_a_ban_that_comes_while_the_process_is_told_to_stop_is_remembered():
    simulation = Simulation()

    def ban(url, path):
        if "ticker" not in path:
            return simulation.exchange.usual(url, path)
        return simulation.exchange.answer(b"", 418, retry_after="300")

    simulation.exchange.reaction = ban
    simulation.is_told_to_stop = lambda: (
        simulation.fetcher.aggregator.status()["binance"].exchange.banned_until is not None
    )
    simulation.run(100)

    assert simulation.cache.status is not None
    assert simulation.cache.status.exchange.banned_until


def test_redis_refusing_writes_while_the_exchange_is_down_is_logged_once(caplog):
    simulation = Simulation()
    simulation.is_exchange_down = simulation.cache.refuses_status = True
    simulation.run(300)

    assert sum("the cache" in message.lower() for message in caplog.messages) <= 2


def test_the_age_of_the_cache_counts_from_the_receipt_of_its_oldest_price():
    simulation = Simulation()
    usual = simulation._react

    def react_late(url, path):
        answer = usual(url, path)
        simulation.clock.advance(1.0)
        return answer

    simulation.exchange.reaction = react_late
    simulation.run(3)

    assert simulation.stats.last_fetch_time <= simulation.cache.read(PAIRS).current["BTC/USDT"].received_at_ms


def test_cycles_that_become_rarer_near_the_limit_still_fit_into_the_life_of_a_price():
    stack = Stack(["BTC/USDT"], MARKET_DATA_FETCH_INTERVAL_MS="6000", MARKET_DATA_CACHE_TTL_MS="18000")
    stack.exchange.headers = {"x-mbx-used-weight-1m": "5450"}
    stack.refresh()

    assert stack.aggregator.intervals_per_cycle() * 6000 < 18000


def test_requests_that_time_out_spend_their_weight():
    gateway = Gateway(urls=(HOST,))
    gateway.gateway.budget.set_limit(1000)
    gateway.exchange.headers = {"x-mbx-used-weight-1m": "900"}
    gateway.ask()

    def hang(url, path):
        raise ExchangeTimeoutError("no answer")

    gateway.exchange.reaction = hang
    with pytest.raises(ExchangeTimeoutError):
        gateway.ask(weight=40)
    with pytest.raises(RateLimitedError):
        gateway.ask(weight=40)


def test_hosts_that_block_this_address_are_asked_again_slowly():
    gateway = Gateway()
    gateway.answers(451)
    for _ in range(30):
        with pytest.raises(BlockedError):
            gateway.ask()

    assert len(gateway.asked_hosts) <= 6


def test_three_429s_of_one_burst_are_one_reason_to_wait():
    waits = waits_of(MovableClock())

    assert [rate_limited(waits) for _ in range(3)] == [10, 10, 10]


@pytest.mark.parametrize(
    "raw",
    [
        RAW.replace(b'"timestamp":', b'"timestamp":00'),
        b"\x0b" + RAW,
        RAW.decode().encode("utf-16"),
        b"\xef\xbb\xbf" + RAW,
        RAW.replace(b"43250.00", b"1e99999999999999999999"),
        RAW.replace(b"43250.00", b"1e999999999"),
    ],
    ids=["leading zeros", "vertical tab", "utf-16", "byte order mark", "no Decimal", "exponent"],
)
def test_what_would_make_the_answer_no_json_is_no_record(raw):
    stored = StoredTicker.from_raw(RECORD.pair, raw)

    assert stored is None or json.loads(b"[%s]" % stored.raw)
    assert stored is None or b"e9" not in stored.raw


def test_a_status_with_broken_utf8_reads_as_none():
    assert FetcherStatus.decode(b'{"startedAt":1,"pairs":{"\xff":1}}') is None


@pytest.mark.parametrize("url", ["https://api binance.com", "https://exa\tmple.com:80", "ftp://user:hunter2@exchange"])
def test_an_address_that_is_none_is_refused_without_repeating_a_password(url):
    (problem,) = load({"BINANCE_API_BASE_URL": url}.get).errors

    assert "hunter2" not in str(problem)


def test_an_alias_that_is_not_configured_any_more_is_not_taken_over_from_an_earlier_fetcher():
    known = PairStatus("BTCUSDT", "BTC", "USDT", True, PairOutcome.OK)

    binance = [ListedAt(Binance(), None)]
    assert resolve_pair("BTC/USD", binance, {"USD": "USDT"}, known).candidates[0].is_alias
    assert not any(one.is_alias for one in resolve_pair("BTC/USD", binance, {}, known).candidates)


def test_a_first_list_that_comes_short_costs_no_cycle():
    simulation = Simulation()
    usual, lists = simulation.exchange.reaction, []
    short_list = {"symbols": [listed("DOGEBTC", "DOGE", "BTC")]}

    def comes_short_at_first(url, path):
        if "/exchangeInfo" not in path:
            return usual(url, path)
        lists.append(path)
        return usual(url, path) if len(lists) > 2 else simulation.exchange.answer(short_list)

    simulation.exchange.reaction = comes_short_at_first
    simulation.run(60)

    assert len(lists) > 2
    assert simulation.stats.fetch_errors == 0


def test_cycles_that_had_nothing_to_ask_for_do_not_delay_the_next_that_has():
    simulation = Simulation()
    usual = simulation.exchange.reaction

    def refuses(url, path):
        unknown = {"code": -1121, "msg": "Invalid symbol."}
        return simulation.exchange.answer(unknown, 400) if "ticker" in path else usual(url, path)

    simulation.exchange.reaction = refuses
    simulation.at(3, lambda: setattr(simulation.exchange, "reaction", usual))
    first, *_ = simulation.run(100)

    assert simulation.stats.fetch_errors > 1
    assert first <= SOONEST_RELOAD_SECONDS + 2 * INTERVAL_SECONDS
