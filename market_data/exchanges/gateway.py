"""One request through every rule: waits, request weight, hosts, at most N at a time."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from market_data.exchanges.binance.failures import ExchangeAnswer, error_of, host_of
from market_data.exchanges.errors import (
    BannedError,
    BlockedError,
    ExchangeError,
    MalformedAnswerError,
    OutOfTimeError,
    RateLimitedError,
)
from market_data.exchanges.hosts import HostPreference
from market_data.exchanges.request_weight import RequestWeightBudget
from market_data.exchanges.retry_after import ExchangePause
from market_data.ticker.source import Source

Content = TypeVar("Content")


class ExchangeClient(Protocol):
    """What sends a request: `BinanceClient`, or a stand-in in tests."""

    def get(self, base_url: str, path_and_query: str, *, deadline: float, max_bytes: int) -> ExchangeAnswer: ...

    def cancel_all(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Received(Generic[Content]):
    """Decoded content with the answer that brought it."""

    content: Content
    answer: ExchangeAnswer


class ExchangeGateway:
    """The one way out to the exchange. Thread-safe."""

    def __init__(
        self,
        client: ExchangeClient,
        *,
        hosts: HostPreference,
        pause: ExchangePause,
        budget: RequestWeightBudget,
        max_concurrent: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._client = client
        self._hosts = hosts
        self.pause = pause
        self.budget = budget
        self._slots = threading.BoundedSemaphore(max_concurrent)
        self._monotonic = monotonic
        self.source = Source.BINANCE
        """Whose answers the exchange's hosts gave last."""

    @property
    def host(self) -> str:
        """The host that is asked first."""
        return host_of(self._hosts.best)

    @property
    def hosts(self) -> HostPreference:
        """The exchange's hosts and how they fare."""
        return self._hosts

    def request(
        self, path_and_query: str, decode: Callable[[bytes], Content], *, weight: int, deadline: float, max_bytes: int
    ) -> Received[Content]:
        """Return the decoded answer of the first host that gives one; raise an `ExchangeError`."""
        if not self._slots.acquire(timeout=max(0.0, deadline - self._monotonic())):
            raise OutOfTimeError("no connection became free in time")
        try:
            failure: ExchangeError | None = None
            for url in self._hosts.in_order():
                try:
                    answer = self._ask(url, path_and_query, weight, deadline, max_bytes)
                    content = _decoded(answer, decode)
                except ExchangeError as error:
                    if not error.is_host_fault:
                        raise
                    self._hosts.failed(url, str(error), is_block=isinstance(error, BlockedError))
                    failure = error
                    if deadline - self._monotonic() <= 0:
                        break
                else:
                    self._hosts.succeeded(url)
                    self.pause.answered()
                    return Received(content, answer)
            raise failure or self._blocked_everywhere()
        finally:
            self._slots.release()

    def _blocked_everywhere(self) -> BlockedError:
        seconds = self._hosts.seconds_until_request()
        return BlockedError(f"{self._hosts.faults()[self._hosts.best]} (asked again in {seconds:.0f} s)")

    def cancel_all(self) -> None:
        """End every request under way."""
        self._client.cancel_all()

    def _ask(self, url: str, path_and_query: str, weight: int, deadline: float, max_bytes: int) -> ExchangeAnswer:
        self.pause.check()
        self.budget.reserve(weight)
        answer: ExchangeAnswer | None = None
        try:
            answer = self._client.get(url, path_and_query, deadline=deadline, max_bytes=max_bytes)
        finally:
            self.budget.release(
                weight,
                answer.used_weight if answer else None,
                answer.seconds_to_next_window if answer else None,
            )
        self.source = answer.source
        error = error_of(answer)
        if isinstance(error, BannedError):
            error.retry_after_seconds = self.pause.banned(error.retry_after_seconds or None)
        elif isinstance(error, RateLimitedError):
            error.retry_after_seconds = self.pause.rate_limited(error.retry_after_seconds or None)
        if error is not None:
            raise error
        return answer


def _decoded(answer: ExchangeAnswer, decode: Callable[[bytes], Content]) -> Content:
    try:
        return decode(answer.body)
    except MalformedAnswerError as error:
        raise MalformedAnswerError(f"{answer.host}: {error}") from None
