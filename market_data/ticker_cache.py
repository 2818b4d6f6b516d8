"""The only door to Redis: keys, lives, one MGET for a read, one fenced script for a write.

| key | value | life |
|---|---|---|
| `market_data:{pair}` | the record as JSON text | cache TTL, counted from received at |
| `market_data_last:{pair}` | the same record | last known TTL |
| `market_data_fetcher:status` | `FetcherStatus` as JSON text | 24 h, or until a ban ends |
| `market_data_fetcher:source` | `binance` or `simulator`: whose prices these are | last known TTL |
| `market_data_fetcher:lease` | token of the active fetcher | a few seconds, renewed |
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import redis
from django.core.signals import setting_changed
from django_redis import get_redis_connection

from market_data.conf import get_settings
from market_data.fetcher_status import FetcherStatus, Source
from market_data.ticker import StoredTicker, TickerRecord

PRICE_KEY_PREFIX = "market_data:"
LAST_KNOWN_KEY_PREFIX = "market_data_last:"
STATUS_KEY = "market_data_fetcher:status"
SOURCE_KEY = "market_data_fetcher:source"
LEASE_KEY = "market_data_fetcher:lease"
STATUS_TTL_MS = 24 * 60 * 60 * 1000

_HOLDS_LEASE = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lease_lost' end\n"
_WRITE_TICKERS = (
    _HOLDS_LEASE
    + """
local source = redis.call('GET', KEYS[2])
if source and source ~= ARGV[2] then return 'other_source' end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
local count = #ARGV - 4
for i = 1, count do
  redis.call('SET', KEYS[2 + i], ARGV[4 + i], 'PX', ARGV[3])
  redis.call('SET', KEYS[2 + count + i], ARGV[4 + i], 'PX', ARGV[4])
end
return 'ok'
"""
)
_WRITE_STATUS = _HOLDS_LEASE + "redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) return 'ok'"
_RENEW_LEASE = _HOLDS_LEASE + "redis.call('PEXPIRE', KEYS[1], ARGV[2]) return 'ok'"
_RELEASE_LEASE = _HOLDS_LEASE + "redis.call('DEL', KEYS[1]) return 'ok'"


class CacheUnavailableError(Exception):
    """Redis cannot be reached or refuses to serve; the message says which, without address or password."""


class LeaseLostError(Exception):
    """The write was refused, because another fetcher is active by now."""


@dataclass(frozen=True, slots=True)
class CacheReading:
    """What the cache held for the pairs asked for; pairs without a usable record are absent."""

    current: Mapping[str, StoredTicker]
    last_known: Mapping[str, StoredTicker]
    source: Source


@dataclass(frozen=True, slots=True)
class FetcherReading:
    """The last report of a fetcher and whether one is alive: the lease outlives it by seconds only."""

    status: FetcherStatus | None
    is_running: bool
    source: Source


class TickerCache:
    """Reads and writes of the cache contract. Every method raises `CacheUnavailableError`."""

    def __init__(self, client: redis.Redis, *, cache_ttl_ms: int, last_known_ttl_ms: int) -> None:
        self._client = client
        self._cache_ttl_ms = cache_ttl_ms
        self._last_known_ttl_ms = last_known_ttl_ms
        self.last_source: Source | None = None
        """Whose prices the cache held when it last answered; None before."""
        self._write_tickers = client.register_script(_WRITE_TICKERS)
        self._write_status = client.register_script(_WRITE_STATUS)
        self._renew_lease = client.register_script(_RENEW_LEASE)
        self._release_lease = client.register_script(_RELEASE_LEASE)

    @property
    def address(self) -> str:
        """Host, port and database of the server, for logs and operators, never a password."""
        parameters = self._client.get_connection_kwargs()
        if "path" in parameters:
            return str(parameters["path"])
        return f"{parameters.get('host', 'localhost')}:{parameters.get('port', 6379)}/{parameters.get('db', 0)}"

    def read(self, pairs: Sequence[str], *, include_last_known: bool = False) -> CacheReading:
        """Return the cached records of `pairs`, and their last known ones if asked for, from one MGET."""
        keys = [PRICE_KEY_PREFIX + pair for pair in pairs]
        if include_last_known:
            keys += [LAST_KNOWN_KEY_PREFIX + pair for pair in pairs]
        with _as_cache_unavailable():
            source, *values = self._mget([SOURCE_KEY, *keys])
        return CacheReading(
            current=_stored(pairs, values[: len(pairs)]),
            last_known=_stored(pairs, values[len(pairs) :]) if include_last_known else {},
            source=self._remembered_source(source),
        )

    def read_source(self) -> Source:
        """Return whose prices the cache holds."""
        with _as_cache_unavailable():
            return self._remembered_source(self._client.get(SOURCE_KEY))

    def read_fetcher(self) -> FetcherReading:
        """Return the last report of a fetcher and whether one is alive."""
        with _as_cache_unavailable():
            status, lease, source = self._mget([STATUS_KEY, LEASE_KEY, SOURCE_KEY])
        return FetcherReading(FetcherStatus.decode(status), lease is not None, self._remembered_source(source))

    def write_tickers(self, token: str, records: Sequence[TickerRecord], source: Source, now_ms: int) -> None:
        """Write records that were received at one instant, all or none; raise `LeaseLostError`.

        Prices of another source never lie beside these: they are dropped first.
        """
        if not records:
            return
        age_ms = records[0].age_ms(now_ms)
        if age_ms >= self._cache_ttl_ms:
            return
        keys = [
            LEASE_KEY,
            SOURCE_KEY,
            *(PRICE_KEY_PREFIX + record.pair for record in records),
            *(LAST_KNOWN_KEY_PREFIX + record.pair for record in records),
        ]
        arguments = [
            token,
            source.value,
            self._cache_ttl_ms - age_ms,
            self._last_known_ttl_ms - age_ms,
            *(record.encode() for record in records),
        ]
        if self._run(self._write_tickers, keys, arguments) == b"other_source":
            self._drop_prices()
            self._run(self._write_tickers, keys, arguments)

    def write_status(self, token: str, status: FetcherStatus) -> None:
        """Replace the fetcher's report; raise `LeaseLostError`."""
        banned_until = status.exchange.banned_until or 0
        ttl_ms = max(STATUS_TTL_MS, banned_until - status.heartbeat_at)
        self._run(self._write_status, [LEASE_KEY, STATUS_KEY], [token, status.encode(), ttl_ms])

    def acquire_lease(self, token: str, ttl_ms: int) -> bool:
        """Take the lease if nobody holds it, or prolong the own one; return whether this token holds it now."""
        with _as_cache_unavailable():
            if self._client.set(LEASE_KEY, token, px=ttl_ms, nx=True):
                return True
        try:
            self.renew_lease(token, ttl_ms)
        except LeaseLostError:
            return False
        return True

    def renew_lease(self, token: str, ttl_ms: int) -> None:
        """Prolong the lease; raise `LeaseLostError` where another token holds it, or none."""
        self._run(self._renew_lease, [LEASE_KEY], [token, ttl_ms])

    def release_lease(self, token: str) -> None:
        """Give the lease back; raise `LeaseLostError` where it was lost already."""
        self._run(self._release_lease, [LEASE_KEY], [token])

    def _mget(self, keys: Sequence[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", self._client.mget(keys))

    def _remembered_source(self, raw: Any) -> Source:
        self.last_source = Source.SIMULATOR if raw == Source.SIMULATOR.value.encode() else Source.BINANCE
        return self.last_source

    def _run(self, script: Callable[..., Any], keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        with _as_cache_unavailable():
            result = script(keys=keys, args=arguments)
        if result == b"lease_lost":
            raise LeaseLostError("the lease belongs to another fetcher, or to none")
        return result

    def _drop_prices(self) -> None:
        with _as_cache_unavailable():
            for prefix in (PRICE_KEY_PREFIX, LAST_KNOWN_KEY_PREFIX):
                keys = list(self._client.scan_iter(match=f"{prefix}*", count=1000))
                if keys:
                    self._client.delete(*keys)
            self._client.delete(SOURCE_KEY)


@lru_cache(maxsize=1)
def open_ticker_cache() -> TickerCache:
    """Return the process's one cache, behind the alias that the settings name; it connects at its first use."""
    settings = get_settings()
    return TickerCache(
        get_redis_connection(settings.cache_alias),
        cache_ttl_ms=settings.cache_ttl_ms,
        last_known_ttl_ms=settings.last_known_ttl_ms,
    )


def _forget_cache(**_: object) -> None:
    open_ticker_cache.cache_clear()


setting_changed.connect(_forget_cache)


@contextmanager
def _as_cache_unavailable() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise CacheUnavailableError(_reason(error)) from error


_REASONS: tuple[tuple[type[redis.RedisError], str], ...] = (
    (redis.AuthenticationError, "Redis refused the user name or password"),
    (redis.TimeoutError, "Redis did not answer in time"),
    (redis.BusyLoadingError, "Redis is loading its data"),
    (redis.ReadOnlyError, "this Redis is a read-only replica"),
    (redis.OutOfMemoryError, "Redis is out of memory"),
    (redis.ConnectionError, "no connection to Redis"),
)


def _reason(error: redis.RedisError) -> str:
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return f"Redis answered with an error ({type(error).__name__})"


def _stored(pairs: Sequence[str], values: Sequence[bytes | None]) -> dict[str, StoredTicker]:
    found = (StoredTicker.from_raw(pair, raw) for pair, raw in zip(pairs, values, strict=True))
    return {ticker.pair: ticker for ticker in found if ticker is not None}
