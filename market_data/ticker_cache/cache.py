"""The process's one way to what the app keeps in Redis."""

import logging
import time
from functools import lru_cache

from django.core.signals import setting_changed

from market_data.conf.loading import get_settings
from market_data.logs.incidents import IncidentLog
from market_data.ticker_cache.cache_alias import open_client
from market_data.ticker_cache.clock import RedisClock
from market_data.ticker_cache.connection import RedisConnection
from market_data.ticker_cache.history import HistoryStore
from market_data.ticker_cache.lease import LeaseStore
from market_data.ticker_cache.prices import PriceStore
from market_data.ticker_cache.read_breaker import ReadBreaker
from market_data.ticker_cache.server import ServerStore
from market_data.ticker_cache.status import StatusStore

logger = logging.getLogger(__name__)


class TickerCache(PriceStore, HistoryStore, StatusStore, LeaseStore, ServerStore):
    """Everything that the app keeps in Redis, over one connection."""


@lru_cache(maxsize=1)
def open_ticker_cache() -> TickerCache:
    """Return the process's one cache, behind the alias that the settings name; it connects at its first use."""
    settings = get_settings()
    clock = RedisClock(
        monotonic=time.monotonic,
        own_now_ms=lambda: time.time_ns() // 1_000_000,
        incidents=IncidentLog(logger, time.monotonic),
    )
    return TickerCache(
        RedisConnection(open_client(settings.cache_alias), clock=clock, breaker=ReadBreaker(time.monotonic)),
        cache_ttl_ms=settings.cache_ttl_ms,
        last_known_ttl_ms=settings.last_known_ttl_ms,
    )


def _forget_cache(**_: object) -> None:
    open_ticker_cache.cache_clear()


setting_changed.connect(_forget_cache)
