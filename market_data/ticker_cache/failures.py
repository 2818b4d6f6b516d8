"""What redis-py raises, as the reason in words for which the cache cannot be used, and how often it did."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.sentinel import MasterNotFoundError

from market_data.ticker_cache.errors import CacheUnavailableError


@contextmanager
def as_cache_unavailable() -> Iterator[None]:
    """Raise `CacheUnavailableError` for whatever redis-py raises within, and count it."""
    try:
        yield
    except redis.RedisError as error:
        name, reason = _reason(error)
        failure_counts[name] += 1
        raise CacheUnavailableError(reason) from error


_REASONS: tuple[tuple[type[redis.RedisError], str, str], ...] = (
    (redis.AuthenticationError, "authentication", "Redis refused the user name or password"),
    (redis.TimeoutError, "timeout", "Redis did not answer in time"),
    (redis.BusyLoadingError, "loading", "Redis is loading its data"),
    (redis.ReadOnlyError, "read_only", "this Redis is a read-only replica"),
    (redis.OutOfMemoryError, "out_of_memory", "Redis is out of memory"),
    (MasterNotFoundError, "no_primary", "Sentinel names no primary of Redis"),
    (redis.ConnectionError, "connection", "no connection to Redis"),
)
_CANNOT_SAVE = "MISCONF"
FAILURES = (*(name for _, name, _ in _REASONS), "cannot_save", "other")
failure_counts = dict.fromkeys(FAILURES, 0)
"""How often Redis could not be used, by the name of the reason, since the process began or was forked."""
os.register_at_fork(after_in_child=lambda: failure_counts.update(dict.fromkeys(FAILURES, 0)))


def _reason(error: redis.RedisError) -> tuple[str, str]:
    """Return the failure's name among metrics, and what it means."""
    for kind, name, reason in _REASONS:
        if isinstance(error, kind):
            return name, reason
    if str(error).startswith(_CANNOT_SAVE):
        return "cannot_save", "Redis refuses writes, for it cannot save to its disk"
    return "other", f"Redis answered with an error ({type(error).__name__})"


def is_refusal(error: redis.ResponseError) -> bool:
    """Tell of any error reply that Redis did not run the command, for what can be done without."""
    return True


def is_wrong_type(error: redis.ResponseError) -> bool:
    """Tell whether the key holds another type of value, which somebody else must have written."""
    return str(error).startswith("WRONGTYPE")
