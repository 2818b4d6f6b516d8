"""Sends a cycle's requests, a few at once for each exchange, and hands over what came of them as it arrives."""

import queue
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator

from market_data.aggregator.venue import Venue
from market_data.exchanges.errors import ExchangeError, ExchangeTimeoutError, OutOfTimeError
from market_data.exchanges.gateway import Received
from market_data.exchanges.http import FAIR_TIMEOUT_SECONDS
from market_data.exchanges.protocol import Request, TickerAnswer

_NAP_SECONDS = 0.05
_GRACE_SECONDS = 0.02
"""A request that its deadline cuts off still tells what it was."""

Outcome = Received[TickerAnswer] | ExchangeError
Start = Callable[[Callable[[], None]], object]


def on_a_thread(job: Callable[[], None]) -> object:
    """Start the job beside the caller. A name look-up that hangs must not keep the process from ending."""
    thread = threading.Thread(target=job, name="exchange-request", daemon=True)
    thread.start()
    return thread


class Arrivals:
    """Iterate to get `(venue, request, outcome)` until all is answered, the deadline has come or `should_stop` says so.

    `deadline` is an instant of the monotonic clock: what is not answered by then is a timeout. More requests may be
    added at any time.
    """

    def __init__(
        self, *, deadline: float, monotonic: Callable[[], float], should_stop: Callable[[], bool], start: Start
    ) -> None:
        self._deadline = deadline
        self._monotonic = monotonic
        self._should_stop = should_stop
        self._start = start
        self._waiting: dict[str, deque[tuple[Venue, Request]]] = {}
        self._under_way: defaultdict[str, dict[Request, tuple[Venue, float]]] = defaultdict(dict)
        self._quickest: dict[str, float] = {}
        self.has_sent = False
        self._arrived: queue.SimpleQueue[tuple[Venue, Request, Outcome | BaseException, float]] = queue.SimpleQueue()

    def add(self, venue: Venue, requests: Iterable[Request]) -> None:
        self._waiting.setdefault(venue.name, deque()).extend((venue, request) for request in requests)

    def __iter__(self) -> Iterator[tuple[Venue, Request, Outcome]]:
        while True:
            self._send_what_may_be_sent()
            if not any(self._under_way.values()):
                return
            arrival = self._next()
            if arrival is None:
                if not self._should_stop():
                    yield from self._unanswered()
                return
            venue, request, outcome, seconds = arrival
            del self._under_way[venue.name][request]
            if isinstance(outcome, BaseException) and not isinstance(outcome, ExchangeError):
                raise outcome
            if not isinstance(outcome, ExchangeError):
                self._quickest[venue.name] = min(seconds, self._quickest.get(venue.name, seconds))
            yield venue, request, outcome

    def _send_what_may_be_sent(self) -> None:
        for name, waiting in self._waiting.items():
            under_way = self._under_way[name]
            while waiting and len(under_way) < waiting[0][0].gateway.max_concurrent and self._has_time(name):
                venue, request = waiting.popleft()
                under_way[request] = venue, self._monotonic()
                self.has_sent = True
                self._start(lambda venue=venue, request=request: self._ask(venue, request))  # type: ignore[misc]

    def _unanswered(self) -> Iterator[tuple[Venue, Request, Outcome]]:
        """Yield what the deadline found under way: it is cut off by now, or hangs where nothing ends it."""
        for under_way in self._under_way.values():
            for request, (venue, sent_at) in under_way.items():
                is_fair = self._deadline - sent_at >= FAIR_TIMEOUT_SECONDS
                kind = ExchangeTimeoutError if is_fair else OutOfTimeError
                yield venue, request, kind(f"{venue.gateway.host} did not answer in time")

    def _has_time(self, name: str) -> bool:
        """Tell whether an answer may still come: one that the deadline cuts off only costs the exchange."""
        remaining = self._deadline - self._monotonic()
        return remaining > self._quickest.get(name, 0.0) and not self._should_stop()

    def _ask(self, venue: Venue, request: Request) -> None:
        asked_at = self._monotonic()
        outcome: Outcome | BaseException
        try:
            outcome = venue.gateway.tickers(request, self._deadline)
        except BaseException as error:  # noqa: BLE001 - raised where the arrivals are looked at
            outcome = error
        self._arrived.put((venue, request, outcome, self._monotonic() - asked_at))

    def _next(self) -> tuple[Venue, Request, Outcome | BaseException, float] | None:
        while not self._should_stop():
            remaining = self._deadline + _GRACE_SECONDS - self._monotonic()
            try:
                return self._arrived.get(timeout=max(0.0, min(_NAP_SECONDS, remaining)))
            except queue.Empty:
                if remaining <= 0:
                    return None
        return None
