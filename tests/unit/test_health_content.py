"""What `init`, `health` and `pairs` say, from a reading of the cache and the time."""

import json
from decimal import Decimal

import msgspec
import pytest

from market_data.api.init import init_content
from market_data.api.pairs import pairs_content
from market_data.inspection.exchange_reasons import price_doubts
from market_data.inspection.health import health_content, unhealthy_content
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import StoredTicker, TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.clock import ClockStatus
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
from tests.fakes import UNIX_TIME_AT_START_MS as NOW_MS
from tests.fakes import app_settings

SETTINGS = app_settings(TRADING_PAIRS="BTC/USD,ETH/USDT,XYZ/USDT")
RIGHT = ClockStatus("web-1", 20)
WORKING = FetchStats(NOW_MS - 1234, 234, 200, 190, 10, None)


def status_of(stats=WORKING, breaker=None, banned_until=None, outcome=PairOutcome.OK):
    pairs = {
        "BTC/USD": PairStatus("BTCUSDT", "BTC", "USDT", True, PairOutcome.OK),
        "ETH/USDT": PairStatus("ETHUSDT", "ETH", "USDT", False, outcome),
    }
    exchange = ExchangeStatus("exchange.test", Source.BINANCE, banned_until)
    circuit = breaker or CircuitStatus()
    return FetcherStatus(NOW_MS, NOW_MS, 4000, stats, circuit, RateLimitStatus(44, 6000), exchange, pairs)


def init(status, is_running=True):
    return init_content(FetcherReading(status, is_running, Source.BINANCE), NOW_MS, SETTINGS)


def test_a_running_fetcher_with_fresh_prices_is_ok_and_every_figure_is_told():
    content = init(status_of())

    assert content == {
        "status": "ok",
        "fetcher": {
            "isRunning": True,
            "stats": {
                "lastFetchTime": NOW_MS - 1234,
                "lastFetchDurationMs": 234,
                "fetchAttempts": 200,
                "fetchSuccesses": 190,
                "fetchErrors": 10,
                "lastError": None,
            },
            "health": {
                "isRunning": True,
                "cacheAge": 1234,
                "isCacheStale": False,
                "fetchSuccessRate": 0.95,
                "lastErrorMessage": None,
            },
        },
    }


@pytest.mark.parametrize(
    "stats",
    [
        FetchStats(),
        FetchStats(NOW_MS - SETTINGS.cache_stale_ttl_ms - 1, 234, 2, 2, 0, None),
        FetchStats(NOW_MS, 234, 2, 1, 1, "no answer"),
    ],
)
def test_a_running_fetcher_that_is_stale_or_failing_is_degraded(stats):
    assert init(status_of(stats))["status"] == "degraded"


@pytest.mark.parametrize("status", [None, status_of()])
def test_without_a_living_fetcher_the_state_is_unavailable_whatever_its_last_report_says(status):
    content = init(status, is_running=False)

    assert content["status"] == "unavailable"
    assert content["fetcher"]["isRunning"] is content["fetcher"]["health"]["isRunning"] is False


def test_a_share_of_successes_lies_between_0_and_1_whatever_the_report_claims():
    for successes, attempts in ((10**400, 1), (-(10**400), 3), (5, -1), (5, 4)):
        content = init(status_of(FetchStats(fetch_attempts=attempts, fetch_successes=successes)))
        assert 0 <= content["fetcher"]["health"]["fetchSuccessRate"] <= 1


def test_a_last_fetch_in_the_future_has_no_age_for_another_clock_dated_it():
    stats = msgspec.structs.replace(status_of().stats, last_fetch_time=NOW_MS + 3_600_000)
    content = init(msgspec.structs.replace(status_of(), stats=stats))

    assert content["status"] == "degraded"
    assert content["fetcher"]["health"]["cacheAge"] is None
    assert content["fetcher"]["health"]["isCacheStale"] is True


def test_while_nothing_was_ever_fetched_the_cache_has_no_age_and_is_stale():
    health = init(None)["fetcher"]["health"]

    assert (health["cacheAge"], health["isCacheStale"], health["fetchSuccessRate"]) == (None, True, None)


def stored(pair, age_ms):
    one = Decimal(1)
    return StoredTicker.from_raw(pair, TickerRecord(pair, one, one, NOW_MS - age_ms, one, one, one).encode())


def health(status=None, ages_ms=(0, 0, 0), is_running=True, source=Source.BINANCE, own_clock=RIGHT):
    current = {pair: stored(pair, age) for pair, age in zip(SETTINGS.trading_pairs, ages_ms, strict=False)}
    prices = CacheReading(current, {}, source)
    fetcher = FetcherReading(status or status_of(), is_running, source)
    return health_content(prices, fetcher, NOW_MS, own_clock, SETTINGS)


def test_with_a_running_fetcher_and_every_pair_fresh_the_state_is_healthy():
    content = health()

    assert (content["status"], content["reasons"]) == ("healthy", [])
    assert set(content) == {"status", "reasons", "cache", "aggregator", "pairs"}
    of_the_main_exchange = {"circuitBreaker", "rateLimit", "exchange"}
    assert set(content["aggregator"]) == {*of_the_main_exchange, "exchanges", "priceDoubts", "backoff", "lease"}
    assert content["aggregator"]["rateLimit"]["usedWeight"] == 44
    json.dumps(content)


@pytest.mark.parametrize(
    ("token", "lease"),
    [
        ("prices-1:4711:0123abcd", {"holder": "prices-1:4711", "isHeld": True}),
        ("of another program", {"holder": None, "isHeld": True}),
        (None, {"holder": None, "isHeld": False}),
    ],
)
def test_the_lease_is_told_with_its_holder_and_without_the_rest_of_its_token(token, lease):
    reading = FetcherReading(status_of(), token is not None, Source.BINANCE, token)
    content = health_content(CacheReading({}, {}, Source.BINANCE), reading, NOW_MS, RIGHT, SETTINGS)

    assert content["aggregator"]["lease"] == lease


def test_the_backoff_is_told_with_the_next_cycle_s_start():
    status = msgspec.structs.replace(status_of(), backoff=BackoffStatus(3, NOW_MS + 8000))

    assert health(status)["aggregator"]["backoff"] == {"failuresInARow": 3, "nextCycleAt": NOW_MS + 8000}


def test_a_host_whose_clock_is_off_by_more_than_a_second_is_named_though_nothing_depends_on_it():
    fetcher = msgspec.structs.replace(status_of(), clock=ClockStatus("prices-1", -3_600_000))
    content = health(fetcher, own_clock=ClockStatus("web-1", 1_001))

    assert content["status"] == "healthy"
    assert content["reasons"] == [
        "The clock of prices-1 is 3600.0 s behind Redis', which counts for all ages.",
        "The clock of web-1 is 1.0 s ahead of Redis', which counts for all ages.",
    ]
    assert health(status_of(), own_clock=ClockStatus("web-1", -1_000))["reasons"] == []


def test_fetcher_and_web_server_on_one_host_are_one_clock():
    fetcher = msgspec.structs.replace(status_of(), clock=ClockStatus("web-1", 5_000))

    assert len(health(fetcher, own_clock=ClockStatus("web-1", 5_003))["reasons"]) == 1


def test_a_redis_that_does_not_tell_its_time_is_a_reason_with_what_to_grant():
    assert "grant its user +time" in health(own_clock=ClockStatus("web-1", None))["reasons"][0]


def test_pairs_are_counted_by_their_age():
    pairs = health(ages_ms=(SETTINGS.cache_stale_ttl_ms, SETTINGS.cache_stale_ttl_ms + 1))["pairs"]

    assert (pairs["configured"], pairs["fresh"], pairs["stale"], pairs["missing"]) == (3, 1, 1, 1)


def test_a_price_past_its_life_counts_as_missing():
    assert health(ages_ms=(SETTINGS.cache_ttl_ms + 1, 0, 0))["pairs"]["missing"] == 1


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"is_running": False}, "fetcher"),
        ({"ages_ms": (0, 0)}, "missing"),
        ({"ages_ms": (0, 0, 6000)}, "stale"),
        ({"status": status_of(FetchStats(last_error="no answer"))}, "no answer"),
        ({"status": status_of(breaker=CircuitStatus("half_open", 3))}, "half-open"),
        ({"status": status_of(banned_until=4_102_444_800_000)}, "until 2100-01-01 00:00:00 UTC."),
        ({"status": status_of(banned_until=10**17)}, "until 9999-12-31 23:59:59 UTC."),
    ],
)
def test_each_trouble_degrades_the_state_and_is_told_in_words(changes, word):
    content = health(**changes)

    assert content["status"] == "degraded"
    assert [word in reason for reason in content["reasons"]] == [True]


def test_a_ban_that_is_over_is_no_trouble():
    assert health(status_of(banned_until=NOW_MS))["status"] == "healthy"


def test_simulated_prices_are_told_but_are_no_trouble():
    content = health(source=Source.SIMULATOR)

    assert content["status"] == "healthy"
    assert "simulated" in content["reasons"][0]


def test_slowing_down_before_the_limit_is_told_but_is_no_trouble():
    status = msgspec.structs.replace(status_of(), rate_limit=RateLimitStatus(4900, 6000, intervals_per_cycle=2))
    content = health(status)

    assert content["status"] == "healthy"
    assert "every 2 intervals" in content["reasons"][0]


@pytest.mark.parametrize(
    ("retry_at", "reasons"),
    [(4_102_444_800_000, ["The rate limit allows no request until 2100-01-01 00:00:00 UTC."]), (NOW_MS, [])],
)
def test_a_wait_for_the_rate_limit_is_told_as_long_as_it_lasts(retry_at, reasons):
    status = msgspec.structs.replace(status_of(), rate_limit=RateLimitStatus(5800, 6000, retry_at))

    assert health(status)["reasons"] == reasons


def test_only_outcomes_other_than_ok_are_listed():
    assert health(status_of(outcome=PairOutcome.TIMEOUT))["pairs"]["outcomes"] == {"ETH/USDT": "timeout"}


def test_a_process_that_cannot_read_the_cache_is_unhealthy_and_says_why_with_the_same_keys():
    content = unhealthy_content("no connection to Redis", SETTINGS)

    assert content["status"] == "unhealthy"
    assert "no connection to Redis" in content["reasons"][0]
    assert content["pairs"]["missing"] == content["pairs"]["configured"] == 3
    assert content.keys() == health().keys()
    assert content["aggregator"].keys() == health()["aggregator"].keys()
    assert content["pairs"].keys() == health()["pairs"].keys()


def test_the_configured_pairs_are_listed_in_their_order_as_the_exchange_knows_them():
    rows = pairs_content(status_of(outcome=PairOutcome.REJECTED), SETTINGS)["pairs"]

    assert [row["pair"] for row in rows] == list(SETTINGS.trading_pairs)
    assert rows[0] == {
        "pair": "BTC/USD",
        "symbol": "BTCUSDT",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "isQuoteAlias": True,
        "outcome": "ok",
        "exchange": "binance",
        "standingBy": (),
        "insteadOf": None,
        "aliasRate": None,
        "aliasRateExchange": None,
    }
    assert rows[1]["outcome"] == "rejected"


def test_a_pair_is_listed_with_who_delivers_it_who_stands_by_and_what_its_alias_is_worth():
    status = with_pairs(
        BTC=PairStatus(
            "XXBTZUSD", "BTC", "USD", False, "ok", "kraken", standing_by=("bitstamp",), instead_of="binance"
        ),
        ETH=PairStatus(
            "ETHUSDT", "ETH", "USDT", True, "ok", alias_rate=Decimal("0.99910000"), alias_rate_exchange="kraken"
        ),
    )
    rows = {row["pair"]: row for row in json.loads(json.dumps(pairs_content(status, OF_TWO)))["pairs"]}
    told = ("exchange", "standingBy", "insteadOf", "aliasRate", "aliasRateExchange")

    assert [rows["BTC/USD"][name] for name in told] == ["kraken", ["bitstamp"], "binance", None, None]
    assert [rows["ETH/USD"][name] for name in told] == ["binance", [], None, 0.9991, "kraken"]


def test_a_pair_that_no_fetcher_has_resolved_yet_is_listed_by_its_own_assets():
    (row, *_) = pairs_content(None, SETTINGS)["pairs"]

    assert (row["symbol"], row["baseAsset"], row["quoteAsset"], row["outcome"]) == (None, "BTC", "USD", None)


OF_TWO = app_settings(TRADING_PAIRS="BTC/USD,ETH/USD")


def with_pairs(**by_base):
    pairs = {f"{base}/USD": status for base, status in by_base.items()}
    return msgspec.structs.replace(status_of(), pairs=pairs, exchanges=exchanges())


def exchanges(**troubled):
    return {name: troubled.get(name, ExchangeReport()) for name in ("binance", "kraken", "bitstamp")}


def reasons_of(status, **changes):
    content = health(status, **changes)
    return content["status"], content["reasons"], content["aggregator"]["priceDoubts"]


def test_each_exchange_is_told_by_its_name_in_the_shape_of_the_one_that_delivers_most():
    limit = RateLimitStatus(7, 60)
    told = health(msgspec.structs.replace(status_of(), exchanges=exchanges(kraken=ExchangeReport(rate_limit=limit))))
    aggregator = told["aggregator"]

    assert list(aggregator["exchanges"]) == ["binance", "kraken", "bitstamp"]
    for one in aggregator["exchanges"].values():
        assert {name: set(one[name]) for name in one} == {name: set(aggregator[name]) for name in one}
    assert aggregator["exchanges"]["kraken"]["rateLimit"]["usedWeight"] == 7
    assert aggregator["rateLimit"]["usedWeight"] == 44


def test_a_report_of_a_version_that_knew_one_exchange_is_told_as_that_of_binance():
    assert list(health(status_of())["aggregator"]["exchanges"]) == ["binance"]


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (ExchangeReport(CircuitStatus("open", 3)), "The circuit to Kraken is open."),
        (
            ExchangeReport(exchange=ExchangeStatus(banned_until=4_102_444_800_000)),
            "Kraken has banned this address until 2100-01-01 00:00:00 UTC.",
        ),
        (
            ExchangeReport(exchange=ExchangeStatus(fault="api.kraken.com answered 403")),
            "Kraken gives no prices: api.kraken.com answered 403.",
        ),
    ],
)
def test_of_several_exchanges_the_one_in_trouble_is_named(report, sentence):
    status = msgspec.structs.replace(status_of(), exchanges=exchanges(kraken=report))

    assert reasons_of(status) == ("degraded", [sentence], [])


def test_prices_that_stand_still_are_named_and_cast_doubt_on_what_is_shown():
    still = ExchangeReport(exchange=ExchangeStatus(still_since=NOW_MS - 6 * 3_600_000))
    sentence = "The prices of Kraken stand still since 2023-11-14 16:13:20 UTC."

    for reports in (exchanges(kraken=still), {"kraken": still}):
        status = msgspec.structs.replace(status_of(), exchanges=reports)
        assert reasons_of(status) == ("degraded", [sentence], [sentence])


def test_a_stand_by_that_delivers_is_told_with_its_pairs_and_is_no_trouble_by_itself():
    delivered = PairStatus("X", "BTC", "USD", False, "ok", "kraken", instead_of="binance")
    status, reasons, doubts = reasons_of(with_pairs(BTC=delivered, ETH=delivered))

    assert (status, reasons, doubts) == ("healthy", ["Kraken delivers instead of Binance: BTC/USD, ETH/USD."], [])


@pytest.mark.parametrize(("rate", "is_off"), [("0.9951", False), ("1.0049", False), ("0.9949", True), ("0.95", True)])
def test_an_alias_that_is_worth_something_else_than_its_asset_is_a_reason(rate, is_off):
    pair = PairStatus("BTCUSDT", "BTC", "USDT", True, "ok", alias_rate=Decimal(rate), alias_rate_exchange="kraken")
    status, reasons, doubts = reasons_of(with_pairs(BTC=pair))

    assert (status, reasons) == (("degraded", doubts) if is_off else ("healthy", []))
    if rate == "0.95":
        assert doubts == ["USDT stands in for USD, but is worth 0.95 USD at Kraken, 5.0 % off: BTC/USD."]


def test_an_alias_that_stands_in_nowhere_or_whose_worth_nobody_tells_is_no_reason():
    own = PairStatus("BTCUSD", "BTC", "USD", False, "ok", alias_rate=Decimal("0.5"), alias_rate_exchange="kraken")
    untold = PairStatus("ETHUSDT", "ETH", "USDT", True, "ok")

    assert reasons_of(with_pairs(BTC=own, ETH=untold)) == ("healthy", [], [])


@pytest.mark.parametrize(("percent", "is_apart"), [("1", False), ("-1", False), ("1.001", True), ("-2.1", True)])
def test_two_exchanges_that_differ_by_more_than_the_setting_are_a_reason(percent, is_apart):
    pair = PairStatus(
        "X", "BTC", "USD", False, "ok", "kraken", compared_with="bitstamp", difference_percent=Decimal(percent)
    )
    status, _, doubts = reasons_of(with_pairs(BTC=pair))

    assert (status, len(doubts)) == (("degraded", 1) if is_apart else ("healthy", 0))
    if percent == "-2.1":
        assert doubts == ["Exchanges differ in their prices: BTC/USD by 2.1 % (Kraken, Bitstamp)."]


def test_how_far_an_alias_and_two_exchanges_may_differ_is_set():
    pair = PairStatus(
        "BTCUSDT", "BTC", "USDT", True, "ok", alias_rate=Decimal("0.98"), alias_rate_exchange="kraken",
        compared_with="kraken", difference_percent=Decimal(3),
    )  # fmt: skip
    settings = app_settings(MARKET_DATA_ALIAS_TOLERANCE_PERCENT="2.5", MARKET_DATA_DIVERGENCE_PERCENT="3")

    assert len(price_doubts(with_pairs(BTC=pair), app_settings())) == 2
    assert price_doubts(with_pairs(BTC=pair), settings) == []


def test_a_limit_and_a_wait_are_those_of_the_exchange_that_is_named():
    near = ExchangeReport(rate_limit=RateLimitStatus(50, 60, 4_102_444_800_000, 2))
    status = msgspec.structs.replace(status_of(), exchanges=exchanges(kraken=near))

    assert reasons_of(status)[1] == [
        "Request weight of Kraken is near the limit: a refresh cycle every 2 intervals.",
        "The rate limit of Kraken allows no request until 2100-01-01 00:00:00 UTC.",
    ]
