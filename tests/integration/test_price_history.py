"""The history of prices on a real server, from the fetcher's write to the reader's answer."""

import json
from decimal import Decimal

import pytest
import redis
from django.conf import LazySettings
from django.test import Client

from development.embedded_cache import EmbeddedCache
from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.cache import TickerCache
from market_data.ticker_cache.errors import CacheUnavailableError, LeaseLostError
from market_data.ticker_cache.history import MAX_SERIES_BYTES
from tests.web_site import now_ms

TOKEN = "host:1:first"
NOW_MS = 1_700_000_000_000
KEY = "market_data_history:BTC/USDT"
HISTORY = "/api/market-data/history"


def record(
    received_at_ms: int = NOW_MS, pair: str = "BTC/USDT", price: str = "43250.10", exchange: str | None = "kraken"
) -> TickerRecord:
    return TickerRecord(
        pair, Decimal(price), Decimal("28500.5"), received_at_ms, Decimal("2.5"), Decimal(2), Decimal(1), exchange
    )


@pytest.fixture
def active_cache(ticker_cache: TickerCache) -> TickerCache:
    """A cache under whose lease prices of Binance were written."""
    assert ticker_cache.acquire_lease(TOKEN, 60_000)
    ticker_cache.write_tickers(TOKEN, [record(now_ms())], Source.BINANCE)
    return ticker_cache


def write(cache: TickerCache, *instants: int) -> None:
    for received_at_ms in instants:
        cache.write_history(TOKEN, [record(received_at_ms)], Source.BINANCE)


def instants(client: redis.Redis, key: str = KEY) -> list[int]:
    return [json.loads(point)[0] for point in client.lrange(key, 0, -1)]


def steps(count: int, step_ms: int = 16_000, begin: int = NOW_MS) -> list[int]:
    return [begin + step_ms * number for number in range(count)]


def test_a_point_lies_in_the_pair_s_list_as_text_with_the_exchange_s_digits_for_an_hour(
    active_cache: TickerCache, redis_client: redis.Redis
) -> None:
    records = [record(price="0.00001230"), record(pair="币安人生/USDT", price="43250.00")]
    active_cache.write_history(TOKEN, records, Source.BINANCE)

    assert redis_client.lrange(KEY, 0, -1) == [b'[1700000000000,0.00001230,"kraken"]']
    assert redis_client.lrange("market_data_history:币安人生/USDT", 0, -1) == [b'[1700000000000,43250.00,"kraken"]']
    assert 3_590_000 < redis_client.pttl(KEY) <= 3_600_000


def test_a_series_keeps_the_newest_240_points_within_an_hour(
    active_cache: TickerCache, redis_client: redis.Redis
) -> None:
    at = steps(300, 15_000)
    write(active_cache, *at)
    assert instants(redis_client) == at[-240:]

    write(active_cache, at[-1] + 1_800_000)
    assert instants(redis_client) == [*at[-120:], at[-1] + 1_800_000]
    write(active_cache, at[-1] + 9_000_000)
    assert instants(redis_client) == [at[-1] + 9_000_000]


def test_a_second_point_within_fifteen_seconds_is_none_whoever_writes_it(
    active_cache: TickerCache, redis_client: redis.Redis
) -> None:
    write(active_cache, NOW_MS)
    active_cache.release_lease(TOKEN)
    assert active_cache.acquire_lease("host:2:second", 60_000)
    for late_ms in (-2_000, 0, 4_000, 14_999):
        active_cache.write_history("host:2:second", [record(NOW_MS + late_ms)], Source.BINANCE)
    assert instants(redis_client) == [NOW_MS]

    active_cache.write_history("host:2:second", [record(NOW_MS + 15_000)], Source.BINANCE)
    assert instants(redis_client) == [NOW_MS, NOW_MS + 15_000]


def test_who_has_lost_the_lease_adds_nothing(active_cache: TickerCache, redis_client: redis.Redis) -> None:
    with pytest.raises(LeaseLostError):
        active_cache.write_history("host:2:second", [record()], Source.BINANCE)

    assert redis_client.exists(KEY) == 0


def test_points_of_a_clock_that_was_ahead_give_way_as_soon_as_it_is_right(
    active_cache: TickerCache, redis_client: redis.Redis
) -> None:
    good = steps(3)
    write(active_cache, *good, *steps(3, begin=NOW_MS + 1_000_000), good[-1] + 16_000)

    assert instants(redis_client) == [*good, good[-1] + 16_000]


def test_prices_of_another_source_take_the_history_of_the_old_one_with_them(
    active_cache: TickerCache, redis_client: redis.Redis
) -> None:
    write(active_cache, NOW_MS)
    active_cache.write_history(TOKEN, [record(NOW_MS + 16_000)], Source.SIMULATOR)
    assert instants(redis_client) == [NOW_MS], "no point of one source lies beside those of another"

    active_cache.write_tickers(TOKEN, [record(now_ms())], Source.SIMULATOR)
    assert redis_client.exists(KEY) == 0
    active_cache.write_history(TOKEN, [record(NOW_MS + 16_000)], Source.SIMULATOR)
    assert instants(redis_client) == [NOW_MS + 16_000]


def test_the_source_is_known_for_longer_than_its_points_are_kept(
    redis_client: redis.Redis, redis_server: EmbeddedCache, settings: LazySettings, django_cache_at
) -> None:
    settings.MARKET_DATA_LAST_KNOWN_TTL_MS = 15_000
    cache = django_cache_at(redis_server.url)
    assert cache.acquire_lease(TOKEN, 60_000)
    cache.write_tickers(TOKEN, [record(now_ms())], Source.SIMULATOR)
    cache.write_history(TOKEN, [record()], Source.SIMULATOR)

    assert redis_client.pttl("market_data_last:BTC/USDT") <= 15_000
    assert redis_client.pttl("market_data_fetcher:source") > redis_client.pttl(KEY) > 0


@pytest.mark.parametrize(
    "kind", ["text", "hash", "garbage", "a point of the far future", "two million", "ten megabytes"]
)
def test_whatever_lies_under_the_key_the_next_point_takes_its_place(
    active_cache: TickerCache, redis_client: redis.Redis, kind: str
) -> None:
    if kind == "text":
        redis_client.set(KEY, "no list")
    elif kind == "hash":
        redis_client.hset(KEY, "a", "b")
    elif kind == "garbage":
        redis_client.rpush(KEY, "", "[", "null", "[[1,2],3]")
    elif kind == "two million":
        redis_client.eval("for i = 1, 2000 do redis.call('RPUSH', KEYS[1], unpack(ARGV)) end", 1, KEY, *["x"] * 1_000)
    elif kind == "ten megabytes":
        redis_client.rpush(KEY, f"[{NOW_MS - 60_000},1]", b"x" * 10_000_000, f"[{NOW_MS - 30_000},1]")
    else:
        redis_client.rpush(KEY, "[" + "9" * 400 + ",1]", "[9999999999999,1]")

    write(active_cache, NOW_MS)
    assert redis_client.lrange(KEY, 0, -1) == [b'[1700000000000,43250.10,"kraken"]']


def test_a_whole_series_takes_less_than_ten_kilobytes_and_the_longest_points_keep_it_within_its_bound(
    active_cache: TickerCache, redis_client: redis.Redis
) -> None:
    at = steps(240, 15_000)
    write(active_cache, *at)
    assert redis_client.memory_usage(KEY, samples=0) < 10_000

    for received_at_ms in at:
        longest = record(received_at_ms, "ETH/USDT", "9" * 20 + "." + "9" * 20, "e" * 20)
        active_cache.write_history(TOKEN, [longest], Source.BINANCE)
    assert len(instants(redis_client, "market_data_history:ETH/USDT")) == 240
    assert 3 * redis_client.memory_usage("market_data_history:ETH/USDT", samples=0) < MAX_SERIES_BYTES


def test_a_read_is_one_pipeline_of_plain_reads(active_cache: TickerCache, redis_client: redis.Redis) -> None:
    active_cache.read_history(["A/B"], 240)
    redis_client.config_resetstat()

    active_cache.read_history([f"P{number}/USDT" for number in range(50)], 240)

    calls = {name: stats["calls"] for name, stats in redis_client.info("commandstats").items()}
    assert [calls.pop(f"cmdstat_{name}") for name in ("mget", "lrange", "time")] == [1, 50, 1]
    assert not [name for name in calls if name not in ("cmdstat_config|resetstat", "cmdstat_info")]


def test_a_reader_gets_the_newest_points_of_each_pair_oldest_first(active_cache: TickerCache, client: Client) -> None:
    write(active_cache, *steps(5))

    response = client.get(HISTORY + "?pairs=btc/usdt,XYZ/USDT&points=2")

    assert response.status_code == 200
    assert response.content.decode() == (
        '{"intervalMs":16000,"history":{"BTC/USDT":[[1700000048000,43250.10,"kraken"],'
        '[1700000064000,43250.10,"kraken"]],"XYZ/USDT":[]}}'
    )
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response["Cache-Control"] == "public, max-age=0, s-maxage=1"
    assert response["X-Market-Data-Source"] == "binance"
    assert "X-Market-Data-Time" in response
    again = client.get(HISTORY + "?pairs=btc/usdt,XYZ/USDT&points=2", headers={"if-none-match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_gap_in_the_data_is_a_gap_between_the_points(active_cache: TickerCache, client: Client) -> None:
    write(active_cache, *steps(2), *steps(2, begin=NOW_MS + 600_000))

    body = client.get(HISTORY + "?pairs=BTC/USDT").json()
    times = [time - NOW_MS for time, *_ in body["history"]["BTC/USDT"]]

    assert times == [0, 16_000, 600_000, 616_000]


def test_the_history_of_a_simulator_says_so(ticker_cache: TickerCache, client: Client) -> None:
    assert ticker_cache.acquire_lease(TOKEN, 60_000)
    ticker_cache.write_tickers(TOKEN, [record(now_ms())], Source.SIMULATOR)

    assert client.get(HISTORY)["X-Market-Data-Source"] == "simulator"


def test_values_that_are_no_series_cost_their_own_pair_and_only_their_bad_elements(
    active_cache: TickerCache, redis_client: redis.Redis, client: Client, settings: LazySettings
) -> None:
    settings.TRADING_PAIRS = ["A/B", "C/D", "E/F", "G/H", "I/J"]
    good = f"[{NOW_MS},43250.10]"
    redis_client.set("market_data_history:A/B", good)
    redis_client.hset("market_data_history:C/D", "no", "list")
    redis_client.rpush("market_data_history:E/F", good, "null", "x" * 3_000_000, b"\xff\x00", f'[{NOW_MS + 1},"1"]')
    redis_client.rpush("market_data_history:G/H", *["[]"] * 100_000, good)
    redis_client.rpush("market_data_history:I/J", f'[{NOW_MS + 16_000},2,"kraken"]', f'[{NOW_MS + 1},2,""]', good)

    response = client.get(HISTORY + "?pairs=A/B,C/D,E/F,G/H,I/J")

    assert response.status_code == 200
    point = [NOW_MS, 43250.10]
    assert response.json()["history"] == {
        "A/B": [], "C/D": [], "E/F": [point], "G/H": [point], "I/J": [point, [NOW_MS + 16_000, 2, "kraken"]],
    }  # fmt: skip


def test_a_pair_that_is_not_configured_has_no_points_whatever_lies_in_redis(
    active_cache: TickerCache, redis_client: redis.Redis, client: Client
) -> None:
    redis_client.rpush("market_data_history:GHOST/USDT", f"[{NOW_MS},43250.10]")

    assert client.get(HISTORY + "?pairs=GHOST/USDT").json()["history"] == {"GHOST/USDT": []}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?pairs=", "pairs is empty"),
        ("?pairs=A/B/C", "not a pair"),
        ("?pairs=" + ",".join(f"P{number}/USD" for number in range(201)), "200 at most"),
        ("?points=0", "whole number from 1 to 240"),
        ("?points=241", "whole number from 1 to 240"),
        ("?points=%D9%A3", "whole number from 1 to 240"),
        ("?point=1", "the parameters are pairs and points"),
        ("?points=1&points=2", "stands twice"),
    ],
)
def test_a_bad_query_gives_400_that_says_what_to_write(
    active_cache: TickerCache, client: Client, query: str, words: str
) -> None:
    response = client.get(HISTORY + query)

    assert response.status_code == 400
    assert response.json().keys() == {"error", "message"}
    assert words in response.json()["message"]
    assert response["Cache-Control"] == "no-store"
    assert response["X-Market-Data-Source"] == "binance"
    assert "X-Market-Data-Time" in response


def test_a_cache_out_of_reach_gives_the_503_of_prices(client: Client, django_cache_at) -> None:
    with EmbeddedCache() as server:
        django_cache_at(server.url)
    response, prices = (client.get(f"/api/market-data/{path}?pairs=BTC/USD") for path in ("history", "prices"))

    assert (response.status_code, response.json()) == (503, prices.json())
    for name in ("Retry-After", "Cache-Control"):
        assert response[name] == prices[name]
    assert "X-Market-Data-Time" in response


def test_a_reader_without_the_right_to_read_lists_is_told_so_and_not_given_an_empty_history(
    redis_client: redis.Redis, redis_server: EmbeddedCache, django_cache_at
) -> None:
    redis_client.execute_command("ACL", "SETUSER", "narrow", "reset", "on", ">a-password", "~*", "+mget", "+client")
    cache = django_cache_at(redis_server.url.replace("redis://", "redis://narrow:a-password@"))
    try:
        with pytest.raises(CacheUnavailableError):
            cache.read_history(["BTC/USDT"], 240)
    finally:
        redis_client.execute_command("ACL", "DELUSER", "narrow")
