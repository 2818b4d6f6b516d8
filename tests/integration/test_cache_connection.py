"""Entries of `CACHES`: the app works with each on a real server, or the checks refuse it in one line."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import LazySettings
from django.core.cache import caches
from django.core.checks import CheckMessage
from django_redis.cache import RedisCache, omit_exception

from development.embedded_cache import EmbeddedCache
from market_data.checks import check_settings
from market_data.ticker.source import Source
from market_data.ticker_cache.cache import open_ticker_cache
from nexusmeme.environment import SITE_SETTINGS
from nexusmeme.redis_cache import redis_cache
from tests.web_site import record

DJANGO_REDIS = "django_redis.cache.RedisCache"
TOKEN = "test:1:active"
_numbers = itertools.count()

Configure = Callable[..., list[CheckMessage]]


class CountingRedisCache(RedisCache):
    """The shape of django-prometheus' backend: a subclass that counts what is read."""

    reads = 0

    @omit_exception
    def get(self, key: str, default: Any = None, version: int | None = None, client: Any = None) -> Any:
        self.reads += 1
        return self.client.get(key, default=default, version=version, client=client)


class BackendOfAnotherFamily:
    """No subclass of django-redis' backend, and yet its client is django-redis'."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        self._backend = RedisCache(location, params)
        self.client = self._backend.client
        self.close = self._backend.close


@pytest.fixture
def configure(redis_client: redis.Redis, redis_server: EmbeddedCache, settings: LazySettings) -> Configure:
    """Point the app's alias at the empty server in some way, and return what the checks say of it."""

    def configure(
        query: str = "", *, backend: str = DJANGO_REDIS, scheme: str = "redis", others: Any = None, **options: Any
    ) -> list[CheckMessage]:
        # django-redis shares pools by their address alone, so that each test needs one of its own
        url = f"{redis_server.url}?client_name=test{next(_numbers)}&{query}".replace("redis", scheme, 1)
        own = {"BACKEND": backend, "LOCATION": url, "OPTIONS": options}
        settings.CACHES = {**settings.CACHES, "market_data": own, **(others or {})}
        return check_settings(None)

    return configure


def assert_works() -> None:
    """Take the lease, write a price with its history, and read everything back."""
    cache, price = open_ticker_cache(), record("BTC/USDT")
    assert cache.acquire_lease(TOKEN, 60_000)
    cache.write_tickers(TOKEN, [price], Source.BINANCE)
    cache.write_history(TOKEN, [price], Source.BINANCE)
    assert cache.read(["BTC/USDT"]).current["BTC/USDT"].raw == price.encode()
    assert len(cache.read_history(["BTC/USDT"], 10)["BTC/USDT"]) == 1
    assert cache.read_lives(["BTC/USDT"]).lease_ms
    assert cache.read_server()["redis_version"]
    assert cache.read_lease().holder == TOKEN
    cache.release_lease(TOKEN)


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", {}),
        ("protocol=2", {}),
        ("protocol=3", {}),
        ("protocol=3&legacy_responses=false", {}),
        ("encoding=UTF8", {}),
        ("max_connections=1&socket_timeout=2", {}),
        ("", {"CLIENT_CLASS": "django_redis.client.HerdClient"}),
        ("", {"CONNECTION_POOL_KWARGS": {"protocol": 3, "decode_responses": False, "socket_timeout": None}}),
        ("", {"CONNECTION_POOL_CLASS": "redis.BlockingConnectionPool"}),
    ],
)
def test_the_app_works_with_every_connection_that_the_checks_let_pass(
    configure: Configure, query: str, options: dict[str, Any]
) -> None:
    assert configure(query, **options) == []
    assert_works()


@pytest.mark.parametrize("query", ["", "protocol=3", "socket_timeout=2&protocol=2"])
def test_the_site_s_own_entry_works_with_the_options_that_an_address_may_have(
    redis_client: redis.Redis, redis_server: EmbeddedCache, settings: LazySettings, query: str
) -> None:
    url = SITE_SETTINGS["REDIS_URL"].parse(f"{redis_server.url}?client_name=site{next(_numbers)}&{query}")
    settings.CACHES = {**settings.CACHES, "market_data": redis_cache(url)}

    assert check_settings(None) == []
    assert_works()


@pytest.mark.parametrize("backend", [CountingRedisCache, BackendOfAnotherFamily])
def test_every_backend_will_do_whose_client_is_that_of_django_redis(configure: Configure, backend: type) -> None:
    assert configure(backend=f"{__name__}.{backend.__name__}") == []
    assert_works()


@pytest.mark.parametrize(
    ("backend", "options", "named"),
    [
        ("django.core.cache.backends.locmem.LocMemCache", {}, "LocMemCache"),
        ("django.core.cache.backends.dummy.DummyCache", {}, "DummyCache"),
        ("django.core.cache.backends.redis.RedisCache", {}, "django.core.cache.backends.redis.RedisCache"),
        ("no_such_package.RedisCache", {}, "cannot be imported"),
        ("django_redis.cache.NoSuchCache", {}, "cannot be imported"),
        (DJANGO_REDIS, {"CLIENT_CLASS": "django_redis.client.NoSuchClient"}, "cannot be imported"),
        (DJANGO_REDIS, {"CLIENT_CLASS": "django_redis.client.ShardClient"}, "ShardClient"),
        (DJANGO_REDIS, {"REDIS_CLIENT_CLASS": "redis.asyncio.Redis"}, "redis.asyncio.client.Redis"),
    ],
)
def test_a_cache_without_the_client_of_django_redis_is_refused_with_what_to_write(
    configure: Configure, backend: str, options: dict[str, Any], named: str
) -> None:
    (message,) = configure(backend=backend, **options)

    assert message.id == "market_data.E104"
    assert 'CACHES["market_data"] has' in message.msg
    assert named in message.msg
    assert 'CACHES["market_data"] = ' in str(message.hint)


def test_an_alias_that_is_not_among_the_caches_is_refused(configure: Configure, settings: LazySettings) -> None:
    settings.MARKET_DATA_CACHE_ALIAS = "nowhere"
    (message,) = configure()

    assert (message.id, 'CACHES["nowhere"] has no such entry' in message.msg) == ("market_data.E104", True)


@pytest.mark.parametrize(
    ("query", "options", "named"),
    [
        ("decode_responses=true", {}, "decode_responses"),
        ("", {"CONNECTION_POOL_KWARGS": {"decode_responses": True}}, "decode_responses"),
        ("encoding=utf-16", {}, "encoding"),
        ("encoding=nonsense", {}, "encoding"),
        ("protocol=4", {}, "option"),
        ("protocol=three", {}, "LOCATION"),
        ("no_such_option=1", {}, "option"),
        ("", {"CONNECTION_POOL_KWARGS": {"no_such_option": 1}}, "option"),
        ("socket_timeout=0", {}, "socket_timeout"),
        ("socket_connect_timeout=-1", {}, "socket_connect_timeout"),
        ("", {"CONNECTION_POOL_KWARGS": {"socket_timeout": "soon"}}, "socket_timeout"),
        ("", {"REDIS_CLIENT_CLASS": "redis.cluster.RedisCluster"}, "cannot read"),
        ("", {"CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory"}, "cannot read"),
        ("", {"CLIENT_CLASS": "django_redis.client.SentinelClient"}, "cannot read"),
    ],
)
def test_a_connection_that_cannot_work_is_refused_in_one_line(
    configure: Configure, query: str, options: dict[str, Any], named: str
) -> None:
    (message,) = configure(query, **options)

    assert message.id == "market_data.E105"
    assert 'CACHES["market_data"] has' in message.msg
    assert named in message.msg
    assert "\n" not in message.msg


@pytest.mark.parametrize("flag", ["CERT_NONE", "false", ""])
def test_a_certificate_check_in_the_words_of_another_library_is_refused_with_the_right_ones(
    configure: Configure, flag: str
) -> None:
    (message,) = configure(f"ssl_cert_reqs={flag or 'NONE'}", scheme="rediss")

    assert message.id == "market_data.E105"
    assert "CERT_NONE is written none" in message.msg


def test_certificates_may_go_unchecked_in_redis_py_s_words(configure: Configure) -> None:
    assert configure("ssl_cert_reqs=none", scheme="rediss") == []


def at(url: str, backend: str = DJANGO_REDIS, **options: Any) -> dict[str, Any]:
    return {"BACKEND": backend, "LOCATION": url, "OPTIONS": options}


def test_clear_deletes_the_prices_where_an_alias_is_shared_and_the_check_has_warned(
    configure: Configure, settings: LazySettings, redis_client: redis.Redis, redis_server: EmbeddedCache
) -> None:
    (message,) = configure(others={"default": at(redis_server.url)})
    assert (message.id, message.is_serious()) == ("market_data.W104", False)
    assert "in common with default" in message.msg
    assert "MARKET_DATA_CACHE_ALIAS" in str(message.hint)
    redis_client.set("market_data:BTC/USDT", "a price")
    caches["default"].clear()
    assert redis_client.dbsize() == 0

    assert configure(others={"default": at(redis_server.url.replace("/0", "/1"))}) == []
    redis_client.set("market_data:BTC/USDT", "a price")
    caches["default"].clear()
    assert redis_client.dbsize() == 1


@pytest.mark.parametrize("location", [Path("/srv/cache/django"), None, ["one", "two"]])
def test_a_cache_of_another_kind_is_no_shared_database(configure: Configure, location: Any) -> None:
    other = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": location, "OPTIONS": None}

    assert configure(others={"files": other}) == []


def test_the_project_s_default_cache_is_nobody_s_own(configure: Configure, settings: LazySettings) -> None:
    settings.MARKET_DATA_CACHE_ALIAS = "default"
    settings.CACHES = {"default": settings.CACHES["market_data"]}

    (message,) = check_settings(None)
    assert message.id == "market_data.W104"
    assert 'CACHES["default"]' in message.msg


@pytest.mark.parametrize(
    ("other", "is_shared"),
    [
        (lambda url: at(url, "django.core.cache.backends.redis.RedisCache"), True),
        (lambda url: at([url.replace("/0", "/3"), url], "django.core.cache.backends.redis.RedisCache"), True),
        (lambda url: at(url.replace("127.0.0.1", "localhost")), True),
        (lambda url: at(url.replace("/0", "")), True),
        (lambda url: at(f"{url}?db=0"), True),
        (lambda url: at(url.replace("/0", ""), CONNECTION_POOL_KWARGS={"db": 5}), False),
        (lambda url: at(url.replace("/0", ""), "django.core.cache.backends.redis.RedisCache", db=5), False),
        (lambda url: at(url.replace("/0", "/5")), False),
        (lambda url: at("redis://other.test:6379/0"), False),
        (lambda url: at("unix:///run/redis.sock"), False),
        (lambda url: at("/var/cache/project", "django.core.cache.backends.filebased.FileBasedCache"), False),
        (lambda url: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}, False),
    ],
)
def test_an_alias_is_shared_where_another_names_the_same_database(
    configure: Configure, redis_server: EmbeddedCache, other: Callable[[str], Any], is_shared: bool
) -> None:
    said = configure(others={"another": other(redis_server.url)})

    assert [message.id for message in said] == ["market_data.W104"] * is_shared
