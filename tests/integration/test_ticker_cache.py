"""The cache contract against a real server: what an operator sees with redis-cli is what the API serves."""

import logging
import socket
import time
from decimal import Decimal
from pathlib import Path

import pytest
import redis

from development.embedded_cache import EmbeddedCache
from market_data.logs.incidents import IncidentLog
from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.cache import TickerCache
from market_data.ticker_cache.clock import RedisClock
from market_data.ticker_cache.connection import RedisConnection
from market_data.ticker_cache.errors import CacheUnavailableError, LeaseLostError
from market_data.ticker_cache.read_breaker import ReadBreaker
from tests.process_facts import wait_until
from tests.web_site import fetcher_status, now_ms

TOKEN = "host:1:first"


def record(pair: str = "BTC/USDT", price: str = "43250.10", age_ms: int = 0) -> TickerRecord:
    received_at_ms = now_ms() - age_ms
    return TickerRecord(
        pair, Decimal(price), Decimal("28500.5"), received_at_ms, Decimal("2.5"), Decimal(2), Decimal(1)
    )


@pytest.fixture
def active_cache(ticker_cache: TickerCache) -> TickerCache:
    assert ticker_cache.acquire_lease(TOKEN, 60_000)
    return ticker_cache


def test_a_record_lies_under_its_literal_key_as_the_text_that_is_served(
    active_cache: TickerCache, redis_client: redis.Redis
) -> None:
    written = record()
    active_cache.write_tickers(TOKEN, [written], Source.BINANCE)

    raw = redis_client.get("market_data:BTC/USDT")
    assert raw == written.encode() == redis_client.get("market_data_last:BTC/USDT")
    assert active_cache.read(["BTC/USDT"]).current["BTC/USDT"].raw == raw


def test_lives_are_counted_from_the_instant_of_receipt(active_cache: TickerCache, redis_client: redis.Redis) -> None:
    active_cache.write_tickers(TOKEN, [record(age_ms=4_000)], Source.BINANCE)

    assert 10_000 < redis_client.pttl("market_data:BTC/USDT") <= 11_000
    assert 86_390_000 < redis_client.pttl("market_data_last:BTC/USDT") <= 86_396_000


def cache_of_a_host(server: EmbeddedCache, offset_ms: int) -> TickerCache:
    """Return the cache as a process on a host with a wrong clock has it."""
    incidents = IncidentLog(logging.getLogger("market_data.tests"), time.monotonic)
    clock = RedisClock(monotonic=time.monotonic, own_now_ms=lambda: now_ms() + offset_ms, incidents=incidents)
    client = redis.Redis.from_url(server.url)
    connection = RedisConnection(client, clock=clock, breaker=ReadBreaker(time.monotonic))
    return TickerCache(connection, cache_ttl_ms=15_000, last_known_ttl_ms=86_400_000)


@pytest.mark.parametrize("offset_ms", [3_600_000, -3_600_000])
def test_a_host_whose_clock_is_an_hour_off_writes_the_same_times_and_lives(
    redis_server: EmbeddedCache, redis_client: redis.Redis, offset_ms: int
) -> None:
    cache = cache_of_a_host(redis_server, offset_ms)
    assert cache.acquire_lease(TOKEN, 60_000)
    assert abs(cache.clock.stamp_ms() - now_ms()) < 60_000
    cache.write_tickers(TOKEN, [record()], Source.BINANCE)

    assert 0 < redis_client.pttl("market_data:BTC/USDT") <= 15_000
    cache.write_status(TOKEN, fetcher_status(["BTC/USDT"]))
    told = cache.read_fetcher().status.clock
    assert told.host == socket.gethostname()
    assert abs(told.ahead_ms - offset_ms) < 60_000


def test_a_record_past_its_life_is_not_written(active_cache: TickerCache, redis_client: redis.Redis) -> None:
    active_cache.write_tickers(TOKEN, [record(age_ms=15_000)], Source.BINANCE)

    assert redis_client.exists("market_data:BTC/USDT") == 0


def test_who_has_lost_the_lease_writes_nothing(ticker_cache: TickerCache, redis_client: redis.Redis) -> None:
    ticker_cache.acquire_lease("host:2:second", 60_000)

    with pytest.raises(LeaseLostError):
        ticker_cache.write_tickers(TOKEN, [record()], Source.BINANCE)
    with pytest.raises(LeaseLostError):
        ticker_cache.renew_lease(TOKEN, 60_000)
    with pytest.raises(LeaseLostError):
        ticker_cache.release_lease(TOKEN)
    assert redis_client.keys("market_data*") == [b"market_data_fetcher:lease"]


def test_only_one_of_two_gets_the_lease_and_the_other_after_its_release(ticker_cache: TickerCache) -> None:
    assert ticker_cache.acquire_lease(TOKEN, 60_000)
    assert not ticker_cache.acquire_lease("host:2:second", 60_000)
    assert ticker_cache.acquire_lease(TOKEN, 60_000), "the holder may take it again"

    ticker_cache.release_lease(TOKEN)
    assert ticker_cache.acquire_lease("host:2:second", 60_000)


def test_taking_the_own_lease_again_prolongs_it(ticker_cache: TickerCache, redis_client: redis.Redis) -> None:
    ticker_cache.acquire_lease(TOKEN, 2_000)
    ticker_cache.acquire_lease(TOKEN, 60_000)

    assert redis_client.pttl("market_data_fetcher:lease") > 50_000


def test_prices_of_another_source_never_lie_beside_new_ones(
    active_cache: TickerCache, redis_client: redis.Redis
) -> None:
    active_cache.write_tickers(TOKEN, [record("BTC/USDT"), record("ETH/USDT")], Source.SIMULATOR)
    redis_client.set("someone-else", "stays")

    active_cache.write_tickers(TOKEN, [record("BTC/USDT")], Source.BINANCE)

    reading = active_cache.read(["BTC/USDT", "ETH/USDT"], include_last_known=True)
    assert reading.source is Source.BINANCE
    assert set(reading.current) == set(reading.last_known) == {"BTC/USDT"}
    assert redis_client.get("someone-else") == b"stays"


@pytest.mark.parametrize(
    "value", [b"no json", b"{}", b'{"pair":"ETH/USDT"}', b"", b"null", record("ETH/USDT").encode(), b"[" * 100_000]
)
def test_a_value_that_is_no_record_of_its_pair_is_missing_and_costs_no_other(
    active_cache: TickerCache, redis_client: redis.Redis, value: bytes
) -> None:
    active_cache.write_tickers(TOKEN, [record("ADA/USDT")], Source.BINANCE)
    redis_client.set("market_data:BTC/USDT", value)
    redis_client.rpush("market_data:SOL/USDT", "a list")

    assert set(active_cache.read(["BTC/USDT", "SOL/USDT", "ADA/USDT"]).current) == {"ADA/USDT"}


def test_a_read_is_one_mget_with_the_time_whatever_is_asked_for(
    active_cache: TickerCache, redis_client: redis.Redis
) -> None:
    active_cache.read(["A/B"])
    redis_client.config_resetstat()

    active_cache.read([f"P{number}/USDT" for number in range(50)], include_last_known=True)

    calls = {name: stats["calls"] for name, stats in redis_client.info("commandstats").items()}
    assert (calls.pop("cmdstat_mget"), calls.pop("cmdstat_time")) == (1, 1)
    assert not [name for name in calls if name not in ("cmdstat_config|resetstat", "cmdstat_info")]


@pytest.mark.parametrize("password", ["wrong-one", ""])
def test_a_wrong_password_is_named_without_being_shown(django_cache_at, password: str) -> None:
    with EmbeddedCache(password="the-right-one") as server:
        credentials = f":{password}@" if password else ""
        cache = django_cache_at(f"redis://{credentials}127.0.0.1:{server.port}/0")
        with pytest.raises(CacheUnavailableError, match=r"^Redis refused the user name or password$"):
            cache.read(["BTC/USDT"])


def test_a_server_that_is_gone_is_named_and_one_that_returns_is_used_again(django_cache_at) -> None:
    with EmbeddedCache() as server:
        cache = django_cache_at(server.url)
        assert cache.acquire_lease(TOKEN, 60_000)
        server.stop()
        with pytest.raises(CacheUnavailableError, match="no connection to Redis"):
            cache.read(["BTC/USDT"])
        server.start()
        assert cache.read(["BTC/USDT"]).current == {}


def test_a_server_that_cannot_save_to_its_disk_is_named(django_cache_at, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    with EmbeddedCache(options={"dir": str(folder), "save": "3600 1"}) as server:
        cache = django_cache_at(server.url)
        folder.rmdir()
        with redis.Redis.from_url(server.url) as client:
            client.bgsave()
            wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "the failed saving")
        with pytest.raises(CacheUnavailableError, match=r"^Redis refuses writes, for it cannot save to its disk$"):
            cache.acquire_lease(TOKEN, 60_000)
        assert cache.read(["BTC/USDT"]).current == {}


def test_a_lease_that_no_fetcher_wrote_does_not_keep_every_fetcher_out(
    ticker_cache: TickerCache, redis_client: redis.Redis
) -> None:
    redis_client.set("market_data_fetcher:lease", "typed by hand, without an end")
    assert ticker_cache.read_lease().holder == "typed by hand, without an end"
    assert 0 < redis_client.pttl("market_data_fetcher:lease") <= 10_000

    redis_client.set("market_data_fetcher:lease", "host:1:of-another-program", px=600_000)
    assert 0 < ticker_cache.read_lease().remaining_ms <= 10_000
    assert 0 < redis_client.pttl("market_data_fetcher:lease") <= 10_000

    redis_client.delete("market_data_fetcher:lease")
    redis_client.hset("market_data_fetcher:lease", "no", "token")
    assert ticker_cache.read_lease().holder is None
    assert ticker_cache.acquire_lease(TOKEN, 60_000)
