"""One HTTP request to the exchange with its timeouts, no policy: the only importer of requests.

A timeout of `requests` starts anew with every byte that arrives. So a watch beside it ends each request at its
deadline by shutting down its socket, and all of them when the process stops.
"""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import DecodeError, HTTPError, NameResolutionError, NewConnectionError

from market_data.aggregator.answers import ExchangeAnswer, host_of
from market_data.aggregator.errors import (
    ExchangeTimeoutError,
    ExchangeUnavailableError,
    MalformedAnswerError,
    OutOfTimeError,
)

CONNECT_TIMEOUT_SECONDS = 1.0
FAIR_TIMEOUT_SECONDS = 1.5
"""A request that was given less than this and did not make it says nothing about the exchange."""
_CHUNK_BYTES = 64 * 1024
_USER_AGENT = "nexusmeme-market-data"


class RequestInFlight:
    """One request under way, with its hold on the socket that serves it."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.is_cancelled = False
        self.is_unwanted = False
        self._socket: socket.socket | None = None

    def uses(self, sock: socket.socket) -> None:
        """Take hold of a socket, by a descriptor of its own: urllib3 wraps or closes its own while bytes still come."""
        self.release()
        self._socket = socket.socket(fileno=os.dup(sock.fileno()))
        if self.is_cancelled:
            self.cancel()

    def cancel(self) -> None:
        """End the request: whoever waits for bytes of its socket wakes up."""
        self.is_cancelled = True
        sock = self._socket
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Let go of the socket, which stays open for the next request."""
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()


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


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Know no redirects: requests would read the body of one whole, and stumble over an odd `Location`."""
        return None


class BinanceClient:
    """Sends GET requests over one session with a pool of connections. Thread-safe."""

    def __init__(self, *, max_connections: int, monotonic: Callable[[], float], now_ms: Callable[[], int]) -> None:
        self._monotonic = monotonic
        self._now_ms = now_ms
        self._in_flight: set[RequestInFlight] = set()
        self._changed = threading.Condition()
        self._is_closed = False
        self._session = _Session()
        self._session.headers.update({"Accept-Encoding": "gzip", "User-Agent": _USER_AGENT})
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        adapter = _WatchedAdapter(pool_connections=4, pool_maxsize=max_connections)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        threading.Thread(target=self._watch, name="request-deadlines", daemon=True).start()

    def get(self, base_url: str, path_and_query: str, *, deadline: float, max_bytes: int) -> ExchangeAnswer:
        """Return the complete answer, whatever its status.

        `deadline` is an instant of the monotonic clock. Raises `ExchangeTimeoutError`, or `OutOfTimeError` where
        little time was given or the process stops, `ExchangeUnavailableError` where the connection fails,
        `MalformedAnswerError` where the body exceeds `max_bytes`.
        """
        host = host_of(base_url)
        with self._watched(deadline) as request:
            remaining = deadline - self._monotonic()
            if remaining <= 0 or self._is_closed:
                raise OutOfTimeError(f"no time was left to ask {host}")
            try:
                return self._send(base_url, path_and_query, remaining, max_bytes)
            except (requests.RequestException, HTTPError, OSError, AttributeError) as error:
                # urllib3 reads attributes of a socket that the watch may just have taken away.
                if isinstance(error, AttributeError) and not request.is_cancelled:
                    raise
                if request.is_cancelled or isinstance(error, requests.Timeout | TimeoutError):
                    is_fair = remaining >= FAIR_TIMEOUT_SECONDS and not request.is_unwanted
                    kind = ExchangeTimeoutError if is_fair else OutOfTimeError
                    raise kind(f"{host} did not answer in time") from error
                raise ExchangeUnavailableError(f"{host}: {_words(error)}") from error

    def cancel_all(self) -> None:
        """End every request under way; each raises `OutOfTimeError`."""
        with self._changed:
            for request in self._in_flight:
                request.is_unwanted = True
                request.cancel()

    def close(self) -> None:
        """End every request and send no further one."""
        self._is_closed = True
        self.cancel_all()
        with self._changed:
            self._changed.notify()
        self._session.close()

    def _send(self, base_url: str, path_and_query: str, timeout_seconds: float, max_bytes: int) -> ExchangeAnswer:
        timeouts = (min(CONNECT_TIMEOUT_SECONDS, timeout_seconds), timeout_seconds)
        with self._session.get(
            base_url + path_and_query, timeout=timeouts, stream=True, allow_redirects=False
        ) as reply:
            body = bytearray()
            for chunk in reply.raw.stream(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > max_bytes:
                    raise MalformedAnswerError(f"{host_of(base_url)} sent more than {max_bytes} bytes")
            headers = {name.lower(): value for name, value in reply.headers.items()}
            return ExchangeAnswer(base_url, reply.status_code, headers, bytes(body), self._now_ms())

    @contextmanager
    def _watched(self, deadline: float) -> Iterator[RequestInFlight]:
        request = _current.request = RequestInFlight(deadline)
        with self._changed:
            self._in_flight.add(request)
            self._changed.notify()
        try:
            yield request
        finally:
            with self._changed:
                self._in_flight.discard(request)
            request.release()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_closed:
                now = self._monotonic()
                waits = [request.deadline - now for request in self._in_flight if not request.is_cancelled]
                for request in self._in_flight:
                    if request.deadline <= now:
                        request.cancel()
                self._changed.wait(max(0.001, min(waits)) if waits else None)


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
