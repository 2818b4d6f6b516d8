"""The one connection to Redis that everything here shares: questions, scripts, and the time that comes with both."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import redis
from redis.commands.core import Script
from redis.sentinel import SentinelConnectionPool

from market_data.ticker_cache import scripts
from market_data.ticker_cache.clock import RedisClock
from market_data.ticker_cache.errors import LeaseLostError
from market_data.ticker_cache.failures import as_cache_unavailable
from market_data.ticker_cache.read_breaker import ReadBreaker

Argument = str | bytes | int
Command = tuple[Argument, ...]
Tolerance = Callable[[redis.ResponseError], bool]
_KEYS_PER_PAGE = 500


class RedisConnection:
    """Asks Redis and runs scripts there. Every method raises `CacheUnavailableError`."""

    def __init__(self, client: redis.Redis, *, clock: RedisClock, breaker: ReadBreaker) -> None:
        self._client = client
        self._breaker = breaker
        self.clock = clock
        self._scripts: dict[str, Script] = {}

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

    def read(self, *commands: Command, tolerates: Tolerance | None = None) -> list[Any]:
        """Do as `ask` does, for readers: while Redis is known to be away, they need not wait for it."""
        with self._breaker.reading():
            return self.ask(*commands, tolerates=tolerates)

    def ask(self, *commands: Command, tolerates: Tolerance | None = None) -> list[Any]:
        """Return a reply to each command, all in one round trip; None for a refusal that the caller tolerates."""
        clock = self.clock
        with as_cache_unavailable(), self._client.pipeline(transaction=False) as together:
            for command in commands:
                together.execute_command(*command)  # type: ignore[no-untyped-call]
            together.execute_command("TIME")  # type: ignore[no-untyped-call]
            asked_at = clock.monotonic()
            *replies, time = together.execute(raise_on_error=False)
            if isinstance(time, redis.RedisError):
                clock.refused()
            else:
                seconds, microseconds = time
                clock.answered(seconds * 1000 + microseconds / 1000, asked_at)
            for index, reply in enumerate(replies):
                if isinstance(reply, redis.ResponseError) and tolerates and tolerates(reply):
                    replies[index] = None
                elif isinstance(reply, redis.RedisError):
                    raise reply
        return replies

    def run(self, script: str, keys: Sequence[str | bytes], arguments: Sequence[Argument]) -> list[Any]:
        """Run one of `scripts` and return its word with what it adds; raise `LeaseLostError` where that is the word."""
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        prepared = self._scripts[script]
        asked_at = self.clock.monotonic()
        with as_cache_unavailable():
            word, seconds, microseconds, *values = prepared(keys=keys, args=arguments)
        if seconds is None:
            self.clock.refused()
        else:
            self.clock.answered(int(seconds) * 1000 + int(microseconds) / 1000, asked_at)
        if word == scripts.LEASE_LOST:
            raise LeaseLostError("the lease belongs to another fetcher, or to none")
        return [word, *values]

    def keys_that_begin_with(self, prefix: str) -> Iterator[Sequence[bytes]]:
        """Yield all such keys, some hundred at a time, once all are known."""
        with as_cache_unavailable():
            keys = list(self._client.scan_iter(match=f"{prefix}*", count=1000))
        for start in range(0, len(keys), _KEYS_PER_PAGE):
            yield keys[start : start + _KEYS_PER_PAGE]
