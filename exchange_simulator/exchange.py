"""A simulated exchange without its wire: one request in, one answer out. Each format fills in what is its own."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from typing import Any, ClassVar

from exchange_simulator.answers import Answer, RequestRefusedError, html_answer
from exchange_simulator.edge_cache import CachedPayload, EdgeCache
from exchange_simulator.fault_kinds import Fault
from exchange_simulator.faults import Faults, answer_under, world_under
from exchange_simulator.market import Market
from exchange_simulator.request_log import LoggedRequest, RequestLog
from exchange_simulator.view import MarketView
from exchange_simulator.world import World

LONGEST_QUERY_CHARACTERS = 16_000
SOURCE_HEADER, SOURCE = "X-Market-Data-Source", "simulator"


class SimulatedExchange(ABC):
    """`faults` and `requests` are what the control address switches and shows."""

    name: ClassVar[str]
    limit_name: ClassVar[str]
    """What the exchange counts against its limits, as the control address calls it."""

    def __init__(
        self, market: Market, faults: Faults, *, now_ms: Callable[[], int], cache_seconds: float, content_type: str
    ) -> None:
        self.market = market
        self.faults = faults
        self.requests = RequestLog(now_ms=now_ms)
        self._cache = EdgeCache(cache_seconds)
        self._now_ms = now_ms
        self._content_type = content_type
        self._lock = threading.Lock()

    def receive(
        self, path: str, query: str, *, method: str = "GET", user_agent: str = "", client: str = ""
    ) -> tuple[LoggedRequest, list[Fault]]:
        """Enter a request into the log; return it with the faults that strike it."""
        request = self.requests.start(
            path, query, symbols=self.asked_symbols(path, query), method=method, user_agent=user_agent, client=client
        )
        return request, self.faults.take(path, request.symbols)

    def answer(self, request: LoggedRequest, faults: Sequence[Fault]) -> Answer:
        """Return the answer as of now, with the headers that every answer of the exchange carries."""
        with self._lock:
            now_ms = self._now_ms()
            world = world_under(faults)
            view = self.view(now_ms, world, request.target)
            refusal, limit_headers = self.count(request, view)
            answer = answer_under(faults, refusal or self._honest_answer(request, view), view)
        date = formatdate(view.exchange_time_ms / 1000, usegmt=True)
        return answer.with_headers({"Date": date, SOURCE_HEADER: SOURCE, **limit_headers})

    def _honest_answer(self, request: LoggedRequest, view: MarketView) -> Answer:
        make = self.endpoint(request)
        if make is None:
            return html_answer(404, "404 Not Found")
        if request.method != "GET":
            return html_answer(405, "405 Not Allowed")
        if len(request.query) > LONGEST_QUERY_CHARACTERS:
            return html_answer(414, "414 Request-URI Too Large")
        try:
            if not self.is_cached(request.path):
                return Answer(200, make(view), content_type=self._content_type)
            return self._cached_answer(view, make)
        except RequestRefusedError as error:
            return error.answer

    def _cached_answer(self, view: MarketView, make: Callable[[MarketView], Any]) -> Answer:
        def make_in(world: World) -> Any:
            return make(self.view(view.now_ms, world, view.target))

        cached = self._cache.get(view.target, view.now_ms, view.world, make_in)
        stale = view.world.stale_cache
        if stale is not None and not stale.is_told:
            cached = self.as_if_fresh(cached, view)
        answer = Answer(200, cached.payload, content_type=self._content_type)
        return answer.with_headers(self.cache_headers(cached, view))

    def as_if_fresh(self, cached: CachedPayload, view: MarketView) -> CachedPayload:
        """Return an answer out of a stale cache as one that hides its age."""
        return CachedPayload(cached.payload, view.now_ms, view.now_ms, cached.world)

    def cache_headers(self, cached: CachedPayload, view: MarketView) -> Mapping[str, str]:
        """Return what an answer out of the cache says of its age: nothing in the second in which it was made."""
        age_seconds = max(0, view.now_ms - cached.made_at_ms) // 1000
        return {"Age": str(age_seconds)} if age_seconds else {}

    @abstractmethod
    def asked_symbols(self, path: str, query: str) -> tuple[str, ...] | None:
        """Return the symbols that a request names, however malformed; None where it asks for all."""

    @abstractmethod
    def view(self, now_ms: int, world: World, target: str) -> MarketView:
        """Return the market as one request sees it."""

    @abstractmethod
    def count(self, request: LoggedRequest, view: MarketView) -> tuple[Answer | None, Mapping[str, str]]:
        """Count a request against the limits; return the refusal, and headers for whatever answer is given."""

    @abstractmethod
    def reset_limits(self) -> None:
        """Forget what was counted, and any ban."""

    @abstractmethod
    def endpoint(self, request: LoggedRequest) -> Callable[[Any], Any] | None:
        """Return what makes the payload of an answer from a view; None where there is nothing at the path."""

    @abstractmethod
    def is_cached(self, path: str) -> bool:
        """Tell whether the edge cache keeps answers to a path."""
