"""From `REDIS_URL` to the entry of Django's `CACHES`: one server, or the primary that sentinels name."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from redis.backoff import NoBackoff
from redis.retry import Retry

SENTINEL_SCHEME = "redis+sentinel://"
SENTINEL_EXAMPLE = f"{SENTINEL_SCHEME}:password@sentinel1:26379,sentinel2:26379,sentinel3:26379/mymaster/0"
DEFAULT_SENTINEL_PORT = 26379
# A reader waits for half a second at most; the address may ask for another time-out.
_BOUNDS: dict[str, Any] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5, "retry": Retry(NoBackoff(), 0)}
_SENTINEL_URL = re.compile(
    re.escape(SENTINEL_SCHEME)
    + r"(?P<credentials>(?:[^@/?#]*@)?)(?P<sentinels>[^@/?#]+)/(?P<service>[^/?#]+)"
    + r"(?:/(?P<database>[0-9]*))?(?:\?(?P<options>[^#]*))?"
)
_SENTINEL = re.compile(r"\[?(?P<host>(?<=\[)[0-9a-fA-F:.]+(?=\])|[^:\[\]]+)\]?(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """The sentinels' hosts and ports, the service that they watch, and where its primary has the data.

    `primary_url` is an address in redis-py's form that has the service in the place of the host. `credentials` are
    those of the sentinels themselves.
    """

    sentinels: tuple[tuple[str, int], ...]
    service: str
    primary_url: str
    credentials: dict[str, str]

    @classmethod
    def parse(cls, url: str) -> "SentinelAddress":
        """Return the parts of `redis+sentinel://credentials@host:port,host:port/service/database?options`.

        The options `sentinel_username` and `sentinel_password` are for the sentinels, all others for the primary.
        Raise `ValueError` where the address has another form.
        """
        whole = _SENTINEL_URL.fullmatch(url)
        sentinels = [_SENTINEL.fullmatch(sentinel) for sentinel in whole["sentinels"].split(",")] if whole else []
        if whole is None or None in sentinels:
            raise ValueError(f"an address of sentinels has the form {SENTINEL_EXAMPLE}")
        options = dict(parse_qsl(whole["options"] or ""))
        own = {name: options.pop(f"sentinel_{name}", "") for name in ("username", "password")}
        database, query = whole["database"] or 0, f"?{urlencode(options)}" if options else ""
        return cls(
            sentinels=tuple(
                (found["host"], int(found["port"] or DEFAULT_SENTINEL_PORT)) for found in sentinels if found
            ),
            service=unquote(whole["service"]),
            primary_url=f"redis://{whole['credentials']}{whole['service']}/{database}{query}",
            credentials={name: value for name, value in own.items() if value},
        )


def redis_cache(url: str) -> dict[str, Any]:
    """Return the entry of `CACHES` for a valid `REDIS_URL`."""
    pool: dict[str, Any] = {**_BOUNDS, "protocol": 2}
    options: dict[str, Any] = {"CONNECTION_POOL_KWARGS": pool}
    if url.startswith(SENTINEL_SCHEME):
        address = SentinelAddress.parse(url)
        url = address.primary_url
        pool["service_name"] = address.service
        options |= {
            "CLIENT_CLASS": "django_redis.client.SentinelClient",
            "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
            "SENTINELS": list(address.sentinels),
            "SENTINEL_KWARGS": {**_BOUNDS, **address.credentials},
        }
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url, "OPTIONS": options}
