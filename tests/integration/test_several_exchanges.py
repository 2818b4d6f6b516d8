"""Refresh cycles over three simulated exchanges and a real cache: who delivers, what it costs, how old prices are."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
import redis

from exchange_simulator.server import RunningExchanges
from market_data.aggregator.comparison import AliasRate, PairDifference
from market_data.aggregator.cycle import CycleReport
from market_data.aggregator.wiring import build_aggregator
from market_data.conf.loading import load
from market_data.fetcher.cycle_stats import CycleStats
from market_data.ticker.clock import Clock
from market_data.ticker.outcome import PairOutcome
from market_data.ticker_cache.cache import TickerCache
from tests.integration.conftest import TOKEN, Bench

NAMES = ("binance", "kraken", "bitstamp")
DOLLARS = ("BTC/USD", "ETH/USD")
TETHERS = ("BTC/USDT", "ETH/USDT")
DEFAULT_PAIRS = (*DOLLARS, *TETHERS)
MakeBench = Callable[..., Bench]


@pytest.fixture
def exchanges() -> Iterator[RunningExchanges]:
    with RunningExchanges(NAMES, seed=3) as running:
        yield running


@pytest.fixture
def bench(exchanges: RunningExchanges, ticker_cache: TickerCache) -> MakeBench:
    """Make a bench for pairs at all three exchanges; other settings by their environment variable."""

    def make(*pairs: str, **variables: str) -> Bench:
        values = {
            "TRADING_PAIRS": ",".join(pairs or DEFAULT_PAIRS),
            **{f"{name.upper()}_API_BASE_URL": exchanges[name].base_url for name in NAMES},
            **{f"{name.upper()}_API_FALLBACK_URLS": "[]" for name in NAMES},
            **variables,
        }
        settings = load(values.get).settings
        assert settings is not None
        assert ticker_cache.acquire_lease(TOKEN, 600_000)
        clock = Clock(time.monotonic, ticker_cache.clock.stamp_ms, time.sleep)
        aggregator = build_aggregator(settings, ticker_cache, TOKEN, clock=clock, chance=random.random)
        return UnhurriedBench(settings, ticker_cache, aggregator, exchanges)

    return make


@dataclass
class UnhurriedBench(Bench):
    """Runs cycles one after the other without being taken for somebody who asks too often."""

    exchanges: RunningExchanges

    def refresh(self) -> CycleReport:
        for simulator in self.exchanges:
            simulator.exchange.reset_limits()
        return super().refresh()


def who(bench: Bench) -> dict[str, str]:
    """Run a cycle and return who wrote each pair's price."""
    report = bench.refresh()
    return {pair: report.delivering[pair].exchange for pair in report.records}


def settled(bench: Bench) -> dict[str, str]:
    """Run cycles until every pair comes from the exchange that should deliver it."""
    for _ in range(30):
        found = who(bench)
        if all(found.get(pair) == ("kraken" if pair.endswith("/USD") else "binance") for pair in DEFAULT_PAIRS):
            return found
    raise AssertionError(found)


def prices(client: redis.Redis, *pairs: str) -> list[float]:
    return [json.loads(client.get(f"market_data:{pair}"))["price"] for pair in pairs]


def test_a_dollar_pair_has_a_price_in_the_very_first_cycle_and_it_is_no_tether_price(bench: MakeBench) -> None:
    report = bench().refresh()

    assert set(report.records) == set(DEFAULT_PAIRS)
    assert not any(report.delivering[pair].is_alias for pair in DEFAULT_PAIRS)


def test_each_pair_comes_from_the_first_exchange_that_lists_it_once_that_is_complete(bench: MakeBench) -> None:
    assert settled(bench()) == dict.fromkeys(DOLLARS, "kraken") | dict.fromkeys(TETHERS, "binance")


def test_each_record_and_each_point_of_history_says_who_gave_it(bench: MakeBench, redis_client: redis.Redis) -> None:
    made = bench()
    expected = settled(made)

    assert {pair: json.loads(redis_client.get(f"market_data:{pair}"))["exchange"] for pair in expected} == expected
    assert json.loads(redis_client.lrange("market_data_history:BTC/USDT", -1, -1)[0])[2] == "binance"


TETHER_FOR_DOLLARS = json.dumps({"USD": ["binance"], "*": list(NAMES)})


def told_alias_rate(bench: Bench, exchange: str) -> AliasRate:
    """Run cycles until this exchange tells what the alias is worth; Kraken's list and candles take a few."""
    for _ in range(20):
        rate = bench.refresh().comparison.alias_rates.get("USDT/USD")
        if rate and rate.exchange == exchange:
            return rate
    raise AssertionError("no cycle told what USDT is worth")


def test_where_an_alias_stands_in_the_first_exchange_that_lists_it_tells_what_it_is_worth(
    bench: MakeBench, exchanges: RunningExchanges, redis_client: redis.Redis
) -> None:
    made = bench(MARKET_DATA_EXCHANGES=TETHER_FOR_DOLLARS)
    exchanges["kraken"].faults.add("asset_price", asset="USDT", dollars=0.95)
    rate = told_alias_rate(made, "kraken")

    assert float(rate.rate) == pytest.approx(0.95, abs=0.01)
    assert redis_client.exists("market_data:USDT/USD") == 0, "what nobody configured is not served"


def test_the_worth_of_an_alias_is_one_more_symbol_in_one_request_a_cycle(
    bench: MakeBench, exchanges: RunningExchanges
) -> None:
    made = bench(MARKET_DATA_EXCHANGES=TETHER_FOR_DOLLARS)
    told_alias_rate(made, "kraken")
    exchanges["kraken"].requests.clear()
    for _ in range(3):
        made.refresh()

    assert sum("icker" in request.path for request in exchanges["kraken"].requests.last(1000)) == 3


def test_where_one_exchange_cannot_tell_what_an_alias_is_worth_the_next_one_does(
    bench: MakeBench, exchanges: RunningExchanges
) -> None:
    made = bench(MARKET_DATA_EXCHANGES=TETHER_FOR_DOLLARS)
    made.refresh()
    with exchanges["kraken"].faults.active("firewall"):
        assert told_alias_rate(made, "bitstamp").rate > 0


def test_a_pair_that_two_exchanges_priced_in_one_cycle_is_compared_without_one_more_request(
    bench: MakeBench, exchanges: RunningExchanges
) -> None:
    made = bench()
    settled(made)
    assert made.refresh().comparison.differences == {}
    with exchanges["binance"].faults.active("status", status=503):
        made.refresh()
    time_out = time.monotonic() + 20
    found: Mapping[str, PairDifference] = {}
    while not found and time.monotonic() < time_out:
        found = made.refresh().comparison.differences

    assert {pair: difference.exchange for pair, difference in found.items()} == dict.fromkeys(TETHERS, "binance")
    assert all(abs(difference.percent) < 1 for difference in found.values())


def test_the_report_says_instead_of_whom_an_exchange_delivers_and_what_is_wrong_with_that_one(
    bench: MakeBench, exchanges: RunningExchanges
) -> None:
    made = bench()
    settled(made)
    stats = CycleStats(monotonic=time.monotonic)
    with exchanges["binance"].faults.active("geo_blocked"):
        stats.cycle_ended(made.refresh(), made.aggregator.source)
    status = stats.pairs["BTC/USDT"]

    assert status.exchange in ("kraken", "bitstamp")
    assert status.instead_of == "binance"
    assert stats.pairs["BTC/USD"].instead_of is None
    assert "451" in (made.aggregator.status()["binance"].exchange.fault or "")
    assert made.aggregator.status()["kraken"].exchange.fault is None


def test_the_default_pairs_cost_each_exchange_that_delivers_one_request_a_cycle_and_the_others_none(
    bench: MakeBench, exchanges: RunningExchanges
) -> None:
    made = bench()
    settled(made)
    for name in NAMES:
        exchanges[name].requests.clear()
    for _ in range(3):
        made.refresh()

    tickers = {name: sum("icker" in request.path for request in exchanges[name].requests.last(1000)) for name in NAMES}
    assert tickers == {"binance": 3, "kraken": 3, "bitstamp": 0}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("geo_blocked", {}),
        ("banned", {}),
        ("status", {"status": 503}),
        ("json_body", {"value": []}),
        ("html_body", {}),
    ],
)
def test_where_binance_fails_in_any_way_no_pair_that_others_list_goes_without_a_price(
    kind: str, values: dict[str, object], bench: MakeBench, exchanges: RunningExchanges
) -> None:
    made = bench()
    settled(made)

    with exchanges["binance"].faults.active(kind, **values):
        for _ in range(5):
            assert set(who(made)) == set(DEFAULT_PAIRS)


def test_binance_gets_its_pairs_back_no_sooner_than_after_a_good_minute(
    bench: MakeBench, exchanges: RunningExchanges
) -> None:
    made = bench()
    settled(made)
    with exchanges["binance"].faults.active("status", status=503):
        made.refresh()
    time_out = time.monotonic() + 20
    while made.aggregator.status()["binance"].circuit_breaker.state != "closed" and time.monotonic() < time_out:
        made.refresh()

    assert who(made)["BTC/USDT"] == "kraken"


def test_a_slow_exchange_delays_no_other(bench: MakeBench, exchanges: RunningExchanges) -> None:
    made = bench()
    settled(made)

    with exchanges["kraken"].faults.active("latency", seconds=30):
        report = made.refresh()

    now_ms = made.cache.clock.now_ms()
    ages_ms = {pair: now_ms - report.records[pair].received_at_ms for pair in TETHERS}
    assert min(ages_ms.values()) > made.settings.cycle_deadline_ms / 2, "they were there long before the cycle's end"
    assert set(who(made)) >= set(TETHERS)


def test_an_exchange_that_hangs_costs_no_pair_its_price_before_the_last_one_expires(
    bench: MakeBench, exchanges: RunningExchanges
) -> None:
    made = bench()
    settled(made)

    with exchanges["kraken"].faults.active("latency", seconds=30):
        made.refresh()
        assert set(who(made)) == set(DEFAULT_PAIRS)


def test_a_ban_at_one_exchange_leaves_the_others_free(bench: MakeBench, exchanges: RunningExchanges) -> None:
    made = bench()
    settled(made)
    with exchanges["binance"].faults.active("banned"):
        made.refresh()
    exchanges["binance"].requests.clear()

    for _ in range(3):
        assert set(who(made)) == set(DEFAULT_PAIRS)
    assert exchanges["binance"].requests.total == 0


def test_with_tether_at_95_cents_the_dollar_pair_is_the_dollar_price(
    bench: MakeBench, exchanges: RunningExchanges, redis_client: redis.Redis
) -> None:
    made = bench()
    settled(made)
    exchanges["kraken"].faults.add("asset_price", asset="USDT", dollars=0.95)
    settled(made)
    dollars, tethers = prices(redis_client, "BTC/USD", "BTC/USDT")

    assert 0.94 < dollars / tethers < 0.96


@pytest.mark.parametrize("is_told", [True, False])
def test_no_price_looks_younger_than_its_answer_was_made(
    is_told: bool, bench: MakeBench, exchanges: RunningExchanges
) -> None:
    made = bench()
    settled(made)
    fault = {"seconds": 600, "age_seconds": 9}
    with exchanges["kraken"].faults.active("stale_cache", is_told=is_told, **fault):
        report = made.refresh()
    age_ms = made.cache.clock.now_ms() - report.records["BTC/USD"].received_at_ms

    assert (age_ms >= 9_000) == is_told


def test_an_answer_as_old_as_a_prices_life_is_no_current_price(bench: MakeBench, exchanges: RunningExchanges) -> None:
    made = bench(MARKET_DATA_EXCHANGES='["kraken"]')
    for _ in range(10):
        made.refresh()
    with exchanges["kraken"].faults.active("stale_cache", seconds=600, age_seconds=300, is_told=True):
        report = made.refresh()
    age_ms = made.cache.clock.now_ms() - report.records["BTC/USD"].received_at_ms

    assert age_ms >= made.settings.cache_ttl_ms


def test_a_symbol_that_no_exchange_lists_costs_the_others_nothing(bench: MakeBench) -> None:
    made = bench(*DEFAULT_PAIRS, "NOPE/USD")
    made.refresh()
    outcomes = made.outcomes()

    assert outcomes["NOPE/USD"] is PairOutcome.UNKNOWN_SYMBOL
    assert all(outcomes[pair] is PairOutcome.OK for pair in DEFAULT_PAIRS)


def test_a_map_says_otherwise_for_a_pair_or_a_quote(bench: MakeBench) -> None:
    chosen = {"BTC/USD": ["bitstamp"], "USDT": ["kraken"], "*": ["binance", "bitstamp"]}
    made = bench(MARKET_DATA_EXCHANGES=json.dumps(chosen))
    found: dict[str, str] = {}
    for _ in range(10):
        found = who(made)

    assert found == {"BTC/USD": "bitstamp", "ETH/USD": "bitstamp", "BTC/USDT": "kraken", "ETH/USDT": "kraken"}


def test_binance_alone_prices_dollars_in_the_alias_and_asks_nobody_else(
    bench: MakeBench, exchanges: RunningExchanges
) -> None:
    report = bench(MARKET_DATA_EXCHANGES='["binance"]').refresh()

    assert {pair: report.delivering[pair].is_alias for pair in DEFAULT_PAIRS} == {
        pair: pair in DOLLARS for pair in DEFAULT_PAIRS
    }
    assert Counter({name: exchanges[name].requests.total for name in ("kraken", "bitstamp")}).total() == 0
