"""The only door to Redis: keys, lives, one MGET for a read, one fenced script for a write."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

import redis
from django.core.signals import setting_changed
from redis.sentinel import SentinelConnectionPool

from market_data.conf.declarations import MAX_LEASE_TTL_MS
from market_data.conf.loading import get_settings
from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache import history
from market_data.ticker_cache import keys as contract
from market_data.ticker_cache.cache_alias import open_client
from market_data.ticker_cache.errors import LeaseLostError
from market_data.ticker_cache.failures import as_cache_unavailable
from market_data.ticker_cache.read_breaker import CacheOutage
from market_data.ticker_cache.readings import CacheLives, CacheReading, FetcherReading, LeaseReading, stored_tickers
from market_data.ticker_cache.status import FetcherStatus

_KEYS_PER_DELETION = 500
_WITHOUT_END_MS, _NO_SUCH_KEY_MS = -1, -2  # what PTTL answers


class TickerCache:
    """Reads and writes of the cache contract. Every method raises `CacheUnavailableError`."""

    def __init__(self, client: redis.Redis, *, cache_ttl_ms: int, last_known_ttl_ms: int, outage: CacheOutage) -> None:
        self._client = client
        self._outage = outage
        self._cache_ttl_ms = cache_ttl_ms
        self._last_known_ttl_ms = last_known_ttl_ms
        self._source_ttl_ms = max(last_known_ttl_ms, contract.LEAST_SOURCE_TTL_MS)
        self.last_source: Source | None = None
        """Whose prices the cache held when it last answered; None before."""
        self._write_tickers = client.register_script(contract.WRITE_TICKERS)
        self._delete_keys = client.register_script(contract.DELETE_KEYS)
        self._write_history = client.register_script(history.WRITE_HISTORY)
        self._write_status = client.register_script(contract.WRITE_STATUS)
        self._renew_lease = client.register_script(contract.RENEW_LEASE)
        self._release_lease = client.register_script(contract.RELEASE_LEASE)

    @property
    def address(self) -> str:
        """Host, port and database of the server, for logs and operators, never a password."""
        parameters = self._client.get_connection_kwargs()
        pool = self._client.connection_pool
        if isinstance(pool, SentinelConnectionPool):
            return f"the primary of {pool.service_name}, by Sentinel"
        if "path" in parameters:
            return str(parameters["path"])
        return f"{parameters.get('host', 'localhost')}:{parameters.get('port', 6379)}/{parameters.get('db', 0)}"

    def read(self, pairs: Sequence[str], *, include_last_known: bool = False) -> CacheReading:
        """Return the cached records of `pairs`, and their last known ones if asked for, from one MGET."""
        keys = [contract.PRICE_KEY_PREFIX + pair for pair in pairs]
        if include_last_known:
            keys += [contract.LAST_KNOWN_KEY_PREFIX + pair for pair in pairs]
        with self._reading():
            source, *values = self._mget([contract.SOURCE_KEY, *keys])
        return CacheReading(
            current=stored_tickers(pairs, values[: len(pairs)]),
            last_known=stored_tickers(pairs, values[len(pairs) :]) if include_last_known else {},
            source=self._remembered_source(source),
        )

    def read_source(self) -> Source:
        """Return whose prices the cache holds."""
        with self._reading():
            return self._remembered_source(*self._mget([contract.SOURCE_KEY]))

    def read_history(self, pairs: Sequence[str], points: int) -> dict[str, list[bytes]]:
        """Return the newest points of each pair as JSON text, oldest first, from one pipeline."""
        with self._reading(), self._client.pipeline(transaction=False) as together:
            together.mget([contract.SOURCE_KEY])
            for key in history.keys_of(pairs):
                together.lrange(key, -points, -1)
            source, *series = (_reply(found) for found in together.execute(raise_on_error=False))
            self._remembered_source(*source)
        return {pair: history.good_points(found) for pair, found in zip(pairs, series, strict=True)}

    def read_fetcher(self) -> FetcherReading:
        """Return the last report of a fetcher and whether one is alive."""
        with self._reading():
            status, lease, source = self._mget([contract.STATUS_KEY, contract.LEASE_KEY, contract.SOURCE_KEY])
        token = _token(lease)
        return FetcherReading(FetcherStatus.decode(status), token is not None, self._remembered_source(source), token)

    def read_lives(self, pairs: Sequence[str]) -> CacheLives:
        """Return for how long the current prices of `pairs` and the lease will be kept; nothing without that right."""
        with self._reading(), self._client.pipeline(transaction=False) as together:
            for key in (contract.LEASE_KEY, *(contract.PRICE_KEY_PREFIX + pair for pair in pairs)):
                together.pttl(key)
            try:
                lease_ms, *lives_ms = together.execute()
            except redis.ResponseError:
                return CacheLives({}, None)
        lives = {pair: life_ms for pair, life_ms in zip(pairs, lives_ms, strict=True) if life_ms >= 0}
        return CacheLives(lives, lease_ms if lease_ms >= 0 else None)

    def read_server(self) -> Mapping[str, Any]:
        """Return what the server says of itself, by the names of `INFO`; nothing without that right."""
        with self._reading():
            try:
                return cast("Mapping[str, Any]", self._client.info())
            except redis.ResponseError:
                return {}

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
            contract.LEASE_KEY,
            contract.SOURCE_KEY,
            *(contract.PRICE_KEY_PREFIX + record.pair for record in records),
            *(contract.LAST_KNOWN_KEY_PREFIX + record.pair for record in records),
        ]
        arguments = [
            token,
            source.value,
            self._cache_ttl_ms - age_ms,
            self._last_known_ttl_ms - age_ms,
            self._source_ttl_ms,
            *(record.encode() for record in records),
        ]
        if self._run(self._write_tickers, keys, arguments) == b"other_source":
            self._drop_prices(token)
            self._run(self._write_tickers, keys, arguments)

    def write_history(self, token: str, records: Sequence[TickerRecord], source: Source) -> None:
        """Add a point to the series of each record's pair, unless it has one as young; raise `LeaseLostError`.

        Where the cache holds prices of another source by now, nothing is added.
        """
        self._run(self._write_history, *history.writing_of(records, source, token))

    def write_status(self, token: str, status: FetcherStatus) -> None:
        """Replace the fetcher's report, and name its source where none is named yet; raise `LeaseLostError`."""
        banned_until = status.exchange.banned_until or 0
        ttl_ms = max(contract.STATUS_TTL_MS, banned_until - status.heartbeat_at)
        source = status.exchange.source.value
        self._run(
            self._write_status,
            [contract.LEASE_KEY, contract.STATUS_KEY, contract.SOURCE_KEY],
            [token, status.encode(), ttl_ms, source, self._source_ttl_ms],
        )

    def read_lease(self) -> LeaseReading:
        """Return who holds the lease, for how long, and who gave it back last.

        A lease that no fetcher can have written, without an end or of another type, would keep everybody out: it is
        given an end, or deleted.
        """
        with as_cache_unavailable(), self._client.pipeline() as together:
            together.get(contract.LEASE_KEY)
            together.pttl(contract.LEASE_KEY)
            together.get(contract.RELEASED_KEY)
            holder, remaining_ms, released_by = together.execute(raise_on_error=False)
            if isinstance(holder, redis.ResponseError) and remaining_ms != _NO_SUCH_KEY_MS:
                self._client.delete(contract.LEASE_KEY)
                return LeaseReading(None, 0, None)
            if isinstance(holder, redis.RedisError):
                raise holder
            if remaining_ms == _WITHOUT_END_MS:
                self._client.pexpire(contract.LEASE_KEY, MAX_LEASE_TTL_MS)
        token = None if isinstance(released_by, redis.RedisError) else _token(released_by)
        return LeaseReading(_token(holder), max(0, remaining_ms), token)

    def acquire_lease(self, token: str, ttl_ms: int) -> bool:
        """Take the lease if nobody holds it, or prolong the own one; return whether this token holds it now."""
        with as_cache_unavailable():
            if self._client.set(contract.LEASE_KEY, token, px=ttl_ms, nx=True):
                return True
        try:
            self.renew_lease(token, ttl_ms)
        except LeaseLostError:
            return False
        return True

    def renew_lease(self, token: str, ttl_ms: int) -> None:
        """Prolong the lease; raise `LeaseLostError` where another token holds it, or none."""
        self._run(self._renew_lease, [contract.LEASE_KEY], [token, ttl_ms])

    def release_lease(self, token: str) -> None:
        """Give the lease back; raise `LeaseLostError` where it was lost already."""
        keys = [contract.LEASE_KEY, contract.RELEASED_KEY]
        self._run(self._release_lease, keys, [token, contract.RELEASED_TTL_MS])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._outage.reading(), as_cache_unavailable():
            yield

    def _mget(self, keys: Sequence[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", self._client.mget(keys))

    def _remembered_source(self, raw: Any) -> Source:
        self.last_source = Source.SIMULATOR if raw == Source.SIMULATOR.value.encode() else Source.BINANCE
        return self.last_source

    def _run(self, script: Callable[..., Any], keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        with as_cache_unavailable():
            result = script(keys=keys, args=arguments)
        if result == b"lease_lost":
            raise LeaseLostError("the lease belongs to another fetcher, or to none")
        return result

    def _drop_prices(self, token: str) -> None:
        for prefix in contract.DROPPED_WITH_THEIR_SOURCE:
            with as_cache_unavailable():
                keys = list(self._client.scan_iter(match=f"{prefix}*", count=1000))
            for start in range(0, len(keys), _KEYS_PER_DELETION):
                part = keys[start : start + _KEYS_PER_DELETION]
                self._run(self._delete_keys, [contract.LEASE_KEY, *part], [token])


@lru_cache(maxsize=1)
def open_ticker_cache() -> TickerCache:
    """Return the process's one cache, behind the alias that the settings name; it connects at its first use."""
    settings = get_settings()
    return TickerCache(
        open_client(settings.cache_alias),
        cache_ttl_ms=settings.cache_ttl_ms,
        last_known_ttl_ms=settings.last_known_ttl_ms,
        outage=CacheOutage(time.monotonic),
    )


def _forget_cache(**_: object) -> None:
    open_ticker_cache.cache_clear()


setting_changed.connect(_forget_cache)


def _reply(found: Any) -> Any:
    """Return a reply that came in a pipeline, nothing for a key of another type; raise the error that it may be."""
    if isinstance(found, redis.ResponseError) and str(found).startswith("WRONGTYPE"):
        return []
    if isinstance(found, redis.RedisError):
        raise found
    return found


def _token(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode(errors="replace")
