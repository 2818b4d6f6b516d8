"""The one way out to an exchange: every request passes its waits, weight, hosts and circuit breaker."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from market_data.exchanges.circuit_breaker import CircuitBreaker, CircuitState
from market_data.exchanges.errors import BlockedError, ExchangeError, OutOfTimeError, RateLimitedError
from market_data.exchanges.hosts import HostPool
from market_data.exchanges.protocol import Candle, Exchange, Request, SymbolListing, TickerAnswer
from market_data.exchanges.request_weight import RequestWeightBudget
from market_data.exchanges.response import HttpResponse, host_of
from market_data.exchanges.waits import Waits
from market_data.ticker.source import Source

Content = TypeVar("Content")
_SIMULATOR_HEADER = "x-market-data-source"


class HttpGet(Protocol):
    """What sends a request: `HttpClient`, or a stand-in in tests."""

    def get(self, base_url: str, path_and_query: str, *, deadline: float, max_bytes: int) -> HttpResponse: ...

    def cancel_all(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Received(Generic[Content]):
    """What was read from a response."""

    content: Content
    response: HttpResponse
    source: Source


class ExchangeGateway:
    """Thread-safe. `exchange` says what requests and responses mean; no fact of an exchange is known here."""

    def __init__(
        self,
        exchange: Exchange,
        http: HttpGet,
        *,
        hosts: HostPool,
        waits: Waits,
        budget: RequestWeightBudget,
        breaker: CircuitBreaker,
        max_concurrent: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._exchange = exchange
        self._http = http
        self.hosts = hosts
        self.waits = waits
        self.budget = budget
        self.breaker = breaker
        self.max_concurrent = max_concurrent
        self._slots = threading.BoundedSemaphore(max_concurrent)
        self._monotonic = monotonic
        self.source = Source.LIVE
        """Whose the last answer was."""

    @property
    def host(self) -> str:
        """The host that is asked first."""
        return host_of(self.hosts.best)

    @property
    def needs_probe(self) -> bool:
        """Whether one request should go ahead and find out for the others if the exchange answers at all."""
        return self.breaker.snapshot().state is not CircuitState.CLOSED or self.hosts.needs_probe

    def seconds_until_request(self) -> float:
        """Return for how long no request is let through."""
        waits = self.waits.snapshot()
        return max(
            waits.ban_seconds,
            waits.rate_limit_seconds,
            self.hosts.seconds_until_request(),
            self.budget.snapshot().retry_after_seconds,
            self.breaker.snapshot().retry_after_seconds,
        )

    def tickers(self, request: Request, deadline: float) -> Received[TickerAnswer]:
        """Return what an answer says of these tickers; raise an `ExchangeError`. Only this moves the circuit."""
        ticket = self.breaker.before_request()
        record = self.breaker.record_undecided
        try:
            received = self._request(request, partial(self._exchange.read_tickers, request), deadline)
            if isinstance(received.content.error, RateLimitedError):
                self.waits.obey(received.content.error)
            record = self.breaker.record_success
        except ExchangeError as error:
            if error.is_outage:
                record = self.breaker.record_failure
            raise
        finally:
            record(ticket)
        return received

    def symbol_listing(self, requests: Sequence[Request], deadline: float) -> Received[SymbolListing]:
        """Return the listing that the first of these requests brings which the exchange does not refuse."""
        for request in requests[:-1]:
            try:
                return self._request(request, self._exchange.read_list, deadline)
            except ExchangeError as error:
                if not error.is_refusal:
                    raise
        return self._request(requests[-1], self._exchange.read_list, deadline)

    def candles(self, request: Request, deadline: float) -> Received[Sequence[Candle]]:
        """Return closed candles, oldest first; raise an `ExchangeError`."""
        return self._request(request, self._exchange.read_candles, deadline)

    def cancel_all(self) -> None:
        """End every request under way."""
        self._http.cancel_all()

    def _request(self, request: Request, read: Callable[[HttpResponse], Content], deadline: float) -> Received[Content]:
        """Return what the first host that gives a usable answer says."""
        if not self._slots.acquire(timeout=max(0.0, deadline - self._monotonic())):
            raise OutOfTimeError("no connection became free in time")
        try:
            failure: ExchangeError | None = None
            for url in self.hosts.in_order():
                try:
                    response = self._ask(url, request, deadline)
                    content = read(response)
                except ExchangeError as error:
                    if not error.is_host_fault:
                        raise
                    self.hosts.failed(url, str(error), is_block=isinstance(error, BlockedError))
                    failure = error
                    if deadline - self._monotonic() <= 0:
                        break
                else:
                    self.hosts.succeeded(url)
                    self.waits.answered()
                    self.source = source = self._source_of(response)
                    return Received(content, response, source)
            raise failure or self._blocked_everywhere()
        finally:
            self._slots.release()

    def _ask(self, url: str, request: Request, deadline: float) -> HttpResponse:
        self.waits.check()
        self.budget.reserve(request.weight)
        response: HttpResponse | None = None
        try:
            response = self._http.get(url, request.path_and_query, deadline=deadline, max_bytes=request.max_bytes)
        finally:
            used = self._exchange.used_weight(response) if response else None
            self.budget.release(request.weight, used, response)
        error = self._exchange.error_of(response)
        if isinstance(error, RateLimitedError):
            raise self.waits.obey(error)
        if error is not None:
            raise error
        return response

    def _source_of(self, response: HttpResponse) -> Source:
        """Return whose answer it is; an error page says nothing of that, so only what could be read is asked."""
        is_simulated = response.headers.get(_SIMULATOR_HEADER) == Source.SIMULATOR.value
        return Source.SIMULATOR if is_simulated else Source.LIVE

    def _blocked_everywhere(self) -> BlockedError:
        seconds = self.hosts.seconds_until_request()
        return BlockedError(f"{self.hosts.faults()[self.hosts.best]} (asked again in {seconds:.0f} s)")
