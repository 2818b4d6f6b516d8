"""What the parts of the cache have in common: the connection, the lives of prices, whose prices they are."""

from typing import Any

from market_data.ticker.source import Source
from market_data.ticker_cache.clock import RedisClock
from market_data.ticker_cache.connection import RedisConnection
from market_data.ticker_cache.keys import LEAST_SOURCE_TTL_MS


class Store:
    """A part of what the app keeps in Redis. Every method of its kinds raises `CacheUnavailableError`."""

    def __init__(self, connection: RedisConnection, *, cache_ttl_ms: int, last_known_ttl_ms: int) -> None:
        self._connection = connection
        self._cache_ttl_ms = cache_ttl_ms
        self._last_known_ttl_ms = last_known_ttl_ms
        self._source_ttl_ms = max(last_known_ttl_ms, LEAST_SOURCE_TTL_MS)
        self.last_source: Source | None = None
        """Whose prices the cache held when it last answered; None before."""

    @property
    def address(self) -> str:
        """Host, port and database of the server, for logs and operators, never a password."""
        return self._connection.address

    @property
    def clock(self) -> RedisClock:
        """Redis' time, as of the last answer and counted on from there."""
        return self._connection.clock

    def _remembered_source(self, raw: Any) -> Source:
        self.last_source = Source.SIMULATOR if raw == Source.SIMULATOR.value.encode() else Source.BINANCE
        return self.last_source
