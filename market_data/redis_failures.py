"""What redis-py raises, as the reason in words for which the cache cannot be used."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.sentinel import MasterNotFoundError

from market_data.cache_outage import CacheUnavailableError


@contextmanager
def as_cache_unavailable() -> Iterator[None]:
    """Raise `CacheUnavailableError` for whatever redis-py raises within."""
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
    (MasterNotFoundError, "Sentinel names no primary of Redis"),
    (redis.ConnectionError, "no connection to Redis"),
)


def _reason(error: redis.RedisError) -> str:
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return f"Redis answered with an error ({type(error).__name__})"
