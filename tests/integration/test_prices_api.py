"""The HTTP contract, key by key, with Django's client on a real cache."""

import json
import time
from collections.abc import Callable

import pytest
import redis
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client

from development.embedded_cache import EmbeddedCache
from market_data.ticker_cache.cache import TickerCache

PRICES = "/api/market-data/prices"
RECORD = (
    '{{"pair":"{pair}","price":43250.00,"volume":28500.5,"timestamp":{timestamp},'
    '"change24h":2.5,"high24h":43500,"low24h":42900}}'
)

pytestmark = pytest.mark.usefixtures("ticker_cache")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def put(redis_client: redis.Redis) -> Callable[..., str]:
    """Write a record as an operator would, current and last known, and return its text."""

    def write(pair: str, *, age_ms: int = 0, is_current: bool = True) -> str:
        text = RECORD.format(pair=pair, timestamp=now_ms() - age_ms)
        if is_current:
            redis_client.set(f"market_data:{pair}", text, px=15_000)
        redis_client.set(f"market_data_last:{pair}", text, px=86_400_000)
        return text

    return write


@pytest.fixture(autouse=True)
def four_pairs(settings: LazySettings) -> None:
    settings.TRADING_PAIRS = ["BTC/USD", "BTC/USDT", "ETH/USD", "ETH/USDT"]
    settings.MARKET_DATA_SNAPSHOT_MS = 0  # each request reads what a test has just written


def get(client: Client, query: str = "", **headers: str) -> HttpResponse:
    return client.get(PRICES + query, headers=headers)


def test_all_requested_pairs_in_the_cache_give_200_with_the_text_that_lies_there(client: Client, put) -> None:
    first, second = put("BTC/USD"), put("ETH/USD")

    response = get(client, "?pairs=BTC/USD,ETH/USD")

    assert response.status_code == 200
    assert response.content.decode() == f'{{"BTC/USD":{first},"ETH/USD":{second}}}'
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response["Cache-Control"] == "public, max-age=0, s-maxage=1"
    assert abs(int(response["X-Market-Data-Time"]) - now_ms()) < 5_000
    assert response["X-Market-Data-Source"] == "binance"


def test_pairs_are_trimmed_put_in_upper_case_and_named_once_in_their_order(client: Client, put) -> None:
    put("BTC/USD"), put("ETH/USD")

    response = get(client, "?pairs=%20eth/usd%20,btc/USD,ETH/USD")

    assert list(response.json()) == ["ETH/USD", "BTC/USD"]


def test_no_pairs_at_all_mean_every_configured_one(client: Client, put, settings: LazySettings) -> None:
    for pair in settings.TRADING_PAIRS:
        put(pair)

    assert list(get(client).json()) == settings.TRADING_PAIRS


def test_some_pairs_missing_give_206_that_no_cache_stores_and_names_them(client: Client, put) -> None:
    put("BTC/USD")

    response = get(client, "?pairs=BTC/USD,币安人生/USDT,ETH/USD")

    assert response.status_code == 206
    assert list(response.json()) == ["BTC/USD"]
    assert response["X-Market-Data-Missing"] == "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9F%2FUSDT,ETH%2FUSD"
    assert response["Cache-Control"] == "no-store"


def test_no_pair_at_all_gives_503_that_tells_unknown_pairs_from_unavailable_ones(client: Client) -> None:
    response = get(client, "?pairs=BTC/USD,FOO/BAR")

    assert response.status_code == 503
    body = response.json()
    assert body.keys() == {"error", "message", "unavailablePairs", "unknownPairs"}
    assert body["error"] == "Price data temporarily unavailable"
    assert body["unavailablePairs"] == ["BTC/USD", "FOO/BAR"]
    assert body["unknownPairs"] == ["FOO/BAR"]
    assert response["Retry-After"] == "4"
    assert response["Cache-Control"] == "no-store"


def test_a_cache_out_of_reach_gives_503_that_says_so_everywhere(client: Client, django_cache_at) -> None:
    with EmbeddedCache() as server:
        django_cache_at(server.url)
    response = get(client, "?pairs=BTC/USD")
    assert response.status_code == 503
    assert "cannot be reached" in response.json()["message"]
    assert response.json()["unavailablePairs"] == ["BTC/USD"]
    for path in ("init", "pairs"):
        response = client.get(f"/api/market-data/{path}")
        assert (response.status_code, response.json()["error"]) == (503, "Cache unreachable")
    health = client.get("/api/market-data/health")
    assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
    assert health.json()["cache"]["isReachable"] is False


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?pairs=", "pairs is empty"),
        ("?pairs=BTCUSD", "not a pair"),
        ("?pairs=BTC/USD,", "empty name"),
        ("?pairs=A/B/C", "not a pair"),
        ("?pairs=BTC/USD%00", "not a pair"),
        ("?pairs=%FF%FE/USD", "not a pair"),
        ("?pairs=BTC/US%0D%0AX-Evil:1", "not a pair"),
        ("?pairs=" + ",".join(f"P{number}/USD" for number in range(201)), "200 at most"),
        ("?pairs=BTC/USD&pairs=ETH/USD", "stands twice"),
        ("?pairs=BTC/USD&maxStaleMs=-1", "maxStaleMs"),
        ("?pairs=BTC/USD&maxStaleMs=", "maxStaleMs"),
        ("?pairs=BTC/USD&maxStaleMs=1.5", "maxStaleMs"),
        ("?pair=BTC/USD", "'pair' is not known"),
        ("?" + "&".join(f"a{number}=1" for number in range(2_000)), "too many parameters"),
    ],
)
def test_a_bad_query_gives_400_that_says_what_to_write(client: Client, query: str, words: str) -> None:
    response = get(client, query)

    assert response.status_code == 400
    assert response.json().keys() == {"error", "message"}
    assert words in response.json()["message"]
    assert response["Cache-Control"] == "no-store"
    assert "X-Market-Data-Time" in response


def test_readers_who_accept_old_prices_get_them_marked_with_their_true_time(client: Client, put) -> None:
    current = put("BTC/USD", age_ms=1_000)
    last = put("ETH/USD", age_ms=60_000, is_current=False)

    response = get(client, "?pairs=BTC/USD,ETH/USD&maxStaleMs=60000")

    assert response.status_code == 200
    records = response.json()
    assert records["BTC/USD"] == json.loads(current)
    assert records["ETH/USD"] == {**json.loads(last), "stale": True}
    assert get(client, "?pairs=BTC/USD,ETH/USD&maxStaleMs=30000").status_code == 206
    assert get(client, "?pairs=BTC/USD,ETH/USD").status_code == 206
    assert get(client, "?pairs=ETH/USD").status_code == 503


def test_the_tag_of_unchanged_records_gives_304_with_the_time_of_now(client: Client, put) -> None:
    put("BTC/USD")
    first = get(client, "?pairs=BTC/USD")

    second = get(client, "?pairs=BTC/USD", if_none_match=f'"other", W/{first["ETag"]}')

    assert (second.status_code, second.content) == (304, b"")
    assert second["ETag"] == first["ETag"]
    assert int(second["X-Market-Data-Time"]) >= int(first["X-Market-Data-Time"])
    assert second["Cache-Control"] == first["Cache-Control"]
    put("BTC/USD", age_ms=1)
    assert get(client, "?pairs=BTC/USD", if_none_match=first["ETag"]).status_code == 200


def test_head_answers_like_get_and_other_methods_are_refused(client: Client, put) -> None:
    put("BTC/USD")
    head = client.head(PRICES + "?pairs=BTC/USD")
    assert (head.status_code, head["ETag"]) == (200, get(client, "?pairs=BTC/USD")["ETag"])
    for method in ("post", "put", "delete", "patch", "options"):
        refused = getattr(client, method)(PRICES)
        assert refused.status_code == 405
        assert refused.json().keys() == {"error", "message"}
        assert refused["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["prices/", "nope", "prices/BTC", ""])
def test_a_path_that_is_no_endpoint_gives_404_in_json(client: Client, path: str) -> None:
    response = client.get(f"/api/market-data/{path}")

    assert response.status_code == 404
    if path:
        assert response.json().keys() == {"error", "message"}
        assert "X-Market-Data-Time" in response


def test_json_is_what_every_reader_gets_whatever_it_accepts(client: Client, put) -> None:
    put("BTC/USD")

    assert get(client, "?pairs=BTC/USD", accept="text/html")["Content-Type"].startswith("application/json")


def test_before_any_fetch_init_says_unavailable_and_stale(client: Client) -> None:
    body = client.get("/api/market-data/init").json()

    assert body == {
        "status": "unavailable",
        "fetcher": {
            "isRunning": False,
            "stats": {
                "lastFetchTime": None,
                "lastFetchDurationMs": None,
                "fetchAttempts": 0,
                "fetchSuccesses": 0,
                "fetchErrors": 0,
                "lastError": None,
            },
            "health": {
                "isRunning": False,
                "cacheAge": None,
                "isCacheStale": True,
                "fetchSuccessRate": None,
                "lastErrorMessage": None,
            },
        },
    }


def test_pairs_lists_the_configured_ones_before_any_fetcher_has_resolved_them(client: Client) -> None:
    rows = client.get("/api/market-data/pairs").json()["pairs"]

    assert [row["pair"] for row in rows] == ["BTC/USD", "BTC/USDT", "ETH/USD", "ETH/USDT"]
    assert rows[0] == {
        "pair": "BTC/USD",
        "symbol": None,
        "baseAsset": "BTC",
        "quoteAsset": "USD",
        "isQuoteAlias": False,
        "outcome": None,
        "exchange": None,
        "standingBy": [],
        "insteadOf": None,
        "aliasRate": None,
        "aliasRateExchange": None,
    }


def test_health_counts_fresh_stale_and_missing_by_the_true_age(client: Client, put) -> None:
    put("BTC/USD"), put("BTC/USDT", age_ms=7_000)

    body = client.get("/api/market-data/health").json()

    assert body.keys() == {"status", "reasons", "cache", "aggregator", "pairs"}
    assert body["aggregator"].keys() == {
        "circuitBreaker", "rateLimit", "exchange", "exchanges", "priceDoubts", "backoff", "lease"
    }  # fmt: skip
    assert body["pairs"] == {"configured": 4, "fresh": 1, "stale": 1, "missing": 2, "outcomes": {}}
    assert body["status"] == "degraded"
    assert "No fetcher is running." in body["reasons"]


def test_what_is_no_record_of_its_pair_is_missing(
    client: Client, put, ticker_cache: TickerCache, redis_client: redis.Redis
) -> None:
    put("BTC/USD")
    redis_client.set("market_data:ETH/USD", put("BTC/USD"))

    response = get(client, "?pairs=BTC/USD,ETH/USD")

    assert (response.status_code, response["X-Market-Data-Missing"]) == (206, "ETH%2FUSD")
