"""The connection to Redis behind an entry of Django's `CACHES`, and what is wrong with one that the app cannot use."""

import codecs
from typing import Any

import redis
from django.conf import settings as django_settings
from django.core.cache import InvalidCacheBackendError, caches
from django.core.exceptions import ImproperlyConfigured
from django_redis.client import DefaultClient, ShardClient
from redis.connection import parse_url

_CERTIFICATE_CHECKS = ("none", "optional", "required")
_LONGEST_TIMEOUT_SECONDS = 3600
_REFUSALS = (
    redis.RedisError,
    redis.exceptions.RedisClusterException,  # no kind of the former
    ImproperlyConfigured,
    ImportError,
    TypeError,
    ValueError,
)
_LOCALHOST = "127.0.0.1"


class UnusableConnectionError(ImproperlyConfigured):
    """The message says what an entry of `CACHES` has, and never repeats a password."""

    def __init__(self, alias: str, fault: str) -> None:
        super().__init__(f'CACHES["{alias}"] has {fault}')


class WrongClientError(UnusableConnectionError):
    """The entry has no client of django-redis for one server."""


def open_client(alias: str) -> redis.Redis:
    """Return the connection to the server behind an alias, or to the primary; it connects at its first use.

    Any backend will do whose client is django-redis' own, a subclass of its backend for one.
    """
    try:
        connection = _client(alias).get_client(write=True)
    except UnusableConnectionError:
        raise
    except _REFUSALS:
        raise UnusableConnectionError(alias, "a LOCATION or OPTIONS that django-redis cannot read") from None
    if not isinstance(connection, redis.Redis):
        raise WrongClientError(alias, f"the REDIS_CLIENT_CLASS {_path(connection)}")
    if fault := pool_fault(connection.connection_pool):
        raise UnusableConnectionError(alias, fault)
    return connection


def pool_fault(pool: redis.ConnectionPool) -> str | None:
    """Return which option of a pool's connections cannot work, without repeating a value."""
    options = pool.connection_kwargs
    if options.get("decode_responses"):
        return "decode_responses, which has to be off, for the app reads bytes"
    if not _is_utf_8(options.get("encoding", "utf-8")):
        return "an encoding other than utf-8"
    if isinstance(checks := options.get("ssl_cert_reqs"), str) and checks not in _CERTIFICATE_CHECKS:
        return f"an ssl_cert_reqs that is none of {', '.join(_CERTIFICATE_CHECKS)} (CERT_NONE is written none)"
    for name in ("socket_timeout", "socket_connect_timeout"):
        seconds = options.get(name, 1)
        is_number = isinstance(seconds, int | float)
        if seconds is not None and not (is_number and 0 < seconds <= _LONGEST_TIMEOUT_SECONDS):
            return f"a {name} that is not between 0 and {_LONGEST_TIMEOUT_SECONDS} seconds"
    try:
        pool.connection_class(**options)  # it connects at its first use
    except _REFUSALS:
        return "an option that redis-py does not know or cannot read"
    return None


def aliases_of_the_same_database(alias: str) -> list[str]:
    """Return the other entries of `CACHES` that `clear()` would empty this one with."""
    own = _databases(alias)
    return [other for other in django_settings.CACHES if other != alias and own & _databases(other)]


def _client(alias: str) -> DefaultClient:
    if alias not in django_settings.CACHES:
        raise WrongClientError(alias, "no such entry")
    try:
        backend = caches[alias]
    except (ImportError, InvalidCacheBackendError):
        raise WrongClientError(alias, "a BACKEND or CLIENT_CLASS that cannot be imported") from None
    client = getattr(backend, "client", None)
    if not isinstance(client, DefaultClient):
        raise WrongClientError(alias, f"the backend {_path(backend)}")
    if isinstance(client, ShardClient):
        raise WrongClientError(alias, f"the CLIENT_CLASS {_path(client)}")
    return client


def _databases(alias: str) -> set[tuple[Any, ...]]:
    """Return host, port and number of the databases that an entry names, whatever its backend; none for no Redis."""
    entry = django_settings.CACHES[alias]
    location, options = entry.get("LOCATION") or "", entry.get("OPTIONS") or {}
    found = set()
    # A file-based cache has a path, of whatever type.
    for url in location if isinstance(location, list | tuple) else str(location).split(","):
        try:
            given = options.get("CONNECTION_POOL_KWARGS") or {}
            named = {**options, **given, **parse_url(url)}  # type: ignore[no-untyped-call]
            place = named.get("path") or named.get("host", _LOCALHOST).replace("localhost", _LOCALHOST)
            found.add((place, int(named.get("port", 6379)), int(named.get("db", 0))))
        except ValueError:
            continue
    return found


def _is_utf_8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except LookupError:
        return False


def _path(instance: object) -> str:
    return f"{type(instance).__module__}.{type(instance).__qualname__}"
