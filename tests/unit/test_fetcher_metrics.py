"""The fetcher's figures for Prometheus: from its report, absent where nothing is known."""

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
