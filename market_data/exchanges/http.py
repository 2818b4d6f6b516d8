"""One HTTP request with its timeouts and no policy: the only importer of requests."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from market_data.exchanges.deadlines import RequestDeadlines, RequestInFlight
from market_data.exchanges.errors import (
    ExchangeTimeoutError,
    ExchangeUnavailableError,
    MalformedAnswerError,
    OutOfTimeError,
)
from market_data.exchanges.response import HttpResponse, host_of

CONNECT_TIMEOUT_SECONDS = 1.0
FAIR_TIMEOUT_SECONDS = 1.5
"""A request that was given less than this and did not make it says nothing about the exchange."""
_CHUNK_BYTES = 64 * 1024
_MOST_HOSTS = 100
_USER_AGENT = "nexusmeme-market-data"


_current = threading.local()


class _WatchedHTTPConnection(HTTPConnection):
    """Tells the request under way its socket: before TLS is negotiated, or where a connection is used again."""

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        _current.request.uses(sock)
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            _current.request.uses(self.sock)
        super().request(*args, **kwargs)


class _WatchedHTTPSConnection(_WatchedHTTPConnection, HTTPSConnection):
    pass


class _WatchedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTPConnection


class _WatchedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPSConnection


_POOLS = {"http": _WatchedHTTPPool, "https": _WatchedHTTPSPool}


class _WatchedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


@dataclass(frozen=True, slots=True)
class _Way:
    """How a host is reached: its connections, the start of every request's target, the headers of every request."""

    pool: HTTPConnectionPool
    prefix: str
    headers: Mapping[str, str]


class HttpClient:
    """Sends GET requests over pools of connections, one for each host. Thread-safe.

    `requests` says once how a host is reached; from then on urllib3 sends alone, which costs far less CPU time.
    """

    def __init__(self, *, max_connections: int, monotonic: Callable[[], float], now_ms: Callable[[], int]) -> None:
        self._monotonic = monotonic
        self._now_ms = now_ms
        self._deadlines = RequestDeadlines(monotonic)
        self._ways: dict[str, _Way] = {}
        self._session = requests.Session()
        self._session.headers.update({"Accept-Encoding": "gzip", "User-Agent": _USER_AGENT})
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        adapter = _WatchedAdapter(pool_connections=_MOST_HOSTS, pool_maxsize=max_connections)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def get(self, base_url: str, path_and_query: str, *, deadline: float, max_bytes: int) -> HttpResponse:
        """Return the complete answer, whatever its status.

        `deadline` is an instant of the monotonic clock. Raises `ExchangeTimeoutError`, or `OutOfTimeError` where
        little time was given or the process stops, `ExchangeUnavailableError` where the connection fails,
        `MalformedAnswerError` where the body exceeds `max_bytes`.
        """
        host = host_of(base_url)
        request = _current.request = RequestInFlight(deadline)
        with self._deadlines.watched(request):
            remaining = deadline - self._monotonic()
            if remaining <= 0 or self._deadlines.is_closed:
                raise OutOfTimeError(f"no time was left to ask {host}")
            try:
                return self._send(base_url, path_and_query, remaining, max_bytes)
            except (requests.RequestException, HTTPError, OSError, AttributeError) as error:
                # urllib3 reads attributes of a socket that the watch may just have taken away.
                if isinstance(error, AttributeError) and not request.is_cancelled:
                    raise
                if request.is_cancelled or _is_timeout(error):
                    is_fair = remaining >= FAIR_TIMEOUT_SECONDS and not request.is_unwanted
                    kind = ExchangeTimeoutError if is_fair else OutOfTimeError
                    raise kind(f"{host} did not answer in time") from error
                raise ExchangeUnavailableError(f"{host}: {_words(error)}") from error

    def cancel_all(self) -> None:
        """End every request under way; each raises `OutOfTimeError`."""
        self._deadlines.cancel_all()

    def close(self) -> None:
        """End every request and send no further one."""
        self._deadlines.close()
        self._session.close()

    def _send(self, base_url: str, path_and_query: str, timeout_seconds: float, max_bytes: int) -> HttpResponse:
        way = self._way(base_url)
        reply = way.pool.urlopen(
            "GET",
            way.prefix + path_and_query,
            headers=way.headers,
            timeout=Timeout(connect=min(CONNECT_TIMEOUT_SECONDS, timeout_seconds), read=timeout_seconds),
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )
        try:
            body = bytearray()
            for chunk in reply.stream(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > max_bytes:
                    raise MalformedAnswerError(f"{host_of(base_url)} sent more than {max_bytes} bytes")
            headers = {name.lower(): value for name, value in reply.headers.items()}
            return HttpResponse(base_url, reply.status, headers, bytes(body), self._now_ms())
        finally:
            reply.close()
            reply.release_conn()

    def _way(self, base_url: str) -> _Way:
        """Return what `requests` makes of an address and the environment, proxies included; once, for it is costly."""
        way = self._ways.get(base_url)
        if way is None:
            prepared = self._session.prepare_request(requests.Request("GET", f"{base_url}/"))
            url = str(prepared.url)
            chosen = self._session.merge_environment_settings(url, {}, True, None, None)
            adapter: Any = self._session.get_adapter(url)
            pool = adapter.get_connection_with_tls_context(prepared, chosen["verify"], chosen["proxies"], None)
            adapter.cert_verify(pool, url, chosen["verify"], None)
            target = adapter.request_url(prepared, chosen["proxies"])
            way = self._ways[base_url] = _Way(pool, target.removesuffix("/"), dict(prepared.headers))
        return way


def _is_timeout(error: BaseException) -> bool:
    """Tell whether time ran out; urllib3 counts a connection that was refused among what took too long."""
    is_timeout = isinstance(error, ConnectTimeoutError | ReadTimeoutError | TimeoutError)
    return is_timeout and not isinstance(error, NewConnectionError)


_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (NameResolutionError, "its name cannot be resolved"),
    (socket.gaierror, "its name cannot be resolved"),
    (ConnectionRefusedError, "it refuses connections"),
    (ssl.SSLError, "no trusted TLS connection"),
    (NewConnectionError, "it cannot be reached"),
    (DecodeError, "its answer is not encoded as it says"),
    (ConnectionError, "the connection broke"),
)


def _words(error: BaseException) -> str:
    chain = list(_causes(error))
    for kind, words in _CAUSES:
        if any(isinstance(cause, kind) for cause in chain):
            return words
    return "the connection broke or the answer was cut short"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what lies behind it, as `requests` and urllib3 wrap it."""
    pending: list[Any] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            pending += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
