"""The fetcher's figures for Prometheus: from its report, absent where nothing is known."""

from decimal import Decimal

import msgspec
import pytest
from prometheus_client import generate_latest

from market_data.metrics.fetcher_families import fetcher_families
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import StoredTicker
from market_data.ticker.source import Source
from market_data.ticker_cache.prices import CacheReading
from market_data.ticker_cache.status import (
    BackoffStatus,
    CircuitStatus,
    ExchangeReport,
    ExchangeStatus,
    FetcherReading,
    FetcherStatus,
    FetchStats,
    PairStatus,
    RateLimitStatus,
)
from tests.fakes import app_settings
from tests.metrics_text import samples_of

NOW_MS = 1_700_000_000_000
PAIRS = ("A/USDT", "B/USDT", "C/USDT", "D/USDT")
STATUS = FetcherStatus(
    started_at=NOW_MS - 100_000,
    heartbeat_at=NOW_MS - 2_000,
    interval_ms=4000,
    stats=FetchStats(NOW_MS - 3_000, 250, 100, 97, 3, None),
    circuit_breaker=CircuitStatus("half_open", 4),
    rate_limit=RateLimitStatus(1234, 6000, NOW_MS + 5_000, 2),
    exchange=ExchangeStatus(banned_until=NOW_MS + 60_000, symbols_loaded_at=NOW_MS - 600_000),
    pairs={
        pair: PairStatus(pair.replace("/", ""), pair[0], "USDT", False, outcome)
        for pair, outcome in zip(PAIRS, (PairOutcome.OK, PairOutcome.OK, PairOutcome.BLOCKED, None), strict=True)
    },
    backoff=BackoffStatus(3, NOW_MS + 1_000),
)


def ticker(pair, age_ms):
    return StoredTicker(pair, b"", NOW_MS - age_ms)


class Collected:
    def __init__(self, status, *, is_running=True, ages_ms=(), source=Source.BINANCE):
        current = {pair: ticker(pair, age_ms) for pair, age_ms in zip(PAIRS, ages_ms, strict=False)}
        settings = app_settings(TRADING_PAIRS=",".join(PAIRS))
        reading = FetcherReading(status, is_running, source, "host:1:abc" if is_running else None)
        self._families = list(fetcher_families(CacheReading(current, {}, source), reading, NOW_MS, settings))

    def collect(self):
        return self._families


def told(status=STATUS, **reading):
    found = samples_of(generate_latest(Collected(status, **reading)).decode())
    return {
        (name.removeprefix("nexusmeme_"), *(value for _, value in labels)): value
        for (name, labels), value in found.items()
    }


def test_every_figure_of_the_report_is_told_in_seconds_and_plain_numbers():
    figures = told(ages_ms=(100, 6_000, 14_000))

    expected = {
        ("fetcher_running",): 1,
        ("lease_held",): 1,
        ("pairs", "fresh"): 1,
        ("pairs", "stale"): 2,
        ("pairs", "missing"): 1,
        ("pairs_configured",): 4,
        ("price_oldest_age_seconds",): 14,
        ("price_source", "binance"): 1,
        ("price_source", "simulator"): 0,
        ("fetcher_report_age_seconds",): 2,
        ("fetch_attempts_total",): 100,
        ("fetch_cycles_total", "success"): 97,
        ("fetch_cycles_total", "error"): 3,
        ("fetch_cycle_duration_seconds",): 0.25,
        ("fetch_last_success_time_seconds",): NOW_MS / 1000 - 3,
        ("fetch_interval_seconds",): 4,
        ("fetch_failures_in_a_row",): 3,
        ("pair_outcomes", "ok"): 2,
        ("pair_outcomes", "blocked"): 1,
        ("pair_outcomes", "timeout"): 0,
        ("request_weight_used",): 1234,
        ("request_weight_limit",): 6000,
        ("intervals_per_cycle",): 2,
        ("rate_limit_end_time_seconds",): NOW_MS / 1000 + 5,
        ("ban_end_time_seconds",): NOW_MS / 1000 + 60,
        ("symbols_age_seconds",): 600,
    }
    assert {key: figures[key] for key in expected} == expected
    assert len([key for key in figures if key[0] == "pair_outcomes"]) == len(PairOutcome)


@pytest.mark.parametrize("state", ["closed", "open", "half_open"])
def test_exactly_one_state_of_the_circuit_is_one(state):
    figures = told(msgspec.structs.replace(STATUS, circuit_breaker=CircuitStatus(state)))

    assert {key[1]: value for key, value in figures.items() if key[0] == "circuit_state"} == {
        name: name == state for name in ("closed", "open", "half_open")
    }


def test_without_ban_and_wait_their_ends_are_zero():
    figures = told(msgspec.structs.replace(STATUS, exchange=ExchangeStatus(), rate_limit=RateLimitStatus()))

    assert figures["ban_end_time_seconds",] == figures["rate_limit_end_time_seconds",] == 0
    assert not {("request_weight_used",), ("request_weight_limit",), ("symbols_age_seconds",)} & set(figures)


def test_before_any_fetcher_there_are_no_invented_figures():
    figures = told(None, is_running=False)

    assert figures["fetcher_running",] == figures["lease_held",] == 0
    assert figures["pairs", "missing"] == 4
    assert not [key for key in figures if key[0].startswith(("fetch_", "circuit", "request", "price_oldest"))]


def test_the_source_is_whose_prices_the_cache_holds():
    assert told(source=Source.SIMULATOR)["price_source", "simulator"] == 1


def test_each_exchange_has_its_figures_and_the_old_ones_are_those_of_the_one_that_delivers_most():
    reports = {
        "binance": ExchangeReport(STATUS.circuit_breaker, STATUS.rate_limit, STATUS.exchange),
        "kraken": ExchangeReport(
            CircuitStatus("open"), RateLimitStatus(3), ExchangeStatus(still_since=NOW_MS, fault="it answered 403")
        ),
    }
    pairs = {
        "A/USDT": PairStatus("AUSDT", "A", "USDT", False, "ok"),
        "B/USDT": PairStatus("BUSDT", "B", "USDT", False, "ok", instead_of="kraken"),
        "C/USDT": PairStatus("CUSDT", "C", "USDT", False, "ok", "kraken"),
    }
    figures = told(msgspec.structs.replace(STATUS, exchanges=reports, pairs=pairs))

    expected = {
        ("circuit_state", "half_open"): 1,
        ("request_weight_used",): 1234,
        ("exchange_circuit_state", "binance", "half_open"): 1,
        ("exchange_circuit_state", "binance", "open"): 0,
        ("exchange_circuit_state", "kraken", "open"): 1,
        ("exchange_request_weight_used", "binance"): 1234,
        ("exchange_request_weight_used", "kraken"): 3,
        ("exchange_ban_end_time_seconds", "binance"): NOW_MS / 1000 + 60,
        ("exchange_ban_end_time_seconds", "kraken"): 0,
        ("exchange_symbols_age_seconds", "binance"): 600,
        ("exchange_standing_still", "binance"): 0,
        ("exchange_standing_still", "kraken"): 1,
        ("exchange_failing", "binance"): 0,
        ("exchange_failing", "kraken"): 1,
        ("exchange_pairs", "binance"): 2,
        ("exchange_pairs", "kraken"): 1,
        ("exchange_pairs_failed_over", "kraken"): 1,
        ("exchange_pairs_failed_over", "binance"): 0,
    }
    assert {key: figures[key] for key in expected} == expected
    assert ("exchange_symbols_age_seconds", "kraken") not in figures


def test_the_worth_of_an_alias_and_the_largest_difference_are_told_once_and_what_is_too_much_is_counted():
    def alias(rate):
        return PairStatus("X", "X", "USDT", True, "ok", alias_rate=Decimal(rate), alias_rate_exchange="kraken")

    def apart(percent):
        return PairStatus("X", "X", "USDT", False, "ok", compared_with="kraken", difference_percent=Decimal(percent))

    pairs = {"A/USD": alias("0.95"), "B/USD": alias("0.95"), "C/USDT": apart("-2.5"), "D/USDT": apart("0.2")}
    figures = told(msgspec.structs.replace(STATUS, pairs=pairs))

    assert figures["alias_rate", "USDT", "USD", "kraken"] == 0.95
    assert figures["aliases_off",] == 1
    assert figures["pair_difference_percent",] == 2.5
    assert figures["pairs_diverging",] == 1


def test_where_no_two_prices_were_compared_there_is_no_difference_and_none_too_large():
    figures = told()

    assert ("pair_difference_percent",) not in figures
    assert figures["pairs_diverging",] == figures["aliases_off",] == 0
