"""Fixtures that every folder of tests shares: a real cache server, and Django's cache pointed at it."""

import signal
from collections.abc import Iterator

import hypothesis
import pytest
import redis
from django.conf import LazySettings

from development.embedded_cache import EmbeddedCache
from market_data.ticker_cache.cache import TickerCache, open_ticker_cache
from tests.no_silent_skips import NoSilentSkips

# No example fails because the machine was busy with something else.
hypothesis.settings.register_profile("any-machine", deadline=None)
hypothesis.settings.load_profile("any-machine")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(NoSilentSkips())
    # Under nohup, or in the background of a script, signals are ignored, and so they would be in all that the tests
    # start. A handler is not handed down like that: a new program gets the default back.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedCache]:
    with EmbeddedCache() as server:
        yield server


@pytest.fixture
def redis_client(redis_server: EmbeddedCache) -> Iterator[redis.Redis]:
    """A client of an empty server."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def django_cache_at(settings: LazySettings) -> Iterator[object]:
    """Point Django's cache, and so the app's, at an address."""

    def point_at(url: str) -> TickerCache:
        alias = settings.MARKET_DATA_CACHE_ALIAS
        settings.CACHES = {**settings.CACHES, alias: {**settings.CACHES[alias], "LOCATION": url}}
        return open_ticker_cache()

    return point_at


@pytest.fixture
def ticker_cache(redis_client: redis.Redis, redis_server: EmbeddedCache, django_cache_at) -> TickerCache:
    """The app's own cache on an empty server."""
    return django_cache_at(redis_server.url)
