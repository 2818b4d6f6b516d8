"""Kraken without its wire: one request a second by address, and an edge cache that tells its age."""

from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

from exchange_simulator.answers import Answer
from exchange_simulator.edge_cache import CachedPayload
from exchange_simulator.exchange import SimulatedExchange
from exchange_simulator.kraken.endpoints import UNCACHED, KrakenView, find_endpoint, read_parameters
from exchange_simulator.kraken.errors import JSON_TYPE, TOO_MANY_REQUESTS, error_answer
from exchange_simulator.kraken.faults import KrakenFaults
from exchange_simulator.kraken.markets import NAME
from exchange_simulator.kraken.names import aliases, names_of
from exchange_simulator.market import Market
from exchange_simulator.request_log import LoggedRequest
from exchange_simulator.request_rate import RequestRate
from exchange_simulator.view import MarketView
from exchange_simulator.world import World

CACHE_SECONDS = 2
REQUESTS_PER_SECOND, BURST = 1, 10


class KrakenExchange(SimulatedExchange):
    name = NAME
    limit_name = "rate"

    def __init__(self, market: Market, *, now_ms: Callable[[], int], cache_seconds: float = CACHE_SECONDS) -> None:
        super().__init__(market, KrakenFaults(), now_ms=now_ms, cache_seconds=cache_seconds, content_type=JSON_TYPE)
        self._rate = RequestRate(REQUESTS_PER_SECOND, BURST)
        self._symbols_by_name = aliases(map(names_of, market.symbols(World()))) | aliases(
            listing["names"] for listing in market.listings.values()
        )

    def asked_symbols(self, path: str, query: str) -> tuple[str, ...] | None:
        names = [name for name in read_parameters(query).get("pair", "").split(",") if name]
        return tuple(self._symbols_by_name.get(name, name) for name in names) or None

    def view(self, now_ms: int, world: World, target: str) -> KrakenView:
        return KrakenView(self.market, now_ms, world, target, self._symbols_by_name)

    def count(self, request: LoggedRequest, view: MarketView) -> tuple[Answer | None, Mapping[str, str]]:
        is_refused = self._rate.is_exceeded_by(request.client, view.now_ms)
        return error_answer(TOO_MANY_REQUESTS) if is_refused else None, {}

    def reset_limits(self) -> None:
        self._rate.reset()

    def endpoint(self, request: LoggedRequest) -> Callable[[Any], Any] | None:
        return find_endpoint(request.path)

    def is_cached(self, path: str) -> bool:
        return path not in UNCACHED

    def cache_headers(self, cached: CachedPayload, view: MarketView) -> Mapping[str, str]:
        made_at_seconds = (cached.made_at_ms + view.world.clock_offset_ms) // 1000
        return {
            **super().cache_headers(cached, view),
            "Last-Modified": formatdate(made_at_seconds, usegmt=True),
            "Cache-Control": f"max-age={self._cache.life_seconds:.0f}, public",
        }
